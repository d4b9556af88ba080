//! An MQTT 3.1.1 broker for the demo, for tests and for a single station: rumqttd, embedded, behind a gate.
//!
//! It keeps everything in memory: a restart forgets retained messages and sessions. Nothing in tankline relies on a
//! broker to remember; whoever publishes something that must not be lost sends it again until the far end has it.
//! A company with many stations names its own broker in the configuration of the other roles.

pub mod authority;
mod broker;
mod certificate;
pub mod config;
mod denied;
mod ends;
pub mod files;
mod gate;
mod health;
mod http;
mod inner;
mod lock;
mod looks;
mod metrics;
mod policy;
mod reload;
pub mod rights;
pub mod tls;
pub mod users;
mod warnings;

pub use broker::{Broker, BrokerError};
pub use config::BrokerConfig;
pub use reload::PolicyFiles;
pub use rights::{Foreign, Rights};
pub use users::Users;
