use tankline_domain::reading::Bad;
use tankline_domain::units::UnixMillis;

use super::*;

fn config(dir: &Path) -> JournalConfig {
    JournalConfig { dir: dir.to_owned(), max_bytes: 1 << 20, segment_bytes: 1 << 10 }
}

fn open(dir: &Path) -> (Journal, Opened) {
    Journal::open(config(dir)).unwrap()
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

/// Makes the next open look like one on a machine that booted anew.
fn pretend_reboot(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "seg") {
            let mut bytes = fs::read(&path).unwrap();
            let header = Header { boot: 1, ..Header::decode(&bytes).unwrap() };
            bytes[..HEADER_LENGTH].copy_from_slice(&header.encode());
            fs::write(&path, bytes).unwrap();
        }
    }
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
}

#[test]
fn after_a_power_cut_numbers_are_not_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path());
    let old = journal.id();
    append(&mut journal, 30);
    drop(journal);
    pretend_reboot(dir.path());
    let (mut journal, opened) = open(dir.path());
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
    pretend_reboot(dir.path());
    let (journal, opened) = open(dir.path());
    assert!(!opened.new_journal);
    assert_eq!(journal.id(), id);
    // The mark speaks for one end only.
    drop(journal);
    pretend_reboot(dir.path());
    assert!(open(dir.path()).1.new_journal);
}

#[test]
fn a_torn_end_is_cut_and_the_rest_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path());
    let id = journal.id();
    append(&mut journal, 5);
    let path = journal.active_segment().path.clone();
    drop(journal);
    let bytes = fs::read(&path).unwrap();
    for cut in HEADER_LENGTH..bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        let (mut journal, opened) = open(dir.path());
        let kept = journal.fetch(id, 1, 100, 100).unwrap();
        assert_eq!(kept.len() as u64, opened.readings, "cut at {cut}");
        assert_eq!(append(&mut journal, 1), [opened.readings + 1]);
        drop(journal);
        fs::read_dir(dir.path()).unwrap().for_each(|entry| {
            let other = entry.unwrap().path();
            if other.extension().is_some_and(|ending| ending == "seg") {
                fs::remove_file(other).unwrap();
            }
        });
    }
}

#[test]
fn a_full_journal_drops_the_oldest_and_counts_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(JournalConfig { max_bytes: 4096, ..config(dir.path()) }).unwrap();
    let id = journal.id();
    append(&mut journal, 1000);
    assert!(journal.bytes() <= 4096);
    let kept = journal.contents()[&id].clone();
    assert_eq!(kept.end(), &1000);
    assert_eq!(journal.gaps()[&id], ranges(1, kept.start() - 1));
    assert_eq!(journal.depth(), 1000 - kept.start() + 1);
}

#[test]
fn two_processes_do_not_share_a_journal_and_a_newer_one_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path());
    append(&mut journal, 1);
    assert!(matches!(Journal::open(config(dir.path())), Err(JournalError::InUse { .. })));
    let path = journal.active_segment().path.clone();
    drop(journal);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 2;
    fs::write(&path, &bytes).unwrap();
    let error = Journal::open(config(dir.path())).unwrap_err().to_string();
    assert!(error.contains("has format 2, this program knows up to 1"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_segment_without_a_good_header_is_put_aside() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path());
    let id = journal.id();
    append(&mut journal, 40);
    let first = journal.segments[0].path.clone();
    let lost = journal.segments[0].records;
    drop(journal);
    let mut bytes = fs::read(&first).unwrap();
    bytes[20] ^= 1;
    fs::write(&first, bytes).unwrap();
    let (mut journal, opened) = open(dir.path());
    assert_eq!((opened.damaged_segments, opened.readings), (1, 40 - lost));
    assert_eq!(journal.fetch(id, 1, 100, 100).unwrap().len() as u64, 40 - lost);
    assert!(first.with_extension("damaged").exists());
}
