//! Whether the readings of a site go to this database.

use rusqlite::{Connection, OptionalExtension, params};
use tankline_domain::names::SiteName;
use tankline_domain::units::UnixMillis;

/// What is known of a site that was ever handed over or taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Custody {
    /// How often the site was handed over, from whichever worker, as far as this database knows.
    pub handovers: u64,
    /// Whether it is served from here.
    pub is_here: bool,
    /// When that became so.
    pub changed: UnixMillis,
}

/// Gives what is known of a site; absent where it was never handed over nor taken in.
///
/// # Errors
/// What SQLite said.
pub fn custody(connection: &Connection, site: &SiteName) -> rusqlite::Result<Option<Custody>> {
    let select = "SELECT handovers, is_here, changed_ms FROM custody WHERE site = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        let handovers: i64 = row.get(0)?;
        let changed = UnixMillis::new(row.get(2)?);
        Ok(Custody { handovers: handovers.unsigned_abs(), is_here: row.get(1)?, changed })
    };
    connection.query_row(select, [site.as_str()], read).optional()
}

/// Writes down who serves a site.
///
/// # Errors
/// What SQLite said.
pub fn set_custody(connection: &Connection, site: &SiteName, custody: Custody) -> rusqlite::Result<()> {
    let handovers = i64::try_from(custody.handovers).unwrap_or(i64::MAX);
    connection.execute(
        "INSERT INTO custody (site, handovers, is_here, changed_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (site) DO UPDATE SET
             handovers = excluded.handovers, is_here = excluded.is_here, changed_ms = excluded.changed_ms",
        params![site.as_str(), handovers, custody.is_here, custody.changed.get()],
    )?;
    Ok(())
}

/// Gives the sites that were handed over and did not come back, with what is known of them.
///
/// # Errors
/// What SQLite said.
pub fn gone(connection: &Connection) -> rusqlite::Result<Vec<(SiteName, Custody)>> {
    let all = custodies(connection)?;
    Ok(all.into_iter().filter(|(_, custody)| !custody.is_here).collect())
}

/// Gives the sites that were ever handed over or taken in, with what is known of them.
///
/// # Errors
/// What SQLite said.
pub fn custodies(connection: &Connection) -> rusqlite::Result<Vec<(SiteName, Custody)>> {
    let is_known = "SELECT count(*) FROM sqlite_schema WHERE name = 'custody'";
    if connection.query_row(is_known, [], |row| row.get::<_, i64>(0))? == 0 {
        // No site could be handed over then.
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare("SELECT site FROM custody ORDER BY site")?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let sites = names.iter().filter_map(|name| name.parse().ok());
    sites.filter_map(|site| custody(connection, &site).transpose().map(|found| Ok((site, found?)))).collect()
}
