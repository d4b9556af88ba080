//! What the database holds, for a person who asks.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde::Serialize;
use tankline_domain::ranges::RangeSet;

use super::feed::{AGAIN_TO, ALARMS_OF};
use super::journals::unsigned;
use super::upkeep::{UpkeepNote, upkeep};

/// What the database holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoreStatus {
    /// Every journal that anything is known of, by site, edge and first commit.
    pub journals: Vec<JournalStatus>,
    /// Dead letters kept.
    pub dead_letters: u64,
    /// When the newest of them came, Unix milliseconds.
    pub newest_dead_letter_ms: Option<i64>,
    /// How many alarms are in each state but normal, by the name of the state.
    pub alarms: BTreeMap<String, u64>,
    /// The historians that were ever fed.
    pub historians: Vec<FeedStatus>,
    /// Those who were ever to be told of alarms.
    pub notifications: Vec<NotificationStatus>,
    /// What was done to the database as a whole, the oldest first.
    pub upkeep: Vec<UpkeepNote>,
}

/// How a journal stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalStatus {
    /// The site.
    pub site: String,
    /// The edge.
    pub edge: String,
    /// The journal.
    pub journal: String,
    /// Readings stored, also those that were deleted since.
    pub readings: u64,
    /// Highest sequence number committed.
    pub last_seq: Option<u64>,
    /// All sequence numbers through this one are committed, or were dropped at the edge.
    pub complete_through: Option<u64>,
    /// Sequence numbers that are neither: on their way, or lost.
    pub missing: u64,
    /// Where they are.
    pub missing_ranges: RangeSet,
    /// Sequence numbers that the edge dropped because its journal was full.
    pub dropped_at_edge: u64,
    /// When the newest reading was measured, Unix milliseconds.
    pub newest_at_ms: Option<i64>,
    /// When anything of this journal was last committed, Unix milliseconds.
    pub last_committed_ms: Option<i64>,
}

/// How far a historian has got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedStatus {
    /// The historian.
    pub target: String,
    /// It has all readings through this id.
    pub through_id: i64,
    /// Readings that it has not got; for `alarms of` a historian, transitions of alarms.
    pub lag_readings: u64,
    /// When it last took something, Unix milliseconds.
    pub updated_ms: i64,
}

/// How far somebody who is told of alarms has been told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotificationStatus {
    /// The webhook or e-mail.
    pub target: String,
    /// Messages that wait.
    pub waiting: u64,
    /// Since when the oldest of them waits, Unix milliseconds.
    pub oldest_ms: Option<i64>,
    /// Why the oldest was not told when it was last tried.
    pub trouble: Option<String>,
    /// Messages told; those of more than 90 days ago are not known any more.
    pub told: u64,
    /// Messages given up, of the same time.
    pub given_up: u64,
}

#[derive(Debug, Default)]
struct Known {
    readings: u64,
    newest_at_ms: Option<i64>,
    first_committed_ms: Option<i64>,
    last_committed_ms: Option<i64>,
    committed: RangeSet,
    dropped: RangeSet,
}

type Journals = BTreeMap<(String, String, String), Known>;

/// Looks through the database.
///
/// # Errors
/// What SQLite said.
pub fn survey(connection: &Connection) -> rusqlite::Result<StoreStatus> {
    let mut known = Journals::new();
    figures(connection, &mut known)?;
    ranges(connection, "journal_range", &mut known, |known| &mut known.committed)?;
    ranges(connection, "journal_gap", &mut known, |known| &mut known.dropped)?;
    let mut known: Vec<_> = known.into_iter().collect();
    known.sort_by(|(a, one), (b, other)| {
        (&a.0, &a.1, one.first_committed_ms).cmp(&(&b.0, &b.1, other.first_committed_ms))
    });
    let (dead_letters, newest_dead_letter_ms) =
        connection.query_row("SELECT count(*), max(at_ms) FROM dead_letter", [], |row| {
            Ok((unsigned(row.get(0)?), row.get(1)?))
        })?;
    let journals = known.into_iter().map(|(key, known)| status(key, known)).collect();
    Ok(StoreStatus {
        journals,
        dead_letters,
        newest_dead_letter_ms,
        alarms: alarms(connection)?,
        historians: historians(connection)?,
        notifications: notifications(connection)?,
        upkeep: upkeep(connection)?,
    })
}

fn status((site, edge, journal): (String, String, String), known: Known) -> JournalStatus {
    let mut settled = known.committed.clone();
    settled.extend(&known.dropped);
    let missing_ranges = settled.last().map(|last| settled.missing(1, last)).unwrap_or_default();
    let mut dropped = known.dropped;
    for &(first, last) in known.committed.ranges() {
        dropped.remove(first, last);
    }
    JournalStatus {
        site,
        edge,
        journal,
        readings: known.readings,
        last_seq: known.committed.last(),
        complete_through: settled.through(1),
        missing: missing_ranges.count(),
        missing_ranges,
        dropped_at_edge: dropped.count(),
        newest_at_ms: known.newest_at_ms,
        last_committed_ms: known.last_committed_ms,
    }
}

fn figures(connection: &Connection, known: &mut Journals) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT site, edge, journal, readings, newest_at_ms, first_committed_ms, last_committed_ms FROM journal",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let journal = known.entry((row.get(0)?, row.get(1)?, row.get(2)?)).or_default();
        journal.readings = unsigned(row.get(3)?);
        journal.newest_at_ms = row.get(4)?;
        journal.first_committed_ms = row.get(5)?;
        journal.last_committed_ms = row.get(6)?;
    }
    Ok(())
}

fn ranges(
    connection: &Connection,
    table: &str,
    known: &mut Journals,
    set: fn(&mut Known) -> &mut RangeSet,
) -> rusqlite::Result<()> {
    let sql = format!("SELECT site, edge, journal, first_seq, last_seq FROM {table}");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let journal = known.entry((row.get(0)?, row.get(1)?, row.get(2)?)).or_default();
        set(journal).insert(unsigned(row.get(3)?), unsigned(row.get(4)?));
    }
    Ok(())
}

fn alarms(connection: &Connection) -> rusqlite::Result<BTreeMap<String, u64>> {
    let mut statement =
        connection.prepare("SELECT state, count(*) FROM alarm WHERE state <> 'normal' GROUP BY state")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
    rows.collect()
}

fn historians(connection: &Connection) -> rusqlite::Result<Vec<FeedStatus>> {
    let mut statement = connection.prepare(
        "SELECT target, through_id, updated_ms,
             CASE WHEN target LIKE ?1 || '%' THEN (SELECT count(*) FROM alarm_transition WHERE id > through_id)
                  ELSE (SELECT count(*) FROM reading WHERE id > through_id) END
         FROM historian_cursor WHERE target NOT LIKE ?2 || '%' ORDER BY target LIKE ?1 || '%', target",
    )?;
    let rows = statement.query_map([ALARMS_OF, AGAIN_TO], |row| {
        Ok(FeedStatus {
            target: row.get(0)?,
            through_id: row.get(1)?,
            updated_ms: row.get(2)?,
            lag_readings: unsigned(row.get(3)?),
        })
    })?;
    rows.collect()
}

fn notifications(connection: &Connection) -> rusqlite::Result<Vec<NotificationStatus>> {
    let mut statement = connection.prepare(
        "WITH waiting AS (SELECT * FROM notification WHERE delivered_ms IS NULL AND given_up_ms IS NULL)
         SELECT target, count(delivered_ms), count(given_up_ms),
             (SELECT count(*) FROM waiting WHERE target = told.target),
             (SELECT created_ms FROM waiting WHERE target = told.target ORDER BY id LIMIT 1),
             (SELECT trouble FROM waiting WHERE target = told.target ORDER BY id LIMIT 1)
         FROM notification AS told GROUP BY target ORDER BY target",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(NotificationStatus {
            target: row.get(0)?,
            told: unsigned(row.get(1)?),
            given_up: unsigned(row.get(2)?),
            waiting: unsigned(row.get(3)?),
            oldest_ms: row.get(4)?,
            trouble: row.get(5)?,
        })
    })?;
    rows.collect()
}
