//! A database put in the place of another one, from a backup.

use std::path::{Path, PathBuf};
use std::{fs, io};

use rusqlite::{Connection, OpenFlags};
use tankline_domain::units::UnixMillis;

use super::copy::{self, CopyError};
use super::moved::{Moved, follow};
use super::seal::{self, Seal, SealError};
use super::weigh::{Lacking, lacking};
use crate::store::{self, DatabaseLock, LockError, OpenError, Owner, UpkeepEvent, beside, real};

/// Why nothing was restored. The database is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// A worker uses the database.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The backup is not the file that was written.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The backup cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The backup cannot be copied, or is damaged.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The backup is the database itself.
    #[error("{} is the database itself; name a backup of it", path.display())]
    Itself {
        /// The file.
        path: PathBuf,
    },
    /// The database is a link to something else.
    #[error("the database is a link to {}, which is no database that can be read; name the file itself", path.display())]
    Link {
        /// What it leads to.
        path: PathBuf,
    },
    /// The backup is a site on its way.
    #[error("{} holds one site that was handed over; `tankline-ingest site import` takes it in", path.display())]
    Site {
        /// The file.
        path: PathBuf,
    },
    /// The copy could not be made ready.
    #[error("cannot make the restored database {} ready", path.display())]
    Ready {
        /// The copy.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The copy cannot be given to whom the database belongs.
    #[error(
        "cannot give {} the owner and mode of the database; restore as root or as the user of the worker",
        path.display()
    )]
    Owner {
        /// The copy.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The write-ahead log of the database that is to go could not be taken into it.
    #[error("cannot close the database {}; the restore can be run again", path.display())]
    Close {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A file could not be renamed.
    #[error("cannot rename {} to {}", from.display(), to.display())]
    Rename {
        /// The file.
        from: PathBuf,
        /// Its new name.
        to: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What was restored.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// When the backup was made; absent where it does not tell.
    pub made: Option<UnixMillis>,
    /// Readings in it.
    pub readings: u64,
    /// The alarms in it that are not normal.
    pub alarms: u64,
    /// What waits in it to be told by webhook or e-mail.
    pub notifications: u64,
    /// Where the replaced database is now; absent when there was none.
    pub kept: Option<PathBuf>,
    /// What was committed after the backup; absent when the replaced database could not be asked.
    pub lacking: Option<Vec<Lacking>>,
    /// Sites that moved after the backup; absent when the replaced database could not be asked.
    pub moved: Option<Moved>,
}

/// Puts a backup in the place of a database, which is kept under another name.
///
/// # Errors
/// [`RestoreError`].
pub fn restore(from: &Path, database: &Path, seal: Seal, now: UnixMillis) -> Result<Restored, RestoreError> {
    let (is_link, database) = (database.is_symlink(), real(database));
    if real(from) == database {
        return Err(RestoreError::Itself { path: from.to_owned() });
    }
    let _lock = DatabaseLock::take(&database, "tankline-ingest restore")?;
    seal::verify(from, seal)?;
    let restoring = store::restoring(&database);
    // Who may write to the folder could have anything replaced by it.
    if is_link && store::open_any_version(&database).is_err() {
        return Err(RestoreError::Link { path: database });
    }
    let source = store::open_any_version(from)?;
    if source.prepare("SELECT site FROM transfer").is_ok() {
        return Err(RestoreError::Site { path: from.to_owned() });
    }
    let copied = copy::copy(&source, &restoring);
    let made = copied.map_err(RestoreError::from).and_then(|copied| {
        drop(copied);
        ready(from, &restoring, &database, now)
    });
    let made = made.and_then(|restored| {
        let given = Owner::of(&database).and_then(|owner| owner.give(&restoring));
        given.map_err(|source| RestoreError::Owner { path: restoring.clone(), source })?;
        if restored.moved.is_some() {
            close(&database).map_err(|source| RestoreError::Close { path: database.clone(), source })?;
        }
        Ok(restored)
    });
    let mut restored = match made {
        Ok(restored) => restored,
        Err(error) => {
            // Left behind it would be taken for a restore that was cut off.
            let _ = copy::remove(&restoring);
            return Err(error);
        }
    };
    restored.kept = exchange(&restoring, &database, now)?;
    Ok(restored)
}

/// Brings the copy to the present schema and looks at what is in it.
fn ready(from: &Path, restoring: &Path, database: &Path, now: UnixMillis) -> Result<Restored, RestoreError> {
    let copied = store::open(restoring)?;
    let replaced = if database.exists() { store::open_any_version(database).ok() } else { None };
    let look = || {
        // One that is damaged tells nothing, and that is said.
        let moved = match replaced.as_ref().and_then(|replaced| store::custodies(replaced).ok()) {
            Some(custodies) => Some(follow(&copied, restoring, database, custodies, now)?),
            None => None,
        };
        let count = |sql| copied.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
        let made = "SELECT max(at_ms) FROM upkeep WHERE event = 'backed-up'";
        let restored = Restored {
            made: copied.query_row(made, [], |row| row.get::<_, Option<i64>>(0))?.map(UnixMillis::new),
            readings: count("SELECT count(*) FROM reading")?,
            alarms: count("SELECT count(*) FROM alarm WHERE state <> 'normal'")?,
            notifications: count(
                "SELECT count(*) FROM notification WHERE delivered_ms IS NULL AND given_up_ms IS NULL",
            )?,
            kept: None,
            lacking: replaced.and_then(|replaced| lacking(&replaced, &copied).ok()),
            moved,
        };
        store::note_upkeep(&copied, UpkeepEvent::Restored, None, &format!("from {}", from.display()), now)?;
        copy::one_file(&copied)?;
        Ok(restored)
    };
    let restored = look().map_err(|source| RestoreError::Ready { path: restoring.to_owned(), source })?;
    drop(copied);
    fs::File::open(restoring)
        .and_then(|file| file.sync_all())
        .map_err(|source| RestoreError::Seal(SealError::Io { path: restoring.to_owned(), source }))?;
    Ok(restored)
}

/// Takes the write-ahead log of the database into its file, so that one file is all of it.
fn close(database: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Puts the old database aside and the new one in its place; gives where the old one is.
///
/// The old one has both names until the new one takes its place, so that there is one at every moment: a restore that was
/// cut off and is run again finds in it which sites moved.
pub(super) fn exchange(restoring: &Path, database: &Path, now: UnixMillis) -> Result<Option<PathBuf>, RestoreError> {
    let stamp: String = now.to_string().chars().filter(char::is_ascii_alphanumeric).take(15).collect();
    let aside = beside(database, &format!(".replaced-{stamp}"));
    let mut kept = None;
    if database.exists() {
        // Where a file system knows no second names there is none for a moment, and a worker refuses to make one.
        fs::hard_link(database, &aside)
            .or_else(|_| fs::rename(database, &aside))
            .map_err(renaming(database, &aside))?;
        kept = Some(aside.clone());
    }
    // A log of the old one beside the new one would be taken for its own.
    for suffix in ["-wal", "-shm"] {
        let (from, to) = (beside(database, suffix), beside(&aside, suffix));
        if from.exists() {
            fs::rename(&from, &to).map_err(renaming(&from, &to))?;
            kept = Some(aside.clone());
        }
    }
    fs::rename(restoring, database).map_err(renaming(restoring, database))?;
    // It is in its place; that this outlives a power cut is as good as the disk.
    let _ = seal::sync_folder(database);
    Ok(kept)
}

fn renaming(from: &Path, to: &Path) -> impl FnOnce(io::Error) -> RestoreError {
    move |source| RestoreError::Rename { from: from.to_owned(), to: to.to_owned(), source }
}
