//! Gathering what was seen when a story is over: the database, the journals, the logs, the truth.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use rusqlite::Connection;
use tankline_domain::alarm::{Event, State};
use tankline_domain::message::{EdgeHealth, JournalId, SequencedReading};
use tankline_domain::names::{EdgeName, TankName};
use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::{Bad, Quality};
use tankline_domain::units::UnixMillis;
use tankline_edge::journal::storage::Disk;
use tankline_edge::journal::{Boot, Host, Journal};
use tankline_ingest::store;
use tankline_runtime::clock::Day;

use super::bench::Bench;
use super::machine::{Machine, boot_ms};
use super::stamp::parse_stamp;
use super::{Moment, truth};
use crate::audit::{Kept, Place};
use crate::scenario::account::{Excuses, account};
use crate::scenario::command::Role;
use crate::scenario::outcome::Arrival;
use crate::scenario::record::{AlarmEvent, AlarmNote, Arrived, InfluxdbRecord, LogLine, Record, TankRecord};
use crate::scenario::story::Story;

/// Readings that are fetched from a journal at a time.
const FETCHED_AT_ONCE: usize = 5000;

/// The table of the numbers that were committed.
const COMMITTED: &str = "journal_range";

/// Numbers of journals.
type Numbers = HashMap<String, RangeSet>;

/// A reading that is kept.
#[derive(Debug, Clone)]
struct Row {
    tank: TankName,
    edge: EdgeName,
    stamp: UnixMillis,
    journal: String,
    seq: u64,
    level_mm: Option<f64>,
    interface_mm: Option<f64>,
    temperature_c: Option<f64>,
    quality: Quality,
    /// When it was committed; absent when it waits in a journal.
    committed: Option<UnixMillis>,
}

/// Gathers all that the story is judged by.
///
/// # Errors
/// The database or a journal cannot be read.
pub fn gather(story: &Story, bench: &Bench<'_>, began: Moment, played: Duration) -> anyhow::Result<Record> {
    let site = &story.site.site;
    let connection = open(&bench.database())?;
    let (mut rows, mut missing, mut gaps) = (Vec::new(), 0, 0);
    let committed = connection.as_ref().map_or(Ok(HashMap::new()), |connection| ranges(connection, COMMITTED))?;
    let mut record = Record { speed: story.speed, played, ..Record::default() };
    if let Some(connection) = &connection {
        rows = stored(connection).context("cannot read the database")?;
        record.dead_letters = dead_letters(connection)?;
        record.alarm_history = alarm_history(connection, story, bench.day(), began)?;
    }
    let stored_rows = rows.len();
    for rtu in bench.machines.keys().filter(|rtu| bench.owns(&Role::Edge((*rtu).clone()))) {
        rows.extend(waiting(bench, rtu, &rows, &committed)?);
    }
    if let Some(connection) = &connection {
        (missing, gaps) = numbers(connection, &rows[stored_rows..])?;
    }
    (record.missing_numbers, record.gap_readings) = (missing, gaps);
    if let (Some(historian), _) = (&bench.historian, stored_rows) {
        let committed = rows[..stored_rows].iter();
        let there =
            committed.filter(|row| historian.has(site.name().as_str(), row.tank.as_str(), row.stamp.get())).count();
        record.influxdb = Some(InfluxdbRecord { committed: stored_rows as u64, there: there as u64 });
    }
    if let Some(day) = bench.day() {
        for row in &mut rows {
            (row.stamp, row.committed) = (day.clock_at(row.stamp), row.committed.map(|at| day.clock_at(at)));
        }
    }
    record.logs = logs(story, bench, began);
    record.healths = lives(bench);
    record.alarms = alarms(story, bench, began);
    tanks(story, bench, began, &rows, &mut record)?;
    Ok(record)
}

/// Tells whether the historian has all that was committed.
///
/// # Errors
/// The database cannot be read.
pub fn historian_has_all(story: &Story, bench: &Bench<'_>) -> anyhow::Result<bool> {
    let (Some(historian), Some(connection)) = (&bench.historian, open(&bench.database())?) else { return Ok(true) };
    let site = story.site.site.name().as_str();
    Ok(stored(&connection)?.iter().all(|row| historian.has(site, row.tank.as_str(), row.stamp.get())))
}

/// Counts the tanks of which something is in the database.
///
/// # Errors
/// The database cannot be read.
pub fn tanks_seen(database: &Path) -> anyhow::Result<usize> {
    let Some(connection) = open(database)? else { return Ok(0) };
    let count: i64 = connection.query_row("SELECT count(DISTINCT tank) FROM reading", [], |row| row.get(0))?;
    Ok(usize::try_from(count)?)
}

/// Gives the numbers, each with its journal, that wait in the journal of an RTU that does not run and are not in the database.
///
/// # Errors
/// The journal or the database cannot be read.
pub fn waiting_numbers(bench: &Bench<'_>, rtu: &EdgeName) -> anyhow::Result<Vec<(String, u64)>> {
    let connection = open(&bench.database())?;
    let committed = connection.as_ref().map_or(Ok(HashMap::new()), |connection| ranges(connection, COMMITTED))?;
    Ok(waiting(bench, rtu, &[], &committed)?.into_iter().map(|row| (row.journal, row.seq)).collect())
}

/// Tells whether numbers of journals are committed.
///
/// # Errors
/// The database cannot be read.
pub fn has_numbers(bench: &Bench<'_>, numbers: &[(String, u64)]) -> anyhow::Result<bool> {
    let Some(connection) = open(&bench.database())? else { return Ok(false) };
    let committed = ranges(&connection, COMMITTED)?;
    Ok(numbers.iter().all(|(journal, seq)| has(&committed, journal, *seq)))
}

fn open(database: &Path) -> anyhow::Result<Option<Connection>> {
    // While ingest makes it, it is there and has no tables yet.
    Ok(if database.exists() { store::open_read_only(database).ok() } else { None })
}

fn stored(connection: &Connection) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare(
        "SELECT tank, edge, at_ms, journal, seq, level_mm, interface_mm, temperature_c, quality, committed_ms
         FROM reading ORDER BY id",
    )?;
    let rows = statement.query_map((), |row| {
        let text = |index| row.get::<_, String>(index);
        let (tank, edge, quality) = (text(0)?.parse(), text(1)?.parse(), text(8)?.parse());
        let (Ok(tank), Ok(edge), Ok(quality)) = (tank, edge, quality) else { return Ok(None) };
        Ok(Some(Row {
            tank,
            edge,
            stamp: UnixMillis::new(row.get(2)?),
            journal: row.get(3)?,
            seq: row.get::<_, i64>(4)?.unsigned_abs(),
            level_mm: row.get(5)?,
            interface_mm: row.get(6)?,
            temperature_c: row.get(7)?,
            quality,
            committed: Some(UnixMillis::new(row.get(9)?)),
        }))
    })?;
    rows.filter_map(Result::transpose).collect()
}

fn dead_letters(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT reason, topic FROM dead_letter ORDER BY id")?;
    let rows =
        statement.query_map((), |row| Ok(format!("{} ({})", row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    rows.collect()
}

/// Gives what became of alarms since the story began, by the order in which it was written down.
fn alarm_history(
    connection: &Connection,
    story: &Story,
    day: Option<Day>,
    began: Moment,
) -> rusqlite::Result<Vec<AlarmEvent>> {
    let mut statement = connection.prepare(
        "SELECT source, alarm, event, state_to, recorded_ms FROM alarm_transition WHERE recorded_ms >= ?1 ORDER BY id",
    )?;
    let rows = statement.query_map([began.unix.get()], |row| {
        let Ok(source) = row.get::<_, String>(0)?.parse() else { return Ok(None) };
        let event: String = row.get(2)?;
        let is_annunciated = event == Event::Raised.name() && row.get::<_, String>(3)? == State::Unacknowledged.name();
        let recorded = UnixMillis::new(row.get(4)?);
        let at = began.story_time(day.map_or(recorded, |day| day.clock_at(recorded)), story.speed);
        Ok(Some(AlarmEvent { at, source, alarm: row.get(1)?, event, is_annunciated }))
    })?;
    rows.filter_map(Result::transpose).collect()
}

/// Gives what stands in the journal of an RTU and is still to come into the database.
///
/// A journal keeps what was committed until a whole segment can go. What the centre says it has committed and does not
/// have is lost: no edge sends it again. The numbers are read before the rows, so that none is in between.
fn waiting(bench: &Bench<'_>, rtu: &EdgeName, rows: &[Row], committed: &Numbers) -> anyhow::Result<Vec<Row>> {
    let known: HashSet<(&str, u64)> = rows.iter().map(|row| (row.journal.as_str(), row.seq)).collect();
    let config = bench.edge_config(rtu)?.journal;
    if !config.dir.exists() {
        return Ok(Vec::new());
    }
    let boot = bench.machines.get(rtu).map_or(0, |machine| machine.boot);
    let host = Host { storage: std::sync::Arc::new(Disk), boot: Boot::new(boot) };
    let (mut journal, _) =
        Journal::open_on(&host, config, None).with_context(|| format!("cannot open the journal of {rtu}"))?;
    let mut found = Vec::new();
    for (id, numbers) in journal.contents() {
        let name = id.to_string();
        let is_known = |seq| known.contains(&(name.as_str(), seq)) || has(committed, &name, seq);
        let (mut next, last) = (*numbers.start(), *numbers.end());
        while next <= last {
            let entries = journal.fetch(id, next, last, FETCHED_AT_ONCE)?;
            let Some(newest) = entries.last().map(|entry| entry.seq) else { break };
            next = newest + 1;
            let unknown = entries.iter().filter(|entry| !is_known(entry.seq));
            for entry in unknown {
                let SequencedReading { seq, reading } = serde_json::from_slice(&entry.json)?;
                found.push(row(id, bench.identity_of(rtu), seq, reading));
            }
        }
    }
    journal.close()?;
    Ok(found)
}

fn row(journal: JournalId, edge: &EdgeName, seq: u64, reading: tankline_domain::reading::Reading) -> Row {
    Row {
        tank: reading.tank,
        edge: edge.clone(),
        stamp: reading.at,
        journal: journal.to_string(),
        seq,
        level_mm: reading.level.map(|level| level.get()),
        interface_mm: reading.interface.map(|interface| interface.get()),
        temperature_c: reading.temperature.map(|temperature| temperature.get()),
        quality: reading.quality,
        committed: None,
    }
}

/// Gives the numbers of each journal that a table holds.
fn ranges(connection: &Connection, table: &str) -> rusqlite::Result<Numbers> {
    let mut statement = connection.prepare(&format!("SELECT journal, first_seq, last_seq FROM {table}"))?;
    let mut rows = statement.query(())?;
    let mut found = Numbers::new();
    while let Some(row) = rows.next()? {
        let number = |index| row.get::<_, i64>(index).map(i64::unsigned_abs);
        found.entry(row.get(0)?).or_default().insert(number(1)?, number(2)?);
    }
    Ok(found)
}

fn has(numbers: &Numbers, journal: &str, seq: u64) -> bool {
    numbers.get(journal).is_some_and(|ranges| ranges.contains(seq))
}

/// Counts the numbers of journals that are nowhere, and those that edges dropped and said so.
fn numbers(connection: &Connection, waiting: &[Row]) -> rusqlite::Result<(u64, u64)> {
    let (mut there, gaps) = (ranges(connection, COMMITTED)?, ranges(connection, "journal_gap")?);
    for row in waiting {
        there.entry(row.journal.clone()).or_default().insert(row.seq, row.seq);
    }
    for (journal, ranges) in &gaps {
        there.entry(journal.clone()).or_default().extend(ranges);
    }
    let missing = there.values().map(|ranges| ranges.last().unwrap_or(0) - ranges.count()).sum();
    Ok((missing, gaps.values().map(RangeSet::count).sum()))
}

/// Sorts readings to their tanks, with their right times.
fn tanks(story: &Story, bench: &Bench<'_>, began: Moment, rows: &[Row], record: &mut Record) -> anyhow::Result<()> {
    let site = &story.site.site;
    let boot_ms = boot_ms();
    let rtu_of = rtus_of(bench);
    let answers: BTreeMap<_, _> = bench.answers.iter().map(|(rtu, answers)| (rtu, answers.take())).collect();
    let nobody = Machine::new();
    let mut by_gauge: BTreeMap<(&TankName, &EdgeName), Vec<(UnixMillis, &Row)>> = BTreeMap::new();
    for row in rows {
        let rtu = rtu_of.get(&row.journal).unwrap_or(&row.edge);
        let machine = bench.machines.get(rtu).unwrap_or(&nobody);
        by_gauge.entry((&row.tank, rtu)).or_default().push((machine.right_time(row.stamp, boot_ms), row));
    }
    let truths = truth(story)?;
    let unanswered = unanswered(bench);
    let story_time = |at| began.story_time(at, story.speed);
    for gauge in site.gauges() {
        let tank = &gauge.tank;
        let edge = site.edge_of(tank).context("every gauge has an edge")?;
        let truth = truths.get(tank).cloned().unwrap_or_default();
        let mut seen = TankRecord { poll: gauge.poll_interval, truth, ..TankRecord::default() };
        // A twin reads a gauge of its own on the same tank.
        for rtu in bench.machines.keys().filter(|rtu| bench.identity_of(rtu) == edge) {
            let mut of_gauge = by_gauge.remove(&(tank, rtu)).unwrap_or_default();
            of_gauge.sort_by_key(|(at, row)| (*at, row.seq));
            let kept: Vec<Kept> = of_gauge.iter().filter_map(|(at, row)| kept(*at, row)).collect();
            let excuses = Excuses {
                absences: bench.machines.get(rtu).map(Machine::absences).unwrap_or_default(),
                unanswered: unanswered.get(&(rtu.clone(), tank.clone())).cloned().unwrap_or_default(),
            };
            let answers = answers.get(rtu).and_then(|answers| answers.get(tank)).cloned().unwrap_or_default();
            let mut account = account(gauge, &answers, &kept, &excuses, &story_time);
            let mut known = HashSet::new();
            let again = of_gauge.iter().filter(|(_, row)| !known.insert((row.stamp, row.journal.as_str())));
            account.twice = again.count() as u64;
            seen.account.add(account);
            seen.readings.extend(of_gauge.iter().filter_map(|(at, row)| arrived(story, began, *at, row)));
        }
        seen.readings.sort_by_key(|reading| reading.arrival.at);
        record.tanks.insert(tank.clone(), seen);
    }
    Ok(())
}

/// Finds the journals of twins; all others are those of the edges under whose names they were published.
fn rtus_of(bench: &Bench<'_>) -> HashMap<String, EdgeName> {
    let mut found = HashMap::new();
    for rtu in bench.machines.keys().filter(|rtu| bench.identity_of(rtu) != *rtu) {
        let log = read_log(bench, &Role::Edge(rtu.clone()));
        let opened = log.lines().filter(|line| line.contains("journal is open"));
        let journals = opened.filter_map(|line| line.split(' ').find_map(|word| word.strip_prefix("journal=")));
        found.extend(journals.map(|journal| (journal.to_owned(), rtu.clone())));
    }
    found
}

fn kept(at: UnixMillis, row: &Row) -> Option<Kept> {
    let is_out_of_range = row.quality == Quality::Bad(Bad::OutOfRange);
    (is_out_of_range || !row.quality.is_bad()).then_some(Kept {
        seq: row.seq,
        at,
        level_mm: row.level_mm,
        interface_mm: row.interface_mm,
        temperature_c: row.temperature_c,
        is_out_of_range,
        place: if row.committed.is_some() { Place::Database } else { Place::Journal },
    })
}

fn arrived(story: &Story, began: Moment, at: UnixMillis, row: &Row) -> Option<Arrived> {
    let committed = row.committed?;
    let arrival = Arrival {
        at: began.story_time(at, story.speed),
        committed_at: began.story_time(committed, story.speed),
        level_mm: row.level_mm,
        interface_mm: row.interface_mm,
        temperature_c: row.temperature_c,
        quality: row.quality.clone(),
    };
    let latency = Duration::from_millis(u64::try_from(committed.millis_since(at)).unwrap_or(0));
    Some(Arrived { arrival, is_of_story: at >= began.unix, latency })
}

fn read_log(bench: &Bench<'_>, role: &Role) -> String {
    String::from_utf8_lossy(&fs::read(bench.log(role)).unwrap_or_default()).into_owned()
}

/// Finds when edges say that a request went unanswered.
fn unanswered(bench: &Bench<'_>) -> HashMap<(EdgeName, TankName), Vec<UnixMillis>> {
    let mut found: HashMap<(EdgeName, TankName), Vec<UnixMillis>> = HashMap::new();
    for rtu in bench.machines.keys() {
        let log = read_log(bench, &Role::Edge(rtu.clone()));
        for line in log.lines().filter(|line| line.contains("request goes unanswered")) {
            let tank = line.split(' ').find_map(|word| word.strip_prefix("tank=")?.parse().ok());
            if let (Some(at), Some(tank)) = (parse_stamp(line), tank) {
                found.entry((rtu.clone(), tank)).or_default().push(at);
            }
        }
    }
    found
}

fn logs(story: &Story, bench: &Bench<'_>, began: Moment) -> BTreeMap<Role, Vec<LogLine>> {
    let line = |line: &str| {
        let at = parse_stamp(line);
        let is_before = at.is_some_and(|at| at < began.unix);
        let at = at.map(|at| began.story_time(at, story.speed));
        (!is_before).then(|| LogLine { at, text: line.to_owned() })
    };
    let log = |role: Role| {
        let lines = read_log(bench, &role).lines().filter_map(line).collect();
        (role, lines)
    };
    bench.roles().into_iter().map(log).collect()
}

/// Gives the newest health of each life of each edge: its counters begin anew with each life.
fn lives(bench: &Bench<'_>) -> BTreeMap<EdgeName, Vec<EdgeHealth>> {
    let polls = |health: &EdgeHealth| health.gauges.iter().map(|gauge| gauge.counters.polls).sum::<u64>();
    bench.witness.heard(|heard| {
        let mut lives: BTreeMap<EdgeName, Vec<EdgeHealth>> = BTreeMap::new();
        for (_, edge, health) in &heard.healths {
            let known = lives.entry(edge.clone()).or_default();
            match known.last_mut() {
                Some(last) if polls(last) <= polls(health) => *last = health.clone(),
                _ => known.push(health.clone()),
            }
        }
        lives
    })
}

fn alarms(story: &Story, bench: &Bench<'_>, began: Moment) -> Vec<AlarmNote> {
    bench.witness.heard(|heard| {
        let note = |(at, source, alarm, is_active): &(std::time::Instant, TankName, String, bool)| AlarmNote {
            at: at.saturating_duration_since(began.instant).mul_f64(story.speed),
            source: source.clone(),
            alarm: alarm.clone(),
            is_active: *is_active,
        };
        heard.alarms.iter().map(note).collect()
    })
}
