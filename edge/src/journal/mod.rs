//! The journal: every reading on disk until the centre has committed it.

mod error;
mod log;
mod scan;
mod segment;
pub mod writer;

pub use error::JournalError;
pub use log::{Entry, Journal, JournalConfig, Opened};
