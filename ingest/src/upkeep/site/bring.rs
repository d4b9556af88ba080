//! A site comes along from one database into another, without leaving the first.

use std::path::Path;

use rusqlite::{Connection, params};
use tankline_domain::names::SiteName;
use tankline_domain::units::UnixMillis;

use super::export::{ExportError, pack};
use super::tables::{MAKE_ROOM, unpack};
use crate::store::{self, Custody, NOTHING_SENT};

/// Why a site could not be brought along. The database is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(in crate::upkeep) enum BringError {
    /// It could not be taken out of the other database.
    #[error(transparent)]
    Pack(#[from] ExportError),
    /// It could not be taken in.
    #[error("the restored database does not take the site")]
    Unpack(#[from] rusqlite::Error),
}

/// Takes what another database knows of a site into this one, in place of what this one knew; gives how many readings.
///
/// `file` is where the site is on its way. Dead letters stay behind.
pub(in crate::upkeep) fn bring(
    connection: &Connection,
    other: &Path,
    site: &SiteName,
    custody: Custody,
    file: &Path,
    now: UnixMillis,
) -> Result<u64, BringError> {
    let all = UnixMillis::new(i64::MIN);
    let packed = pack(other, site, file, all, None, custody.handovers, now)?;
    connection.execute("ATTACH ?1 AS file", params![file.to_string_lossy()])?;
    let take_in = || {
        let transaction = connection.unchecked_transaction()?;
        for statement in MAKE_ROOM {
            transaction.execute(statement, [site.as_str()])?;
        }
        // What the historian got is not told, so it gets all of the site again, and has it once all the same.
        unpack(&transaction, (NOTHING_SENT, NOTHING_SENT), 0)?;
        store::set_custody(&transaction, site, custody)?;
        transaction.commit()
    };
    let taken = take_in();
    connection.execute("DETACH file", [])?;
    taken?;
    Ok(packed.readings)
}
