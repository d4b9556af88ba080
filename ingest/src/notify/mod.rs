//! What follows a transition of an alarm: those outside are told, by webhook or by e-mail.
//!
//! Whatever is to be told is put into `ops.db` in the transaction of the transition itself. So nothing is forgotten when
//! the process is killed; some of it may be told twice then, under the same id.

mod email;
#[cfg(test)]
pub(crate) mod fixtures;
mod letter;
mod message;
mod notifier;
mod outbox;
mod pace;
pub mod queue;
mod selection;
mod settings;
mod target;
pub mod webhook;

pub use message::{Message, Words};
pub use notifier::Notifier;
pub use outbox::{Failure, Outbox, Tally, give_up_orphans};
pub use queue::{Addressee, enqueue};
pub use selection::{Occasion, Selection};
pub use settings::targets;
pub use target::{EmailConfig, Keep, Security, Target, Way, WebhookConfig};
