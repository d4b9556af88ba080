//! `tankline-hil bench`: how much the parts can take, on this machine, in this build.

mod alarm;
mod arguments;
mod case;
mod feeder;
mod line;
mod outage;
mod report;
mod run;
mod stages;

pub use arguments::{AlarmArgs, BenchArgs, BenchCommand, IngestArgs, LineArgs, OutageArgs};
pub use run::run;
