//! The journal as it stands on the disk: a log of segments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tankline_domain::message::JournalId;
use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::Reading;

use super::earlier::{BOOT_LENGTH, Border};
use super::entry::{self, Entry};
use super::error::JournalError;
use super::fetch::Cursor;
use super::host::Boot;
use super::mark::{MARK_LENGTH, Mark};
use super::owner::OWNER_LENGTH;
use super::scan::Segment;
use super::segment::{HEADER_LENGTH, Header, MAX_NUMBER, RECORD_HEADER_LENGTH, encode_record};
use super::storage::{Lock, Storage, StorageFile};

/// Bytes that may be unsynced; then they are synced before the next reading is taken.
const MAX_UNSYNCED: usize = 1 << 20;

/// Length of the files beside the segments at most.
const SMALL_FILES: u64 = MARK_LENGTH + OWNER_LENGTH + BOOT_LENGTH;

/// Where the journal is and how big it may get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalConfig {
    /// Its folder; made when it is not there.
    pub dir: PathBuf,
    /// Bound of all files in the folder together. When it is reached, the oldest segment goes.
    pub max_bytes: u64,
    /// Length of a segment.
    pub segment_bytes: u64,
}

/// The segments of a folder, and where the next reading goes.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) config: JournalConfig,
    pub(super) storage: Arc<dyn Storage>,
    /// Held for as long as this process owns the folder.
    pub(super) _lock: Box<dyn Lock>,
    pub(super) boot: Boot,
    /// Where this boot begins.
    pub(super) border: Border,
    /// In the order in which they were written.
    pub(super) segments: Vec<Segment>,
    /// The last segment while it is written.
    pub(super) active: Option<Active>,
    pub(super) journal: JournalId,
    pub(super) generation: u64,
    pub(super) next_seq: u64,
    /// Files that could not be used; they go first when room is needed.
    pub(super) aside: Vec<(PathBuf, u64)>,
    /// Length of the files that are not the journal's.
    pub(super) other_bytes: u64,
    /// Whether files were removed that a power cut would bring back.
    pub(super) removed_unsynced: bool,
    pub(super) committed: BTreeMap<JournalId, RangeSet>,
    pub(super) gaps: BTreeMap<JournalId, RangeSet>,
    pub(super) cursor: Option<Cursor>,
}

/// The segment that is written.
#[derive(Debug)]
pub(super) struct Active {
    file: Box<dyn StorageFile>,
    /// Length of what is on the disk.
    synced: u64,
    /// What came after that.
    unsynced: Vec<u8>,
    /// After a failed sync the system may hold the bytes for written that it lost.
    sync_failed: bool,
    /// After a failed write nothing more goes here.
    write_failed: bool,
}

/// What becomes of the mark when a segment is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marking {
    /// It is written and synced: the mark on the disk may say that the journal was closed.
    Synced,
    /// It is written.
    Written,
    /// It stays: numbers were given that are not in the log yet, so that nobody may go on here.
    Left,
}

impl Active {
    /// Takes a file of which all bytes are on the disk.
    pub(super) const fn new(file: Box<dyn StorageFile>, length: u64) -> Self {
        Self { file, synced: length, unsynced: Vec::new(), sync_failed: false, write_failed: false }
    }

    fn sync(&mut self) -> std::io::Result<()> {
        if self.unsynced.is_empty() {
            return Ok(());
        }
        if self.sync_failed {
            self.file.write_at(self.synced, &self.unsynced)?;
        }
        self.sync_failed = true;
        self.file.sync()?;
        self.sync_failed = false;
        self.synced += self.unsynced.len() as u64;
        self.unsynced.clear();
        Ok(())
    }
}

impl Log {
    /// Gives the length of all files in the folder.
    pub(super) fn bytes(&self) -> u64 {
        let segments: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        let aside: u64 = self.aside.iter().map(|(_, length)| length).sum();
        segments + aside + self.other_bytes + SMALL_FILES
    }

    /// Appends a reading under the next number.
    pub(super) fn append(&mut self, reading: &Reading) -> Result<Entry, JournalError> {
        let entry = entry::number(self.journal, self.next_seq, reading);
        self.write(&entry, Marking::Written)?;
        Ok(entry)
    }

    /// Appends a reading that has its number, which is not below the next one.
    pub(super) fn write(&mut self, entry: &Entry, marking: Marking) -> Result<(), JournalError> {
        debug_assert!(entry.journal == self.journal && entry.seq >= self.next_seq, "numbers rise");
        let mut record = Vec::with_capacity(RECORD_HEADER_LENGTH + entry.json.len());
        encode_record(entry.journal, &entry.json, &mut record);
        let length = record.len() as u64;
        let has_room = |active: &Active, segment: &Segment| {
            !active.write_failed && segment.bytes + length <= self.config.segment_bytes
        };
        match (&self.active, self.segments.last()) {
            (Some(active), Some(segment)) if has_room(active, segment) => {
                if active.unsynced.len() + record.len() > MAX_UNSYNCED {
                    self.sync()?;
                }
            }
            _ => self.begin_segment(entry.seq, marking)?,
        }
        let (active, segment) = self.active();
        let before = segment.bytes;
        if let Err(error) = active.file.write_at(before, &record) {
            // What stands there now is no record; it only takes up room.
            active.write_failed = true;
            if active.file.truncate(before).is_err() {
                segment.bytes += length;
            }
            return Err(JournalError::io("write to", &segment.path)(error));
        }
        active.unsynced.extend(&record);
        segment.bytes += length;
        segment.numbers.insert(entry.seq, entry.seq);
        self.next_seq = entry.seq + 1;
        Ok(())
    }

    /// Brings everything appended to the disk.
    pub(super) fn sync(&mut self) -> Result<(), JournalError> {
        if self.active.is_some() {
            let (active, segment) = self.active();
            active.sync().map_err(JournalError::io("sync", &segment.path))?;
        }
        Ok(())
    }

    /// Tells whether something was appended since the last sync.
    pub(super) fn is_unsynced(&self) -> bool {
        self.active.as_ref().is_some_and(|active| !active.unsynced.is_empty())
    }

    /// Goes over to a journal whose readings come with their numbers.
    pub(super) fn enter(&mut self, journal: JournalId) -> Result<(), JournalError> {
        if self.journal != journal {
            self.sync()?;
            self.active = None;
            (self.journal, self.generation, self.next_seq) = (journal, self.next_generation(), 1);
        }
        Ok(())
    }

    /// Goes on with a number: whatever comes after it is given here and nowhere else.
    pub(super) fn take_over(&mut self, next_seq: u64) -> Result<(), JournalError> {
        let goes_on = |active: &Active, segment: &Segment| !active.write_failed && segment.next_seq() == next_seq;
        match (&self.active, self.segments.last()) {
            (Some(active), Some(segment)) if goes_on(active, segment) => {}
            // Numbers whose readings are not here stay below the first one of a segment: the next start would give them
            // again.
            _ => self.begin_segment(next_seq, Marking::Left)?,
        }
        // Last of all: until then the numbers go on elsewhere.
        let first_seq = self.active().1.header.first_seq;
        self.write_mark(first_seq, None, Marking::Written)?;
        self.next_seq = next_seq;
        Ok(())
    }

    /// Takes what the centre has committed; segments that are committed whole go.
    pub(super) fn commit(&mut self, journal: JournalId, ranges: &RangeSet) -> Result<(), JournalError> {
        if let Some(gap) = self.gaps.get_mut(&journal) {
            gap.subtract(ranges);
        }
        self.gaps.retain(|_, gap| !gap.is_empty());
        if !self.segments.iter().any(|segment| segment.header.journal == journal) {
            return Ok(());
        }
        let committed = self.committed.entry(journal).or_default();
        committed.extend(ranges);
        let old = self.segments.len() - usize::from(self.active.is_some());
        let (mut kept, mut refused) = (Vec::with_capacity(self.segments.len()), None);
        for (index, segment) in self.segments.drain(..).enumerate() {
            let is_done = index < old && segment.header.journal == journal && segment.is_within(committed);
            if !is_done {
                kept.push(segment);
            } else if let Err(error) = remove(&*self.storage, &segment.path) {
                refused = Some(error);
                kept.push(segment);
            } else {
                self.removed_unsynced = true;
            }
        }
        self.segments = kept;
        let known: Vec<JournalId> = self.segments.iter().map(|segment| segment.header.journal).collect();
        self.committed.retain(|journal, _| known.contains(journal));
        // All that they have would be sent again.
        self.sync_removals()?;
        refused.map_or(Ok(()), Err)
    }

    /// Takes that the centre has no more what it had committed. What is gone from here stays gone.
    pub(super) fn forget(&mut self, journal: JournalId, lost: &RangeSet) {
        if let Some(committed) = self.committed.get_mut(&journal) {
            committed.subtract(lost);
        }
    }

    /// Counts the readings here that are not known to be committed.
    pub(super) fn depth(&self) -> u64 {
        let uncommitted = |segment: &Segment| match self.committed.get(&segment.header.journal) {
            Some(committed) => {
                let left = |&(first, last): &(u64, u64)| committed.missing(first, last).count();
                segment.numbers.ranges().iter().map(left).sum()
            }
            None => segment.numbers.count(),
        };
        self.segments.iter().map(uncommitted).sum()
    }

    /// Brings everything to disk and marks that nothing is missing.
    pub(super) fn close(mut self) -> Result<(), JournalError> {
        self.sync()?;
        // Without an active segment numbers may have been given that are not here.
        if let (Some(active), Some(segment)) = (&self.active, self.segments.last())
            && !active.write_failed
        {
            let first_seq = segment.header.first_seq;
            self.write_mark(first_seq, Some(self.next_seq), Marking::Synced)?;
            self.sync_folder()?;
        }
        Ok(())
    }

    /// Begins a segment in which no number is below `first_seq`.
    pub(super) fn begin_segment(&mut self, first_seq: u64, marking: Marking) -> Result<(), JournalError> {
        self.sync()?;
        self.active = None;
        self.make_room(self.config.segment_bytes)?;
        let header = Header { journal: self.journal, generation: self.generation, first_seq };
        let path = self.config.dir.join(Segment::file_name(&header));
        // Before the segment: while it is not there, nobody goes on here.
        self.write_mark(first_seq, None, marking)?;
        // One to which nothing could be written has the same name.
        self.segments.retain(|segment| segment.path != path);
        let made = self.create_segment(&path, header);
        let bytes = HEADER_LENGTH as u64;
        self.segments.push(Segment { path, header, numbers: RangeSet::new(), bytes, failed_reads: 0 });
        self.active = Some(Active::new(made?, bytes));
        Ok(())
    }

    fn create_segment(&mut self, path: &Path, header: Header) -> Result<Box<dyn StorageFile>, JournalError> {
        let mut file = self.storage.create(path).map_err(JournalError::io("make", path))?;
        file.write_at(0, &header.encode()).map_err(JournalError::io("write to", path))?;
        file.sync().map_err(JournalError::io("sync", path))?;
        self.sync_folder()?;
        Ok(file)
    }

    pub(super) fn write_mark(
        &self,
        first_seq: u64,
        closed_at: Option<u64>,
        marking: Marking,
    ) -> Result<(), JournalError> {
        if marking == Marking::Left {
            return Ok(());
        }
        let mark = Mark { journal: self.journal, first_seq, boot: self.boot.get(), closed_at };
        let path = Mark::path(&self.config.dir);
        let write = || {
            let mut file = self.storage.create(&path)?;
            file.write_at(0, mark.encode().as_bytes())?;
            if marking == Marking::Synced { file.sync() } else { Ok(()) }
        };
        write().map_err(JournalError::io("write", &path))
    }

    /// Lets files go until there is room: what could not be used, then the oldest segments. What was not committed in
    /// them is a gap. Before the room is used, the folder is to be synced.
    pub(super) fn make_room(&mut self, needed: u64) -> Result<(), JournalError> {
        let active = self.active.as_ref().and_then(|_| self.segments.last()).map_or(0, |segment| segment.bytes);
        if self.other_bytes + SMALL_FILES + active + needed > self.config.max_bytes {
            // No reading goes for files that are not the journal's.
            let JournalConfig { dir, max_bytes, segment_bytes } = self.config.clone();
            return Err(JournalError::NoRoom { path: dir, max_bytes, segment_bytes });
        }
        while self.bytes() + needed > self.config.max_bytes {
            if let Some((path, _)) = self.aside.first() {
                remove(&*self.storage, path)?;
                self.aside.remove(0);
            } else {
                remove(&*self.storage, &self.segments[0].path)?;
                let oldest = self.segments.remove(0);
                self.count_gap(&oldest);
            }
            self.removed_unsynced = true;
        }
        Ok(())
    }

    /// Sees to it that a power cut does not bring back what was removed.
    pub(super) fn sync_removals(&mut self) -> Result<(), JournalError> {
        if self.removed_unsynced { self.sync_folder() } else { Ok(()) }
    }

    /// Notes what a segment that is gone had uncommitted.
    pub(super) fn count_gap(&mut self, gone: &Segment) {
        let lost = gone.without(self.committed.get(&gone.header.journal).unwrap_or(&RangeSet::new()));
        if !lost.is_empty() {
            let (journal, path) = (gone.header.journal, gone.path.display());
            tracing::warn!(%journal, %path, readings = lost.count(), "journal segment goes with readings that are not committed");
            self.gaps.entry(journal).or_default().extend(&lost);
        }
    }

    fn sync_folder(&mut self) -> Result<(), JournalError> {
        let dir = &self.config.dir;
        self.storage.sync_folder(dir).map_err(JournalError::io("sync folder", dir))?;
        self.removed_unsynced = false;
        Ok(())
    }

    /// Gives the generation of a journal that comes after all that are here.
    fn next_generation(&self) -> u64 {
        let newest = self.segments.iter().map(|segment| segment.header.generation).max();
        newest.map_or(self.generation, |newest| newest.max(self.generation)).min(MAX_NUMBER - 1) + 1
    }

    fn active(&mut self) -> (&mut Active, &mut Segment) {
        let is_there = "an active segment was begun";
        (self.active.as_mut().expect(is_there), self.segments.last_mut().expect(is_there))
    }
}

/// Removes a file; one that is gone already is as good.
pub(super) fn remove(storage: &dyn Storage, path: &Path) -> Result<(), JournalError> {
    match storage.remove(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(JournalError::io("remove", path)(error)),
        _ => Ok(()),
    }
}
