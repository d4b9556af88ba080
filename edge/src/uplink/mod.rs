//! The way from the journal to the centre.

mod core;
mod shell;

pub use core::{Output, Uplink, UplinkConfig};
pub use shell::{Channels, Station, run};
