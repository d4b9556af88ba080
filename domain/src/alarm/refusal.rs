use super::{AlarmKey, State};
use crate::units::UnixMillis;

/// Why something cannot be done to an alarm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not in the state that it is in.
    #[error("cannot {action} {key}, which is {state}: {why}")]
    State {
        /// The alarm.
        key: AlarmKey,
        /// Its state.
        state: State,
        /// What was to be done.
        action: &'static str,
        /// What would be right.
        why: &'static str,
    },
    /// Nobody is named.
    #[error("nobody is named: say who does it")]
    Nobody,
    /// No reason is named.
    #[error("no reason is named: say why, or give a work order")]
    NoReason,
    /// A shelf cannot end then.
    #[error("a shelf cannot end at {until}: choose a moment after {now} and not after {most}")]
    ShelfEnd {
        /// The end that was asked for.
        until: UnixMillis,
        /// The present.
        now: UnixMillis,
        /// The latest end.
        most: UnixMillis,
    },
    /// There is no such alarm.
    #[error("{key} is no alarm here: no rule of this site makes one")]
    Unknown {
        /// The alarm.
        key: AlarmKey,
    },
}
