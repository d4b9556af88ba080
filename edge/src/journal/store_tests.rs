use std::fs;
use std::path::Path;

use tankline_domain::message::SequencedReading;
use tankline_domain::reading::Bad;
use tankline_domain::units::{Millimetres, UnixMillis};

use super::*;
use crate::journal::scan::Segment;
use crate::journal::segment::{Header, encode_record};

fn config(dir: &Path) -> JournalConfig {
    JournalConfig { dir: dir.to_owned(), max_bytes: 1 << 20, segment_bytes: 1 << 10 }
}

fn open(dir: &Path) -> (Journal, Opened) {
    Journal::open(config(dir)).unwrap()
}

/// Opens as on a machine that booted anew.
fn open_after_reboot(dir: &Path) -> (Journal, Opened) {
    Journal::open_on(&Host { boot: Boot::new(fastrand::u64(..)), ..Host::default() }, config(dir), None).unwrap()
}

fn reading(at: u64) -> Reading {
    Reading::failed("T-01".parse().unwrap(), UnixMillis::new(at.cast_signed()), Bad::NoReply)
}

fn append(journal: &mut Journal, count: u64) -> Vec<u64> {
    (0..count).map(|at| journal.append(&reading(at)).unwrap().seq).collect()
}

fn ranges(first: u64, last: u64) -> RangeSet {
    let mut set = RangeSet::new();
    set.insert(first, last);
    set
}

fn seqs(journal: &mut Journal, id: JournalId) -> Vec<u64> {
    journal.fetch(id, 1, u64::MAX, usize::MAX).unwrap().iter().map(|entry| entry.seq).collect()
}

fn segments(journal: &Journal) -> Vec<std::path::PathBuf> {
    journal.log.as_ref().unwrap().segments.iter().map(|segment| segment.path.clone()).collect()
}

fn bytes_in(dir: &Path) -> u64 {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn what_was_appended_is_fetched_across_segments_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, opened) = open(dir.path());
    assert!(opened.new_journal);
    let id = journal.id();
    assert_eq!(append(&mut journal, 100), (1..=100).collect::<Vec<_>>());
    // A kill: the journal is dropped without being closed.
    drop(journal);
    let (mut journal, opened) = open(dir.path());
    assert_eq!(opened, Opened { readings: 100, ..Opened::default() });
    assert_eq!(journal.id(), id);
    assert_eq!(append(&mut journal, 1), [101]);
    let mut seqs = Vec::new();
    while let Some(entry) = journal.fetch(id, seqs.last().map_or(1, |seq| seq + 1), 101, 7).unwrap().last() {
        seqs.push(entry.seq);
    }
    assert_eq!(seqs.last(), Some(&101));
    let entries = journal.fetch(id, 50, 60, 100).unwrap();
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), (50..=60).collect::<Vec<_>>());
    let back: SequencedReading = serde_json::from_slice(&entries[0].json).unwrap();
    assert_eq!(back, SequencedReading { seq: 50, reading: reading(49) });
    assert!(journal.fetch(JournalId::new(1), 1, 100, 10).unwrap().is_empty());
}

/// What an edge wrote that knew of no transition layers.
#[test]
fn segment_from_before_readings_had_layers_is_read() {
    const OLD: &str = r#"{"seq":1,"tank":"T-01","at":1795400000123,"level_mm":9641,"interface_mm":6367,"temperature_c":32.5,"quality":"good"}"#;
    let dir = tempfile::tempdir().unwrap();
    let header = Header { journal: JournalId::new(7), generation: 1, first_seq: 1 };
    let mut bytes = header.encode().to_vec();
    encode_record(header.journal, OLD.as_bytes(), &mut bytes);
    fs::write(dir.path().join(Segment::file_name(&header)), bytes).unwrap();
    let (mut journal, opened) = open(dir.path());
    assert_eq!(opened.readings, 1);
    let entries = journal.fetch(header.journal, 1, 1, 1).unwrap();
    let old: SequencedReading = serde_json::from_slice(&entries[0].json).unwrap();
    assert_eq!((old.seq, old.reading.level, old.reading.layer), (1, Some(Millimetres::new(9641.0)), None));
    // A new one with the most that a layer holds goes behind it and comes back.
    let points: Vec<_> =
        (0..16).map(|index| (3000.123 + f64::from(index) * 10.5, 0.955 - f64::from(index) * 0.05)).collect();
    let layer = serde_json::from_value(serde_json::json!(points)).unwrap();
    let new = Reading { level: Some(Millimetres::new(9641.0)), layer: Some(layer), ..reading(5) };
    let entry = journal.append(&new).unwrap();
    let entries = journal.fetch(entry.journal, entry.seq, entry.seq, 1).unwrap();
    let back: SequencedReading = serde_json::from_slice(&entries[0].json).unwrap();
    assert_eq!(back.reading, new);
}

#[test]
fn readings_of_another_edge_are_not_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let owned = |edge: &str| {
        let owner = Owner { site: "s".parse().unwrap(), edge: edge.parse().unwrap() };
        Journal::open_on(&Host::default(), config(dir.path()), Some(owner))
    };
    // From before folders had owners.
    append(&mut open(dir.path()).0, 3);
    append(&mut owned("rtu-01").unwrap().0, 3);
    let said = owned("rtu-02").unwrap_err().to_string();
    assert!(said.contains("has the readings of edge rtu-01 of site s, and this is edge rtu-02 of site s"), "{said}");
    let (journal, opened) = owned("rtu-01").unwrap();
    assert_eq!((opened.readings, opened.new_journal, journal.depth()), (6, false, 6));
    drop(journal);
    // Damage to one small file keeps no edge from starting.
    fs::write(dir.path().join("owner"), "s rtu-09 00000000\n").unwrap();
    assert_eq!(owned("rtu-01").unwrap().1.readings, 6);
    owned("rtu-02").unwrap_err();
}

#[test]
fn what_the_centre_lost_stays_until_it_is_committed_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path());
    let id = journal.id();
    append(&mut journal, 5);
    journal.commit(id, &ranges(1, 5)).unwrap();
    assert_eq!(journal.depth(), 0);
    journal.forget(id, &ranges(3, 5));
    assert_eq!((journal.depth(), journal.oldest_uncommitted().unwrap().seq), (3, 3));
    append(&mut journal, 95);
    journal.commit(id, &ranges(6, 100)).unwrap();
    assert_eq!(seqs(&mut journal, id)[..5], [1, 2, 3, 4, 5]);
    journal.commit(id, &ranges(1, 100)).unwrap();
    assert_eq!(journal.depth(), 0);
    assert!(*journal.contents()[&id].start() > 5);
}

#[test]
fn committed_segments_go_and_numbers_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path());
    let id = journal.id();
    append(&mut journal, 100);
    assert_eq!(journal.depth(), 100);
    journal.commit(id, &ranges(1, 90)).unwrap();
    assert_eq!(journal.depth(), 10);
    assert!(*journal.contents()[&id].start() > 50);
    journal.commit(id, &ranges(1, 100)).unwrap();
    assert_eq!(journal.depth(), 0);
    journal.close().unwrap();
    let (mut journal, opened) = open(dir.path());
    assert!(!opened.new_journal);
    assert_eq!(append(&mut journal, 1), [101]);
    drop(journal);
    for _ in 0..5 {
        drop(open(dir.path()));
    }
    assert_eq!(append(&mut open(dir.path()).0, 1), [102]);
    // Starts leave no files behind.
    // The last segment, the mark, and where this boot begins.
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
}

#[test]
fn after_a_power_cut_numbers_are_not_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path());
    let old = journal.id();
    append(&mut journal, 30);
    drop(journal);
    let (mut journal, opened) = open_after_reboot(dir.path());
    assert!(opened.new_journal);
    assert_ne!(journal.id(), old);
    assert_eq!(append(&mut journal, 1), [1]);
    assert_eq!(journal.fetch(old, 1, 100, 100).unwrap().len(), 30);
    assert_eq!(journal.contents()[&old], 1..=30);
    journal.commit(old, &ranges(1, 30)).unwrap();
    assert!(!journal.contents().contains_key(&old));
}

#[test]
fn after_an_orderly_end_a_reboot_goes_on_in_the_same_journal() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path());
    let id = journal.id();
    append(&mut journal, 30);
    journal.close().unwrap();
    let (journal, opened) = open_after_reboot(dir.path());
    assert!(!opened.new_journal);
    assert_eq!(journal.id(), id);
    // The mark speaks for one end only.
    drop(journal);
    assert!(open_after_reboot(dir.path()).1.new_journal);
}

#[test]
fn a_torn_end_is_passed_over_and_its_numbers_are_not_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path());
    let id = journal.id();
    append(&mut journal, 5);
    let path = segments(&journal).pop().unwrap();
    drop(journal);
    let bytes = fs::read(&path).unwrap();
    for cut in 0..bytes.len() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(path.file_name().unwrap()), &bytes[..cut]).unwrap();
        let (mut journal, opened) = open(dir.path());
        let kept = seqs(&mut journal, id);
        assert_eq!(kept, (1..=opened.readings).collect::<Vec<_>>(), "cut at {cut}");
        assert!(opened.readings as usize == 5 * cut / bytes.len() || cut < 300, "cut at {cut}");
        let appended = journal.append(&reading(9)).unwrap();
        assert_ne!(appended.journal, id, "cut at {cut}");
        assert_eq!(seqs(&mut journal, appended.journal), [1]);
    }
}

#[test]
fn a_full_journal_drops_the_oldest_and_counts_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(JournalConfig { max_bytes: 4096, ..config(dir.path()) }).unwrap();
    let id = journal.id();
    for _ in 0..1000 {
        append(&mut journal, 1);
        assert!(bytes_in(dir.path()) <= 4096);
    }
    let kept = journal.contents()[&id].clone();
    assert_eq!(kept.end(), &1000);
    assert_eq!(journal.gaps()[&id], ranges(1, kept.start() - 1));
    assert_eq!(journal.depth(), 1000 - kept.start() + 1);
    // What the centre has after all is no gap.
    journal.commit(id, &ranges(1, kept.start() - 1)).unwrap();
    assert!(journal.gaps().is_empty());
}

#[test]
fn a_smaller_bound_is_kept_from_the_start_and_other_files_count() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path());
    append(&mut journal, 1000);
    drop(journal);
    fs::write(dir.path().join("notes.txt"), [b'x'; 2000]).unwrap();
    fs::write(dir.path().join("old.damaged"), [b'x'; 2000]).unwrap();
    let (mut journal, _) = Journal::open(JournalConfig { max_bytes: 8192, ..config(dir.path()) }).unwrap();
    assert!(bytes_in(dir.path()) <= 8192);
    // What cannot be used goes before any reading does.
    assert!(!dir.path().join("old.damaged").exists());
    append(&mut journal, 100);
    assert!(bytes_in(dir.path()) <= 8192);
    let (before, kept) = (bytes_in(dir.path()), journal.depth());
    drop(journal);
    let (mut journal, opened) = Journal::open(JournalConfig { max_bytes: 3000, ..config(dir.path()) }).unwrap();
    assert!(opened.in_memory);
    assert_eq!((bytes_in(dir.path()), journal.depth()), (before, kept), "no reading goes for other files");
    let said = journal.append(&reading(1)).unwrap_err().to_string();
    assert!(said.contains("files that are not the journal's leave no room"), "{said}");
}

#[test]
fn what_was_put_aside_counts_and_goes_first() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("old.damaged"), [b'x'; 3500]).unwrap();
    let (mut journal, _) = Journal::open(JournalConfig { max_bytes: 6000, ..config(dir.path()) }).unwrap();
    append(&mut journal, 10);
    assert!(dir.path().join("old.damaged").exists());
    append(&mut journal, 40);
    assert!(bytes_in(dir.path()) <= 6000);
    assert_eq!(journal.depth(), 50);
}

#[test]
fn two_processes_do_not_share_a_journal_and_a_newer_one_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path());
    append(&mut journal, 1);
    assert!(matches!(Journal::open(config(dir.path())), Err(JournalError::InUse { .. })));
    let path = segments(&journal).pop().unwrap();
    drop(journal);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 2;
    let crc = crc32fast::hash(&[&bytes[..12], &bytes[16..40]].concat());
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    fs::write(dir.path().join("nonsense.seg"), [0; 100]).unwrap();
    let listed = || {
        let paths = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = listed();
    let error = Journal::open(config(dir.path())).unwrap_err().to_string();
    assert!(error.contains("has format 2, this program knows up to 1"), "{error}");
    assert_eq!(listed(), before);
}

#[test]
fn a_folder_that_cannot_be_made_is_no_reason_not_to_start() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("blocked");
    fs::write(&blocked, "a file where the folder should be").unwrap();
    let (mut journal, opened) = open(&blocked);
    assert!(opened.in_memory);
    let id = journal.id();
    journal.append(&reading(1)).unwrap_err();
    let held: Vec<Entry> = (1..=10).map(|at| journal.hold(&reading(at))).collect();
    assert_eq!((held[9].journal, held[9].seq, journal.held()), (id, 10, 10));
    assert_eq!(journal.fetch(id, 3, 4, 10).unwrap(), held[2..4]);
    journal.commit(id, &ranges(1, 2)).unwrap();
    journal.commit(id, &ranges(9, 10)).unwrap();
    assert_eq!(journal.contents()[&id], 3..=8);
    fs::remove_file(&blocked).unwrap();
    // The first number after those that were committed from memory is a new one, also after a kill.
    assert_eq!(journal.append(&reading(11)).unwrap().seq, 11);
    drop(journal);
    let (mut journal, opened) = open(&blocked);
    assert!(!opened.new_journal);
    assert_eq!(seqs(&mut journal, id), [3, 4, 5, 6, 7, 8, 11]);
    assert_eq!(append(&mut journal, 1), [12]);
}

#[test]
fn numbers_that_were_committed_from_memory_are_not_given_again_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("blocked");
    fs::write(&blocked, "").unwrap();
    let (mut journal, _) = open(&blocked);
    let id = journal.id();
    (1..=10).for_each(|at| drop(journal.hold(&reading(at))));
    journal.commit(id, &ranges(4, 10)).unwrap();
    fs::remove_file(&blocked).unwrap();
    assert_eq!(journal.recover(2).unwrap(), Recovery::Partial);
    assert_eq!(journal.recover(2).unwrap(), Recovery::Complete);
    drop(journal);
    let (mut journal, _) = open(&blocked);
    assert_eq!(append(&mut journal, 1), [11]);
}

#[test]
fn a_kill_while_numbers_are_given_in_memory_begins_a_new_journal() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("blocked");
    fs::write(&blocked, "").unwrap();
    let (mut journal, _) = open(&blocked);
    let id = journal.id();
    (1..=10).for_each(|at| drop(journal.hold(&reading(at))));
    fs::remove_file(&blocked).unwrap();
    assert_eq!(journal.recover(5).unwrap(), Recovery::Partial);
    assert_eq!(journal.hold(&reading(11)).seq, 11);
    drop(journal);
    let (mut journal, opened) = open(&blocked);
    assert!(opened.new_journal);
    assert_ne!(journal.id(), id);
    assert_eq!(seqs(&mut journal, id), [1, 2, 3, 4, 5]);
}
