//! How alarms stand, and all that happened to them.

use rusqlite::{Connection, Row, Transaction, named_params, params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tankline_domain::alarm::{AlarmKey, Transition};
use tankline_domain::names::{SiteName, TankName};
use tankline_domain::units::UnixMillis;

use super::watches::{self, WatchRow};
use crate::alarms::{Standing, WatchedTank};
use crate::notify::{Notifier, Words};

/// How an alarm stands, to be found again after a restart.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmRow {
    /// How it is shown.
    pub standing: Standing,
    /// All that is needed to go on, as JSON; absent when there is nothing to be kept.
    pub kept: Option<String>,
}

/// The same in the column `body`.
#[derive(Serialize)]
struct Body<'r> {
    shown: &'r Standing,
    kept: &'r RawValue,
}

/// The same as it is read.
#[derive(Deserialize)]
struct Found {
    shown: Standing,
    kept: Box<RawValue>,
}

/// Something that happened to an alarm, with the words that people are told of it in.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// What happened.
    pub transition: Transition,
    /// What the alarm is called.
    pub title: String,
    /// What is to be done; empty where nothing is said.
    pub guidance: String,
}

/// What a transaction does to alarms.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlarmChanges {
    /// What happened, in its order.
    pub happened: Vec<Happened>,
    /// How the alarms that it happened to stand now.
    pub rows: Vec<AlarmRow>,
    /// What the detectors know of tanks of which that is to be kept.
    pub watches: Vec<WatchRow>,
    /// The same, to be shown.
    pub watched: Vec<WatchedTank>,
}

/// A transition as it is in the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedTransition {
    /// Its place in the order of commits.
    pub id: i64,
    /// When it was recorded, by the clock of the centre.
    pub recorded_at: UnixMillis,
    /// What happened.
    #[serde(flatten)]
    pub transition: Transition,
}

/// Which transitions are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    /// From this moment on.
    pub from: UnixMillis,
    /// Before this moment.
    pub to: UnixMillis,
    /// Of this site; of all when absent.
    pub site: Option<SiteName>,
    /// Of this tank or edge; of all when absent.
    pub source: Option<TankName>,
    /// At most so many, the newest.
    pub limit: u32,
}

impl AlarmChanges {
    /// Tells whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.happened.is_empty() && self.rows.is_empty() && self.watches.is_empty()
    }
}

const COLUMNS: &str = "id, recorded_ms, site, source, alarm, priority, at_ms, event, state_from, state_to, value,
                       limit_value, unit, who, note";

/// Notes what happened to alarms and who is to be told of it; gives the id of the newest transition.
pub(super) fn note(
    transaction: &Transaction<'_>,
    notifier: &Notifier,
    changes: &AlarmChanges,
    now: UnixMillis,
) -> rusqlite::Result<Option<i64>> {
    let mut newest = None;
    for Happened { transition, title, guidance } in &changes.happened {
        record(transaction, transition, now)?;
        let id = transaction.last_insert_rowid();
        let words = Words { title, guidance: (!guidance.is_empty()).then_some(guidance) };
        notifier.enqueue(transaction, id, transition, words, now)?;
        newest = Some(id);
    }
    for row in &changes.rows {
        save(transaction, row, now)?;
    }
    watches::keep(transaction, &changes.watches, now)?;
    Ok(newest)
}

fn record(transaction: &Transaction<'_>, transition: &Transition, now: UnixMillis) -> rusqlite::Result<usize> {
    let Transition { key, at, event, from, to, priority, value, limit, unit, who, note } = transition;
    transaction
        .prepare_cached(
            "INSERT INTO alarm_transition (site, source, alarm, priority, at_ms, event, state_from, state_to, value,
                                           limit_value, unit, who, note, recorded_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            key.site.as_str(),
            key.source.as_str(),
            key.kind.name(),
            priority.name(),
            at.get(),
            event.name(),
            from.name(),
            to.name(),
            value,
            limit,
            unit,
            who,
            note,
            now.get(),
        ])
}

fn save(transaction: &Transaction<'_>, row: &AlarmRow, now: UnixMillis) -> rusqlite::Result<usize> {
    let Standing { site, source, alarm, state, .. } = &row.standing;
    let (site, source, alarm) = (site.as_str(), source.as_str(), alarm.name());
    let Some(kept) = &row.kept else {
        let mut delete =
            transaction.prepare_cached("DELETE FROM alarm WHERE site = ?1 AND source = ?2 AND alarm = ?3")?;
        return delete.execute(params![site, source, alarm]);
    };
    let kept: &RawValue = serde_json::from_str(kept).expect("what is kept of an alarm is JSON");
    let body = serde_json::to_string(&Body { shown: &row.standing, kept }).expect("an alarm is a JSON object");
    transaction
        .prepare_cached(
            "INSERT INTO alarm (site, source, alarm, state, body, updated_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (site, source, alarm) DO UPDATE SET
                 state = excluded.state, body = excluded.body, updated_ms = excluded.updated_ms",
        )?
        .execute(params![site, source, alarm, state.name(), body, now.get()])
}

/// Gives how all alarms stand, those of sites and tanks that are no longer described among them.
///
/// A row that cannot be read is left out, and said: one damaged alarm does not keep all others from being known.
///
/// # Errors
/// What SQLite said.
pub fn load_alarms(connection: &Connection) -> rusqlite::Result<Vec<AlarmRow>> {
    let mut statement = connection.prepare("SELECT body FROM alarm ORDER BY site, source, alarm")?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut found = Vec::new();
    for body in rows {
        match serde_json::from_str::<Found>(&body?) {
            Ok(Found { shown, kept }) => {
                found.push(AlarmRow { standing: shown, kept: Some(kept.get().to_owned()) });
            }
            Err(error) => tracing::error!(%error, "a kept alarm cannot be read and begins anew"),
        }
    }
    Ok(found)
}

/// Gives the newest transitions of those asked for, the oldest first.
///
/// # Errors
/// What SQLite said.
pub fn history(connection: &Connection, query: &HistoryQuery) -> rusqlite::Result<Vec<RecordedTransition>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM alarm_transition
         WHERE at_ms >= :from AND at_ms < :to AND (:site IS NULL OR site = :site)
             AND (:source IS NULL OR source = :source)
         ORDER BY at_ms DESC, id DESC LIMIT :limit"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let wanted = named_params! {
        ":from": query.from.get(),
        ":to": query.to.get(),
        ":site": query.site.as_ref().map(SiteName::as_str),
        ":source": query.source.as_ref().map(TankName::as_str),
        ":limit": query.limit,
    };
    let rows = statement.query_map(wanted, recorded)?;
    let mut found = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    found.reverse();
    Ok(found)
}

/// Gives at most `limit` transitions after an id, in the order of their commit.
///
/// # Errors
/// What SQLite said.
pub fn transitions_after(connection: &Connection, id: i64, limit: usize) -> rusqlite::Result<Vec<RecordedTransition>> {
    let sql = format!("SELECT {COLUMNS} FROM alarm_transition WHERE id > ?1 ORDER BY id LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![id, i64::try_from(limit).unwrap_or(i64::MAX)], recorded)?;
    rows.collect()
}

fn recorded(row: &Row<'_>) -> rusqlite::Result<RecordedTransition> {
    let transition = Transition {
        key: AlarmKey { site: parsed(row, 2)?, source: parsed(row, 3)?, kind: parsed(row, 4)? },
        at: UnixMillis::new(row.get(6)?),
        event: parsed(row, 7)?,
        from: parsed(row, 8)?,
        to: parsed(row, 9)?,
        priority: parsed(row, 5)?,
        value: row.get(10)?,
        limit: row.get(11)?,
        unit: row.get(12)?,
        who: row.get(13)?,
        note: row.get(14)?,
    };
    Ok(RecordedTransition { id: row.get(0)?, recorded_at: UnixMillis::new(row.get(1)?), transition })
}

/// Reads a column that holds the text of something.
fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    row.get::<_, String>(column)?.parse().map_err(|error| unreadable(column, error))
}

fn unreadable(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}
