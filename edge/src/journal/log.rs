//! The segment log itself.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use tankline_domain::message::{JournalId, SequencedReading};
use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::Reading;

use super::error::JournalError;
use super::scan::{file_name, scan};
use super::segment::{HEADER_LENGTH, Header, RECORD_HEADER_LENGTH, decode_record, encode_record};

/// Where the journal is and how big it may get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalConfig {
    /// Its folder; made when it is not there.
    pub dir: PathBuf,
    /// Bound of all segments together. When it is reached, the oldest segment goes.
    pub max_bytes: u64,
    /// Length at which a new segment is begun.
    pub segment_bytes: u64,
}

/// A reading in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The journal.
    pub journal: JournalId,
    /// Sequence number in it.
    pub seq: u64,
    /// The reading as it goes on the wire, with its sequence number.
    pub json: Vec<u8>,
}

/// What was found when the journal was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// Readings found.
    pub readings: u64,
    /// Bytes at the ends of segments that could not be read and were cut.
    pub torn_bytes: u64,
    /// Segments without a good header, put aside.
    pub damaged_segments: u64,
    /// Whether a new journal was begun: the first one, or after a power cut.
    pub new_journal: bool,
}

/// Every reading on disk until the centre has committed it.
///
/// A process that is killed loses nothing that was appended: the system has it. A machine that loses its power loses at
/// most what came after the last [`Journal::sync`]; their sequence numbers may be known to the centre, so they are never
/// given again: a new journal is begun instead.
#[derive(Debug)]
pub struct Journal {
    config: JournalConfig,
    /// Held for as long as this process owns the folder.
    _lock: File,
    segments: Vec<Segment>,
    active: File,
    boot: u64,
    unsynced: bool,
    committed: BTreeMap<JournalId, RangeSet>,
    gaps: BTreeMap<JournalId, RangeSet>,
    fetch_cursor: Option<Cursor>,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    header: Header,
    records: u64,
    bytes: u64,
}

/// Where the last fetch stopped reading.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    generation: u64,
    segment_first_seq: u64,
    next_seq: u64,
    offset: u64,
}

const LOCK: &str = "lock";
const CLEAN: &str = "clean";

impl Segment {
    /// Gives the sequence numbers that the segment has.
    fn numbers(&self) -> RangeInclusive<u64> {
        self.header.first_seq..=(self.header.first_seq + self.records).saturating_sub(1)
    }
}

impl Journal {
    /// Opens the journal of a folder, or makes it.
    ///
    /// # Errors
    /// [`JournalError`] when the folder cannot be used. Damage to its content is no error: what is good is kept.
    pub fn open(config: JournalConfig) -> Result<(Self, Opened), JournalError> {
        let dir = &config.dir;
        fs::create_dir_all(dir).map_err(JournalError::io("make folder", dir))?;
        let lock = lock(dir)?;
        let (found, damaged_segments) = scan(dir)?;
        let mut opened = Opened { damaged_segments, ..Opened::default() };
        let boot = boot_hash();
        let clean = take_clean_mark(dir)?;
        let mut segments = Vec::new();
        for segment in found {
            if segment.torn_bytes > 0 {
                tracing::warn!(path = %segment.path.display(), bytes = segment.torn_bytes, "journal segment is cut where it is torn");
                cut(&segment.path, segment.good_bytes)?;
            }
            opened.readings += segment.records;
            opened.torn_bytes += segment.torn_bytes;
            let (path, header, records, bytes) = (segment.path, segment.header, segment.records, segment.good_bytes);
            segments.push(Segment { path, header, records, bytes });
        }
        let next = match segments.last() {
            Some(last) => {
                let next_seq = last.numbers().end() + 1;
                let goes_on =
                    last.header.boot == boot || clean.as_deref() == Some(&*clean_mark(&last.header, next_seq));
                if goes_on {
                    Header { first_seq: next_seq, boot, ..last.header }
                } else {
                    opened.new_journal = true;
                    Header { journal: random_id()?, generation: last.header.generation + 1, first_seq: 1, boot }
                }
            }
            None => {
                opened.new_journal = true;
                Header { journal: random_id()?, generation: 1, first_seq: 1, boot }
            }
        };
        // An empty last segment would have the same name as the next one.
        if segments.last().is_some_and(|last| last.records == 0) {
            let empty = segments.pop().map(|segment| segment.path).unwrap_or_default();
            fs::remove_file(&empty).map_err(JournalError::io("remove", &empty))?;
        }
        let (segment, active) = create_segment(dir, next)?;
        segments.push(segment);
        let journal = Self {
            config,
            _lock: lock,
            segments,
            active,
            boot,
            unsynced: false,
            committed: BTreeMap::new(),
            gaps: BTreeMap::new(),
            fetch_cursor: None,
        };
        Ok((journal, opened))
    }

    /// Gives the identity of the journal that new readings go to.
    #[must_use]
    pub fn id(&self) -> JournalId {
        self.active_segment().header.journal
    }

    /// Gives the journals that have readings here and the lowest and highest number of each.
    #[must_use]
    pub fn contents(&self) -> BTreeMap<JournalId, RangeInclusive<u64>> {
        let mut contents: BTreeMap<JournalId, RangeInclusive<u64>> = BTreeMap::new();
        for segment in self.segments.iter().filter(|segment| segment.records > 0) {
            let numbers = segment.numbers();
            let entry = contents.entry(segment.header.journal).or_insert_with(|| numbers.clone());
            *entry = (*entry.start()).min(*numbers.start())..=(*entry.end()).max(*numbers.end());
        }
        contents
    }

    /// Gives the readings that went uncommitted because the journal was full, since it was opened.
    #[must_use]
    pub const fn gaps(&self) -> &BTreeMap<JournalId, RangeSet> {
        &self.gaps
    }

    /// Gives the bytes of all segments.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Appends a reading under the next sequence number. When this returns, a kill of the process does not lose it.
    ///
    /// # Errors
    /// [`JournalError`] when the disk does not take it; the journal is then as it was before.
    pub fn append(&mut self, reading: &Reading) -> Result<Entry, JournalError> {
        if self.active_segment().bytes >= self.config.segment_bytes {
            self.begin_segment()?;
        }
        let active = self.active_segment();
        let (journal, seq) = (active.header.journal, active.numbers().end() + 1);
        let seq = if active.records == 0 { active.header.first_seq } else { seq };
        let json =
            serde_json::to_vec(&SequencedReading { seq, reading: reading.clone() }).expect("a reading is plain data");
        let mut record = Vec::with_capacity(RECORD_HEADER_LENGTH + json.len());
        encode_record(&json, &mut record);
        let (path, before) = (active.path.clone(), active.bytes);
        if let Err(error) = self.active.write_all(&record) {
            // Half a record would hide all that comes after it.
            let _ = self.active.set_len(before).and_then(|()| self.active.seek(SeekFrom::Start(before)));
            return Err(JournalError::io("write to", &path)(error));
        }
        self.unsynced = true;
        let active = self.segments.last_mut().expect("there is always an active segment");
        active.records += 1;
        active.bytes += record.len() as u64;
        self.make_room()?;
        Ok(Entry { journal, seq, json })
    }

    /// Brings everything appended to the disk; after this a power cut does not lose it.
    ///
    /// # Errors
    /// [`JournalError`] when the disk fails.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        if self.unsynced {
            let path = &self.active_segment().path;
            self.active.sync_data().map_err(JournalError::io("sync", path))?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Tells whether something was appended since the last sync.
    #[must_use]
    pub const fn is_unsynced(&self) -> bool {
        self.unsynced
    }

    /// Takes what the centre has committed; segments that are committed whole go.
    ///
    /// # Errors
    /// [`JournalError`] when a file cannot be removed.
    pub fn commit(&mut self, journal: JournalId, ranges: &RangeSet) -> Result<(), JournalError> {
        self.committed.entry(journal).or_default().extend(ranges);
        let known = &self.committed;
        let done = |segment: &Segment| {
            segment.records == 0
                || known.get(&segment.header.journal).is_some_and(|committed| {
                    committed.contains_range(*segment.numbers().start(), *segment.numbers().end())
                })
        };
        let last = self.segments.len() - 1;
        let gone: Vec<usize> = (0..last).filter(|&index| done(&self.segments[index])).collect();
        for index in gone.into_iter().rev() {
            let segment = self.segments.remove(index);
            fs::remove_file(&segment.path).map_err(JournalError::io("remove", &segment.path))?;
        }
        Ok(())
    }

    /// Counts the readings here that are not known to be committed.
    #[must_use]
    pub fn depth(&self) -> u64 {
        let uncommitted = |segment: &Segment| {
            let numbers = segment.numbers();
            let committed = self.committed.get(&segment.header.journal);
            if segment.records == 0 {
                return 0;
            }
            committed.map_or(segment.records, |ranges| ranges.missing(*numbers.start(), *numbers.end()).count())
        };
        self.segments.iter().map(uncommitted).sum()
    }

    /// Reads up to `limit` readings of a journal, from the first wanted one on, none after `last`.
    ///
    /// # Errors
    /// [`JournalError`] when a segment cannot be read.
    pub fn fetch(
        &mut self,
        journal: JournalId,
        first: u64,
        last: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, JournalError> {
        let mut entries = Vec::new();
        let (mut wanted, cursor) = (first, self.fetch_cursor.take());
        for segment in self.segments.iter().filter(|segment| segment.header.journal == journal && segment.records > 0) {
            let numbers = segment.numbers();
            if *numbers.end() < wanted || *numbers.start() > last {
                continue;
            }
            let here = |cursor: &Cursor| {
                cursor.generation == segment.header.generation
                    && cursor.segment_first_seq == segment.header.first_seq
                    && cursor.next_seq <= wanted
            };
            let (mut seq, mut offset) = cursor
                .filter(here)
                .map_or((segment.header.first_seq, HEADER_LENGTH as u64), |cursor| (cursor.next_seq, cursor.offset));
            let bytes = read_from(&segment.path, offset, segment.bytes)?;
            let mut rest = &bytes[..];
            while let Some(payload) = decode_record(rest) {
                if seq > last || entries.len() == limit {
                    break;
                }
                if seq >= wanted {
                    entries.push(Entry { journal, seq, json: payload.to_owned() });
                    wanted = seq + 1;
                }
                seq += 1;
                rest = &rest[RECORD_HEADER_LENGTH + payload.len()..];
                offset += (RECORD_HEADER_LENGTH + payload.len()) as u64;
            }
            let (generation, segment_first_seq) = (segment.header.generation, segment.header.first_seq);
            self.fetch_cursor = Some(Cursor { generation, segment_first_seq, next_seq: seq, offset });
            if entries.len() == limit {
                break;
            }
        }
        Ok(entries)
    }

    /// Gives the oldest reading that is not known to be committed, as far as it can be read.
    pub fn oldest_uncommitted(&mut self) -> Option<Entry> {
        let nothing = RangeSet::new();
        let (journal, first) = self.segments.iter().filter(|segment| segment.records > 0).find_map(|segment| {
            let committed = self.committed.get(&segment.header.journal).unwrap_or(&nothing);
            let numbers = segment.numbers();
            Some((segment.header.journal, committed.first_missing(*numbers.start(), *numbers.end())?))
        })?;
        let cursor = self.fetch_cursor;
        let entry = self.fetch(journal, first, first, 1).ok()?.pop();
        self.fetch_cursor = cursor;
        entry
    }

    /// Brings everything to disk and marks that nothing is missing, so that the next start goes on in this journal.
    ///
    /// # Errors
    /// [`JournalError`] when the disk fails; the next start is then like one after a power cut.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.sync()?;
        let active = self.active_segment();
        let next_seq = if active.records == 0 { active.header.first_seq } else { active.numbers().end() + 1 };
        let path = self.config.dir.join(CLEAN);
        let failed = || JournalError::io("write", &path);
        let mut mark = File::create(&path).map_err(failed())?;
        mark.write_all(clean_mark(&active.header, next_seq).as_bytes()).map_err(failed())?;
        mark.sync_all().map_err(failed())?;
        sync_dir(&self.config.dir)
    }

    fn active_segment(&self) -> &Segment {
        self.segments.last().expect("there is always an active segment")
    }

    fn begin_segment(&mut self) -> Result<(), JournalError> {
        self.sync()?;
        let active = self.active_segment();
        let header = Header { first_seq: active.numbers().end() + 1, boot: self.boot, ..active.header };
        let (segment, file) = create_segment(&self.config.dir, header)?;
        self.segments.push(segment);
        self.active = file;
        Ok(())
    }

    /// Lets the oldest segments go until the bound is kept; what was not committed in them is a gap.
    fn make_room(&mut self) -> Result<(), JournalError> {
        while self.bytes() > self.config.max_bytes && self.segments.len() > 1 {
            let oldest = self.segments.remove(0);
            fs::remove_file(&oldest.path).map_err(JournalError::io("remove", &oldest.path))?;
            let numbers = oldest.numbers();
            let nothing = RangeSet::new();
            let committed = self.committed.get(&oldest.header.journal).unwrap_or(&nothing);
            let lost = committed.missing(*numbers.start(), *numbers.end());
            if oldest.records > 0 && !lost.is_empty() {
                tracing::warn!(readings = lost.count(), "journal is full: the oldest readings are dropped uncommitted");
                self.gaps.entry(oldest.header.journal).or_default().extend(&lost);
            }
        }
        Ok(())
    }
}

fn lock(dir: &Path) -> Result<File, JournalError> {
    let path = dir.join(LOCK);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(JournalError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::InUse { path: dir.to_owned() }),
        Err(TryLockError::Error(error)) => Err(JournalError::io("lock", &path)(error)),
    }
}

fn create_segment(dir: &Path, header: Header) -> Result<(Segment, File), JournalError> {
    let path = dir.join(file_name(&header));
    let failed = || JournalError::io("make", &path);
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path).map_err(failed())?;
    file.write_all(&header.encode()).map_err(failed())?;
    file.sync_all().map_err(failed())?;
    sync_dir(dir)?;
    Ok((Segment { path, header, records: 0, bytes: HEADER_LENGTH as u64 }, file))
}

fn cut(path: &Path, length: u64) -> Result<(), JournalError> {
    let file = OpenOptions::new().write(true).open(path).map_err(JournalError::io("open", path))?;
    file.set_len(length).and_then(|()| file.sync_all()).map_err(JournalError::io("cut", path))
}

fn read_from(path: &Path, offset: u64, end: u64) -> Result<Vec<u8>, JournalError> {
    let failed = || JournalError::io("read", path);
    let mut file = File::open(path).map_err(failed())?;
    file.seek(SeekFrom::Start(offset)).map_err(failed())?;
    let mut bytes = Vec::new();
    file.take(end.saturating_sub(offset)).read_to_end(&mut bytes).map_err(failed())?;
    Ok(bytes)
}

fn sync_dir(dir: &Path) -> Result<(), JournalError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(JournalError::io("sync folder", dir))
}

fn clean_mark(header: &Header, next_seq: u64) -> String {
    format!("{} {next_seq}", header.journal)
}

/// Reads the mark of an orderly end and takes it away, so that it speaks for one end only.
fn take_clean_mark(dir: &Path) -> Result<Option<String>, JournalError> {
    let path = dir.join(CLEAN);
    let Ok(mark) = fs::read_to_string(&path) else { return Ok(None) };
    fs::remove_file(&path).map_err(JournalError::io("remove", &path))?;
    sync_dir(dir)?;
    Ok(Some(mark))
}

fn random_id() -> Result<JournalId, JournalError> {
    getrandom::u64().map(JournalId::new).map_err(|error| JournalError::Random(error.to_string()))
}

/// Gives a number that differs from one boot of the machine to the next.
fn boot_hash() -> u64 {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    // Without a boot id every start counts as one after a power cut, which is safe.
    if id.is_empty() { getrandom::u64().unwrap_or(0) } else { u64::from(crc32fast::hash(id.as_bytes())) | 1 << 32 }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
