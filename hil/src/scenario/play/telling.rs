//! What is told of a story besides its verdicts.

use std::time::Duration;

use tankline_domain::names::TankName;
use tankline_domain::site::{Site, Tank};

use super::{EdgeProgram, PlayOptions};
use crate::scenario::command::{Command, FaultCommand};
use crate::scenario::outcome::{Mark, MarkKind, TankTrace};
use crate::scenario::record::Record;
use crate::scenario::story::Story;

/// Gives the command that plays a story again.
pub(super) fn replay(story: &Story, options: &PlayOptions) -> String {
    let mut command = format!("tankline-hil run {} --seed {}", quoted(&story.file.display().to_string()), story.seed);
    match &options.edge {
        EdgeProgram::Own => {}
        EdgeProgram::Program(path) => command.push_str(&format!(" --edge {}", quoted(&path.display().to_string()))),
        EdgeProgram::External => command.push_str(" --edge none"),
    }
    if let Some(broker) = &options.broker {
        command.push_str(&format!(" --broker {broker}"));
    }
    command
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Gives truth and arrivals of each tank with a gauge.
pub(super) fn traces(story: &Story, record: &Record) -> Vec<TankTrace> {
    let trace = |(tank, seen): (&tankline_domain::names::TankName, &crate::scenario::record::TankRecord)| {
        let described = story.site.site.tank(tank)?;
        let of_story = seen.readings.iter().filter(|reading| reading.is_of_story && reading.arrival.at <= story.lasts);
        Some(TankTrace {
            tank: tank.clone(),
            height_mm: described.height.get(),
            limits_mm: limits(described),
            truth: seen.truth.clone(),
            arrived: of_story.map(|reading| reading.arrival.clone()).collect(),
        })
    };
    record.tanks.iter().filter_map(trace).collect()
}

fn limits(tank: &Tank) -> Vec<(String, f64)> {
    let limits = tank.limits;
    let named = [("LL", limits.low_low), ("L", limits.low), ("H", limits.high), ("HH", limits.high_high)];
    named.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?.get()))).collect()
}

/// Gives what happened: the events of the story, and alarms.
pub(super) fn marks(story: &Story, record: &Record) -> Vec<Mark> {
    let site = &story.site.site;
    let mut marks = Vec::new();
    for event in story.events.iter().filter(|event| !event.is_end) {
        let (kind, tank) = match &event.command {
            Command::Plant(command) => (MarkKind::Plant, command.tanks().next().cloned()),
            Command::Fault(fault, _) => (MarkKind::Fault, tank_of(fault, site)),
            Command::Bench(..) => (MarkKind::Infrastructure, None),
        };
        let until = event.command.end().map(|(time, _)| event.at + time).filter(|until| *until <= story.lasts);
        marks.push(Mark { at: event.at, until, kind, tank, text: event.command.to_string() });
    }
    for note in record.alarms.iter().filter(|note| note.at <= story.lasts) {
        let word = if note.is_active { "raised" } else { "cleared" };
        let text = format!("{} {word}", note.alarm);
        let tank = Some(note.source.clone()).filter(|source| site.tank(source).is_some());
        let text = if tank.is_some() { text } else { format!("{} {text}", note.source) };
        marks.push(Mark { at: note.at, until: None, kind: MarkKind::Alarm, tank, text });
    }
    marks.sort_by_key(|mark| mark.at);
    marks
}

/// Gives the tank whose gauge has a fault, when it is one.
fn tank_of(fault: &FaultCommand, site: &Site) -> Option<TankName> {
    match fault.places(site).as_deref() {
        Ok([place]) => place.tank.clone(),
        _ => None,
    }
}

/// Gives figures to print.
pub(super) fn figures(record: &Record) -> Vec<(String, String)> {
    let accounts = || record.tanks.values().map(|seen| &seen.account);
    let mut latencies: Vec<Duration> = record
        .tanks
        .values()
        .flat_map(|seen| &seen.readings)
        .filter(|reading| reading.is_of_story)
        .map(|reading| reading.latency)
        .collect();
    latencies.sort_unstable();
    let share = |share: usize| latencies.get((latencies.len() * share / 100).min(latencies.len().saturating_sub(1)));
    let mut figures = vec![
        ("replies of gauges".to_owned(), accounts().map(|account| account.served).sum::<u64>().to_string()),
        ("readings committed".to_owned(), latencies.len().to_string()),
    ];
    if let (Some(p50), Some(p99)) = (share(50), share(99)) {
        let words = format!("p50 {} ms, p99 {} ms", p50.as_millis(), p99.as_millis());
        figures.push(("from gauge to database".to_owned(), words));
    }
    figures
}
