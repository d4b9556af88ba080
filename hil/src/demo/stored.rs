//! What is kept of a run: rows in the database, readings that wait in journals. The other side of the audit.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use anyhow::Context;
use rusqlite::{Connection, Row, params};
use tankline_domain::message::{JournalId, SequencedReading};
use tankline_domain::names::{EdgeName, SiteName, TankName};
use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::{Bad, Quality, Reading};
use tankline_domain::site::Site;
use tankline_domain::units::UnixMillis;
use tankline_edge::journal::{Journal, JournalConfig};
use tankline_ingest::store;

use crate::audit::{Kept, Place};

/// Readings that are fetched from a journal at a time.
const FETCHED_AT_ONCE: usize = 5000;

/// Readings of a run, by tank, in the order of the polls.
#[derive(Debug, Default)]
pub struct KeptReadings {
    /// Those with values, and those that were judged out of range.
    pub tanks: BTreeMap<TankName, Vec<Kept>>,
    /// Tanks and how many of their readings are in the database more than once.
    pub duplicates: BTreeMap<TankName, u64>,
    /// All of the run that are in the database, failed polls among them.
    pub in_database: u64,
    /// All of the run that wait in journals, failed polls among them.
    pub in_journals: u64,
}

/// Gives the highest row number of readings; 0 when there is no database yet.
///
/// # Errors
/// The database is none of ours, or cannot be read.
pub fn newest_row(database: &Path) -> anyhow::Result<i64> {
    let Some(connection) = open(database)? else { return Ok(0) };
    let newest = connection.query_row("SELECT ifnull(max(id), 0) FROM reading", [], |row| row.get(0));
    newest.with_context(|| format!("cannot read the database {}", database.display()))
}

/// Counts the readings in the journals of all edges that are not in the database.
///
/// # Errors
/// A journal or the database cannot be read.
pub fn waiting(database: &Path, site: &Site, journals: impl Fn(&EdgeName) -> JournalConfig) -> anyhow::Result<u64> {
    let connection = open(database)?;
    let mut count = 0;
    for edge in site.edges() {
        count += in_journal(connection.as_ref(), site.name(), edge, journals(edge))?.len() as u64;
    }
    Ok(count)
}

/// Gathers what is kept of the readings that were taken since `started`, in rows after `newest_row`.
///
/// # Errors
/// A journal or the database cannot be read.
pub fn gather(
    database: &Path,
    site: &Site,
    journals: impl Fn(&EdgeName) -> JournalConfig,
    newest_row: i64,
    started: UnixMillis,
) -> anyhow::Result<KeptReadings> {
    let mut gathered = KeptReadings::default();
    let connection = open(database)?;
    if let Some(connection) = &connection {
        let unreadable = || format!("cannot read the database {}", database.display());
        rows(connection, site, newest_row, started, &mut gathered).with_context(unreadable)?;
    }
    for edge in site.edges() {
        for SequencedReading { seq, reading } in in_journal(connection.as_ref(), site.name(), edge, journals(edge))? {
            if reading.at >= started {
                gathered.in_journals += 1;
                gathered.keep(reading.tank.clone(), kept(seq, &reading, Place::Journal));
            }
        }
    }
    // By number in the journal, which is the order of the polls; a clock may be set while we run.
    gathered.tanks.values_mut().for_each(|kept| kept.sort_by_key(|kept| kept.seq));
    Ok(gathered)
}

impl KeptReadings {
    fn keep(&mut self, tank: TankName, kept: Option<Kept>) {
        if let Some(kept) = kept {
            self.tanks.entry(tank).or_default().push(kept);
        }
    }
}

/// Opens the database to be read; none when it is not there.
fn open(database: &Path) -> anyhow::Result<Option<Connection>> {
    Ok(if database.exists() { Some(store::open_read_only(database)?) } else { None })
}

fn rows(
    connection: &Connection,
    site: &Site,
    newest_row: i64,
    started: UnixMillis,
    gathered: &mut KeptReadings,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT tank, at_ms, journal, level_mm, interface_mm, temperature_c, quality, seq FROM reading
         WHERE id > ?1 AND site = ?2 AND at_ms >= ?3",
    )?;
    let mut seen = HashSet::new();
    let mut rows = statement.query(params![newest_row, site.name().as_str(), started.get()])?;
    while let Some(row) = rows.next()? {
        let Ok(tank) = row.get::<_, String>(0)?.parse::<TankName>() else { continue };
        gathered.in_database += 1;
        if !seen.insert((tank.clone(), row.get::<_, i64>(1)?, row.get::<_, String>(2)?)) {
            *gathered.duplicates.entry(tank.clone()).or_default() += 1;
        }
        let (seq, reading) = (row.get::<_, i64>(7)?.unsigned_abs(), reading(tank.clone(), row)?);
        gathered.keep(tank, reading.as_ref().and_then(|reading| kept(seq, reading, Place::Database)));
    }
    Ok(())
}

fn reading(tank: TankName, row: &Row<'_>) -> rusqlite::Result<Option<Reading>> {
    let number = |index| row.get::<_, Option<f64>>(index);
    let Ok(quality) = row.get::<_, String>(6)?.parse::<Quality>() else { return Ok(None) };
    Ok(Some(Reading {
        tank,
        at: UnixMillis::new(row.get(1)?),
        level: number(3)?.map(tankline_domain::units::Millimetres::new),
        interface: number(4)?.map(tankline_domain::units::Millimetres::new),
        temperature: number(5)?.map(tankline_domain::units::Celsius::new),
        layer: None,
        quality,
    }))
}

/// Takes what is compared of a reading; nothing of a poll that brought no answer.
fn kept(seq: u64, reading: &Reading, place: Place) -> Option<Kept> {
    let is_out_of_range = reading.quality == Quality::Bad(Bad::OutOfRange);
    (is_out_of_range || !reading.quality.is_bad()).then(|| Kept {
        seq,
        at: reading.at,
        level_mm: reading.level.map(|level| level.get()),
        interface_mm: reading.interface.map(|interface| interface.get()),
        temperature_c: reading.temperature.map(|temperature| temperature.get()),
        is_out_of_range,
        place,
    })
}

/// Reads what is in the journal of an edge and not in the database. The edge must not be running.
fn in_journal(
    connection: Option<&Connection>,
    site: &SiteName,
    edge: &EdgeName,
    config: JournalConfig,
) -> anyhow::Result<Vec<SequencedReading>> {
    if !config.dir.exists() {
        return Ok(Vec::new());
    }
    let (mut journal, _) = Journal::open(config).with_context(|| format!("the journal of {edge} cannot be opened"))?;
    let mut readings = Vec::new();
    for (id, numbers) in journal.contents() {
        let committed = connection.map(|connection| committed(connection, site, edge, id)).transpose();
        let committed = committed.with_context(|| format!("cannot read what is committed of {edge}"))?;
        let missing = committed.unwrap_or_default().missing(*numbers.start(), *numbers.end());
        for &(first, last) in missing.ranges() {
            let mut next = first;
            while next <= last {
                let entries = journal.fetch(id, next, last, FETCHED_AT_ONCE)?;
                let Some(newest) = entries.last() else { break };
                next = newest.seq + 1;
                readings.extend(
                    entries.iter().filter_map(|entry| serde_json::from_slice::<SequencedReading>(&entry.json).ok()),
                );
            }
        }
    }
    journal.close()?;
    Ok(readings)
}

fn committed(
    connection: &Connection,
    site: &SiteName,
    edge: &EdgeName,
    journal: JournalId,
) -> rusqlite::Result<RangeSet> {
    let mut statement = connection.prepare_cached(
        "SELECT first_seq, last_seq FROM journal_range WHERE site = ?1 AND edge = ?2 AND journal = ?3",
    )?;
    let mut rows = statement.query(params![site.as_str(), edge.as_str(), journal.to_string()])?;
    let mut ranges = RangeSet::new();
    while let Some(row) = rows.next()? {
        let number = |index| row.get::<_, i64>(index).map(|number| u64::try_from(number).unwrap_or_default());
        ranges.insert(number(0)?, number(1)?);
    }
    Ok(ranges)
}
