//! The MQTT session, against brokers that do all that brokers do.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod is_encrypted;
mod names_the_fault_once;
mod notices_silence;
mod serves_real_mosquitto;
mod settings_say_what_is_wrong;
mod support;
mod survives_its_broker;
