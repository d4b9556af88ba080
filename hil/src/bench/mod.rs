//! `tankline-hil bench`: how much the parts can take, on this machine, in this build.

mod arguments;
mod case;
mod feeder;
mod report;
mod run;

pub use arguments::{BenchArgs, BenchCommand, IngestArgs};
pub use run::run;
