//! A process that appends is killed again and again: every number that it gave is there afterwards, once.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tankline_domain::message::{JournalId, SequencedReading};
use tankline_domain::reading::{Bad, Reading};
use tankline_domain::units::UnixMillis;
use tankline_edge::journal::{Journal, JournalConfig};

/// Says to the child which folder it appends to, and in which round.
const FOLDER: &str = "TANKLINE_TEST_JOURNAL";
const ROUND: &str = "TANKLINE_TEST_ROUND";

const ROUNDS: i64 = 30;

/// Readings of one round; its first one has this number times the round.
const OF_A_ROUND: i64 = 1_000_000;

fn open(dir: &Path) -> Journal {
    let config = JournalConfig { dir: dir.to_owned(), max_bytes: 64 << 20, segment_bytes: 4 << 10 };
    let (journal, opened) = Journal::open(config).unwrap();
    assert!(!opened.in_memory);
    journal
}

/// No test of its own: what the killed process does.
#[test]
fn child_appends_until_it_is_killed() {
    let (Some(dir), Ok(round)) = (std::env::var_os(FOLDER), std::env::var(ROUND)) else { return };
    let first = round.parse::<i64>().unwrap() * OF_A_ROUND;
    let mut journal = open(&PathBuf::from(dir));
    let mut said = std::io::stdout().lock();
    for at in first..first + OF_A_ROUND {
        let reading = Reading::failed("T-01".parse().unwrap(), UnixMillis::new(at), Bad::NoReply);
        let entry = journal.append(&reading).unwrap();
        writeln!(said, "given {} {} {at}", entry.journal, entry.seq).unwrap();
        said.flush().unwrap();
        if at % 50 == 0 {
            journal.sync().unwrap();
        }
    }
}

/// Lets a child append, kills it when it has said so many numbers, and gives all that it said.
fn kill_after(dir: &Path, round: i64, numbers: usize) -> Vec<(JournalId, u64, i64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_appends_until_it_is_killed", "--nocapture"])
        .env(FOLDER, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
    let mut given = Vec::new();
    let mut take = |line: Vec<u8>| {
        let line = String::from_utf8(line).unwrap();
        let mut words = line.split(' ');
        if words.next() == Some("given") {
            let mut word = || words.next().unwrap();
            given.push((word().parse().unwrap(), word().parse().unwrap(), word().parse().unwrap()));
        }
        given.len()
    };
    while take(lines.next().expect("the child goes on until it is killed").unwrap()) < numbers {}
    child.kill().unwrap();
    // What it said between that and its end counts as well.
    for line in lines {
        take(line.unwrap());
    }
    child.wait().unwrap();
    given
}

#[test]
fn a_killed_process_loses_nothing_that_it_gave_a_number_and_gives_no_number_twice() {
    let dir = tempfile::tempdir().unwrap();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut given = BTreeMap::new();
    for round in 1..=ROUNDS {
        for (journal, seq, at) in kill_after(dir.path(), round, random.usize(1..300)) {
            assert_eq!(given.insert((journal, seq), at), None, "{journal} {seq} was given twice");
        }
    }
    let mut journal = open(dir.path());
    let mut found = BTreeMap::new();
    for (id, numbers) in journal.contents() {
        for entry in journal.fetch(id, *numbers.start(), *numbers.end(), usize::MAX).unwrap() {
            let read: SequencedReading = serde_json::from_slice(&entry.json).unwrap();
            assert_eq!(read.seq, entry.seq);
            assert_eq!(found.insert((id, entry.seq), read.reading.at.get()), None, "{id} {} is there twice", entry.seq);
        }
    }
    for (number, at) in &given {
        assert_eq!(found.get(number), Some(at), "{number:?}");
    }
    // Of each round one reading may have been appended that its process did not come to say.
    assert!(found.len() <= given.len() + ROUNDS as usize, "{} found, {} given", found.len(), given.len());
    let mut readings: Vec<i64> = found.into_values().collect();
    readings.sort_unstable();
    assert!(readings.windows(2).all(|pair| pair[0] < pair[1]), "no reading is there twice");
}
