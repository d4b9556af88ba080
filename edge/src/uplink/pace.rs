//! How much may be under way, and how long an acknowledgement may take; both learned from the link.
//!
//! A link that crawls queues what it is given, and whoever sends then waits behind it. So the window follows the delay of
//! acknowledgements: it grows while they come about as fast as they ever did, and shrinks when they are later than that
//! by more than [`QUEUE`]. What waits in the link is then about that long, however slow the link is.
//!
//! Source: the control law is that of LEDBAT (RFC 6817) with the periodic slowdown of LEDBAT++; the time that an
//! acknowledgement may take is that of RFC 6298.

use std::time::{Duration, Instant};

use super::core::UplinkConfig;

/// How long readings may wait in the link behind others, as far as the window can help it.
pub(super) const QUEUE: Duration = Duration::from_millis(500);

/// The window that a connection begins with, in readings.
const FIRST_WINDOW: u64 = 64;

/// So many new readings are sent at least while nothing is known of the link.
const FIRST_NEW_WINDOW: u64 = 96;

/// The window never gets smaller, in readings.
const LEAST_WINDOW: u64 = 16;

/// For so long the shortest delay of an acknowledgement is remembered; then it is measured anew.
const SHORTEST_DELAY_LIFE: Duration = Duration::from_secs(60);

/// Part of the window that it grows by while a whole window is acknowledged, when nothing waits in the link.
const GAIN: f64 = 0.125;

/// So many times that part it shrinks by at most.
const STEEPEST: f64 = 4.0;

/// Doublings after which the time for an acknowledgement has long reached its bound.
const MOST_DOUBLINGS: u32 = 16;

/// What was learned about the link.
#[derive(Debug)]
pub(super) struct Pace {
    config: UplinkConfig,
    /// In readings; a fraction, because it grows by less than one.
    window: f64,
    /// Whether the window doubles with each acknowledged one, until something waits in the link.
    doubles: bool,
    shortest: Shortest,
    /// Until when the backlog keeps back, so that the link empties and its shortest delay shows.
    slow_until: Option<Instant>,
    /// Smoothed delay of acknowledgements, and its variation.
    usual: Option<(Duration, Duration)>,
    doublings: u32,
}

/// The shortest delay of this minute and of the one before.
#[derive(Debug, Default)]
struct Shortest {
    since: Option<Instant>,
    now: Option<Duration>,
    before: Option<Duration>,
}

impl Pace {
    pub(super) fn new(config: UplinkConfig) -> Self {
        let mut pace = Self {
            config,
            window: 0.0,
            doubles: true,
            shortest: Shortest::default(),
            slow_until: None,
            usual: None,
            doublings: 0,
        };
        pace.begin();
        pace
    }

    /// Begins with a link that nothing is known of, but for the delays that were usual.
    pub(super) fn begin(&mut self) {
        self.set_window(as_fraction(FIRST_WINDOW));
        self.doubles = true;
        self.shortest = Shortest::default();
        self.slow_until = None;
    }

    /// Takes that readings, none of them sent twice, were acknowledged this long after they were sent; `under_way` were
    /// before.
    pub(super) fn handle_acknowledged(&mut self, now: Instant, delay: Duration, readings: u64, under_way: u64) {
        self.doublings = 0;
        self.learn_usual(delay);
        let is_full = under_way.saturating_mul(2) >= self.window();
        if self.shortest.take(now, delay) && is_full {
            self.slow_until = Some(now + self.usual.map_or(delay, |(usual, _)| usual));
        }
        let waited = delay.saturating_sub(self.shortest.get().unwrap_or(delay));
        let readings = as_fraction(readings).min(self.window);
        if self.doubles && waited > QUEUE / 2 {
            self.doubles = false;
        }
        let grown = if self.doubles {
            readings
        } else {
            let room = 1.0 - waited.as_secs_f64() / QUEUE.as_secs_f64();
            readings * GAIN * room.max(-STEEPEST)
        };
        // A window that was not used says nothing about a larger one.
        if is_full || grown < 0.0 {
            self.set_window(self.window + grown);
        }
    }

    /// Takes that acknowledgements are late and nothing comes through.
    pub(super) fn handle_late(&mut self) {
        self.doublings = (self.doublings + 1).min(MOST_DOUBLINGS);
        self.set_window(0.0);
        self.doubles = true;
    }

    /// Forgets that acknowledgements were late.
    pub(super) const fn forget_lateness(&mut self) {
        self.doublings = 0;
    }

    /// Gives how many readings may be under way.
    pub(super) fn window(&self) -> u64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by the configuration")]
        let window = self.window as u64;
        window
    }

    /// Tells whether one more new reading may be under way.
    pub(super) fn takes_new(&self, new: u64, backlog: u64) -> bool {
        let window = self.window() - self.reserve();
        // Nothing is known of the link yet, and those that do not go now have to wait for the whole backlog.
        let window = if self.doubles { window.max(FIRST_NEW_WINDOW) } else { window };
        // The backlog makes room when it is asked for the next time.
        new < window && new + backlog < self.config.window
    }

    /// Gives how many readings of the backlog may be sent beside what is under way.
    pub(super) fn room_for_backlog(&self, now: Instant, new: u64, backlog: u64) -> u64 {
        let window = self.window();
        let is_slow = self.slow_until.is_some_and(|until| now < until);
        let room = window.saturating_sub(new + backlog).max(self.reserve().saturating_sub(backlog));
        let most = if is_slow { self.reserve() } else { window - self.reserve() };
        room.min(most.saturating_sub(backlog)).min(self.config.window.saturating_sub(new + backlog))
    }

    /// Gives the time that an acknowledgement may take.
    pub(super) fn ack_timeout(&self) -> Duration {
        let usual = self.usual.map_or(Duration::ZERO, |(usual, variation)| usual + 4 * variation);
        let longest = self.config.longest_ack_timeout.max(self.config.ack_timeout);
        usual.max(self.config.ack_timeout).saturating_mul(1 << self.doublings).min(longest)
    }

    /// The part of the window that is kept for new readings, and the part that is kept for the backlog.
    fn reserve(&self) -> u64 {
        (self.window() * self.config.reserve / self.config.window.max(1)).max(1)
    }

    fn set_window(&mut self, window: f64) {
        let most = self.config.window.max(1);
        self.window = window.clamp(as_fraction(LEAST_WINDOW.min(most)), as_fraction(most));
    }

    fn learn_usual(&mut self, delay: Duration) {
        self.usual = Some(match self.usual {
            None => (delay, delay / 2),
            Some((usual, variation)) => ((usual * 7 + delay) / 8, (variation * 3 + usual.abs_diff(delay)) / 4),
        });
    }
}

impl Shortest {
    /// Takes a delay; tells whether a new minute began with it.
    fn take(&mut self, now: Instant, delay: Duration) -> bool {
        let begins = self.since.is_some_and(|since| now.duration_since(since) >= SHORTEST_DELAY_LIFE);
        if begins {
            self.before = self.now.take();
        }
        if begins || self.since.is_none() {
            self.since = Some(now);
        }
        self.now = Some(self.now.map_or(delay, |shortest| shortest.min(delay)));
        begins
    }

    fn get(&self) -> Option<Duration> {
        self.now.into_iter().chain(self.before).min()
    }
}

#[expect(clippy::cast_precision_loss, reason = "windows are far below 2^52")]
const fn as_fraction(readings: u64) -> f64 {
    readings as f64
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "any moment serves as the origin of a virtual clock")]

    use super::*;

    fn pace(window: u64) -> Pace {
        Pace::new(UplinkConfig { window, reserve: window / 8, ..UplinkConfig::default() })
    }

    #[test]
    fn acknowledgements_may_take_longer_where_they_usually_do() {
        let (mut pace, now) = (pace(4000), Instant::now());
        assert_eq!(pace.ack_timeout(), Duration::from_secs(5));
        for _ in 0..50 {
            pace.handle_acknowledged(now, Duration::from_secs(8), 1, 1);
        }
        let patience = pace.ack_timeout();
        assert!(patience >= Duration::from_secs(8) && patience < Duration::from_secs(9), "{patience:?}");
        pace.handle_late();
        assert_eq!(pace.ack_timeout(), 2 * patience);
        pace.handle_late();
        pace.handle_late();
        assert_eq!(pace.ack_timeout(), Duration::from_secs(60));
    }

    #[test]
    fn each_connection_begins_with_a_small_window() {
        let (mut pace, now) = (pace(4000), Instant::now());
        let first = pace.window();
        for _ in 0..10 {
            pace.handle_acknowledged(now, Duration::from_millis(10), pace.window(), pace.window());
        }
        assert_eq!(pace.window(), 4000);
        pace.begin();
        assert_eq!(pace.window(), first);
    }

    #[test]
    fn many_new_readings_leave_the_backlog_a_share_and_the_backlog_leaves_them_theirs() {
        let (pace, now) = (pace(4000), Instant::now());
        assert!(pace.room_for_backlog(now, 90, 0) >= 8);
        assert!(pace.takes_new(90, 56) && !pace.takes_new(96, 0));
    }

    #[test]
    fn a_link_that_is_known_to_crawl_gets_no_more_new_readings_than_its_window() {
        let (mut pace, now) = (pace(4000), Instant::now());
        pace.handle_acknowledged(now, Duration::from_secs(1), 10, 64);
        pace.handle_acknowledged(now, Duration::from_secs(3), 10, 64);
        assert!(pace.window() < 100 && !pace.takes_new(90, 0));
    }

    #[test]
    fn the_smallest_window_is_kept() {
        let (pace, now) = (pace(100), Instant::now());
        assert!(pace.takes_new(63, 36) && !pace.takes_new(64, 36));
        assert_eq!(pace.room_for_backlog(now, 96, 0), 4);
    }
}
