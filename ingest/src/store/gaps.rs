//! What an edge says that it has lost, so that it is not waited for.

use rusqlite::{Connection, Transaction, params};
use tankline_domain::message::JournalId;
use tankline_domain::ranges::RangeSet;

use super::journals::{signed, unsigned};
use crate::stations::{DescribedEdge, EdgeId, Stations};

/// An edge's word on the gaps of one journal: all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapNote {
    /// The edge.
    pub edge: EdgeId,
    /// The journal.
    pub journal: JournalId,
    /// The numbers that were dropped uncommitted because the journal was full.
    pub ranges: RangeSet,
    /// How many of them the edge had not told of before.
    pub added: u64,
}

/// Loads the gaps that described edges have told of.
///
/// # Errors
/// What SQLite said.
pub fn load_gaps(connection: &Connection, stations: &Stations) -> rusqlite::Result<Vec<GapNote>> {
    let mut notes: Vec<GapNote> = Vec::new();
    let mut statement = connection.prepare(
        "SELECT journal, first_seq, last_seq FROM journal_gap WHERE site = ?1 AND edge = ?2 ORDER BY journal",
    )?;
    for (edge, described) in stations.edges() {
        let mut rows = statement.query(params![described.site.as_str(), described.edge.as_str()])?;
        while let Some(row) = rows.next()? {
            let journal: String = row.get(0)?;
            let Ok(journal) = journal.parse::<JournalId>() else { continue };
            if notes.last().is_none_or(|note| (note.edge, note.journal) != (edge, journal)) {
                notes.push(GapNote { edge, journal, ranges: RangeSet::new(), added: 0 });
            }
            if let Some(note) = notes.last_mut() {
                note.ranges.insert(unsigned(row.get(1)?), unsigned(row.get(2)?));
            }
        }
    }
    Ok(notes)
}

/// Puts a note in the place of what the edge said of that journal before.
pub(super) fn note(transaction: &Transaction<'_>, edge: &DescribedEdge, note: &GapNote) -> rusqlite::Result<()> {
    let (site, edge, journal) = (edge.site.as_str(), edge.edge.as_str(), note.journal.to_string());
    transaction
        .prepare_cached("DELETE FROM journal_gap WHERE site = ?1 AND edge = ?2 AND journal = ?3")?
        .execute(params![site, edge, journal])?;
    let mut insert = transaction.prepare_cached("INSERT INTO journal_gap VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for &(first, last) in note.ranges.ranges() {
        insert.execute(params![site, edge, journal, signed(first), signed(last)])?;
    }
    Ok(())
}
