//! What was done to the database as a whole.

use rusqlite::{Connection, params};
use serde::Serialize;
use tankline_domain::names::SiteName;
use tankline_domain::units::UnixMillis;

/// Something that was done to the database as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpkeepEvent {
    /// This is a copy that was made as a backup.
    BackedUp,
    /// It came from a backup.
    Restored,
    /// A site went to another worker.
    HandedOver,
    /// A site came from another worker.
    TakenIn,
}

/// A note of what was done to the database as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpkeepNote {
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// What, by the name of the event.
    pub event: String,
    /// With which site; absent where it was all.
    pub site: Option<String>,
    /// From where or to where.
    pub note: String,
}

impl UpkeepEvent {
    /// Gives its name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BackedUp => "backed-up",
            Self::Restored => "restored",
            Self::HandedOver => "handed-over",
            Self::TakenIn => "taken-in",
        }
    }
}

/// Notes what was done.
///
/// # Errors
/// What SQLite said.
pub fn note_upkeep(
    connection: &Connection,
    event: UpkeepEvent,
    site: Option<&SiteName>,
    note: &str,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO upkeep (at_ms, event, site, note) VALUES (?1, ?2, ?3, ?4)",
        params![now.get(), event.name(), site.map(SiteName::as_str), note],
    )?;
    Ok(())
}

/// Gives all that was noted, the oldest first.
///
/// # Errors
/// What SQLite said.
pub fn upkeep(connection: &Connection) -> rusqlite::Result<Vec<UpkeepNote>> {
    let mut statement = connection.prepare("SELECT at_ms, event, site, note FROM upkeep ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        Ok(UpkeepNote { at_ms: row.get(0)?, event: row.get(1)?, site: row.get(2)?, note: row.get(3)? })
    })?;
    rows.collect()
}
