use serde::{Deserialize, Serialize};

use super::named::named;
use super::{AlarmKey, Priority, State};
use crate::units::UnixMillis;

named! {
    /// What happened to an alarm.
    Event, UnknownEvent = "event of an alarm" {
        /// The condition came to be.
        Raised = "raised",
        /// The condition is over.
        Cleared = "cleared",
        /// Somebody acknowledged it.
        Acknowledged = "acknowledged",
        /// Somebody reset what was latched.
        Reset = "reset",
        /// Somebody put it aside.
        Shelved = "shelved",
        /// Somebody took it back, or the time was over.
        Unshelved = "unshelved",
        /// Another alarm began to speak for it.
        Suppressed = "suppressed",
        /// No other alarm speaks for it any more.
        Unsuppressed = "unsuppressed",
        /// Somebody took it out of service.
        TakenOut = "taken-out",
        /// Somebody put it back into service.
        PutBack = "put-back",
        /// Readings that came late show that the condition was there; nobody was told then.
        FoundInBacklog = "found-in-backlog",
    }
}

/// What is recorded whenever something happens to an alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// The alarm.
    pub key: AlarmKey,
    /// When it happened: for what a reading brought about, the time of that reading.
    pub at: UnixMillis,
    /// What happened.
    pub event: Event,
    /// State before.
    pub from: State,
    /// State after; the same as before where only the condition behind a shelf or a suppression changed.
    pub to: State,
    /// How urgent the alarm is.
    pub priority: Priority,
    /// The value that brought it about, in `unit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The limit that it was held against, in `unit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// Unit of both, such as `mm`; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// Who did it; absent for what happened by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Why: a reason, a work order, the alarm that speaks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Transition {
    /// Tells whether somebody is to be told of it aloud: it newly calls for somebody.
    #[must_use]
    pub const fn annunciates(&self) -> bool {
        matches!(self.to, State::Unacknowledged) && !matches!(self.from, State::Unacknowledged)
    }
}
