//! Alarms of a site on a virtual clock.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod any_order;
mod bench;
mod edges;
mod levels;
mod rules;
mod settings;
