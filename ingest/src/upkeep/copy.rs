//! Copying a database, page by page, while a worker writes to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use tankline_runtime::clock;

use crate::store::{beside, make_private};

/// Pages that are copied at once: 2 MiB.
const PAGES_AT_ONCE: i32 = 512;

/// How often it is told how far the copy has got.
const TOLD_EVERY: Duration = Duration::from_secs(2);

/// How long is waited when the database is locked for a moment.
const BUSY_WAIT: Duration = Duration::from_millis(20);

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// Reading or writing failed.
    #[error("cannot copy the database to {}", path.display())]
    Copy {
        /// The copy.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// What was read is damaged.
    #[error("the database is damaged, as its copy {} shows: {found}", path.display())]
    Damaged {
        /// The copy.
        path: PathBuf,
        /// The first thing that is wrong.
        found: String,
    },
    /// The file cannot be made.
    #[error("cannot make {}", path.display())]
    Make {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file stands in the way and cannot go.
    #[error("cannot remove {}", path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Copies all of a database as it is now into a file of its own, and gives that, open.
///
/// Whoever writes to the database goes on meanwhile: nothing is locked, and after each piece the copying rests for half
/// the time that the piece took. Until the end the write-ahead log cannot shrink.
pub(super) fn copy(source: &Connection, path: &Path) -> Result<Connection, CopyError> {
    make(path)?;
    let failed = |error| CopyError::Copy { path: path.to_owned(), source: error };
    let mut target = Connection::open(path).map_err(failed)?;
    // Whoever wants the copy syncs it when it is whole.
    target.pragma_update(None, "synchronous", "OFF").map_err(failed)?;
    pages(source, &mut target).map_err(failed)?;
    one_file(&target).map_err(failed)?;
    check(&target, path)?;
    Ok(target)
}

/// Makes a database one file, without a write-ahead log beside it.
pub(super) fn one_file(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
}

/// Makes an empty file in the place of what was there; nobody else reads it.
pub(super) fn make(path: &Path) -> Result<(), CopyError> {
    remove(path)?;
    make_private(path).map_err(|source| CopyError::Make { path: path.to_owned(), source })
}

/// Removes a database with the files beside it.
pub(super) fn remove(path: &Path) -> Result<(), CopyError> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let path = beside(path, suffix);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(CopyError::InTheWay { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Looks through a database for damage.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), CopyError> {
    let found = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    match found {
        Ok(found) if found == "ok" => Ok(()),
        Ok(found) => Err(CopyError::Damaged { path: path.to_owned(), found }),
        Err(source) => Err(CopyError::Copy { path: path.to_owned(), source }),
    }
}

fn pages(source: &Connection, target: &mut Connection) -> rusqlite::Result<()> {
    // One reading transaction over all steps: without it every commit of the worker would begin the copy anew.
    let _reading = source.unchecked_transaction()?;
    source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let backup = Backup::new(source, target)?;
    let mut told = clock::now();
    loop {
        let began = clock::now();
        match backup.step(PAGES_AT_ONCE)? {
            StepResult::Done => return Ok(()),
            StepResult::More => std::thread::sleep(began.elapsed() / 2),
            _ => std::thread::sleep(BUSY_WAIT),
        }
        if told.elapsed() >= TOLD_EVERY {
            told = clock::now();
            let progress = backup.progress();
            let percent = 100 - 100 * i64::from(progress.remaining) / i64::from(progress.pagecount.max(1));
            tracing::info!(percent, pages = progress.pagecount, "copying the database");
        }
    }
}
