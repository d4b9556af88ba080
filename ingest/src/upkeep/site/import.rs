//! A site comes into a database out of a file.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use tankline_domain::names::SiteName;
use tankline_domain::units::UnixMillis;

use super::super::copy::{self, CopyError};
use super::super::seal::{self, Seal, SealError};
use super::tables::{KNOWS, MAKE_ROOM, unpack};
use crate::store::{self, Custody, DatabaseLock, LockError, NOTHING_SENT, OpenError, Owner, UpkeepEvent, real};

/// Why a site is not taken in. The database is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A worker uses the database.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file is not the one that was written.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file is damaged.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The file holds no site.
    #[error("{} holds no site that was handed over; `tankline-ingest site export` writes such files", path.display())]
    NoSite {
        /// The file.
        path: PathBuf,
    },
    /// The file was imported before.
    #[error(
        "{} was taken in at {at} already; a site is served by one worker only. Where the database that took it in is lost, \
         --again takes it in once more", path.display()
    )]
    TakenIn {
        /// The file.
        path: PathBuf,
        /// When.
        at: UnixMillis,
    },
    /// The site is there.
    #[error("the database {} has site {site} already; a site is served by one worker only", path.display())]
    Exists {
        /// The database.
        path: PathBuf,
        /// The site.
        site: SiteName,
    },
    /// The file is not the last word on the site.
    #[error(
        "{} is of handover {found} of site {site}, but this database knows of handover {known}; take the newer file",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// The site.
        site: SiteName,
        /// Which handover it is of.
        found: u64,
        /// The last one known.
        known: u64,
    },
    /// The database failed.
    #[error("the database {} failed", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

/// What the historian is given of what comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feeding {
    /// What the historian of the other worker had not got.
    Rest,
    /// All of it, for a historian that has nothing of the site.
    All,
}

/// Which files are taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// Those that no worker has taken in.
    Fresh,
    /// Also those that one has, because its database is lost.
    Any,
}

/// The worker that takes a site in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taker<'a> {
    /// Its database.
    pub database: &'a Path,
    /// The target of its historian; absent when it has none.
    pub historian: Option<&'a str>,
    /// The dead letters that it keeps at most.
    pub max_dead_letters: u32,
    /// Which files it takes in.
    pub files: Files,
}

/// What was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The site.
    pub site: SiteName,
    /// Readings.
    pub readings: u64,
    /// Alarms that are not normal.
    pub alarms: u64,
    /// Messages that have yet to be told, and by which targets.
    pub targets: Vec<(String, u64)>,
    /// Dead letters of the site that found no room; they are in the file.
    pub letters_left: u64,
    /// Whether the file could be marked as taken in.
    pub is_marked: bool,
}

/// What a file says of itself.
pub(super) struct Transfer {
    pub(super) site: SiteName,
    pub(super) handovers: u64,
    sent: (i64, i64),
    taken_in: Option<UnixMillis>,
}

/// Takes a site into a database; from now on it is served from here.
///
/// # Errors
/// [`ImportError`].
pub fn import(
    taker: Taker<'_>,
    from: &Path,
    seal: Seal,
    feeding: Feeding,
    now: UnixMillis,
) -> Result<Imported, ImportError> {
    let database = taker.database;
    let _lock = DatabaseLock::take(database, "tankline-ingest site import")?;
    seal::verify(from, seal)?;
    let file = store::open_read_only(from)?;
    copy::check(&file, from)?;
    let transfer = transfer(&file).ok().flatten().ok_or_else(|| ImportError::NoSite { path: from.to_owned() })?;
    drop(file);
    if let Some(at) = transfer.taken_in.filter(|_| taker.files == Files::Fresh) {
        return Err(ImportError::TakenIn { path: from.to_owned(), at });
    }
    let (owner, path) = (Owner::of(database).ok(), real(database));
    let mut connection = store::open(database)?;
    // A database that root makes here is for the user of the worker.
    let _ = owner.map(|owner| owner.give(&path));
    let failed = |source| ImportError::Database { path: database.to_owned(), source };
    connection.execute("ATTACH ?1 AS file", [from.to_string_lossy()]).map_err(failed)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let custody = store::custody(&transaction, &transfer.site).map_err(failed)?;
    check(&transaction, database, from, &transfer, custody)?;
    let take_in = || {
        if custody.is_some() {
            for statement in MAKE_ROOM {
                transaction.execute(statement, [transfer.site.as_str()])?;
            }
        }
        let sent = match feeding {
            Feeding::Rest => transfer.sent,
            Feeding::All => (NOTHING_SENT, NOTHING_SENT),
        };
        if let Some(historian) = taker.historian {
            store::begin_at_present(&transaction, historian, now)?;
        }
        let letters_left = unpack(&transaction, sent, taker.max_dead_letters)?;
        let custody = Custody { handovers: transfer.handovers, is_here: true, changed: now };
        store::set_custody(&transaction, &transfer.site, custody)?;
        let note = format!("from {}", from.display());
        store::note_upkeep(&transaction, UpkeepEvent::TakenIn, Some(&transfer.site), &note, now)?;
        let imported = Imported { letters_left, ..count(&transaction, &transfer.site)? };
        transaction.commit()?;
        Ok(imported)
    };
    let imported = take_in().map_err(failed)?;
    drop(connection);
    Ok(Imported { is_marked: mark(from, now).is_ok(), ..imported })
}

/// Gives what a file says of itself; absent where that is no site.
pub(super) fn transfer(file: &Connection) -> rusqlite::Result<Option<Transfer>> {
    let select = "SELECT site, handovers, sent_reading, sent_transition, taken_in_ms FROM transfer";
    let read = |row: &rusqlite::Row<'_>| {
        let (site, handovers): (String, i64) = (row.get(0)?, row.get(1)?);
        let (sent, taken_in) = ((row.get(2)?, row.get(3)?), row.get::<_, Option<i64>>(4)?);
        let transfer = |site| Transfer {
            site,
            handovers: handovers.unsigned_abs(),
            sent,
            taken_in: taken_in.map(UnixMillis::new),
        };
        Ok(site.parse().ok().map(transfer))
    };
    file.query_row(select, [], read).optional().map(Option::flatten)
}

fn check(
    connection: &Connection,
    database: &Path,
    from: &Path,
    transfer: &Transfer,
    custody: Option<Custody>,
) -> Result<(), ImportError> {
    let (site, path) = (transfer.site.clone(), database.to_owned());
    match custody {
        Some(Custody { is_here: true, .. }) => Err(ImportError::Exists { path, site }),
        Some(Custody { handovers: known, .. }) if transfer.handovers < known => {
            Err(ImportError::Older { path: from.to_owned(), site, found: transfer.handovers, known })
        }
        Some(_) => Ok(()),
        None => match connection.query_row(KNOWS, [site.as_str()], |row| row.get(0)) {
            Ok(false) => Ok(()),
            Ok(true) => Err(ImportError::Exists { path, site }),
            Err(source) => Err(ImportError::Database { path, source }),
        },
    }
}

fn count(connection: &Connection, site: &SiteName) -> rusqlite::Result<Imported> {
    let one = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
    let mut targets = connection.prepare(
        "SELECT target, count(*) FROM file.notification WHERE delivered_ms IS NULL AND given_up_ms IS NULL
         GROUP BY target ORDER BY target",
    )?;
    let targets = targets.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
    Ok(Imported {
        site: site.clone(),
        readings: one("SELECT count(*) FROM file.reading")?,
        alarms: one("SELECT count(*) FROM file.alarm WHERE state <> 'normal'")?,
        targets: targets.collect::<rusqlite::Result<_>>()?,
        letters_left: 0,
        is_marked: false,
    })
}

/// Marks the file as taken in, so that no second worker takes it.
fn mark(from: &Path, now: UnixMillis) -> Result<(), MarkError> {
    let file = Connection::open(from)?;
    file.execute("UPDATE transfer SET taken_in_ms = ?1", params![now.get()])?;
    drop(file);
    seal::seal(from, from)?;
    Ok(())
}

/// Why a file is not marked; it may lie on what can only be read.
#[derive(Debug, thiserror::Error)]
enum MarkError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Seal(#[from] SealError),
}
