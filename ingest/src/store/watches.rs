//! What detectors know of tanks, kept from one start to the next.

use rusqlite::{Connection, Transaction, params};
use tankline_domain::names::{SiteName, TankName};
use tankline_domain::units::UnixMillis;

/// What the detectors know of a tank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRow {
    /// The site.
    pub site: SiteName,
    /// The tank.
    pub tank: TankName,
    /// Digest of the basis by which its volumes were derived.
    pub basis: String,
    /// All that is needed to go on, as JSON.
    pub body: String,
}

pub(super) fn keep(transaction: &Transaction<'_>, rows: &[WatchRow], now: UnixMillis) -> rusqlite::Result<()> {
    for WatchRow { site, tank, basis, body } in rows {
        transaction
            .prepare_cached(
                "INSERT INTO tank_watch (site, tank, basis, body, updated_ms) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (site, tank) DO UPDATE SET
                     basis = excluded.basis, body = excluded.body, updated_ms = excluded.updated_ms",
            )?
            .execute(params![site.as_str(), tank.as_str(), basis, body, now.get()])?;
    }
    Ok(())
}

/// Gives what was kept of all tanks, those that are no longer described among them.
///
/// # Errors
/// What SQLite said.
pub fn load_watches(connection: &Connection) -> rusqlite::Result<Vec<WatchRow>> {
    let mut statement = connection.prepare("SELECT site, tank, basis, body FROM tank_watch")?;
    let rows = statement.query_map([], |row| {
        let (site, tank): (String, String) = (row.get(0)?, row.get(1)?);
        Ok((site, tank, row.get(2)?, row.get(3)?))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let (site, tank, basis, body) = row?;
        // A name that is none is of no tank that is described.
        if let (Ok(site), Ok(tank)) = (site.parse(), tank.parse()) {
            found.push(WatchRow { site, tank, basis, body });
        }
    }
    Ok(found)
}
