//! What the journal costs: `cargo bench -p tankline-edge --bench journal`.
//!
//! A day of 7 gauges at one reading a second is appended, found by a new process, drained in messages of 500, and
//! committed piece by piece. Without `--bench`, as in `cargo test --all-targets`, it does a fortieth of that.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::{Quality, Reading};
use tankline_domain::units::{Celsius, Millimetres, UnixMillis};
use tankline_edge::journal::{Journal, JournalConfig};
use tankline_runtime::clock;

const DAY_OF_SEVEN_GAUGES: u64 = 7 * 86_400;

fn main() {
    let readings = if std::env::args().any(|argument| argument == "--bench") {
        DAY_OF_SEVEN_GAUGES
    } else {
        DAY_OF_SEVEN_GAUGES / 40
    };
    let dir = tempfile::tempdir().expect("a folder for the journal");
    let mut journal = open(dir.path(), 256 << 20).0;
    append(&mut journal, readings);
    println!("{:>10.1} bytes on disk per reading", rate(journal.bytes(), readings));
    println!("{:>10} segments", count_segments(dir.path()));
    drop(journal);
    let (mut journal, took) = open(dir.path(), 256 << 20);
    let megabytes = rate(journal.bytes(), 1 << 20);
    println!("{:>10.0} ms to open {megabytes:.1} MiB", millis(took));
    fetch(&mut journal, readings);
    commit(&mut journal, readings);
    report(&mut journal);
    drop(journal);
    let journal = open(dir.path(), 64 << 20).0;
    let full = journal.bytes();
    drop(journal);
    let (mut journal, took) = open(dir.path(), 64 << 20);
    println!("{:>10.0} ms to open {:.1} MiB", millis(took), rate(full, 1 << 20));
    append_synced(&mut journal);
}

fn open(dir: &Path, max_bytes: u64) -> (Journal, Duration) {
    let config = JournalConfig { dir: dir.to_owned(), max_bytes, segment_bytes: 256 << 10 };
    let began = clock::now();
    let (journal, _) = Journal::open(config).expect("the journal opens");
    (journal, began.elapsed())
}

fn reading(number: u64) -> Reading {
    #[expect(clippy::cast_precision_loss, reason = "a level is below 2^52 mm")]
    let level = 9000.0 + (number % 1000) as f64;
    Reading {
        tank: format!("T-{:02}", number % 7 + 1).parse().expect("a name"),
        at: UnixMillis::new(1_795_400_000_000 + number.cast_signed() * 143),
        level: Some(Millimetres::new(level)),
        interface: Some(Millimetres::new(367.0)),
        temperature: Some(Celsius::new(32.5)),
        layer: None,
        quality: Quality::Good,
    }
}

fn append(journal: &mut Journal, readings: u64) {
    let began = clock::now();
    for number in 0..readings {
        black_box(journal.append(&reading(number)).expect("the disk takes it"));
    }
    println!("{:>10.0} appends/s, synced with each segment", per_second(readings, began));
}

fn append_synced(journal: &mut Journal) {
    let began = clock::now();
    for number in 0..7 * 100 {
        journal.append(&reading(number)).expect("the disk takes it");
        if number % 7 == 6 {
            journal.sync().expect("the disk takes it");
        }
    }
    println!("{:>10.1} ms for a second of 7 gauges, synced", millis(began.elapsed()) / 100.0);
}

/// Drains as the uplink does, and shows that the end takes no longer than the beginning.
fn fetch(journal: &mut Journal, readings: u64) {
    let (id, mut next, began) = (journal.id(), 1, clock::now());
    let mut tenths = Vec::new();
    let mut tenth = clock::now();
    while next <= readings {
        let entries = journal.fetch(id, next, readings, 500).expect("the disk gives it");
        next = entries.last().expect("all are there").seq + 1;
        if next > readings / 10 * (tenths.len() as u64 + 1) {
            tenths.push(tenth.elapsed());
            tenth = clock::now();
        }
    }
    let (first, last) = (millis(tenths[0]), millis(tenths[9]));
    println!(
        "{:>10.0} readings/s by fetch of 500; first tenth {first:.0} ms, last {last:.0} ms",
        per_second(readings, began)
    );
}

/// Commits as the centre says it: all that it has each time, in many pieces, one message more each time.
fn commit(journal: &mut Journal, readings: u64) {
    let id = journal.id();
    let mut ranges = RangeSet::new();
    // Of each ten readings of the newer half the last one is missing.
    for start in (readings / 2..readings - 500).step_by(10) {
        ranges.insert(start, start + 8);
    }
    let pieces = ranges.ranges().len();
    journal.commit(id, &ranges).expect("nothing is removed");
    let mut longest = Duration::ZERO;
    let (mut commits, began) = (0_u64, clock::now());
    for end in (500..readings / 4).step_by(500) {
        ranges.insert(1, end);
        let began = clock::now();
        journal.commit(id, &ranges).expect("the disk takes it");
        longest = longest.max(began.elapsed());
        commits += 1;
    }
    let mean = millis(began.elapsed()) / rate(commits, 1);
    println!("{mean:>10.3} ms for a commit of {pieces} ranges, {:.1} ms at most", millis(longest));
}

fn report(journal: &mut Journal) {
    let began = clock::now();
    black_box((journal.depth(), journal.oldest_uncommitted(), journal.contents()));
    println!("{:>10.1} ms to say how it stands", millis(began.elapsed()));
}

fn count_segments(dir: &Path) -> usize {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    files.filter(|file| file.path().extension().is_some_and(|ending| ending == "seg")).count()
}

fn per_second(readings: u64, began: Instant) -> f64 {
    rate(readings, 1) / began.elapsed().as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn rate(count: u64, of: u64) -> f64 {
    count as f64 / of as f64
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
