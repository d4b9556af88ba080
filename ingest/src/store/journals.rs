//! The committed ranges of every journal, on disk.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tankline_domain::message::JournalId;
use tankline_domain::ranges::RangeSet;
use tankline_domain::units::UnixMillis;

use super::ledger::Ledger;
use crate::stations::{DescribedEdge, Stations};

/// Loads what is committed of the journals of described edges.
///
/// # Errors
/// What SQLite said.
pub fn load_ledger(connection: &Connection, stations: &Stations) -> rusqlite::Result<Ledger> {
    let mut ledger = Ledger::default();
    let mut statement =
        connection.prepare("SELECT journal, first_seq, last_seq FROM journal_range WHERE site = ?1 AND edge = ?2")?;
    for (id, edge) in stations.edges() {
        let mut rows = statement.query(params![edge.site.as_str(), edge.edge.as_str()])?;
        while let Some(row) = rows.next()? {
            let journal: String = row.get(0)?;
            let Ok(journal) = journal.parse::<JournalId>() else { continue };
            let mut range = RangeSet::new();
            range.insert(unsigned(row.get(1)?), unsigned(row.get(2)?));
            ledger.insert((id, journal), &range);
        }
    }
    Ok(ledger)
}

/// What one transaction adds to a journal.
#[derive(Debug, Clone, Copy)]
pub(super) struct JournalGrowth {
    pub(super) readings: u64,
    pub(super) newest_at: Option<UnixMillis>,
}

/// Notes numbers as committed; ranges that touch melt into one row.
pub(super) fn add_ranges(
    transaction: &Transaction<'_>,
    edge: &DescribedEdge,
    journal: &str,
    added: &RangeSet,
) -> rusqlite::Result<()> {
    let (site, edge) = (edge.site.as_str(), edge.edge.as_str());
    let mut last_before = transaction.prepare_cached(
        "SELECT first_seq, last_seq FROM journal_range
         WHERE site = ?1 AND edge = ?2 AND journal = ?3 AND first_seq <= ?4 ORDER BY first_seq DESC LIMIT 1",
    )?;
    let mut swallow = transaction.prepare_cached(
        "DELETE FROM journal_range
         WHERE site = ?1 AND edge = ?2 AND journal = ?3 AND first_seq BETWEEN ?4 AND ?5 RETURNING last_seq",
    )?;
    let mut insert = transaction.prepare_cached("INSERT INTO journal_range VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for &(first, last) in added.ranges() {
        let (mut first, mut last) = (signed(first), signed(last));
        let before = last_before
            .query_row(params![site, edge, journal, first], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            .optional()?;
        if let Some((begin, end)) = before
            && end.saturating_add(1) >= first
        {
            (first, last) = (begin, last.max(end));
        }
        let mut swallowed = swallow.query(params![site, edge, journal, first, last.saturating_add(1)])?;
        while let Some(row) = swallowed.next()? {
            last = last.max(row.get(0)?);
        }
        drop(swallowed);
        insert.execute(params![site, edge, journal, first, last])?;
    }
    Ok(())
}

/// Keeps the figures of a journal.
pub(super) fn add_growth(
    transaction: &Transaction<'_>,
    edge: &DescribedEdge,
    journal: &str,
    growth: JournalGrowth,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO journal (site, edge, journal, readings, newest_at_ms, first_committed_ms, last_committed_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
         ON CONFLICT (site, edge, journal) DO UPDATE SET
             readings = readings + excluded.readings,
             newest_at_ms = max(ifnull(newest_at_ms, excluded.newest_at_ms),
                                ifnull(excluded.newest_at_ms, newest_at_ms)),
             last_committed_ms = excluded.last_committed_ms",
    )?;
    let newest = growth.newest_at.map(UnixMillis::get);
    let readings = signed(growth.readings);
    statement.execute(params![edge.site.as_str(), edge.edge.as_str(), journal, readings, newest, now.get()])?;
    Ok(())
}

/// Gives a number as SQLite holds it; what is above 2^63 - 1 never gets this far.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Gives a number that SQLite held.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
