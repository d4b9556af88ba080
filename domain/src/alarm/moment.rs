use std::time::{Duration, Instant};

use crate::units::UnixMillis;

/// A moment by both clocks: delays count by the monotonic one, the other is for stamps alone.
///
/// So a step of the time of day neither raises nor clears anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// By the clock that never steps.
    pub monotonic: Instant,
    /// By the time of day.
    pub unix: UnixMillis,
}

impl Moment {
    /// Gives the moment so much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self { monotonic: later(self.monotonic, time), unix: stamped_after(self.unix, time) }
    }
}

/// Gives the monotonic time so much later; the same where it cannot be told.
pub(super) fn later(from: Instant, time: Duration) -> Instant {
    from.checked_add(time).unwrap_or(from)
}

/// Gives the time of day so much later.
pub(super) fn stamped_after(from: UnixMillis, time: Duration) -> UnixMillis {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    UnixMillis::new(from.get().saturating_add(millis))
}

/// Gives the time from one stamp to another; none when they are the wrong way round.
pub(super) fn time_between(from: UnixMillis, to: UnixMillis) -> Duration {
    Duration::from_millis(u64::try_from(to.millis_since(from)).unwrap_or_default())
}
