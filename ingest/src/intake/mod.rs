//! From a message to readings that can be stored, and to dead letters for what cannot.

mod batch;
mod journals;
mod plausible;
mod take;

pub use batch::{Accepted, Batch, DeadLetter, MAX_KEPT_BYTES, Refused};
pub use take::{Intake, LIVE_MS, MAX_MESSAGE_BYTES, Read, SoundReadings, Taken, is_live};
