//! Alarms at the centre: the rules and states of the domain, fed with what comes, and how they stand for everybody else.
//!
//! One owner: the thread that writes the database evaluates what it is about to commit, so that a reading and what follows
//! from it are in one transaction. What is committed is on the [`Board`], and from there on MQTT and HTTP.

mod board;
mod engine;
mod log;
mod order;
mod standing;
mod watched;
mod watches;

pub use board::Board;
pub use engine::{Engine, Kept};
pub use log::log;
pub use order::{ActionName, Order, Ordered, UnknownAction};
pub use standing::Standing;
pub use watched::WatchedTank;
pub use watches::Watches;
