//! Ports that are lost, refuse, or take their time: every gauge goes on telling that its line is not there.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod drops;
mod gateway;
mod leaves;
mod log;
mod opens_slowly;
mod watched;
