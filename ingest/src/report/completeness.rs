//! How complete the readings of a day are.

use std::time::Duration;

use tankline_domain::units::UnixMillis;

/// A stretch of time without a good reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// From the last good reading before it.
    pub from: UnixMillis,
    /// To the first one after it.
    pub to: UnixMillis,
}

impl Gap {
    /// Gives how long it is, in milliseconds.
    #[must_use]
    pub const fn length_ms(&self) -> i64 {
        self.to.millis_since(self.from)
    }
}

/// How complete the readings of a tank are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Completeness {
    /// Readings that a day of this length has; absent for a gauge that reports by exception, and for a tank without one.
    pub expected: Option<u64>,
    /// Readings there are.
    pub received: u64,
    /// Good ones of them.
    pub good: u64,
    /// Uncertain ones.
    pub uncertain: u64,
    /// Bad ones: polls that failed.
    pub bad: u64,
    /// Share of the time in which the last good reading was no older than it may be, in per cent.
    pub covered_percent: f64,
    /// Number of stretches in which it was older.
    pub gaps: u32,
    /// The longest of them.
    pub longest_gap: Option<Gap>,
}

/// Counts readings in the order of their times.
#[derive(Debug)]
pub(super) struct Counter {
    found: Completeness,
    may_be_silent: Duration,
    from: UnixMillis,
    last_good: UnixMillis,
    missing_ms: i64,
}

impl Counter {
    /// Begins with a day of which nothing is known. `may_be_silent` is the age up to which a reading holds.
    pub(super) fn new(from: UnixMillis, expected: Option<u64>, may_be_silent: Duration) -> Self {
        let found = Completeness {
            expected,
            received: 0,
            good: 0,
            uncertain: 0,
            bad: 0,
            covered_percent: 0.0,
            gaps: 0,
            longest_gap: None,
        };
        Self { found, may_be_silent, from, last_good: from, missing_ms: 0 }
    }

    /// Takes a reading by its quality as a number.
    pub(super) fn push(&mut self, at: UnixMillis, quality_code: u8) {
        self.found.received += 1;
        match quality_code {
            192.. => {
                self.found.good += 1;
                self.look(at);
                self.last_good = at;
            }
            64..192 => self.found.uncertain += 1,
            _ => self.found.bad += 1,
        }
    }

    /// Ends the day.
    #[expect(clippy::cast_precision_loss, reason = "a day of milliseconds")]
    pub(super) fn finish(mut self, to: UnixMillis) -> Completeness {
        self.look(to);
        let whole = to.millis_since(self.from).max(1);
        self.found.covered_percent = 100.0 * (whole - self.missing_ms) as f64 / whole as f64;
        self.found
    }

    fn look(&mut self, at: UnixMillis) {
        let gap = Gap { from: self.last_good, to: at };
        if u128::try_from(gap.length_ms()).is_ok_and(|length| length > self.may_be_silent.as_millis()) {
            self.found.gaps += 1;
            self.missing_ms += gap.length_ms();
            if self.found.longest_gap.is_none_or(|longest| longest.length_ms() < gap.length_ms()) {
                self.found.longest_gap = Some(gap);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(second: i64) -> UnixMillis {
        UnixMillis::new(second * 1000)
    }

    #[test]
    fn gaps_are_what_lies_between_good_readings_and_at_the_ends_of_the_day() {
        let mut counter = Counter::new(at(0), Some(100), Duration::from_secs(5));
        for (second, code) in [(10, 192), (11, 192), (14, 3), (16, 192), (18, 65), (40, 192), (98, 192)] {
            counter.push(at(second), code);
        }
        let found = counter.finish(at(100));
        assert_eq!((found.received, found.good, found.uncertain, found.bad), (7, 5, 1, 1));
        // 0 to 10, 16 to 40 and 40 to 98.
        assert_eq!((found.gaps, found.longest_gap), (3, Some(Gap { from: at(40), to: at(98) })));
        assert!((found.covered_percent - 8.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn day_without_a_reading_is_one_gap() {
        let found = Counter::new(at(0), None, Duration::from_secs(5)).finish(at(60));
        assert_eq!((found.gaps, found.covered_percent, found.received), (1, 0.0, 0));
    }
}
