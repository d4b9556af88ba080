//! `tankline-hil demo`: the whole system in one process, from the gauges on their lines to the database.

mod arguments;
mod builtin;
mod closing;
mod feed;
mod folder;
mod rate;
mod reckoning;
mod run;
mod screen;
mod snapshot;
mod station;
mod stored;
mod summary;
mod table;
mod watch;

pub use arguments::{DemoArgs, InfluxdbArgs};
pub(crate) use arguments::{parse_broker, parse_time};
pub(crate) use builtin::demo_site;
pub use run::run;
pub(crate) use station::free_port;
pub(crate) use summary::write_json;
