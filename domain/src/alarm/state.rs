use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// State of an alarm. Source: ISA-18.2-2016 and IEC 62682:2014, alarm state transition diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum State {
    /// Nothing is wrong, and nothing waits for anybody.
    Normal,
    /// It is wrong and nobody has acknowledged it.
    Unacknowledged,
    /// It is wrong and somebody has acknowledged it.
    Acknowledged,
    /// It was wrong, is no longer, and nobody has acknowledged it.
    ReturnedUnacknowledged,
    /// It was wrong, is no longer, nobody has acknowledged it, and it stays until it is reset.
    LatchedUnacknowledged,
    /// It was wrong, is no longer, was acknowledged, and stays until it is reset.
    LatchedAcknowledged,
    /// Somebody has put it aside for a time.
    Shelved,
    /// Another alarm speaks for it.
    SuppressedByDesign,
    /// It was taken out of service for work.
    OutOfService,
}

/// A text names no state of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no state of an alarm; known are {}", State::ALL.map(State::name).join(", "))]
pub struct UnknownState {
    text: String,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Normal,
        Self::Unacknowledged,
        Self::Acknowledged,
        Self::ReturnedUnacknowledged,
        Self::LatchedUnacknowledged,
        Self::LatchedAcknowledged,
        Self::Shelved,
        Self::SuppressedByDesign,
        Self::OutOfService,
    ];

    /// Gives its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Unacknowledged => "unacknowledged",
            Self::Acknowledged => "acknowledged",
            Self::ReturnedUnacknowledged => "returned-unacknowledged",
            Self::LatchedUnacknowledged => "latched-unacknowledged",
            Self::LatchedAcknowledged => "latched-acknowledged",
            Self::Shelved => "shelved",
            Self::SuppressedByDesign => "suppressed",
            Self::OutOfService => "out-of-service",
        }
    }

    /// Gives it as a number, for databases that know only numbers: its place in [`State::ALL`], 0 for normal.
    ///
    /// 0 normal, 1 unacknowledged, 2 acknowledged, 3 returned-unacknowledged, 4 latched-unacknowledged,
    /// 5 latched-acknowledged, 6 shelved, 7 suppressed, 8 out-of-service.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Normal => 0,
            Self::Unacknowledged => 1,
            Self::Acknowledged => 2,
            Self::ReturnedUnacknowledged => 3,
            Self::LatchedUnacknowledged => 4,
            Self::LatchedAcknowledged => 5,
            Self::Shelved => 6,
            Self::SuppressedByDesign => 7,
            Self::OutOfService => 8,
        }
    }

    /// Tells whether it calls for somebody: it is shown among the alarms that stand or wait.
    #[must_use]
    pub const fn is_annunciated(self) -> bool {
        matches!(
            self,
            Self::Unacknowledged
                | Self::Acknowledged
                | Self::ReturnedUnacknowledged
                | Self::LatchedUnacknowledged
                | Self::LatchedAcknowledged
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| UnknownState { text: text.to_owned() })
    }
}

impl TryFrom<String> for State {
    type Error = UnknownState;

    fn try_from(text: String) -> Result<Self, UnknownState> {
        text.parse()
    }
}

impl From<State> for String {
    fn from(one: State) -> Self {
        one.name().to_owned()
    }
}

/// How urgent an alarm is, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Priority {
    /// Act at once.
    Critical,
    /// Act promptly.
    High,
    /// Act when what is more urgent is done.
    Medium,
    /// To be known.
    Low,
}

/// A text names no priority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no priority; known are {}", Priority::ALL.map(Priority::name).join(", "))]
pub struct UnknownPriority {
    text: String,
}

impl Priority {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// Gives its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Priority {
    type Err = UnknownPriority;

    fn from_str(text: &str) -> Result<Self, UnknownPriority> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| UnknownPriority { text: text.to_owned() })
    }
}

impl TryFrom<String> for Priority {
    type Error = UnknownPriority;

    fn try_from(text: String) -> Result<Self, UnknownPriority> {
        text.parse()
    }
}

impl From<Priority> for String {
    fn from(one: Priority) -> Self {
        one.name().to_owned()
    }
}
