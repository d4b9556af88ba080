//! The master of a line against what a wire can carry and what it cannot.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod another_master;
mod pace;
mod peer;
