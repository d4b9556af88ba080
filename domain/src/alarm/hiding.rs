//! What hides an alarm: a person's shelf or work order, or another alarm.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::units::UnixMillis;

/// Somebody put it aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelf {
    /// Who.
    pub who: String,
    /// Why.
    pub why: String,
    /// Since when.
    pub at: UnixMillis,
    /// Until when.
    pub until: UnixMillis,
    /// The end by the clock that never steps; taken anew from the stamps after a restart.
    #[serde(skip)]
    pub(super) ends: Option<Instant>,
}

/// Somebody took it out of service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// Who.
    pub who: String,
    /// Under which work order, or why.
    pub work_order: String,
    /// Since when.
    pub at: UnixMillis,
}

/// Another alarm speaks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Suppression {
    pub(super) by: String,
    /// It had been told of and nobody had acknowledged it: that outlives the suppression.
    pub(super) unacknowledged: bool,
    /// It was acknowledged and its condition has been there ever since: it need not be told of again.
    pub(super) acknowledged: bool,
}
