//! Readings that the disk does not take, in memory.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use tankline_domain::message::JournalId;
use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::Reading;

use super::entry::{self, Entry};

/// Bytes of readings that are kept while the disk refuses them; then the oldest go. About 60 000 readings.
pub(super) const MAX_BYTES: usize = 8 << 20;

/// A journal in memory, with an identity of its own.
///
/// Its readings can be sent under their numbers like any others. When the disk takes readings again they go there with
/// journal and number; when the process ends before that, nobody gives these numbers again.
#[derive(Debug)]
pub(super) struct Memory {
    journal: JournalId,
    next_seq: u64,
    entries: VecDeque<Entry>,
    bytes: usize,
    max_bytes: usize,
    dropped: RangeSet,
}

impl Memory {
    pub(super) fn new(journal: JournalId) -> Self {
        Self::bounded(journal, MAX_BYTES)
    }

    fn bounded(journal: JournalId, max_bytes: usize) -> Self {
        let (entries, dropped) = (VecDeque::new(), RangeSet::new());
        Self { journal, next_seq: 1, entries, bytes: 0, max_bytes, dropped }
    }

    pub(super) const fn journal(&self) -> JournalId {
        self.journal
    }

    /// Gives the number that comes next.
    pub(super) const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Gives the numbers that are here.
    pub(super) fn numbers(&self) -> Option<RangeInclusive<u64>> {
        Some(self.entries.front()?.seq..=self.entries.back()?.seq)
    }

    pub(super) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(super) fn append(&mut self, reading: &Reading) -> Entry {
        let entry = entry::number(self.journal, self.next_seq, reading);
        self.next_seq += 1;
        self.bytes += entry.json.len();
        self.entries.push_back(entry.clone());
        while self.bytes > self.max_bytes && self.drop_oldest() {}
        entry
    }

    /// Gives the bytes of all readings here.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Lets the oldest reading go, uncommitted; tells whether there was one.
    pub(super) fn drop_oldest(&mut self) -> bool {
        let oldest = self.pop_front();
        self.dropped.extend(&oldest.iter().map(|oldest| oldest.seq).collect());
        oldest.is_some()
    }

    pub(super) fn front(&self) -> Option<&Entry> {
        self.entries.front()
    }

    pub(super) fn pop_front(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.json.len();
        Some(entry)
    }

    pub(super) fn commit(&mut self, ranges: &RangeSet) {
        let bytes = &mut self.bytes;
        self.entries.retain(|entry| {
            let committed = ranges.contains(entry.seq);
            *bytes -= if committed { entry.json.len() } else { 0 };
            !committed
        });
        self.dropped.subtract(ranges);
    }

    pub(super) fn fetch(&self, first: u64, last: u64, limit: usize) -> impl Iterator<Item = &Entry> {
        let start = self.entries.partition_point(|entry| entry.seq < first);
        self.entries.range(start..).take_while(move |entry| entry.seq <= last).take(limit)
    }

    /// Gives the numbers that were dropped because there were too many.
    pub(super) const fn dropped(&self) -> &RangeSet {
        &self.dropped
    }

    /// Gives the numbers that were dropped because there were too many, and forgets them.
    pub(super) fn take_dropped(&mut self) -> RangeSet {
        std::mem::take(&mut self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use tankline_domain::reading::Bad;
    use tankline_domain::units::UnixMillis;

    use super::*;

    #[test]
    fn memory_is_bounded_and_says_what_it_dropped() {
        let reading = Reading::failed("T-01".parse().unwrap(), UnixMillis::new(1), Bad::NoReply);
        let mut memory = Memory::bounded(JournalId::new(1), 1000);
        for seq in 1..=100 {
            assert_eq!(memory.append(&reading).seq, seq);
            assert!(memory.bytes <= 1000);
        }
        let numbers = memory.numbers().unwrap();
        assert_eq!(numbers.end(), &100);
        assert_eq!(memory.take_dropped().ranges(), [(1, numbers.start() - 1)]);
        let mut committed = RangeSet::new();
        committed.insert(97, 98);
        memory.commit(&committed);
        let left: Vec<u64> = memory.fetch(96, 200, 2).map(|entry| entry.seq).collect();
        assert_eq!(left, [96, 99]);
        assert_eq!(memory.bytes, memory.entries.iter().map(|entry| entry.json.len()).sum::<usize>());
    }
}
