//! Whatever happened to the files: the most that can be trusted is there, and no number is given twice.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use tankline_domain::reading::Bad;
use tankline_domain::units::UnixMillis;

use super::super::mark::Mark;
use super::super::scan::Segment;
use super::super::segment::{HEADER_LENGTH, Header, MAX_NUMBER};
use super::super::simulated::{Fault, Lasting, Leftover, Machine};
use super::*;

type Files = BTreeMap<PathBuf, Vec<u8>>;
type Entries = BTreeMap<(JournalId, u64), Vec<u8>>;

const READINGS: u64 = 40;
const SMALLEST_RECORD: usize = 60;
const LARGEST_RECORD: usize = 70;

fn config() -> JournalConfig {
    JournalConfig { dir: "/journal".into(), max_bytes: 1 << 20, segment_bytes: 1 << 10 }
}

fn open(machine: &Machine) -> (Journal, Opened) {
    Journal::open_seeded(&machine.host(1), config(), None, fastrand::u64(..)).unwrap()
}

fn reading(at: u64) -> Reading {
    Reading::failed("T-01".parse().unwrap(), UnixMillis::new(at.cast_signed()), Bad::NoReply)
}

fn fetch_all(journal: &mut Journal) -> Entries {
    let mut all = Entries::new();
    for (id, numbers) in journal.contents() {
        for entry in journal.fetch(id, *numbers.start(), *numbers.end(), usize::MAX).unwrap() {
            assert_eq!(all.insert((entry.journal, entry.seq), entry.json), None, "{id} {} comes twice", entry.seq);
        }
    }
    all
}

/// A journal of several segments that was killed, or closed.
fn journal(is_closed: bool) -> (Files, Entries) {
    let machine = Machine::new();
    let (mut journal, _) = open(&machine);
    for at in 0..READINGS {
        journal.append(&reading(at)).unwrap();
    }
    let entries = fetch_all(&mut journal);
    assert_eq!(entries.len() as u64, READINGS);
    if is_closed {
        journal.close().unwrap();
    }
    (machine.files(), entries)
}

fn segments_of(files: &Files) -> impl Iterator<Item = &PathBuf> {
    files.keys().filter(|path| path.extension().is_some())
}

fn segments(files: &Files) -> Vec<PathBuf> {
    let paths: Vec<_> = segments_of(files).cloned().collect();
    assert!(paths.len() > 2);
    paths
}

/// Opens the files, checks that what is there was given, goes on, and gives what there was.
fn survivors(files: &Files, given: &Entries) -> (Entries, Opened) {
    let machine = Machine::with_files(files);
    let (mut journal, opened) = open(&machine);
    let found = fetch_all(&mut journal);
    for (number, json) in &found {
        assert_eq!(given.get(number), Some(json), "{number:?}");
    }
    assert_eq!(found.len() as u64, opened.readings);
    assert!(!opened.in_memory);
    let entry = journal.append(&reading(1000)).unwrap();
    let mut number = (entry.journal, entry.seq);
    assert!(!given.contains_key(&number), "{number:?} is given again");
    assert_eq!(opened.new_journal, given.keys().all(|(id, _)| *id != entry.journal));
    // What is there once stays, and the next start goes on.
    for _ in 0..2 {
        drop(journal);
        let (again, opened) = open(&machine);
        journal = again;
        assert!(!opened.new_journal);
        let mut expected = found.clone();
        expected.insert(number, entry.json.clone());
        let kept = fetch_all(&mut journal);
        assert!(expected.iter().all(|(number, json)| kept.get(number) == Some(json)));
        let next = journal.append(&reading(1001)).unwrap();
        assert_eq!(next.journal, number.0);
        assert!(next.seq > number.1);
        number = (next.journal, number.1);
    }
    (found, opened)
}

#[test]
fn a_flipped_bit_anywhere_costs_one_reading_at_most() {
    for is_closed in [false, true] {
        let (files, given) = journal(is_closed);
        for (path, bytes) in &files {
            for index in 0..bytes.len() {
                let mut files = files.clone();
                files.get_mut(path).unwrap()[index] ^= 1 << (index % 8);
                let (found, opened) = survivors(&files, &given);
                let lost = given.len() - found.len();
                let is_record = path.extension().is_some() && index >= HEADER_LENGTH;
                assert_eq!(lost, usize::from(is_record), "{} byte {index}", path.display());
                assert_eq!(opened.torn_bytes > 0, is_record);
                assert_eq!(opened.damaged_segments, 0);
            }
        }
    }
}

#[test]
fn a_file_that_ends_too_early_or_in_zeros_costs_what_is_missing_only() {
    // Of a journal that was not closed nobody can tell that whole records are missing at its end.
    let (files, given) = journal(true);
    for path in segments(&files) {
        for cut in (0..files[&path].len()).step_by(3) {
            for zeros in [0, files[&path].len() - cut] {
                let mut files = files.clone();
                let bytes = files.get_mut(&path).unwrap();
                let length = bytes.len() - HEADER_LENGTH;
                bytes.truncate(cut);
                bytes.resize(cut + zeros, 0);
                let of_segment = length / SMALLEST_RECORD + 1;
                let left = cut.saturating_sub(HEADER_LENGTH) / LARGEST_RECORD;
                let (found, _) = survivors(&files, &given);
                let lost = given.len() - found.len();
                assert!(lost <= of_segment - left.min(of_segment), "{} cut at {cut}: {lost} lost", path.display());
            }
        }
    }
}

#[test]
fn a_hole_of_any_length_costs_what_is_in_it_only() {
    let (files, given) = journal(false);
    let path = &segments(&files)[1];
    for length in [1, 7, 100, 512, 5000] {
        for start in (HEADER_LENGTH..files[path].len()).step_by(41) {
            let mut files = files.clone();
            let bytes = files.get_mut(path).unwrap();
            let end = (start + length).min(bytes.len());
            bytes[start..end].fill(0xff);
            let (found, opened) = survivors(&files, &given);
            let lost = given.len() - found.len();
            assert!(lost <= (end - start) / SMALLEST_RECORD + 2, "{lost} lost by a hole of {length}");
            // Where a reading of the segment is left, those around the hole tell which are missing.
            let is_all = opened.damaged_segments > 0;
            assert_eq!(opened.damaged_readings, if is_all { 0 } else { lost as u64 }, "{start} to {end}");
        }
    }
}

#[test]
fn a_missing_segment_costs_what_was_in_it_and_its_numbers_are_not_given_again() {
    for is_closed in [false, true] {
        let (files, given) = journal(is_closed);
        let paths = segments(&files);
        for path in &paths {
            let mut files = files.clone();
            files.remove(path);
            let (found, opened) = survivors(&files, &given);
            assert!(found.len() > given.len() / 2 && found.len() < given.len());
            assert_eq!(opened.new_journal, Some(path) == paths.last());
            let is_between = Some(path) != paths.last() && Some(path) != paths.first();
            assert_eq!(opened.absent_numbers > 0, is_between);
        }
    }
}

#[test]
fn what_a_killed_process_left_unsynced_is_synced_by_the_next_one() {
    let machine = Machine::new();
    let (mut journal, _) = open(&machine);
    (0..5).for_each(|at| drop(journal.append(&reading(at)).unwrap()));
    drop(journal);
    drop(open(&machine));
    machine.turn_on(Leftover::Nothing);
    assert_eq!(open(&machine).1.readings, 5);
}

#[test]
fn a_segment_that_cannot_be_read_at_one_start_is_there_at_the_next() {
    let (files, given) = journal(false);
    for path in segments(&files) {
        let machine = Machine::with_files(&files);
        machine.spoil(Some(&path));
        let (mut journal, opened) = open(&machine);
        assert_eq!((opened.unreadable_segments, opened.damaged_segments, opened.new_journal), (1, 0, true));
        assert!(fetch_all(&mut journal).len() > given.len() / 2);
        drop(journal);
        machine.spoil(None);
        assert_eq!(fetch_all(&mut open(&machine).0), given);
    }
}

#[test]
fn a_number_given_in_memory_is_not_given_again_whatever_keeps_the_disk_from_taking_over() {
    for fault in [Fault::Fails(0), Fault::Fails(255), Fault::FailsWhenDone] {
        let mut refused = 0;
        for operation in 0..40 {
            let machine = Machine::new();
            machine.plan(0, Fault::Fails(0), Lasting::Everything);
            let (mut journal, _) = open(&machine);
            let first = journal.hold(&reading(1));
            let mut committed = RangeSet::new();
            committed.insert(1, 1);
            journal.commit(first.journal, &committed).unwrap();
            machine.repair();
            machine.plan(machine.operations() + operation, fault, Lasting::Once);
            let given = if journal.recover(10).is_ok() {
                journal.append(&reading(2)).unwrap_or_else(|_| journal.hold(&reading(2)))
            } else {
                refused += 1;
                journal.hold(&reading(2))
            };
            machine.repair();
            drop(journal);
            let next = open(&machine).0.append(&reading(3)).unwrap();
            assert_ne!((given.journal, given.seq), (next.journal, next.seq), "operation {operation}");
        }
        assert!(refused > 5, "{refused}");
    }
}

#[test]
fn a_smaller_bound_is_kept_over_a_power_cut() {
    let (files, given) = journal(true);
    let machine = Machine::with_files(&files);
    // There is no room to fill the last segment, unless the first one goes.
    let bound = files.values().map(|bytes| bytes.len() as u64).sum::<u64>() + 100;
    let config = JournalConfig { max_bytes: bound, ..config() };
    let (mut journal, opened) = Journal::open_seeded(&machine.host(1), config, None, 1).unwrap();
    assert!(!opened.new_journal && journal.depth() < given.len() as u64);
    for at in 0..4 {
        journal.append(&reading(at)).unwrap();
    }
    journal.sync().unwrap();
    drop(journal);
    machine.turn_on(Leftover::Nothing);
    assert!(machine.largest() <= bound, "{} bytes where {bound} are allowed", machine.largest());
}

#[test]
fn a_missing_mark_costs_nothing() {
    let (mut files, given) = journal(true);
    files.remove(std::path::Path::new("/journal/mark"));
    assert_eq!(survivors(&files, &given).0, given);
}

#[test]
fn a_copy_of_a_segment_gives_nothing_twice() {
    let (files, given) = journal(false);
    for path in segments(&files) {
        for name in ["/journal/copy.seg", "/journal/0000000000000009-00000000000000aa-00000000000000000001.seg"] {
            let mut files = files.clone();
            files.insert(name.into(), files[&path].clone());
            let (found, opened) = survivors(&files, &given);
            assert_eq!(found, given);
            assert_eq!(opened.damaged_segments, 1);
        }
    }
}

#[test]
fn a_segment_of_another_edge_is_read_and_not_gone_on_with() {
    let (mut files, mut given) = journal(false);
    let (others, of_others) = journal(false);
    let path = segments(&others).pop().unwrap();
    let (id, count) = (of_others.keys().next().unwrap().0, 2);
    for (number, json) in of_others.into_iter().skip(30) {
        given.insert(number, json);
    }
    files.insert("/journal/stray.seg".into(), others[&path].clone());
    let machine = Machine::with_files(&files);
    let (mut journal, opened) = open(&machine);
    assert!(opened.new_journal);
    let found = fetch_all(&mut journal);
    assert!(found.iter().all(|(number, json)| given.get(number) == Some(json)));
    assert!(found.keys().filter(|number| number.0 == id).count() > count);
    assert!(journal.contents().len() == 2 && !journal.contents().contains_key(&journal.id()));
}

#[test]
fn what_stood_on_the_disk_before_is_not_taken_for_readings() {
    let (files, given) = journal(false);
    let (others, _) = journal(false);
    let paths = segments(&files);
    let (first, last) = (&paths[0], &paths[paths.len() - 1]);
    // Numbers that fall, and numbers of another journal that rise.
    for (stale, onto) in [(&files[first], last), (&others[segments(&others).last().unwrap()], first)] {
        let mut files = files.clone();
        files.get_mut(onto).unwrap().extend(&stale[HEADER_LENGTH..]);
        assert_eq!(survivors(&files, &given).0, given);
    }
}

#[test]
fn numbers_at_the_end_of_all_numbers_are_not_gone_on_with() {
    for number in [MAX_NUMBER, MAX_NUMBER - 1, u64::MAX] {
        let header = Header { journal: JournalId::new(7), generation: number, first_seq: number };
        let mark = Mark { journal: header.journal, first_seq: number, boot: 1, closed_at: None };
        let name = format!("/journal/{}", Segment::file_name(&header));
        let files = BTreeMap::from([
            (name.into(), header.encode().to_vec()),
            ("/journal/mark".into(), mark.encode().into_bytes()),
        ]);
        let machine = Machine::with_files(&files);
        for _ in 0..3 {
            let (mut journal, _) = open(&machine);
            let entry = journal.append(&reading(1)).unwrap();
            assert!(entry.seq < 10, "{}", entry.seq);
        }
    }
}

#[test]
fn after_a_failed_write_nothing_more_goes_to_that_file() {
    let machine = Machine::new();
    let (mut journal, _) = open(&machine);
    journal.append(&reading(1)).unwrap();
    machine.plan(machine.operations(), Fault::Fails(100), Lasting::Once);
    journal.append(&reading(2)).unwrap_err();
    let before = machine.files();
    journal.append(&reading(2)).unwrap();
    let after = machine.files();
    assert!(segments_of(&before).all(|path| before[path] == after[path]));
    assert_eq!(fetch_all(&mut journal).len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_damage_leaves_a_journal_that_works(
        is_closed in any::<bool>(),
        damage in proptest::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..6_u8, any::<u8>(), 0..300_usize), 1..8),
    ) {
        let (mut files, given) = journal(is_closed);
        for (path, at, kind, byte, length) in damage {
            let path = files.keys().nth(path.index(files.len().max(1))).cloned().unwrap_or_default();
            let Some(bytes) = files.get_mut(&path).filter(|bytes| !bytes.is_empty()) else { continue };
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            match kind {
                // Of a journal that was not closed nobody can tell that whole records are missing at its end.
                1 | 3 if !is_closed => bytes[at] ^= byte,
                0 => bytes[at] ^= byte,
                1 => bytes.truncate(at),
                2 => bytes[at..end].fill(byte),
                3 => drop(bytes.drain(at..end)),
                4 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ => drop(files.remove(&path)),
            }
        }
        survivors(&files, &given);
    }
}
