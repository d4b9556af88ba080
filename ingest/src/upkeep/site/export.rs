//! A site goes out of a database into a file.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior, params};
use tankline_domain::names::SiteName;
use tankline_domain::units::UnixMillis;

use super::super::backup::Replace;
use super::super::copy::{self, CopyError};
use super::super::seal::{SealError, digest_path, give_up, place, prepare};
use super::import::{Transfer, transfer};
use super::tables::{KNOWS, PACK, TRANSFER, let_go};
use crate::store::{
    self, Custody, DatabaseLock, LockError, MakingLock, NOTHING_SENT, OpenError, UpkeepEvent, beside, real,
};

/// Why a site is not handed over. Where nothing else is said it is still served from this database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A worker uses the database.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file is there already.
    #[error("{} is there already; name another file, or replace it by --replace", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The database knows nothing of the site.
    #[error("the database {} knows nothing of site {site}", path.display())]
    Unknown {
        /// The database.
        path: PathBuf,
        /// The site.
        site: SiteName,
    },
    /// The site was handed over before.
    #[error("site {site} was handed over at {at} and did not come back")]
    Gone {
        /// The site.
        site: SiteName,
        /// When.
        at: UnixMillis,
    },
    /// The file cannot be written, or is damaged.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The file cannot be finished.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database failed.
    #[error("the database {} failed", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// It is not known whether the database took that its site is gone.
    #[error(
        "the database failed to note that the site is gone; run the export again: it finishes what was begun as {}",
        part.display()
    )]
    NotNoted {
        /// The file as it is now.
        part: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The site is handed over, but its file has not got its name.
    #[error(
        "the site is handed over, and its file is whole, but still called {}; run the export again, which gives it its \
         name", part.display()
    )]
    NotNamed {
        /// The file as it is now.
        part: PathBuf,
        /// What failed.
        source: SealError,
    },
}

/// What was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Readings in the file.
    pub readings: u64,
    /// Alarms in it that are not normal.
    pub alarms: u64,
    /// Messages in it that have yet to be told.
    pub notifications: u64,
    /// Its SHA-256, which is in `FILE.sha256` too.
    pub digest: String,
}

/// Writes all that a database knows of a site into a file, and notes that the site is served from it no more.
///
/// Readings from `from` on go along; all else goes whole. What is history stays here too. `historian` is the target of the
/// worker, by which it is known what its historian has got; without one, none has got anything.
///
/// # Errors
/// [`ExportError`].
pub fn export(
    database: &Path,
    site: &SiteName,
    to: &Path,
    replace: Replace,
    from: UnixMillis,
    historian: Option<&str>,
    now: UnixMillis,
) -> Result<Exported, ExportError> {
    let exists = || ExportError::Exists { path: to.to_owned() };
    if real(to) == real(database) || (replace == Replace::No && to.exists()) {
        return Err(exists());
    }
    let who = "tankline-ingest site export";
    let _locks = (MakingLock::take(to, who)?, DatabaseLock::take(database, who)?);
    let part = beside(to, ".part");
    let mut keeper = store::open(database)?;
    let failed = |source| ExportError::Database { path: database.to_owned(), source };
    // Nothing changes from here on until it is noted that the site is gone.
    let transaction = keeper.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let custody = store::custody(&transaction, site).map_err(failed)?;
    if let Some(gone) = custody.filter(|custody| !custody.is_here) {
        return match finish(site, gone, &part, to)? {
            Some(exported) => Ok(exported),
            None => Err(ExportError::Gone { site: site.clone(), at: gone.changed }),
        };
    }
    if replace == Replace::No && digest_path(to).exists() {
        return Err(exists());
    }
    if !transaction.query_row(KNOWS, [site.as_str()], |row| row.get(0)).map_err(failed)? {
        return Err(ExportError::Unknown { path: database.to_owned(), site: site.clone() });
    }
    let handovers = custody.map_or(0, |custody| custody.handovers) + 1;
    let packed = pack(database, site, &part, from, historian, handovers, now);
    let prepared = packed.and_then(|packed| Ok(Exported { digest: prepare(&part, to)?, ..packed }));
    let exported = match prepared {
        Ok(exported) => exported,
        Err(error) => {
            // What failed is told; a part of a site helps nobody.
            let _ = copy::remove(&part);
            give_up(to);
            return Err(error);
        }
    };
    // From here on the file is whole, though not under its name. That it gets only when nobody serves the site from here.
    let note = || {
        let_go(&transaction, site)?;
        store::set_custody(&transaction, site, Custody { handovers, is_here: false, changed: now })?;
        store::note_upkeep(&transaction, UpkeepEvent::HandedOver, Some(site), &format!("to {}", to.display()), now)?;
        transaction.commit()
    };
    note().map_err(|source| ExportError::NotNoted { part: part.clone(), source })?;
    place(&part, to).map_err(|source| ExportError::NotNamed { part, source })?;
    Ok(exported)
}

/// Finishes an export that was cut off when its site was gone already; absent where there is none.
fn finish(site: &SiteName, gone: Custody, part: &Path, to: &Path) -> Result<Option<Exported>, ExportError> {
    let Ok(file) = store::open_any_version(part) else { return Ok(None) };
    let is_it = |found: Transfer| found.site == *site && found.handovers == gone.handovers;
    if !transfer(&file).is_ok_and(|found| found.is_some_and(is_it)) {
        return Ok(None);
    }
    copy::check(&file, part)?;
    let counted = count(&file, "main").map_err(|source| CopyError::Copy { path: part.to_owned(), source })?;
    drop(file);
    let named = prepare(part, to).and_then(|digest| place(part, to).map(|()| digest));
    let digest = named.map_err(|source| ExportError::NotNamed { part: part.to_owned(), source })?;
    Ok(Some(Exported { digest, ..counted }))
}

/// Counts what is in a travelling database, which is open under this name.
fn count(connection: &Connection, schema: &str) -> rusqlite::Result<Exported> {
    let count = |what: &str| {
        let sql = format!("SELECT count(*) FROM {schema}.{what}");
        connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
    };
    Ok(Exported {
        readings: count("reading")?,
        alarms: count("alarm WHERE state <> 'normal'")?,
        notifications: count("notification WHERE delivered_ms IS NULL AND given_up_ms IS NULL")?,
        digest: String::new(),
    })
}

/// Writes what a database knows of a site into a file that can be taken in; nothing changes in the database.
pub(super) fn pack(
    database: &Path,
    site: &SiteName,
    part: &Path,
    from: UnixMillis,
    historian: Option<&str>,
    handovers: u64,
    now: UnixMillis,
) -> Result<Exported, ExportError> {
    copy::make(part)?;
    // The tables of the present schema.
    copy::one_file(&store::open(part)?).map_err(|source| CopyError::Copy { path: part.to_owned(), source })?;
    // It writes to the file alone; what is attached is opened as the database is.
    let reader = store::open_beside(database)?;
    let fill = || {
        reader.execute("ATTACH ?1 AS file", [part.to_string_lossy()])?;
        let sent = |target: Option<String>| target.map_or(Ok(NOTHING_SENT), |target| store::cursor(&reader, &target));
        let sent_reading = sent(historian.map(str::to_owned))?;
        let sent_transition = sent(historian.map(store::alarm_target))?;
        reader.execute_batch("BEGIN")?;
        for statement in PACK {
            reader.execute(statement, params![site.as_str(), from.get()])?;
        }
        reader.execute_batch(TRANSFER)?;
        reader.execute(
            "INSERT INTO file.transfer VALUES (?1, ?2, ?3, ?4, ?5, NULL)",
            params![
                site.as_str(),
                i64::try_from(handovers).unwrap_or(i64::MAX),
                now.get(),
                sent_reading,
                sent_transition
            ],
        )?;
        reader.execute_batch("COMMIT")?;
        count(&reader, "file")
    };
    let exported = fill().map_err(|source| ExportError::Database { path: database.to_owned(), source })?;
    drop(reader);
    let packed = store::open_any_version(part)?;
    copy::check(&packed, part)?;
    Ok(exported)
}
