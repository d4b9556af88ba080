//! Scenarios as their users play them: the program, its processes, its exit code, what it says.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

mod alarms_are_heard;
mod disturbances_lose_nothing;
mod edges_of_others_are_tested;
mod nothing_is_left_behind;
mod same_seed_same_story;
mod what_is_expected_is_seen_or_not;
