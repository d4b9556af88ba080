//! The bench is broken on purpose: a story that should fail fails, and says why.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod alarms;
mod expectations_that_are_wrong_fail;
mod story;
mod systems_that_are_wrong_fail;
mod tampering;
