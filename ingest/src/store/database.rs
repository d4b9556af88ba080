//! Opening the database and bringing it to the present schema.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::lock::{beside, real};
use super::schema::{MIGRATIONS, VERSION};

/// How long a statement waits for another process that holds the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Says "tank" in the header of the file, so that another program's database is not taken for ours.
const APPLICATION_ID: i32 = 0x7461_6e6b;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It cannot be opened or read.
    #[error("cannot open the database {}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// There is no such file.
    #[error("there is no database {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A restore was cut off before the restored database was in its place.
    #[error(
        "there is no database {}, but a restore of it was cut off; run the restore again, or remove {}",
        path.display(), restoring.display()
    )]
    Interrupted {
        /// The file.
        path: PathBuf,
        /// What was about to become it.
        restoring: PathBuf,
    },
    /// A newer program wrote it.
    #[error(
        "the database {} has schema version {found}, but this program knows versions up to {known}; \
         use the newer program that wrote it, or name another database file", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version known.
        known: u32,
    },
    /// An older program wrote it, and it was opened to be read only.
    #[error(
        "the database {} has schema version {found}, but this program reads version {known}; \
         run the worker once to bring it up to date", path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version known.
        known: u32,
    },
    /// Another program wrote it.
    #[error("{} is a database of another program; name another file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A step to a newer schema failed; the database is as it was.
    #[error("cannot bring the database {} to schema version {version}", path.display())]
    Migration {
        /// The file.
        path: PathBuf,
        /// The version aimed at.
        version: u32,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

/// Opens the database to be written, makes it when there is none, and brings it to the present schema.
///
/// # Errors
/// [`OpenError`]; nothing was changed then.
pub fn open(path: &Path) -> Result<Connection, OpenError> {
    let restoring = restoring(path);
    if restoring.exists() && !path.exists() {
        return Err(OpenError::Interrupted { path: path.to_owned(), restoring });
    }
    let unusable = |source| OpenError::Unusable { path: path.to_owned(), source };
    let mut connection = Connection::open(path).map_err(unusable)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(unusable)?;
    let found = checked_version(&connection, path)?;
    prepare(&connection).map_err(unusable)?;
    for (steps, sql) in (0_u32..).zip(MIGRATIONS).skip(found as usize) {
        let version = steps + 1;
        migrate(&mut connection, sql, version).map_err(|source| OpenError::Migration {
            path: path.to_owned(),
            version,
            source,
        })?;
    }
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Opens a database that is open as by [`open`] already, for small notes beside the one writer.
///
/// A note that was committed may be gone after a power cut, though not after a kill, and holds up the writer for no
/// longer than its pages take to be appended: there is no wait for the disk, and no checkpoint.
///
/// # Errors
/// [`OpenError`].
pub fn open_beside(path: &Path) -> Result<Connection, OpenError> {
    let unusable = |source| OpenError::Unusable { path: path.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(unusable)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(unusable)?;
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(unusable)?;
    let pages = connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |row| row.get::<_, i64>(0));
    pages.map_err(unusable)?;
    Ok(connection)
}

/// Opens a database that is there, of the present schema, to be read while a worker may write it.
///
/// # Errors
/// [`OpenError`].
pub fn open_read_only(path: &Path) -> Result<Connection, OpenError> {
    let (connection, found) = open_to_read(path)?;
    if found < VERSION {
        return Err(OpenError::Older { path: path.to_owned(), found, known: VERSION });
    }
    Ok(connection)
}

/// Opens a database that is there, of the present schema or an older one, to be copied while a worker may write it.
///
/// # Errors
/// [`OpenError`]; an empty file is no database.
pub fn open_any_version(path: &Path) -> Result<Connection, OpenError> {
    match open_to_read(path)? {
        (_, 0) => Err(OpenError::Foreign { path: path.to_owned() }),
        (connection, _) => Ok(connection),
    }
}

/// Gives the path of what is about to become a database by a restore.
#[must_use]
pub fn restoring(path: &Path) -> PathBuf {
    beside(&real(path), ".restoring")
}

fn open_to_read(path: &Path) -> Result<(Connection, u32), OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    let unusable = |source| OpenError::Unusable { path: path.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(unusable)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(unusable)?;
    let found = checked_version(&connection, path)?;
    Ok((connection, found))
}

/// Gives the version of the schema: 0 for an empty database.
fn checked_version(connection: &Connection, path: &Path) -> Result<u32, OpenError> {
    let unusable = |source| OpenError::Unusable { path: path.to_owned(), source };
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(unusable)?;
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(unusable)?;
    let tables: u32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(unusable)?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    if found > VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: VERSION });
    }
    Ok(found)
}

/// Chooses durability: a commit that returned is on the disk, also when the power fails.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    let _mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Fewer, larger checkpoints: 4096 pages are 16 MiB of WAL.
    let _pages: i64 = connection.pragma_update_and_check(None, "wal_autocheckpoint", 4096, |row| row.get(0))?;
    let _limit: i64 = connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |row| row.get(0))?;
    connection.pragma_update(None, "cache_size", -32_768)
}

fn migrate(connection: &mut Connection, sql: &str, version: u32) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(sql)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_of_the_first_schema_keeps_its_readings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ops.db");
        let mut old = Connection::open(&path).unwrap();
        migrate(&mut old, MIGRATIONS[0], 1).unwrap();
        old.execute(
            "INSERT INTO reading (site, tank, edge, at_ms, journal, seq, quality, quality_code, tov_m3, geometry_digest,
                                  committed_ms)
             VALUES ('s', 'T-01', 'rtu-01', 5, 'j', 1, 'good', 192, 7.5, 'd', 6)",
            [],
        )
        .unwrap();
        drop(old);
        let row =
            open(&path).unwrap().query_row("SELECT tov_m3, geometry_digest, nsv_m3, basis FROM reading", [], |row| {
                Ok((row.get::<_, f64>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<f64>>(2)?, row.get(3)?))
            });
        assert_eq!(row.unwrap(), (7.5, "d".to_owned(), None, None::<String>));
    }

    #[test]
    fn database_of_the_third_schema_keeps_its_readings_and_takes_layers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ops.db");
        let mut old = Connection::open(&path).unwrap();
        for (sql, version) in MIGRATIONS.iter().zip(1..=3) {
            migrate(&mut old, sql, version).unwrap();
        }
        let insert =
            "INSERT INTO reading (site, tank, edge, at_ms, journal, seq, level_mm, interface_mm, quality, quality_code,
                                           tov_m3, fw_m3, committed_ms)
                      VALUES ('s', 'T-01', 'rtu-01', 5, 'j', 1, 5000, 2000, 'good', 192, 5, 2, 6)";
        old.execute(insert, []).unwrap();
        old.execute("INSERT INTO superseded (reading_id, replaced_ms, fw_m3) VALUES (1, 7, 2.5)", []).unwrap();
        drop(old);
        assert!(matches!(open_read_only(&path), Err(OpenError::Older { found: 3, .. })));
        let connection = open(&path).unwrap();
        let row = connection.query_row("SELECT fw_m3, layer, emulsion_m3, emulsion_water_m3 FROM reading", [], |row| {
            Ok((row.get::<_, f64>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<f64>>(2)?, row.get(3)?))
        });
        assert_eq!(row.unwrap(), (2.0, None, None, None::<f64>));
        let kept = connection.query_row("SELECT fw_m3, emulsion_m3 FROM superseded", [], |row| {
            Ok((row.get::<_, f64>(0)?, row.get::<_, Option<f64>>(1)?))
        });
        assert_eq!(kept.unwrap(), (2.5, None));
        connection.execute("UPDATE reading SET layer = '[[2000,0.5],[2100,0]]', emulsion_m3 = 0.1", []).unwrap();
    }

    #[test]
    fn empty_file_becomes_a_database_of_the_present_schema_and_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ops.db");
        for _ in 0..2 {
            let connection = open(&path).unwrap();
            let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
            assert_eq!(version, VERSION);
            let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
            assert_eq!(mode, "wal");
        }
        open_read_only(&path).unwrap();
    }

    #[test]
    fn every_migration_is_counted() {
        assert_eq!(MIGRATIONS.len(), VERSION as usize);
    }

    #[test]
    fn newer_schema_is_refused_with_both_versions_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ops.db");
        open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        for error in [open(&path).unwrap_err(), open_read_only(&path).unwrap_err()] {
            let said = error.to_string();
            assert!(said.contains("schema version 99") && said.contains(&format!("up to {VERSION};")), "{said}");
            assert!(said.contains("ops.db") && said.contains("use the newer program"), "{said}");
        }
    }

    #[test]
    fn what_is_no_database_of_ours_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("notes.txt");
        std::fs::write(&text, "these are a person's notes, longer than the header of a database file would be; really")
            .unwrap();
        assert!(matches!(open(&text), Err(OpenError::Unusable { .. })));
        let other = folder.path().join("other.db");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(matches!(open(&other), Err(OpenError::Foreign { .. })));
        assert!(matches!(open_read_only(&folder.path().join("none.db")), Err(OpenError::Missing { .. })));
        assert!(matches!(open(&folder.path().join("no/such/folder.db")), Err(OpenError::Unusable { .. })));
    }
}
