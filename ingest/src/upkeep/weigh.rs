//! What one database was told that another one was not.

use std::collections::BTreeMap;

use rusqlite::Connection;
use tankline_domain::ranges::RangeSet;

/// Numbers of one journal that are committed in one database and not in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// The site.
    pub site: String,
    /// The edge.
    pub edge: String,
    /// The journal.
    pub journal: String,
    /// The numbers.
    pub ranges: RangeSet,
}

/// Gives what is committed in `newer` and not in `older`.
///
/// # Errors
/// What SQLite said.
pub fn lacking(newer: &Connection, older: &Connection) -> rusqlite::Result<Vec<Lacking>> {
    let older = committed(older)?;
    let mut found = Vec::new();
    for (key, mut ranges) in committed(newer)? {
        if let Some(known) = older.get(&key) {
            ranges.subtract(known);
        }
        if !ranges.is_empty() {
            let (site, edge, journal) = key;
            found.push(Lacking { site, edge, journal, ranges });
        }
    }
    Ok(found)
}

fn committed(connection: &Connection) -> rusqlite::Result<BTreeMap<(String, String, String), RangeSet>> {
    let mut statement = connection.prepare("SELECT site, edge, journal, first_seq, last_seq FROM journal_range")?;
    let mut rows = statement.query([])?;
    let mut found: BTreeMap<_, RangeSet> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (first, last): (i64, i64) = (row.get(3)?, row.get(4)?);
        let ranges = found.entry((row.get(0)?, row.get(1)?, row.get(2)?)).or_default();
        ranges.insert(first.unsigned_abs(), last.unsigned_abs());
    }
    Ok(found)
}
