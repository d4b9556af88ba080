//! The edge agent: polls the gauges of RS-485 lines, judges and journals what they say, publishes it over MQTT until the
//! centre has it.

pub mod agent;
pub mod command;
pub mod config;
pub mod journal;
pub mod line;
mod named_files;
pub mod quality;
pub mod reload;
pub mod stamp;
pub mod status;
pub mod uplink;
