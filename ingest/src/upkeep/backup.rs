//! A backup of a database that a worker may be using.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tankline_domain::units::UnixMillis;

use super::copy::{self, CopyError};
use super::seal::{self, SealError, digest_path, seal};
use crate::store::{self, LockError, MakingLock, OpenError, UpkeepEvent, beside, real};

/// Whether a file that is there already may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// It stays, and nothing is done.
    No,
    /// It goes when the new one is whole.
    Yes,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file is there already.
    #[error("{} is there already; name another file, or replace it by --replace", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is the database itself.
    #[error("{} is the database itself; name another file", path.display())]
    Itself {
        /// The file.
        path: PathBuf,
    },
    /// Another process makes the same file.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The copy failed.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The copy cannot be finished.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// Readings.
    pub readings: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Its SHA-256, which is in `FILE.sha256` too.
    pub digest: String,
}

/// Writes a database as it is now into a file, which is whole or not there, checks it, and puts its digest beside it.
///
/// # Errors
/// [`BackupError`]; what was at `to` is still there then.
pub fn backup(database: &Path, to: &Path, replace: Replace, now: UnixMillis) -> Result<BackedUp, BackupError> {
    if real(to) == real(database) {
        return Err(BackupError::Itself { path: to.to_owned() });
    }
    let _lock = MakingLock::take(to, "tankline-ingest backup")?;
    if replace == Replace::No && (to.exists() || digest_path(to).exists()) {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    let part = beside(to, ".part");
    let made = write(database, &part, now).and_then(|readings| {
        let bytes = std::fs::metadata(&part).map_or(0, |metadata| metadata.len());
        Ok(BackedUp { readings, bytes, digest: seal(&part, to)? })
    });
    if made.is_err() {
        // What failed is told; a part of a backup helps nobody.
        let _ = copy::remove(&part);
        seal::give_up(to);
    }
    made
}

fn write(database: &Path, part: &Path, now: UnixMillis) -> Result<u64, BackupError> {
    let source = store::open_any_version(database)?;
    let copied = copy::copy(&source, part)?;
    let finish = |copied: &Connection| {
        let has_notes: bool =
            copied.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'upkeep'", [], |row| row.get(0))?;
        if has_notes {
            store::note_upkeep(copied, UpkeepEvent::BackedUp, None, &format!("of {}", database.display()), now)?;
        }
        copied.query_row("SELECT count(*) FROM reading", [], |row| row.get::<_, i64>(0))
    };
    let readings = finish(&copied).map_err(|source| CopyError::Copy { path: part.to_owned(), source })?;
    Ok(readings.unsigned_abs())
}
