//! One transaction: readings, ranges, dead letters, gaps, progress of the historian. All of it or none.

use std::collections::BTreeMap;

use rusqlite::{Connection, Statement, Transaction};
use tankline_domain::message::JournalId;
use tankline_domain::units::UnixMillis;

use super::alarms::{self, AlarmChanges};
use super::dead_letters;
use super::feed::{self, Progress, Rewind};
use super::gaps::{self, GapNote};
use super::journals::{self, JournalGrowth, signed};
use super::layers::stored_layer;
use super::ledger::{JournalKey, Sorted};
use crate::intake::Accepted;
use crate::notify::Notifier;
use crate::stations::{DescribedEdge, Stations};

/// All that goes into one transaction.
#[derive(Debug, Default)]
pub struct Group {
    /// Readings, and what is no reading.
    pub sorted: Sorted,
    /// What edges have told of their gaps.
    pub gaps: Vec<GapNote>,
    /// How far the historian has got.
    pub progress: Vec<Progress>,
    /// Historians that get readings again.
    pub rewinds: Vec<Rewind>,
    /// What follows from all this for alarms.
    pub alarms: AlarmChanges,
}

/// What a transaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Committed {
    /// Readings stored.
    pub readings: u64,
    /// Readings that the database itself knew already.
    pub duplicates: u64,
    /// Dead letters kept.
    pub letters: u64,
    /// Dead letters that had to go because there were too many.
    pub letters_dropped: u64,
    /// Id of the newest reading; absent when none was stored.
    pub newest_id: Option<i64>,
    /// Id of the newest transition of an alarm; absent when none was stored.
    pub newest_transition: Option<i64>,
}

const INSERT_READING: &str = "
INSERT INTO reading (site, edge, journal, committed_ms, tank, at_ms, seq, level_mm, interface_mm, temperature_c,
                     quality, quality_code, tov_m3, fw_m3, oil_m3, basis, gov_m3, gsv_m3, nsv_m3, mass_t,
                     ullage_m3, flow_m3h, layer, emulsion_m3, emulsion_water_m3)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
        ?24, ?25)
ON CONFLICT (site, edge, journal, seq) DO NOTHING";

/// Commits a group.
///
/// # Errors
/// What SQLite said; nothing of the group is in the database then.
pub fn commit(
    connection: &mut Connection,
    stations: &Stations,
    notifier: &Notifier,
    group: &Group,
    now: UnixMillis,
    dead_letter_max_rows: u32,
) -> rusqlite::Result<Committed> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut done = Committed::default();
    let growth = readings(&transaction, stations, &group.sorted, now, &mut done)?;
    for ((edge, journal), growth) in growth {
        journals::add_growth(&transaction, stations.edge(edge), &journal.to_string(), growth, now)?;
    }
    for ((edge, journal), added) in &group.sorted.added {
        journals::add_ranges(&transaction, stations.edge(*edge), &journal.to_string(), added)?;
    }
    let letters = || {
        let refused = group.sorted.batches.iter().flat_map(|batch| &batch.refused).map(|refused| &refused.letter);
        refused.chain(group.progress.iter().flat_map(|progress| &progress.letters))
    };
    done.letters = letters().count() as u64;
    done.letters_dropped = dead_letters::keep(&transaction, letters(), dead_letter_max_rows)?;
    for note in &group.gaps {
        gaps::note(&transaction, stations.edge(note.edge), note)?;
    }
    for progress in &group.progress {
        feed::advance(&transaction, progress)?;
    }
    // After the progress, which goes forward only. What was sent since is sent once more at worst.
    for rewind in &group.rewinds {
        feed::rewind(&transaction, rewind)?;
    }
    done.newest_transition = alarms::note(&transaction, notifier, &group.alarms, now)?;
    transaction.commit()?;
    Ok(done)
}

/// Stores the readings; gives by how much each journal grew.
fn readings(
    transaction: &Transaction<'_>,
    stations: &Stations,
    sorted: &Sorted,
    now: UnixMillis,
    done: &mut Committed,
) -> rusqlite::Result<BTreeMap<JournalKey, JournalGrowth>> {
    let nothing = JournalGrowth { readings: 0, newest_at: None };
    let touched = sorted.added.iter().filter(|(_, added)| !added.is_empty());
    let mut growth: BTreeMap<JournalKey, JournalGrowth> = touched.map(|(key, _)| (*key, nothing)).collect();
    let mut insert = transaction.prepare_cached(INSERT_READING)?;
    for batch in &sorted.batches {
        let Some((edge, journal)) = batch.journal.filter(|_| !batch.readings.is_empty()) else { continue };
        bind_batch(&mut insert, stations.edge(edge), journal, now)?;
        let grown = growth.entry((edge, journal)).or_insert(nothing);
        for reading in &batch.readings {
            bind_reading(&mut insert, stations, reading)?;
            if insert.raw_execute()? == 0 {
                done.duplicates += 1;
                continue;
            }
            done.readings += 1;
            grown.readings += 1;
            grown.newest_at = grown.newest_at.max(Some(reading.at));
        }
    }
    if done.readings > 0 {
        done.newest_id = Some(transaction.last_insert_rowid());
    }
    Ok(growth)
}

/// Binds what all readings of a batch have in common; it stays bound from one execution to the next.
fn bind_batch(
    insert: &mut Statement<'_>,
    edge: &DescribedEdge,
    journal: JournalId,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    insert.raw_bind_parameter(1, edge.site.as_str())?;
    insert.raw_bind_parameter(2, edge.edge.as_str())?;
    insert.raw_bind_parameter(3, journal.to_string())?;
    insert.raw_bind_parameter(4, now.get())
}

fn bind_reading(insert: &mut Statement<'_>, stations: &Stations, reading: &Accepted) -> rusqlite::Result<()> {
    let tank = stations.tank(reading.tank);
    insert.raw_bind_parameter(5, tank.tank.name.as_str())?;
    insert.raw_bind_parameter(6, reading.at.get())?;
    insert.raw_bind_parameter(7, signed(reading.seq))?;
    insert.raw_bind_parameter(8, reading.level_mm)?;
    insert.raw_bind_parameter(9, reading.interface_mm)?;
    insert.raw_bind_parameter(10, reading.temperature_c)?;
    if reading.quality.is_good() {
        insert.raw_bind_parameter(11, "good")?;
    } else {
        insert.raw_bind_parameter(11, reading.quality.to_string())?;
    }
    insert.raw_bind_parameter(12, reading.quality.code())?;
    let derived = &reading.derived;
    insert.raw_bind_parameter(16, derived.tov_m3.map(|_| tank.basis.digest()))?;
    let volumes = [(13, derived.tov_m3), (14, derived.fw_m3), (15, derived.oil_m3)];
    let net = [(17, derived.gov_m3), (18, derived.gsv_m3), (19, derived.nsv_m3), (20, derived.mass_t)];
    let others = [(21, derived.ullage_m3), (22, derived.flow_m3h)];
    insert.raw_bind_parameter(23, reading.layer.as_ref().map(stored_layer))?;
    let emulsion = [(24, derived.emulsion_m3), (25, derived.emulsion_water_m3)];
    for (place, value) in volumes.into_iter().chain(net).chain(others).chain(emulsion) {
        insert.raw_bind_parameter(place, value)?;
    }
    Ok(())
}
