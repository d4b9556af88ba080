//! Reports of scenarios: for build servers and for people.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod example;
mod junit_is_read_by_build_servers;
mod page_shows_what_was_found;
mod xml;
