//! What holds of the database, whatever comes and whenever it is cut off.

use proptest::prelude::*;
use rusqlite::Connection;
use tankline_domain::message::JournalId;
use tankline_domain::ranges::RangeSet;
use tankline_domain::units::UnixMillis;

use super::*;
use crate::config::Retention;
use crate::derive::Derived;
use crate::intake::{Accepted, Batch, DeadLetter, Refused};
use crate::notify::Notifier;
use crate::stations::{EdgeId, Stations};
use crate::testing;

const NOW: UnixMillis = UnixMillis::new(1_795_400_000_000);
const DAY_MS: i64 = 86_400_000;
const JOURNAL: JournalId = JournalId::new(7);

struct Place {
    folder: tempfile::TempDir,
    connection: Connection,
    stations: Stations,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join("ops.db")).unwrap();
        Self { folder, connection, stations: testing::stations() }
    }

    /// Begins again as after a kill: what was not committed is not there.
    fn reopen(&mut self) {
        self.connection = open(&self.folder.path().join("ops.db")).unwrap();
    }

    fn edge(&self) -> EdgeId {
        self.stations.edges().next().unwrap().0
    }

    fn reading(&self, seq: u64, at: UnixMillis) -> Accepted {
        Accepted {
            seq,
            tank: self.stations.tanks().next().unwrap().0,
            at,
            level_mm: Some(1.0),
            interface_mm: None,
            temperature_c: None,
            layer: None,
            quality: "good".parse().unwrap(),
            derived: Derived::default(),
        }
    }

    fn batch(&self, seqs: impl IntoIterator<Item = u64>) -> Batch {
        let readings = seqs.into_iter().map(|seq| self.reading(seq, NOW)).collect();
        Batch { journal: Some((self.edge(), JOURNAL)), received: NOW, readings, refused: Vec::new() }
    }

    fn commit(&mut self, ledger: &mut Ledger, batches: Vec<Batch>) -> (Committed, u64) {
        let group = Group { sorted: ledger.sort(batches), ..Group::default() };
        let done = commit(&mut self.connection, &self.stations, &Notifier::default(), &group, NOW, 100).unwrap();
        ledger.add(&group.sorted.added);
        (done, group.sorted.duplicates)
    }

    fn count(&self, what: &str) -> i64 {
        self.connection.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn database_itself_refuses_a_duplicate_that_no_range_tells_of() {
    let mut place = Place::new();
    let batch = place.batch(1..=3);
    place.commit(&mut Ledger::default(), vec![batch]);
    let batch = place.batch(2..=4);
    let (done, _) = place.commit(&mut Ledger::default(), vec![batch]);
    assert_eq!((done.readings, done.duplicates, place.count("reading")), (1, 2, 4));
    let journal: i64 = place.connection.query_row("SELECT readings FROM journal", [], |row| row.get(0)).unwrap();
    assert_eq!(journal, 4);
}

#[test]
fn dead_letter_of_a_number_that_is_committed_is_not_kept_again() {
    let mut place = Place::new();
    let mut ledger = Ledger::default();
    for kept in [1, 1] {
        let mut batch = place.batch([]);
        let letter = DeadLetter::new(NOW, "t", b"x", "why");
        batch.refused.push(Refused { seqs: vec![1, 2], letter });
        place.commit(&mut ledger, vec![batch]);
        assert_eq!(place.count("dead_letter"), kept);
    }
    assert_eq!(ledger.committed((place.edge(), JOURNAL)).ranges(), [(1, 2)]);
    // The same numbers as sound readings come too late: they count as committed.
    let batch = place.batch(1..=2);
    assert_eq!(place.commit(&mut ledger, vec![batch]).1, 2);
}

#[test]
fn old_readings_go_but_not_before_the_historian_has_them_unless_they_are_far_too_old() {
    let mut place = Place::new();
    let days_ago = [100, 60, 40, 10];
    let mut batch = place.batch([]);
    let at = |days: i64| UnixMillis::new(NOW.get() - days * DAY_MS);
    batch.readings = (1..).zip(days_ago).map(|(seq, days)| place.reading(seq, at(days))).collect();
    place.commit(&mut Ledger::default(), vec![batch]);
    let progress = Progress { target: "t".into(), through_id: 2, at: NOW, letters: Vec::new() };
    let group = Group { progress: vec![progress], ..Group::default() };
    commit(&mut place.connection, &place.stations, &Notifier::default(), &group, NOW, 100).unwrap();
    let retention = Retention { raw_days: 30, unsent_days: 90, alarm_days: 1830 };
    let expiry = |target: Option<&str>| Expiry { retention, target: target.map(str::to_owned), at_once: 100 };
    let other = expiry(Some("other")).expire(&mut place.connection, NOW).unwrap();
    assert_eq!((other.readings, other.unsent), (1, 1));
    let fed = expiry(Some("t")).expire(&mut place.connection, NOW).unwrap();
    assert_eq!((fed.readings, fed.unsent), (1, 0));
    assert_eq!(expiry(None).expire(&mut place.connection, NOW).unwrap().readings, 1);
    assert_eq!(
        place.connection.query_row("SELECT group_concat(seq) FROM reading", [], |row| row.get(0)),
        Ok("4".to_owned())
    );
}

#[test]
fn id_of_a_deleted_reading_is_never_given_again() {
    let mut place = Place::new();
    let batch = place.batch(1..=3);
    let (first, _) = place.commit(&mut Ledger::default(), vec![batch]);
    place.connection.execute("DELETE FROM reading", []).unwrap();
    place.reopen();
    let batch = place.batch(4..=4);
    let (second, _) = place.commit(&mut Ledger::default(), vec![batch]);
    assert!(second.newest_id > first.newest_id);
}

#[test]
fn cursor_never_goes_back() {
    let mut place = Place::new();
    for (through_id, expected) in [(5, 5), (3, 5), (9, 9)] {
        let progress = Progress { target: "t".into(), through_id, at: NOW, letters: Vec::new() };
        let group = Group { progress: vec![progress], ..Group::default() };
        commit(&mut place.connection, &place.stations, &Notifier::default(), &group, NOW, 100).unwrap();
        assert_eq!(cursor(&place.connection, "t").unwrap(), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Batches with any numbers in any order, sent again at will, a transaction that is cut off now and then, and
    /// restarts: each number is in the table once, and the ranges on disk are those of the numbers committed.
    #[test]
    fn each_number_is_stored_once_and_ranges_say_which(
        steps in proptest::collection::vec((proptest::collection::vec((1_u64..60, 1_u64..12), 1..4), 0_u8..4), 1..12)
    ) {
        let mut place = Place::new();
        let mut ledger = Ledger::default();
        let mut model = RangeSet::new();
        for (runs, fate) in steps {
            let batches: Vec<_> = runs.iter().map(|&(first, length)| place.batch(first..first + length)).collect();
            let group = Group { sorted: ledger.sort(batches), ..Group::default() };
            if fate == 0 {
                // Cut off in the middle of the transaction.
                let transaction = place.connection.unchecked_transaction().unwrap();
                transaction.execute("DELETE FROM reading", []).unwrap();
                drop(transaction);
                place.reopen();
                ledger = load_ledger(&place.connection, &place.stations).unwrap();
                continue;
            }
            commit(&mut place.connection, &place.stations, &Notifier::default(), &group, NOW, 100).unwrap();
            ledger.add(&group.sorted.added);
            runs.iter().for_each(|&(first, length)| model.insert(first, first + length - 1));
            if fate == 1 {
                place.reopen();
                ledger = load_ledger(&place.connection, &place.stations).unwrap();
            }
        }
        let key = (place.edge(), JOURNAL);
        prop_assert_eq!(&ledger.committed(key), &model);
        let on_disk = load_ledger(&place.connection, &place.stations).unwrap().committed(key);
        prop_assert_eq!(&on_disk, &model);
        prop_assert_eq!(place.count("journal_range"), model.ranges().len() as i64);
        prop_assert_eq!(place.count("reading"), model.count() as i64);
        prop_assert_eq!(place.count("(SELECT DISTINCT seq FROM reading)"), model.count() as i64);
    }
}
