//! Opens the journal of a folder: takes what can be trusted, puts the rest aside, and finds where new readings go.

use std::fs::TryLockError;
use std::sync::Arc;

use tankline_domain::message::JournalId;
use tankline_domain::units::UnixMillis;

use super::earlier::Border;
use super::error::JournalError;
use super::host::Boot;
use super::log::{Active, JournalConfig, Log, Marking, remove};
use super::owner::Owner;
use super::scan::{Found, Segment, aside_name, scan};
use super::segment::{HEADER_LENGTH, MAX_NUMBER};
use super::storage::Storage;

/// Numbers above this one are left to journals that are nearly worn out: a new one is begun.
const HIGHEST_NEXT_SEQ: u64 = MAX_NUMBER / 2;

/// What was found when the journal was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// Readings found.
    pub readings: u64,
    /// Bytes that are no good records and were passed over.
    pub torn_bytes: u64,
    /// Readings that are damaged, as far as the readings around them tell.
    pub damaged_readings: u64,
    /// Segments that have nothing that can be used, put aside.
    pub damaged_segments: u64,
    /// Segments that cannot be read at all; they may be at the next start.
    pub unreadable_segments: u64,
    /// Numbers between segments that are not here: their readings were committed, or a segment is missing.
    pub absent_numbers: u64,
    /// The time of the last reading that has a time of day.
    pub last_stamp: Option<UnixMillis>,
    /// Whether a new journal was begun: the first one, or because numbers may have been given that are not here any more,
    /// as after a power cut.
    pub new_journal: bool,
    /// Whether the disk refuses new readings, so that they are kept in memory.
    pub in_memory: bool,
}

impl Log {
    /// Opens the journal of a folder, or makes it. `fresh` is the identity of a new journal. Without an owner it is not
    /// asked whose readings are there.
    ///
    /// The last of what comes back says whether readings can be appended; when not, those that are here can be read.
    pub(super) fn open(
        storage: Arc<dyn Storage>,
        config: JournalConfig,
        owner: Option<&Owner>,
        boot: Boot,
        fresh: JournalId,
    ) -> Result<(Self, Opened, Result<(), JournalError>), JournalError> {
        let dir = &config.dir;
        storage.make_folder(dir).map_err(JournalError::io("make folder", dir))?;
        let lock = storage.lock(dir).map_err(|refused| match refused {
            TryLockError::WouldBlock => JournalError::InUse { path: dir.clone() },
            TryLockError::Error(error) => JournalError::io("lock", dir)(error),
        })?;
        if let Some(owner) = owner {
            owner.claim(&*storage, dir)?;
        }
        let found = scan(&*storage, dir)?;
        let border = Border::of(&*storage, dir, boot, &found);
        let mut opened = opened(&found);
        let next_seq = goes_on(&found, boot);
        opened.new_journal = next_seq.is_none();
        let Found { segments, useless, aside, other_bytes, unreadable_bytes, lost, .. } = found;
        let other_bytes = other_bytes + unreadable_bytes;
        let newest = segments.last().map(|segment| segment.header);
        let (journal, generation, next_seq) = match (next_seq, newest) {
            (Some(next_seq), Some(newest)) => (newest.journal, newest.generation, next_seq),
            (_, newest) => (fresh, newest.map_or(0, |newest| newest.generation.min(MAX_NUMBER - 1)) + 1, 1),
        };
        let (committed, cursor, active) = Default::default();
        let mut log = Self {
            config,
            storage,
            _lock: lock,
            boot,
            border,
            segments,
            active,
            journal,
            generation,
            next_seq,
            aside,
            other_bytes,
            removed_unsynced: false,
            committed,
            gaps: lost,
            cursor,
        };
        for (path, length) in useless {
            if length > HEADER_LENGTH as u64 {
                opened.damaged_segments += 1;
            }
            log.put_aside(path, length);
        }
        log.remove_empty(!opened.new_journal);
        let begun = log.begin(!opened.new_journal);
        Ok((log, opened, begun))
    }

    /// Makes ready for new readings, in the last segment where that is possible.
    fn begin(&mut self, goes_on: bool) -> Result<(), JournalError> {
        let Some(last) = self.segments.last() else {
            return self.begin_segment(self.next_seq, Marking::Synced);
        };
        // What a killed process left behind may still be on its way to the disk.
        let (path, bytes, header) = (last.path.clone(), last.bytes, last.header);
        let file = self.storage.open(&path).and_then(|mut file| file.sync().map(|()| file));
        let left = self.config.segment_bytes.saturating_sub(bytes);
        if !goes_on || left == 0 {
            return self.begin_segment(self.next_seq, Marking::Synced);
        }
        self.active = Some(Active::new(file.map_err(JournalError::io("open", &path))?, bytes));
        let resumed = self.make_room(left).and_then(|()| {
            self.sync_removals()?;
            self.write_mark(header.first_seq, None, Marking::Synced)
        });
        if resumed.is_err() {
            self.active = None;
        }
        resumed
    }

    fn put_aside(&mut self, path: std::path::PathBuf, length: u64) {
        let aside = aside_name(&path);
        let done = if length <= HEADER_LENGTH as u64 {
            remove(&*self.storage, &path)
        } else {
            let renamed = self.storage.rename(&path, &aside).map_err(JournalError::io("put aside", &path));
            renamed.inspect(|()| {
                tracing::warn!(path = %aside.display(), "journal segment of which nothing can be used is put aside");
                self.aside.retain(|(path, _)| *path != aside);
                self.aside.push((aside.clone(), length));
            })
        };
        if let Err(error) = done {
            tracing::warn!(error = format!("{:#}", anyhow::Error::from(error)), "journal segment stays where it is");
            self.other_bytes += length;
        }
    }

    /// Removes segments to which nothing was written, but for the last when that is gone on with.
    fn remove_empty(&mut self, goes_on: bool) {
        let (last, storage) = (self.segments.len().saturating_sub(usize::from(goes_on)), &self.storage);
        let mut index = 0;
        self.segments.retain(|segment| {
            let is_old = index < last;
            index += 1;
            let useless = is_old && segment.numbers.is_empty() && segment.bytes <= HEADER_LENGTH as u64;
            !(useless && remove(&**storage, &segment.path).is_ok())
        });
    }
}

fn opened(found: &Found) -> Opened {
    let count = |segment: &Segment| segment.numbers.count();
    let mut absent_numbers = 0_u64;
    for pair in found.segments.windows(2) {
        if pair[0].header.journal == pair[1].header.journal {
            let (end, begin) = (pair[0].next_seq(), pair[1].header.first_seq);
            absent_numbers = absent_numbers.saturating_add(begin.saturating_sub(end));
        }
    }
    Opened {
        readings: found.segments.iter().map(count).sum(),
        torn_bytes: found.skipped_bytes,
        damaged_readings: found.lost.values().fold(0, |sum: u64, lost| sum.saturating_add(lost.count())),
        unreadable_segments: found.unreadable_segments,
        absent_numbers,
        last_stamp: found.last_stamp_ms.map(UnixMillis::new),
        ..Opened::default()
    }
}

/// Gives the number with which the last journal goes on; `None` when it must not: a number that may have been given before
/// is never given again.
fn goes_on(found: &Found, boot: Boot) -> Option<u64> {
    let (mark, last) = (found.mark?, found.segments.last()?);
    let is_newest = |other: &Segment| {
        other.header.generation < last.header.generation || other.header.journal == last.header.journal
    };
    let is_marked = mark.journal == last.header.journal && mark.first_seq == last.header.first_seq;
    let next_seq = last.next_seq();
    // A process that was killed leaves all that it appended to the system. A machine whose power was cut does not.
    let is_complete = match mark.closed_at {
        Some(closed_at) => closed_at == next_seq,
        None => mark.boot == boot.get(),
    };
    let all = found.last_is_whole && is_marked && is_complete && found.segments.iter().all(is_newest);
    (all && next_seq <= HIGHEST_NEXT_SEQ).then_some(next_seq)
}
