//! Whether an edge writes two journals at a time, which two RTUs under one name would do.

use std::collections::HashMap;

use tankline_domain::message::JournalId;
use tankline_domain::units::UnixMillis;

use crate::stations::EdgeId;

/// For how long a journal counts as alive after a live reading in it.
const ALIVE_MS: i64 = 60_000;

/// Remembers which journals had live readings of late.
#[derive(Debug, Default)]
pub(super) struct LiveJournals {
    edges: HashMap<EdgeId, Vec<Alive>>,
}

#[derive(Debug)]
struct Alive {
    journal: JournalId,
    since: UnixMillis,
    last: UnixMillis,
    told: bool,
}

impl LiveJournals {
    /// Notes a live reading; gives the other journal, once, when both are written to by turns.
    ///
    /// A journal that follows another, as after an exchange of the flash card, is no such case: the old one falls silent.
    pub(super) fn note(&mut self, now: UnixMillis, edge: EdgeId, journal: JournalId) -> Option<JournalId> {
        let journals = self.edges.entry(edge).or_default();
        journals.retain(|alive| now.millis_since(alive.last) < ALIVE_MS);
        match journals.iter_mut().find(|alive| alive.journal == journal) {
            Some(alive) => alive.last = now,
            None => journals.push(Alive { journal, since: now, last: now, told: false }),
        }
        let this = journals.iter().position(|alive| alive.journal == journal)?;
        let since = journals[this].since;
        // The other one came first or later, but this one speaks again after it began.
        let other = journals.iter().find(|alive| alive.journal != journal && alive.since > since)?.journal;
        let told = std::mem::replace(&mut journals[this].told, true);
        (!told).then_some(other)
    }
}

#[cfg(test)]
mod tests {
    use tankline_domain::names::{EdgeName, SiteName};

    use super::*;
    use crate::testing;

    #[test]
    fn two_journals_written_by_turns_are_told_once_and_a_change_of_journal_is_not() {
        let stations = testing::stations();
        let (site, edge): (SiteName, EdgeName) = ("s".parse().unwrap(), "rtu-01".parse().unwrap());
        let edge = stations.find_edge(&site, &edge).unwrap();
        let (old, new) = (JournalId::new(1), JournalId::new(2));
        let mut live = LiveJournals::default();
        let mut note = |seconds: i64, journal| live.note(UnixMillis::new(seconds * 1000), edge, journal);
        assert_eq!([note(0, old), note(1, old), note(2, new), note(3, new)], [None; 4]);
        assert_eq!(note(4, old), Some(new));
        assert_eq!([note(5, new), note(6, old), note(7, new)], [None; 3]);
        assert_eq!([note(100, new), note(101, new)], [None; 2]);
    }
}
