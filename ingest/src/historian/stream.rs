//! What is fed: readings, or what happened to alarms. Each has its own cursor.

use rusqlite::Connection;
use tankline_domain::units::UnixMillis;
use tokio::sync::watch;

use super::Lines;
use crate::config::TextFields;
use crate::shared::Shared;
use crate::store::{alarm_target, rows_after, transitions_after};

/// What is fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Readings.
    Readings,
    /// What happened to alarms.
    Alarms,
}

impl Stream {
    /// Names the cursor of this stream at a historian.
    #[must_use]
    pub fn target(self, historian: &str) -> String {
        match self {
            Self::Readings => historian.to_owned(),
            Self::Alarms => alarm_target(historian),
        }
    }

    /// Gives what is told when there is more.
    #[must_use]
    pub fn newest(self, shared: &Shared) -> watch::Receiver<i64> {
        match self {
            Self::Readings => shared.newest_id.subscribe(),
            Self::Alarms => shared.newest_transition.subscribe(),
        }
    }

    /// Reads at most `limit` rows after an id; gives them as lines, their number, and the last id.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn read(
        self,
        connection: &Connection,
        after: i64,
        limit: usize,
        text_fields: TextFields,
        now: UnixMillis,
    ) -> rusqlite::Result<(Lines, usize, i64)> {
        Ok(match self {
            Self::Readings => {
                let rows = rows_after(connection, after, limit)?;
                (Lines::of(&rows, text_fields, now), rows.len(), rows.last().map_or(after, |row| row.id))
            }
            Self::Alarms => {
                let rows = transitions_after(connection, after, limit)?;
                (Lines::of_alarms(&rows, text_fields, now), rows.len(), rows.last().map_or(after, |row| row.id))
            }
        })
    }
}
