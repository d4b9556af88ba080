//! A reading under its number.

use serde::Serialize;
use tankline_domain::message::JournalId;
use tankline_domain::reading::Reading;

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

/// [`tankline_domain::message::SequencedReading`] without owning the reading; its number must stand first.
#[derive(Serialize)]
struct Numbered<'r> {
    seq: u64,
    #[serde(flatten)]
    reading: &'r Reading,
}

/// Gives a reading its number.
pub(super) fn number(journal: JournalId, seq: u64, reading: &Reading) -> Entry {
    let json = serde_json::to_vec(&Numbered { seq, reading }).expect("a reading is plain data");
    Entry { journal, seq, json }
}
