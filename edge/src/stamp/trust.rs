//! Whether the machine's clock is believed.
//!
//! The kernel knows whether a time server disciplines the clock, but tells it by a system call (`adjtimex`) alone. What can
//! be seen otherwise: a file that the time daemon makes, and what the clock itself does.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tankline_domain::units::UnixMillis;

use super::clocks::Clocks;

/// A time daemon that finds a server sets the clock within this time of the machine's start. A clock that stands before the
/// last reading is believed after it: it may be right, and the reading's wrong.
const DOUBTED_FOR_MS: i64 = 15 * 60 * 1000;

/// A change of the clock by this much is no drift: somebody set it.
const STEP_MS: i64 = 2000;

/// How the clock shows that it is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockRule {
    /// The clock is set once this file is there: `/run/systemd/timesync/synchronized` of systemd-timesyncd, or one that a
    /// script of another time daemon makes.
    pub synced_file: Option<PathBuf>,
}

/// The machine's clock, as far as it is believed. All that hold a clone hold the same one.
#[derive(Debug, Clone, Default)]
pub struct StationClock(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    rule: ClockRule,
    trust: Mutex<Trust>,
}

/// What is known of the clock so far.
#[derive(Debug, Default)]
struct Trust {
    /// The last reading of earlier runs that has a time of day.
    last_stamp: Option<UnixMillis>,
    /// When the machine was started, by the clock at the first look.
    first_start_ms: Option<i64>,
    is_believed: bool,
}

impl StationClock {
    /// Begins. `last_stamp` is the time of the last reading that the journal has; a clock that stands before it was put back
    /// to where the machine was last seen.
    #[must_use]
    pub fn new(rule: ClockRule, last_stamp: Option<UnixMillis>) -> Self {
        let trust = Mutex::new(Trust { last_stamp, ..Trust::default() });
        Self(Arc::new(Inner { rule, trust }))
    }

    /// Reads the clocks.
    #[must_use]
    pub fn read(&self) -> Clocks {
        let clocks = Clocks::read();
        let mut trust = self.0.trust.lock().unwrap_or_else(PoisonError::into_inner);
        let is_synced = || self.0.rule.synced_file.as_ref().map(|file| file.exists());
        Clocks { is_set: trust.judge(&clocks, is_synced), ..clocks }
    }
}

impl Trust {
    /// Tells whether the clock is believed; once it is, it stays so. `is_synced` is asked only while it is not.
    fn judge(&mut self, clocks: &Clocks, is_synced: impl FnOnce() -> Option<bool>) -> bool {
        if !clocks.is_set {
            return false;
        }
        if !self.is_believed {
            self.is_believed = is_synced().unwrap_or_else(|| self.looks_set(clocks));
        }
        self.is_believed
    }

    fn looks_set(&mut self, clocks: &Clocks) -> bool {
        let start_ms = clocks.started_at_ms();
        let was_stepped = (*self.first_start_ms.get_or_insert(start_ms) - start_ms).abs() >= STEP_MS;
        self.last_stamp.is_none_or(|last| clocks.unix > last) || was_stepped || clocks.since_boot_ms >= DOUBTED_FOR_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: i64 = 1_795_400_000_000;

    fn clocks(unix: i64, since_boot_ms: i64) -> Clocks {
        Clocks { unix: UnixMillis::new(unix), since_boot_ms, is_set: unix > 1_704_067_200_000 }
    }

    fn trust(last_stamp: Option<i64>) -> Trust {
        Trust { last_stamp: last_stamp.map(UnixMillis::new), ..Trust::default() }
    }

    #[test]
    fn clock_that_was_put_back_to_where_the_machine_was_last_seen_is_not_believed_until_it_is_set() {
        let mut trust = trust(Some(LAST));
        let judged = |trust: &mut Trust, unix, boot| trust.judge(&clocks(unix, boot), || None);
        assert!(!judged(&mut trust, LAST - 600_000, 10_000));
        assert!(!judged(&mut trust, LAST - 580_000, 30_000));
        // It drifts, but nobody sets it.
        assert!(!judged(&mut trust, LAST - 570_500, 40_000));
        assert!(judged(&mut trust, LAST - 560_000 - 7_200_000, 50_000), "it was set, even if to an earlier time");
        assert!(judged(&mut trust, LAST - 900_000, 60_000), "once it is believed, it stays so");
        assert!(!judged(&mut trust, 1000, 70_000), "but not in 1970");
    }

    #[test]
    fn clock_after_the_last_reading_is_believed_and_a_doubted_one_is_in_the_end() {
        assert!(trust(Some(LAST)).judge(&clocks(LAST + 1, 10_000), || None));
        assert!(trust(None).judge(&clocks(LAST, 10_000), || None));
        // An edge whose clock once ran ahead must not wait until the time has caught up.
        let mut ahead = trust(Some(LAST + 86_400_000));
        assert!(!ahead.judge(&clocks(LAST, 10_000), || None));
        assert!(ahead.judge(&clocks(LAST + DOUBTED_FOR_MS, 10_000 + DOUBTED_FOR_MS), || None));
    }

    #[test]
    fn where_a_file_tells_nothing_else_does() {
        let mut trust = trust(None);
        assert!(!trust.judge(&clocks(LAST, 10_000), || Some(false)));
        assert!(!trust.judge(&clocks(LAST + 86_400_000, 20_000), || Some(false)));
        assert!(!trust.judge(&clocks(LAST, 2 * DOUBTED_FOR_MS), || Some(false)));
        assert!(trust.judge(&clocks(LAST, 30_000), || Some(true)));
        assert!(trust.judge(&clocks(LAST, 40_000), || Some(false)), "a daemon that is started anew takes nothing back");

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("synchronized");
        let clock = StationClock::new(ClockRule { synced_file: Some(file.clone()) }, None);
        assert!(!clock.read().is_set);
        std::fs::write(file, "").unwrap();
        assert!(clock.clone().read().is_set && clock.read().is_set);
    }
}
