//! Puts the time into readings that were stamped while the clock was not set.

use tankline_domain::message::JournalId;

use super::clocks::{Clocks, SET_AFTER};
use super::json::{find_at, with_at, with_reason};
use crate::journal::Earlier;

/// Between the machine's start and the latest time that a reading of an earlier start is given: no such reading may look
/// like a live one.
const APART_MS: i64 = 60_000;

/// The reason of a reading whose time is not known.
const TIME_UNKNOWN: &str = "time-unknown";

/// What becomes of readings before they are sent.
#[derive(Debug, Clone, Copy)]
pub struct Restamp<'e> {
    /// The clocks now.
    pub clocks: Clocks,
    /// What was journalled before the machine's start.
    pub earlier: &'e Earlier,
}

/// A journalled reading, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stamped {
    /// It has its time, or the clock is not set.
    AsItIs,
    /// With its true time.
    Corrected(Vec<u8>),
    /// With the latest time that it can have, and `time-unknown` as its reason.
    ///
    /// It was stamped with the time since an earlier start of the machine. Between readings of one such start the time is
    /// right; the last of them stands a minute before the present start.
    TimeUnknown(Vec<u8>),
}

impl Restamp<'_> {
    /// Gives the time to a journalled reading.
    #[must_use]
    pub fn stamped(&self, journal: JournalId, seq: u64, json: &[u8]) -> Stamped {
        let Some(at) = find_at(json).filter(|at| at.value <= SET_AFTER.get() && self.clocks.is_set) else {
            return Stamped::AsItIs;
        };
        let start = self.clocks.started_at_ms();
        if !self.earlier.has(journal, seq) {
            return Stamped::Corrected(with_at(json, &at, start + at.value));
        }
        let before_the_last = (self.earlier.latest_unset_ms - at.value).max(0);
        Stamped::TimeUnknown(with_reason(&with_at(json, &at, start - APART_MS - before_the_last), TIME_UNKNOWN))
    }

    /// Gives the age of a journalled reading in ms; `None` when nobody can know it.
    #[must_use]
    pub fn age_ms(&self, journal: JournalId, seq: u64, at_ms: i64) -> Option<i64> {
        let age = if at_ms > SET_AFTER.get() {
            self.clocks.unix.get() - at_ms
        } else if self.earlier.has(journal, seq) {
            return None;
        } else {
            return Some(self.clocks.since_boot_ms - at_ms);
        };
        self.clocks.is_set.then_some(age.max(0))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tankline_domain::units::UnixMillis;

    use super::*;

    const JOURNAL: JournalId = JournalId::new(7);
    const UNSET: Clocks = Clocks { unix: UnixMillis::new(95_000), since_boot_ms: 60_000, is_set: false };
    const SET: Clocks = Clocks { unix: UnixMillis::new(1_795_400_000_000), since_boot_ms: 90_000, is_set: true };
    const START: i64 = 1_795_400_000_000 - 90_000;

    fn json(at: i64, quality: &str) -> Vec<u8> {
        format!(r#"{{"seq":7,"tank":"T-01","at":{at},"level_mm":9641,"quality":"{quality}"}}"#).into_bytes()
    }

    #[test]
    fn readings_of_this_start_of_the_machine_get_their_true_time_when_the_clock_is_set() {
        let earlier = Earlier { through: BTreeMap::from([(JOURNAL, 6)]), latest_unset_ms: 900_000 };
        let (unset, set) = (Restamp { clocks: UNSET, earlier: &earlier }, Restamp { clocks: SET, earlier: &earlier });
        let read = json(60_000, "uncertain:clock");
        assert_eq!(unset.stamped(JOURNAL, 7, &read), Stamped::AsItIs);
        // 30 s before the moment at which both clocks were read.
        let corrected = json(1_795_399_970_000, "uncertain:clock");
        assert_eq!(set.stamped(JOURNAL, 7, &read), Stamped::Corrected(corrected.clone()));
        assert_eq!(set.stamped(JOURNAL, 7, &corrected), Stamped::AsItIs);
        assert_eq!(set.stamped(JournalId::new(8), 1, &json(-5, "good")), Stamped::Corrected(json(START - 5, "good")));
    }

    #[test]
    fn readings_of_an_earlier_start_keep_their_values_and_say_that_their_time_is_not_known() {
        let earlier = Earlier { through: BTreeMap::from([(JOURNAL, 7)]), latest_unset_ms: 900_000 };
        let set = Restamp { clocks: SET, earlier: &earlier };
        for (at, quality, given, says) in [
            (900_000, "uncertain:clock", START - 60_000, "uncertain:time-unknown"),
            (895_000, "uncertain:clock", START - 65_000, "uncertain:time-unknown"),
            (0, "bad:no-reply", START - 960_000, "bad:time-unknown"),
            // One that came to light after the others were looked at.
            (9_000_000, "good", START - 60_000, "uncertain:time-unknown"),
        ] {
            assert_eq!(set.stamped(JOURNAL, 7, &json(at, quality)), Stamped::TimeUnknown(json(given, says)));
        }
        let known = json(1_795_300_000_000, "good");
        assert_eq!(set.stamped(JOURNAL, 7, &known), Stamped::AsItIs, "its clock was set");
    }

    #[test]
    fn ages_are_told_only_where_they_are_known() {
        let earlier = Earlier { through: BTreeMap::from([(JOURNAL, 6)]), latest_unset_ms: 900_000 };
        let (unset, set) = (Restamp { clocks: UNSET, earlier: &earlier }, Restamp { clocks: SET, earlier: &earlier });
        let true_at = 1_795_399_000_000;
        for (restamp, seq, at_ms, age_ms) in [
            (set, 1, true_at, Some(1_000_000)),
            (set, 1, 1_795_400_009_000, Some(0)),
            (set, 1, 50_000, None),
            (set, 7, 50_000, Some(40_000)),
            (unset, 7, 50_000, Some(10_000)),
            (unset, 7, true_at, None),
        ] {
            assert_eq!(restamp.age_ms(JOURNAL, seq, at_ms), age_ms, "{seq} {at_ms}");
        }
    }
}
