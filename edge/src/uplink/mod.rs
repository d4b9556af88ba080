//! The way from the journal to the centre.

mod core;
mod flight;
#[cfg(test)]
mod link_tests;
#[cfg(test)]
mod network_tests;
mod pace;
mod shell;
mod stream;

pub use core::{Output, Uplink, UplinkConfig};
pub use shell::{Channels, Station, run};
