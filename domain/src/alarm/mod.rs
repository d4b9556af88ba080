//! Alarms: what can be one, its states by ISA-18.2 and IEC 62682, and what is recorded of it.
//!
//! These are operator alarms. They are no independent overfill protection as GB 50074 and API 2350 demand it.

mod key;
mod kind;
mod machine;
mod moment;
mod refusal;
mod state;
mod transition;
pub mod watch;

pub use key::AlarmKey;
pub use kind::{AlarmKind, UnknownAlarm};
pub use machine::{Alarm, By, Condition, LONGEST_SHELF, Latch, Outage, Shelf, Terms};
pub use moment::Moment;
pub use refusal::Refusal;
pub use state::{Priority, State, UnknownPriority, UnknownState};
pub use transition::{Event, Transition, UnknownEvent};
