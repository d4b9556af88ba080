//! What could not be taken, kept within a bound.

use rusqlite::{Transaction, params};

use crate::intake::DeadLetter;

/// Keeps letters; the oldest beyond `max_rows` go. Gives how many went.
pub(super) fn keep<'l>(
    transaction: &Transaction<'_>,
    letters: impl Iterator<Item = &'l DeadLetter>,
    max_rows: u32,
) -> rusqlite::Result<u64> {
    let mut insert = transaction
        .prepare_cached("INSERT INTO dead_letter (at_ms, topic, payload, reason) VALUES (?1, ?2, ?3, ?4)")?;
    let mut any = false;
    for letter in letters {
        insert.execute(params![letter.at.get(), letter.topic, letter.payload, letter.reason])?;
        any = true;
    }
    if !any {
        return Ok(0);
    }
    // Ids have no holes but at the old end, so that the distance to the newest is a count of rows.
    let mut trim =
        transaction.prepare_cached("DELETE FROM dead_letter WHERE id <= (SELECT max(id) FROM dead_letter) - ?1")?;
    Ok(trim.execute(params![max_rows])? as u64)
}
