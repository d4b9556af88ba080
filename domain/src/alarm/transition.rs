use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{AlarmKey, Priority, State};
use crate::units::UnixMillis;

/// What happened to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Event {
    /// The condition came to be.
    Raised,
    /// The condition is over.
    Cleared,
    /// Somebody acknowledged it.
    Acknowledged,
    /// Somebody reset what was latched.
    Reset,
    /// Somebody put it aside.
    Shelved,
    /// Somebody took it back, or the time was over.
    Unshelved,
    /// Another alarm began to speak for it.
    Suppressed,
    /// No other alarm speaks for it any more.
    Unsuppressed,
    /// Somebody took it out of service.
    TakenOut,
    /// Somebody put it back into service.
    PutBack,
    /// Readings that came late show that the condition was there; nobody was told then.
    FoundInBacklog,
}

/// A text names no event of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no event of an alarm; known are {}", Event::ALL.map(Event::name).join(", "))]
pub struct UnknownEvent {
    text: String,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Raised,
        Self::Cleared,
        Self::Acknowledged,
        Self::Reset,
        Self::Shelved,
        Self::Unshelved,
        Self::Suppressed,
        Self::Unsuppressed,
        Self::TakenOut,
        Self::PutBack,
        Self::FoundInBacklog,
    ];

    /// Gives its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Cleared => "cleared",
            Self::Acknowledged => "acknowledged",
            Self::Reset => "reset",
            Self::Shelved => "shelved",
            Self::Unshelved => "unshelved",
            Self::Suppressed => "suppressed",
            Self::Unsuppressed => "unsuppressed",
            Self::TakenOut => "taken-out",
            Self::PutBack => "put-back",
            Self::FoundInBacklog => "found-in-backlog",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Event {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| UnknownEvent { text: text.to_owned() })
    }
}

impl TryFrom<String> for Event {
    type Error = UnknownEvent;

    fn try_from(text: String) -> Result<Self, UnknownEvent> {
        text.parse()
    }
}

impl From<Event> for String {
    fn from(one: Event) -> Self {
        one.name().to_owned()
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
