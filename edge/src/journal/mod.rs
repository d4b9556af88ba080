//! The journal: every reading on disk until the centre has committed it.

mod contents;
mod earlier;
mod entry;
mod error;
mod fetch;
mod front;
#[cfg(test)]
mod gate;
mod handover;
mod host;
mod keeper;
mod log;
mod mark;
mod memory;
mod opening;
mod outlet;
mod owner;
pub mod reader;
mod scan;
pub mod segment;
#[cfg(test)]
mod simulated;
pub mod storage;
mod store;
pub mod writer;

pub use contents::Contents;
pub use earlier::Earlier;
pub use entry::Entry;
pub use error::JournalError;
pub use host::{Boot, Host};
pub use log::JournalConfig;
pub use opening::Opened;
pub use outlet::Outlet;
pub use owner::Owner;
pub use store::{Journal, Recovery};
