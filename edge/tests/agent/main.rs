//! The agent as a process, between gauges over Modbus TCP and a centre that speaks MQTT.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod clock_was_not_set;
mod folder_comes_late;
mod killed_cut_corrupted;
mod name_is_unknown;
mod reloaded;
mod support;
