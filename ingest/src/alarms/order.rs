//! What a person can have done with an alarm.

use std::fmt;
use std::str::FromStr;

use tankline_domain::alarm::{Action, AlarmKey, Refusal};

use super::Standing;

/// An action by its name, as it stands in the path of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionName {
    /// See [`Action::Acknowledge`].
    Acknowledge,
    /// See [`Action::Reset`].
    Reset,
    /// See [`Action::Shelve`].
    Shelve,
    /// See [`Action::Unshelve`].
    Unshelve,
    /// See [`Action::TakeOut`].
    OutOfService,
    /// See [`Action::PutBack`].
    ReturnToService,
}

/// A text names no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is nothing that can be done with an alarm; known are {}", ActionName::ALL.map(ActionName::name).join(", "))]
pub struct UnknownAction {
    text: String,
}

/// An order of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The alarm.
    pub key: AlarmKey,
    /// What is to be done.
    pub action: Action,
    /// Who wants it.
    pub who: String,
    /// Why, or under which work order; empty where nothing was said.
    pub note: String,
}

/// What became of an order: how the alarm stands now; absent when it is normal.
pub type Ordered = Result<Option<Standing>, Refusal>;

impl ActionName {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Acknowledge, Self::Reset, Self::Shelve, Self::Unshelve, Self::OutOfService, Self::ReturnToService];

    /// Gives the name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Reset => "reset",
            Self::Shelve => "shelve",
            Self::Unshelve => "unshelve",
            Self::OutOfService => "out-of-service",
            Self::ReturnToService => "return-to-service",
        }
    }
}

impl fmt::Display for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ActionName {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        let found = Self::ALL.into_iter().find(|name| name.name() == text);
        found.ok_or_else(|| UnknownAction { text: text.to_owned() })
    }
}
