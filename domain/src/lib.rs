//! The language that every part of tankline speaks: units, names, the site description, gauge registers, readings and
//! their quality, MQTT topics and messages, acknowledged ranges, tank geometry, volume correction, the quantity chain, flow, alarms.
//!
//! Nothing here does I/O, reads a clock or starts a task.

pub mod alarm;
pub mod flow;
pub mod geometry;
pub mod layer;
pub mod message;
pub mod names;
pub mod profile;
pub mod quantity;
pub mod ranges;
pub mod reading;
pub mod register;
pub mod settings;
pub mod site;
mod solve;
pub mod topic;
pub mod units;
pub mod vcf;
