//! How long a gauge takes to reply, learned from its own replies.

use std::collections::VecDeque;
use std::time::Duration;

/// Replies that are remembered.
const WINDOW: usize = 64;

/// Added to the slowest remembered reply: what the machine itself may be late by.
const MARGIN: Duration = Duration::from_millis(80);

/// The reply times of one gauge, from the last bit of a request to the last of its reply.
#[derive(Debug, Clone)]
pub struct ReplyTimes {
    window: VecDeque<Duration>,
    ceiling: Duration,
    silent_in_a_row: u32,
}

impl ReplyTimes {
    /// Begins without knowledge: until a reply has come, the ceiling is the time-out.
    #[must_use]
    pub const fn new(ceiling: Duration) -> Self {
        Self { window: VecDeque::new(), ceiling, silent_in_a_row: 0 }
    }

    /// Remembers the time of a reply.
    pub fn handle_reply(&mut self, took: Duration) {
        self.silent_in_a_row = 0;
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(took);
    }

    /// Remembers that no reply came; the time-out grows, in case the gauge became slower.
    pub fn handle_timeout(&mut self) {
        self.silent_in_a_row = self.silent_in_a_row.saturating_add(1);
    }

    /// Gives the time-out for the next request, counted from its last bit: one and a half times the slowest of the
    /// remembered replies and a margin, at least `floor` (the time of the reply on the wire) and the margin, at most
    /// the ceiling.
    #[must_use]
    pub fn timeout(&self, floor: Duration) -> Duration {
        let Some(slowest) = self.window.iter().max() else { return self.ceiling };
        let learned = (*slowest * 3 / 2).max(floor) + MARGIN;
        let doubled = learned.saturating_mul(1 << (self.silent_in_a_row.min(8) / 2));
        doubled.min(self.ceiling)
    }

    /// Gives the quantile (0 to 1) of the remembered replies.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let mut sorted: Vec<Duration> = self.window.iter().copied().collect();
        sorted.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 63")]
        let index = (quantile.clamp(0.0, 1.0) * sorted.len().saturating_sub(1) as f64).round() as usize;
        sorted.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn timeout_follows_the_gauge_between_floor_and_ceiling() {
        let mut times = ReplyTimes::new(MS(1000));
        assert_eq!(times.timeout(MS(20)), MS(1000), "nothing is known yet");
        times.handle_reply(MS(4));
        assert_eq!(times.timeout(MS(20)), MS(100), "never shorter than the reply on the wire");
        times.handle_reply(MS(60));
        assert_eq!(times.timeout(MS(20)), MS(170));
        for _ in 0..64 {
            times.handle_reply(MS(20));
        }
        assert_eq!(times.timeout(MS(20)), MS(110), "what was long ago is forgotten");
        for _ in 0..4 {
            times.handle_timeout();
        }
        assert_eq!(times.timeout(MS(20)), MS(440), "a gauge that became slower gets more time");
        for _ in 0..100 {
            times.handle_timeout();
        }
        assert_eq!(times.timeout(MS(20)), MS(1000));
        assert_eq!(times.quantile(0.5), Some(MS(20)));
        assert_eq!(ReplyTimes::new(MS(1)).quantile(0.5), None);
    }
}
