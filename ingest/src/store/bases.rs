//! What quantities come of, as it was when they were computed.

use rusqlite::{Connection, params};
use tankline_domain::units::UnixMillis;

use crate::stations::Stations;

/// Writes down the basis of every tank, so that each reading's digest can be looked up.
///
/// # Errors
/// What SQLite said.
pub fn note_bases(connection: &mut Connection, stations: &Stations, now: UnixMillis) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for (_, tank) in stations.tanks() {
        transaction
            .prepare_cached(
                "INSERT INTO basis (digest, site, tank, edition, description, first_used_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (digest) DO NOTHING",
            )?
            .execute(params![
                tank.basis.digest(),
                tank.site.as_str(),
                tank.tank.name.as_str(),
                tank.basis.edition(),
                tank.basis.description(),
                now.get(),
            ])?;
    }
    transaction.commit()
}
