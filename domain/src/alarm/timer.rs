use std::time::{Duration, Instant};

use super::moment::later;

/// Counts how long something has been so; waits while nothing is known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Timer {
    since: Option<Instant>,
    /// What had been counted before it last waited.
    held: Duration,
}

impl Timer {
    /// Counts on; gives whether it has been so for `delay`.
    pub(super) fn run(&mut self, now: Instant, delay: Duration) -> bool {
        let since = *self.since.get_or_insert(now);
        self.held + now.saturating_duration_since(since) >= delay
    }

    /// Waits: the time from now until it runs again does not count.
    pub(super) fn pause(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.held += now.saturating_duration_since(since);
        }
    }

    /// Begins anew.
    pub(super) const fn reset(&mut self) {
        (self.since, self.held) = (None, Duration::ZERO);
    }

    /// Gives when it will have been so for `delay`; nothing while it does not run.
    pub(super) fn due(&self, delay: Duration) -> Option<Instant> {
        self.since.map(|since| later(since, delay.saturating_sub(self.held)))
    }
}
