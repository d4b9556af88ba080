//! What is found in a journal's folder when it is opened. Nothing is changed here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tankline_domain::message::JournalId;
use tankline_domain::ranges::RangeSet;

use super::earlier::Border;
use super::error::JournalError;
use super::mark::Mark;
use super::owner::Owner;
use super::reader::Reader;
use super::segment::{FORMAT, HEADER_LENGTH, Header, HeaderError};
use super::storage::Storage;
use crate::stamp::{SET_AFTER, stamp_of};

/// Ending of segment files.
const SEGMENT: &str = "seg";

/// Ending of files that were segments and cannot be used.
const DAMAGED: &str = "damaged";

/// A segment.
#[derive(Debug)]
pub(super) struct Segment {
    /// Where it is.
    pub(super) path: PathBuf,
    /// What its header says.
    pub(super) header: Header,
    /// The sequence numbers of its good records.
    pub(super) numbers: RangeSet,
    /// Its length.
    pub(super) bytes: u64,
    /// How often it could not be read.
    pub(super) failed_reads: u8,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The segments in the order in which they were written.
    pub(super) segments: Vec<Segment>,
    /// Segments that cannot be read, they may be another time, and their length.
    pub(super) unreadable_segments: u64,
    pub(super) unreadable_bytes: u64,
    /// Files that should be segments and have nothing that can be used, or only what others have too.
    pub(super) useless: Vec<(PathBuf, u64)>,
    /// Such files that were put aside before.
    pub(super) aside: Vec<(PathBuf, u64)>,
    /// Length of all other files, without the mark and the like.
    pub(super) other_bytes: u64,
    /// The mark.
    pub(super) mark: Option<Mark>,
    /// Bytes that were passed over.
    pub(super) skipped_bytes: u64,
    /// Numbers whose records are damaged, as far as the records around them tell.
    pub(super) lost: BTreeMap<JournalId, RangeSet>,
    /// The last time of day that a reading has, in the order in which they were written.
    pub(super) last_stamp_ms: Option<i64>,
    /// The latest time since a start of the machine that a reading has instead; 0 when none has.
    pub(super) latest_unset_ms: i64,
    /// Whether the last segment is whole, and no other one is missing for a reason that is known.
    pub(super) last_is_whole: bool,
}

impl Segment {
    /// Gives the name of a segment's file.
    pub(super) fn file_name(header: &Header) -> String {
        let Header { journal, generation, first_seq } = header;
        format!("{generation:016x}-{journal}-{first_seq:020}.{SEGMENT}")
    }

    /// Gives the number that comes after all that the segment has.
    pub(super) fn next_seq(&self) -> u64 {
        self.numbers.last().map_or(self.header.first_seq, |last| last + 1)
    }

    /// Gives the numbers here that are not among some others.
    pub(super) fn without(&self, others: &RangeSet) -> RangeSet {
        let mut left = self.numbers.clone();
        left.subtract(others);
        left
    }

    /// Tells whether all numbers here are among some others.
    pub(super) fn is_within(&self, others: &RangeSet) -> bool {
        self.numbers.ranges().iter().all(|&(first, last)| others.contains_range(first, last))
    }
}

/// A segment as it stands in its file.
struct Measured {
    segment: Segment,
    skipped: u64,
    lost: RangeSet,
    is_whole: bool,
    /// Whether bytes stand after the last good record.
    end_is_damaged: bool,
    stamps: Stamps,
}

/// The times of the readings in a segment.
#[derive(Debug, Default)]
struct Stamps {
    last_ms: Option<i64>,
    latest_unset_ms: i64,
}

/// What became of a file that should be a segment.
enum Measure {
    Segment(Box<Measured>),
    /// Nothing in it can be used.
    Useless,
    Unreadable,
}

/// Looks at all files of a folder.
///
/// # Errors
/// [`JournalError`] when the folder cannot be read, or a newer version of the program wrote a segment.
pub(super) fn scan(storage: &dyn Storage, dir: &Path) -> Result<Found, JournalError> {
    let mut found = Found { mark: Mark::read(storage, dir), ..Found::default() };
    let mut measured = Vec::new();
    for (path, length) in storage.list(dir).map_err(JournalError::io("read folder", dir))? {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some(SEGMENT) => match measure(storage, &path, length)? {
                Measure::Segment(segment) => measured.push(*segment),
                Measure::Useless => {
                    found.skipped_bytes += length;
                    found.useless.push((path, length));
                }
                Measure::Unreadable => {
                    found.unreadable_segments += 1;
                    found.unreadable_bytes += length;
                }
            },
            Some(DAMAGED) => found.aside.push((path, length)),
            _ if path == Mark::path(dir) || path == Owner::path(dir) || path == Border::path(dir) => {}
            _ => found.other_bytes += length,
        }
    }
    let all_are_good = |found: &Found| found.useless.is_empty() && found.unreadable_segments == 0;
    measured.sort_by(|a, b| a.segment.place().cmp(&b.segment.place()));
    let mut present: BTreeMap<JournalId, RangeSet> = BTreeMap::new();
    let mut damaged_end: Option<(JournalId, u64)> = None;
    for Measured { mut segment, skipped, lost, is_whole, end_is_damaged, stamps } in measured {
        let journal = segment.header.journal;
        found.skipped_bytes += skipped;
        found.last_stamp_ms = stamps.last_ms.or(found.last_stamp_ms);
        found.latest_unset_ms = found.latest_unset_ms.max(stamps.latest_unset_ms);
        let journal_lost = found.lost.entry(journal).or_default();
        journal_lost.extend(&lost);
        if let Some((_, next_seq)) = damaged_end.filter(|end| end.0 == journal && end.1 < segment.header.first_seq) {
            // The next segment tells how far the one before it went.
            journal_lost.insert(next_seq, segment.header.first_seq - 1);
        }
        damaged_end = end_is_damaged.then(|| (journal, segment.next_seq()));
        let present = present.entry(journal).or_default();
        let own = segment.without(present);
        if own.is_empty() && !segment.numbers.is_empty() {
            tracing::warn!(path = %segment.path.display(), "journal segment has only what others have too");
            found.useless.push((segment.path, segment.bytes));
            continue;
        }
        // Of two records with one number the one that stands first counts.
        let is_own = own == segment.numbers;
        segment.numbers = own;
        present.extend(&segment.numbers);
        found.last_is_whole = is_whole && is_own;
        found.segments.push(segment);
    }
    found.last_is_whole &= all_are_good(&found);
    for (journal, lost) in &mut found.lost {
        lost.subtract(present.get(journal).unwrap_or(&RangeSet::new()));
    }
    found.lost.retain(|_, lost| !lost.is_empty());
    Ok(found)
}

/// Gives the name under which a file that cannot be used is put aside.
pub(super) fn aside_name(path: &Path) -> PathBuf {
    path.with_extension(DAMAGED)
}

impl Segment {
    fn place(&self) -> (u64, JournalId, u64, &Path) {
        (self.header.generation, self.header.journal, self.header.first_seq, &self.path)
    }
}

/// Reads a whole segment.
fn measure(storage: &dyn Storage, path: &Path, length: u64) -> Result<Measure, JournalError> {
    let head = match storage.read(path, 0, HEADER_LENGTH) {
        Ok(head) => head,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "journal segment cannot be read");
            return Ok(Measure::Unreadable);
        }
    };
    let (header, has_header) = match Header::decode(&head) {
        Ok(header) => (header, true),
        Err(HeaderError::Newer(found)) => {
            return Err(JournalError::Newer { path: path.to_owned(), found, known: FORMAT });
        }
        // Its name says the same, and each record says to which journal it belongs.
        Err(HeaderError::Damaged) => match header_of_name(path) {
            Some(header) => (header, false),
            None => return Ok(Measure::Useless),
        },
    };
    let Content { numbers, skipped, lost, is_readable, end_is_damaged, stamps } =
        content(storage, path, &header, length);
    let is_whole = has_header && is_readable && skipped == 0;
    if !is_whole && numbers.is_empty() {
        return Ok(if is_readable { Measure::Useless } else { Measure::Unreadable });
    }
    if !is_whole {
        tracing::warn!(
            path = %path.display(), has_header, skipped_bytes = skipped, lost_readings = lost.count(), readings = numbers.count(),
            "journal segment is damaged; what is good in it is kept"
        );
    }
    let segment = Segment { path: path.to_owned(), header, numbers, bytes: length, failed_reads: 0 };
    Ok(Measure::Segment(Box::new(Measured { segment, skipped, lost, is_whole, end_is_damaged, stamps })))
}

/// What a segment has.
struct Content {
    /// The numbers of its good records.
    numbers: RangeSet,
    /// Bytes that are none.
    skipped: u64,
    /// The numbers that are missing where such bytes are.
    lost: RangeSet,
    /// Whether the file could be read to its end.
    is_readable: bool,
    /// Whether such bytes stand after the last good record.
    end_is_damaged: bool,
    stamps: Stamps,
}

impl Stamps {
    fn note(&mut self, payload: &[u8]) {
        match stamp_of(payload) {
            Some(at) if at > SET_AFTER.get() => self.last_ms = Some(at),
            Some(at) => self.latest_unset_ms = self.latest_unset_ms.max(at),
            None => {}
        }
    }
}

/// Reads all records of a segment.
fn content(storage: &dyn Storage, path: &Path, header: &Header, length: u64) -> Content {
    let (mut numbers, mut lost, mut stamps) = (RangeSet::new(), RangeSet::new(), Stamps::default());
    let read = |offset, length| storage.read(path, offset, length);
    let mut reader = Reader::new(header.journal, header.first_seq, length, read);
    let (mut next, mut skipped, mut unread, mut is_readable) = (header.first_seq, 0, 0, true);
    // Most segments have one run of numbers.
    let mut run: Option<(u64, u64)> = None;
    loop {
        let seq = match reader.next_record() {
            Ok(Some(record)) => {
                stamps.note(record.payload);
                record.seq
            }
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "journal segment cannot be read to its end");
                unread = length.saturating_sub(reader.position());
                is_readable = false;
                break;
            }
        };
        if reader.skipped() > skipped {
            skipped = reader.skipped();
            lost.insert(next, seq - 1);
        }
        next = seq + 1;
        run = match run {
            Some((first, last)) if last + 1 == seq => Some((first, seq)),
            Some((first, last)) => {
                numbers.insert(first, last);
                Some((seq, seq))
            }
            None => Some((seq, seq)),
        };
    }
    if let Some((first, last)) = run {
        numbers.insert(first, last);
    }
    let all_skipped = reader.skipped() + unread;
    Content { numbers, skipped: all_skipped, lost, is_readable, end_is_damaged: all_skipped > skipped, stamps }
}

fn header_of_name(path: &Path) -> Option<Header> {
    let mut parts = path.file_stem()?.to_str()?.split('-');
    let (generation, journal, first_seq) = (parts.next()?, parts.next()?, parts.next()?);
    let generation = u64::from_str_radix(generation, 16).ok()?;
    let header = Header { journal: journal.parse().ok()?, generation, first_seq: first_seq.parse().ok()? };
    (parts.next().is_none() && header.is_plausible()).then_some(header)
}
