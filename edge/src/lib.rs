//! The edge agent: polls the gauges of RS-485 lines, judges and journals what they say, publishes it over MQTT until the
//! centre has it.

pub mod line;
