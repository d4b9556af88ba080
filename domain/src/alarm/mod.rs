//! Alarms: what can be one, its states by ISA-18.2 and IEC 62682, and what is recorded of it.
//!
//! These are operator alarms. They are no independent overfill protection as GB 50074 and API 2350 demand it.

mod centre;
mod edge;
mod guard;
mod hiding;
mod key;
mod kind;
mod machine;
mod moment;
mod named;
mod rate;
mod refusal;
mod rule;
mod sample;
mod state;
mod station;
mod tank;
mod terms;
mod timer;
mod transition;
pub mod watch;

pub use centre::Reach;
pub use edge::ClockShown;
pub use hiding::{Outage, Shelf};
pub use key::AlarmKey;
pub use kind::{AlarmKind, Edition, Scope, UnknownAlarm};
pub use machine::{Alarm, LONGEST_SHELF};
pub use moment::Moment;
pub use refusal::Refusal;
pub use rule::{LEAST_STALE_S, Rule};
pub use sample::Sample;
pub use state::{Priority, State, UnknownPriority, UnknownState};
pub use station::{Action, Entry, RestoreError, SiteAlarms, TankPlace};
pub use terms::{By, Condition, Evidence, Latch, Terms};
pub use transition::{Event, Transition, UnknownEvent};
