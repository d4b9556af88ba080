//! The mark: which segment new readings go to, and whether the journal was closed in good order.

use std::path::{Path, PathBuf};

use tankline_domain::message::JournalId;

use super::storage::Storage;

/// Name of its file.
pub(super) const MARK: &str = "mark";

/// Length of its file at most.
pub(super) const MARK_LENGTH: u64 = 96;

/// Stands beside the segments.
///
/// The next start goes on in the journal only where the mark agrees with what is found. A segment that is gone, a disk
/// that lost its last bytes: then numbers may have been given that are not to be seen any more, and a new journal is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The journal of new readings.
    pub(super) journal: JournalId,
    /// The first number of its last segment.
    pub(super) first_seq: u64,
    /// The boot of the machine in which it was written.
    pub(super) boot: u64,
    /// The next number, when the journal was closed in good order.
    pub(super) closed_at: Option<u64>,
}

impl Mark {
    /// Gives the place of the mark in a journal's folder.
    pub(super) fn path(dir: &Path) -> PathBuf {
        dir.join(MARK)
    }

    /// Reads the mark; `None` when there is none that can be believed.
    pub(super) fn read(storage: &dyn Storage, dir: &Path) -> Option<Self> {
        let bytes = storage.read(&Self::path(dir), 0, MARK_LENGTH as usize).ok()?;
        Self::decode(str::from_utf8(&bytes).ok()?)
    }

    /// Writes it as text.
    pub(super) fn encode(&self) -> String {
        let Self { journal, first_seq, boot, closed_at } = self;
        let closed_at = closed_at.map_or("open".to_owned(), |next| next.to_string());
        let text = format!("{journal} {first_seq} {boot:016x} {closed_at}");
        let crc = crc32fast::hash(text.as_bytes());
        format!("{text} {crc:08x}\n")
    }

    fn decode(text: &str) -> Option<Self> {
        let (text, crc) = text.strip_suffix('\n')?.rsplit_once(' ')?;
        if crc != format!("{:08x}", crc32fast::hash(text.as_bytes())) {
            return None;
        }
        let mut words = text.split(' ');
        let (journal, first_seq) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let boot = u64::from_str_radix(words.next()?, 16).ok()?;
        let closed_at = match words.next()? {
            "open" => None,
            next => Some(next.parse().ok()?),
        };
        Some(Self { journal, first_seq, boot, closed_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_back_whole_or_not_at_all() {
        for closed_at in [None, Some(u64::MAX)] {
            let mark = Mark { journal: JournalId::new(u64::MAX), first_seq: u64::MAX, boot: u64::MAX, closed_at };
            let text = mark.encode();
            assert!(text.len() as u64 <= MARK_LENGTH);
            assert_eq!(Mark::decode(&text), Some(mark));
            for cut in 0..text.len() {
                assert_eq!(Mark::decode(&text[..cut]), None);
            }
            for bit in 0..text.len() * 8 {
                let mut bytes = text.clone().into_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(str::from_utf8(&bytes).ok().and_then(Mark::decode), None, "bit {bit}");
            }
        }
    }
}
