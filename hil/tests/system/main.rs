//! The whole system as its users run it: real processes, real ports, real frames, on loopback.
//!
//! The gauges answer in the test process, so that it knows what was given away and can compare that with the history.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

mod backlog_waits_and_live_readings_pass_it;
mod configuration_errors_say_what_to_do;
mod emulsion_is_divided_by_its_water_cut;
mod historian_gets_every_reading_once;
mod killed_processes_lose_nothing;
mod malformed_messages_change_nothing;
mod other_brokers_do_as_well;
mod other_gauges_are_read;
mod restored_database_gets_what_it_lacks;
mod rights_are_the_same_at_every_broker;
mod secrets_are_never_told;
mod service_manager_hears_how_they_stand;
mod stopped_processes_lose_nothing;
