//! How far the historian is.

use std::path::PathBuf;
use std::time::Duration;

use tankline_ingest::store;
use tankline_runtime::clock;

/// How long a stop waits for the historian; what it has not got by then it gets in the next run.
const PATIENCE: Duration = Duration::from_secs(2);

/// The feed from the database to the historian.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The database.
    pub database: PathBuf,
    /// Names the historian in the database.
    pub target: String,
}

impl Feed {
    /// Counts the readings that the historian has not got.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn lag(&self) -> anyhow::Result<u64> {
        let connection = store::open_read_only(&self.database)?;
        let through = store::cursor(&connection, &self.target)?;
        let count = "SELECT count(*) FROM reading WHERE id > ?1";
        let lag: i64 = connection.query_row(count, [through], |row| row.get(0))?;
        Ok(lag.unsigned_abs())
    }

    /// Waits until the historian has all, but not for long.
    pub async fn caught_up(&self) {
        let deadline = clock::now() + PATIENCE;
        // A database that cannot be read is told of when the run is added up.
        while self.lag().is_ok_and(|lag| lag > 0) && clock::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
