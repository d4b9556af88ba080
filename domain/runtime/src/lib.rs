//! The shell that every tankline process lives in: clock, configuration files, logging, supervision, MQTT session.
//!
//! The roles are cores that decide, and small shells that move bytes. What those shells have in common is here, once.

pub mod backoff;
pub mod clock;
pub mod cost;
pub mod document;
pub mod exit;
pub mod logging;
#[cfg(feature = "mqtt")]
pub mod mqtt;
pub mod pulses;
pub mod secret;
pub mod service;
pub mod signals;
pub mod site_file;
pub mod supervisor;
