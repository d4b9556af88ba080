//! Committed readings in the order of their commit, for the historian, and how far it has got.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tankline_domain::layer::TransitionLayer;
use tankline_domain::units::UnixMillis;

use super::layers::read_layer;
use crate::derive::Derived;
use crate::intake::DeadLetter;

/// A committed reading as the historian gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedRow {
    /// Its place in the order of commits.
    pub id: i64,
    /// The site.
    pub site: String,
    /// The tank.
    pub tank: String,
    /// When it was measured.
    pub at_ms: i64,
    /// Liquid level.
    pub level_mm: Option<f64>,
    /// Interface level.
    pub interface_mm: Option<f64>,
    /// Temperature.
    pub temperature_c: Option<f64>,
    /// Transition layer between water and oil.
    pub layer: Option<TransitionLayer>,
    /// What was derived from them.
    pub derived: Derived,
    /// Quality as a number.
    pub quality_code: i64,
    /// Quality as a text.
    pub quality: String,
}

/// How far a historian has got, and what it would not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The historian.
    pub target: String,
    /// It has all readings through this id.
    pub through_id: i64,
    /// When it said so.
    pub at: UnixMillis,
    /// The lines that it refuses.
    pub letters: Vec<DeadLetter>,
}

/// What stands before a historian in the name of its cursor for alarms.
pub(super) const ALARMS_OF: &str = "alarms of ";

/// What stands before a historian in the name of the cursor after which it is to get readings again.
pub(super) const AGAIN_TO: &str = "again to ";

/// Names the cursor of a historian for what happened to alarms; its `through_id` is that of a transition.
#[must_use]
pub fn alarm_target(historian: &str) -> String {
    format!("{ALARMS_OF}{historian}")
}

/// Stands for a historian that has nothing. It is not 0: what a site brought along may have ids below.
pub const NOTHING_SENT: i64 = i64::MIN;

/// Gives how far a historian has got, or after which it is to get all again where that is earlier; [`NOTHING_SENT`] when
/// nothing was ever sent to it.
///
/// # Errors
/// What SQLite said.
pub fn cursor(connection: &Connection, target: &str) -> rusqlite::Result<i64> {
    let select = "SELECT min(through_id) FROM historian_cursor WHERE target IN (?1, ?2 || ?1)";
    let through_id: Option<i64> = connection.query_row(select, params![target, AGAIN_TO], |row| row.get(0))?;
    Ok(through_id.unwrap_or(NOTHING_SENT))
}

/// Gives the id after which a historian is to get all again; absent when nobody asked for that.
///
/// # Errors
/// What SQLite said.
pub fn asked_again(connection: &Connection, target: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT through_id FROM historian_cursor WHERE target = ?1 || ?2")?
        .query_row(params![AGAIN_TO, target], |row| row.get(0))
        .optional()
}

/// Has historians get every reading from an id on again. A worker that runs begins with that by itself, another one at its
/// next start.
///
/// # Errors
/// What SQLite said.
pub fn send_again(connection: &Connection, from_id: i64) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO historian_cursor (target, through_id, updated_ms)
         SELECT ?2 || target, min(through_id, ?1), updated_ms FROM historian_cursor
         WHERE target NOT LIKE ?2 || '%' AND target NOT LIKE ?3 || '%'
         ON CONFLICT (target) DO UPDATE SET through_id = min(through_id, excluded.through_id)",
        params![from_id - 1, AGAIN_TO, ALARMS_OF],
    )?;
    Ok(())
}

/// Gives at most `limit` readings after an id, in the order of their commit.
///
/// # Errors
/// What SQLite said.
pub fn rows_after(connection: &Connection, id: i64, limit: usize) -> rusqlite::Result<Vec<FeedRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, site, tank, at_ms, level_mm, interface_mm, temperature_c, tov_m3, fw_m3, oil_m3, quality_code,
                quality, gov_m3, gsv_m3, nsv_m3, mass_t, ullage_m3, flow_m3h, layer, emulsion_m3, emulsion_water_m3
         FROM reading WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![id, limit], |row| {
        Ok(FeedRow {
            id: row.get(0)?,
            site: row.get(1)?,
            tank: row.get(2)?,
            at_ms: row.get(3)?,
            level_mm: row.get(4)?,
            interface_mm: row.get(5)?,
            temperature_c: row.get(6)?,
            layer: read_layer(row, 18)?,
            derived: Derived {
                tov_m3: row.get(7)?,
                fw_m3: row.get(8)?,
                oil_m3: row.get(9)?,
                gov_m3: row.get(12)?,
                gsv_m3: row.get(13)?,
                nsv_m3: row.get(14)?,
                mass_t: row.get(15)?,
                ullage_m3: row.get(16)?,
                flow_m3h: row.get(17)?,
                emulsion_m3: row.get(19)?,
                emulsion_water_m3: row.get(20)?,
                ..Derived::default()
            },
            quality_code: row.get(10)?,
            quality: row.get(11)?,
        })
    })?;
    rows.collect()
}

/// Lets a historian that has nothing yet begin at the ids that there are, so that those below them count as sent.
///
/// # Errors
/// What SQLite said.
pub fn begin_at_present(connection: &Connection, historian: &str, now: UnixMillis) -> rusqlite::Result<()> {
    for (target, table) in [(historian.to_owned(), "reading"), (alarm_target(historian), "alarm_transition")] {
        connection.execute(
            &format!(
                "INSERT OR IGNORE INTO historian_cursor (target, through_id, updated_ms)
                 SELECT ?1, min(1, ifnull(min(id), 1)) - 1, ?2 FROM {table}"
            ),
            params![target, now.get()],
        )?;
    }
    Ok(())
}

/// A historian that gets readings again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewind {
    /// The historian.
    pub target: String,
    /// It gets all after this id.
    pub through_id: i64,
}

/// Moves the cursor back, as was asked. What was asked since, for earlier readings yet, is still to be done.
pub(super) fn rewind(transaction: &Transaction<'_>, rewind: &Rewind) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE historian_cursor SET through_id = min(through_id, ?2) WHERE target = ?1",
        params![rewind.target, rewind.through_id],
    )?;
    transaction.execute(
        "DELETE FROM historian_cursor WHERE target = ?3 || ?1 AND through_id >= ?2",
        params![rewind.target, rewind.through_id, AGAIN_TO],
    )?;
    Ok(())
}

/// Moves the cursor, never back.
pub(super) fn advance(transaction: &Transaction<'_>, progress: &Progress) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO historian_cursor (target, through_id, updated_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT (target) DO UPDATE SET
                 through_id = max(through_id, excluded.through_id), updated_ms = excluded.updated_ms",
        )?
        .execute(params![progress.target, progress.through_id, progress.at.get()])?;
    Ok(())
}
