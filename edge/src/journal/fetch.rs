//! Reads what was journalled.

use std::io;

use tankline_domain::message::JournalId;
use tankline_domain::ranges::RangeSet;

use super::entry::Entry;
use super::error::JournalError;
use super::log::Log;
use super::reader::Reader;
use super::scan::Segment;
use super::segment::{HEADER_LENGTH, Header};
use super::storage::Storage;

/// A segment that could not be read this often is passed over until the next start.
const MAX_FAILED_READS: u8 = 3;

/// Where the last fetch stopped, so that the next one need not read from the beginning of the segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    segment: Header,
    /// The next record has at least this number.
    next_seq: u64,
    offset: u64,
}

/// The numbers that are wanted.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    first: u64,
    last: u64,
    limit: usize,
}

impl Log {
    /// Reads up to `limit` readings of a journal, from the first wanted one on, none after `last`.
    pub(super) fn fetch(
        &mut self,
        journal: JournalId,
        first: u64,
        last: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, JournalError> {
        let (mut entries, mut first) = (Vec::new(), first);
        let cursor = self.cursor.take();
        for index in 0..self.segments.len() {
            let segment = &mut self.segments[index];
            let has_some = segment.numbers.last().is_some_and(|highest| highest >= first)
                && segment.numbers.first().is_some_and(|lowest| lowest <= last);
            if segment.header.journal != journal || !has_some || segment.failed_reads >= MAX_FAILED_READS {
                continue;
            }
            let wanted = Wanted { first, last, limit: limit - entries.len() };
            match read(&*self.storage, segment, cursor, wanted, &mut entries) {
                Ok(stopped) => {
                    segment.failed_reads = 0;
                    self.cursor = Some(stopped);
                }
                Err(error) => {
                    segment.failed_reads += 1;
                    if segment.failed_reads == MAX_FAILED_READS {
                        // One bad place on the disk must not stand in the way of all that comes after it.
                        tracing::error!(path = %segment.path.display(), %error, "journal segment cannot be read; it is passed over");
                        let committed = self.committed.get(&journal);
                        let lost = segment.without(committed.unwrap_or(&RangeSet::new()));
                        self.gaps.entry(journal).or_default().extend(&lost);
                    }
                    return Err(JournalError::io("read", &segment.path)(error));
                }
            }
            if let Some(newest) = entries.last() {
                first = first.max(newest.seq + 1);
            }
            if entries.len() == limit {
                break;
            }
        }
        Ok(entries)
    }

    /// Gives the oldest reading that is not known to be committed, as far as it can be read.
    pub(super) fn oldest_uncommitted(&mut self) -> Option<Entry> {
        let nothing = RangeSet::new();
        let (journal, first) =
            self.segments.iter().filter(|segment| segment.failed_reads == 0).find_map(|segment| {
                let committed = self.committed.get(&segment.header.journal).unwrap_or(&nothing);
                Some((segment.header.journal, segment.without(committed).first()?))
            })?;
        let cursor = self.cursor;
        let entry = self.fetch(journal, first, first, 1).ok()?.pop();
        self.cursor = cursor;
        entry
    }
}

fn read(
    storage: &dyn Storage,
    segment: &Segment,
    cursor: Option<Cursor>,
    wanted: Wanted,
    entries: &mut Vec<Entry>,
) -> io::Result<Cursor> {
    let header = segment.header;
    let is_here = |cursor: &Cursor| cursor.segment == header && cursor.next_seq <= wanted.first;
    let beginning = Cursor { segment: header, next_seq: header.first_seq, offset: HEADER_LENGTH as u64 };
    let mut stopped = cursor.filter(is_here).unwrap_or(beginning);
    let source = |offset, length| storage.read(&segment.path, offset, length);
    let mut reader = Reader::starting_at(header.journal, stopped.next_seq, stopped.offset, segment.bytes, source);
    let full = entries.len() + wanted.limit;
    while entries.len() < full {
        let Some(record) = reader.next_record()?.filter(|record| record.seq <= wanted.last) else { break };
        let seq = record.seq;
        if seq >= wanted.first && segment.numbers.contains(seq) {
            entries.push(Entry { journal: header.journal, seq, json: record.payload.to_owned() });
        }
        stopped = Cursor { next_seq: seq + 1, offset: reader.position(), ..stopped };
    }
    Ok(stopped)
}
