use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// The operational database, as an onlooker sees it.
pub struct Database(PathBuf);

/// A reading in the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Rises in the order in which readings were committed.
    pub id: i64,
    pub tank: String,
    pub edge: String,
    pub at_ms: i64,
    pub journal: String,
    pub seq: i64,
    pub level_mm: Option<f64>,
    pub interface_mm: Option<f64>,
    pub temperature_c: Option<f64>,
    pub quality: String,
    pub committed_ms: i64,
}

impl Database {
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Gives all readings in the order in which they were committed.
    pub fn readings(&self) -> Vec<Row> {
        self.query(
            "SELECT id, tank, edge, at_ms, journal, seq, level_mm, interface_mm, temperature_c, quality, committed_ms
             FROM reading ORDER BY id",
            |row| {
                Ok(Row {
                    id: row.get(0)?,
                    tank: row.get(1)?,
                    edge: row.get(2)?,
                    at_ms: row.get(3)?,
                    journal: row.get(4)?,
                    seq: row.get(5)?,
                    level_mm: row.get(6)?,
                    interface_mm: row.get(7)?,
                    temperature_c: row.get(8)?,
                    quality: row.get(9)?,
                    committed_ms: row.get(10)?,
                })
            },
        )
    }

    /// Gives each tank with the time of its newest good reading.
    pub fn newest_good(&self) -> Vec<(String, i64)> {
        let sql = "SELECT tank, max(at_ms) FROM reading WHERE quality = 'good' GROUP BY tank";
        self.query(sql, |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Gives topic, payload and reason of all dead letters.
    pub fn dead_letters(&self) -> Vec<(String, Vec<u8>, String)> {
        let sql = "SELECT topic, payload, reason FROM dead_letter ORDER BY id";
        self.query(sql, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    }

    /// Gives what a question gives; nothing while there is no database.
    pub fn query<T>(&self, sql: &str, mut read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
        let Some(connection) = self.open() else { return Vec::new() };
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map((), |row| read(row)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    fn open(&self) -> Option<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.0, flags).ok()?;
        connection.busy_timeout(Duration::from_secs(30)).unwrap();
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).ok()?;
        (tables > 0).then_some(connection)
    }
}
