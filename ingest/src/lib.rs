//! The ingest worker: takes readings from MQTT, derives volumes, stores them, acknowledges them, feeds the historian and
//! serves operators.

pub mod access;
pub mod alarms;
pub mod centre;
pub mod command;
pub mod config;
pub mod derive;
pub mod dips;
pub mod historian;
pub mod http;
pub mod intake;
pub mod kpi;
pub mod latency;
pub mod live;
pub mod local_time;
pub mod metrics;
pub mod notify;
pub mod report;
pub mod shared;
pub mod stages;
pub mod stations;
pub mod status;
pub mod store;
#[cfg(test)]
mod testing;
pub mod upkeep;
mod worker;

pub use config::Config;
pub use worker::{Ingest, Observer, StartError, status_of};
