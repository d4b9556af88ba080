//! What follows a transition of an alarm: those outside are told, by webhook or by e-mail.
//!
//! Whatever is to be told is put into `ops.db` in the transaction of the transition itself. So nothing is forgotten when
//! the process is killed; some of it may be told twice then, under the same id.

#[cfg(test)]
mod fixtures;
mod message;
mod notifier;
pub mod queue;
mod selection;

pub use message::{Message, Words};
pub use notifier::Notifier;
pub use queue::{Addressee, enqueue};
pub use selection::{Occasion, Selection};
