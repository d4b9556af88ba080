//! Judging what was seen against what was expected, without I/O.

mod alarms;
mod delivery;
mod logs;
mod quality;
mod times;
mod values;

use super::outcome::{Failing, Judgement, Verdict};
use super::record::Record;
use super::story::{Expectation, Expected};
use std::time::Duration;

/// Judges each expectation, in their order.
#[must_use]
pub fn judge(expectations: &[Expectation], record: &Record) -> Vec<Verdict> {
    let verdict = |expectation: &Expectation| Verdict {
        expectation: expectation.what.to_string(),
        line: expectation.line,
        judgement: judge_one(&expectation.what, record),
    };
    expectations.iter().map(verdict).collect()
}

fn judge_one(expected: &Expected, record: &Record) -> Judgement {
    match expected {
        Expected::Values { tanks, within, window } => values::judge(record, tanks, within, *window),
        Expected::QualityWithin { tanks, quality, after, polls, until } => {
            quality::within(record, tanks, quality, *after, *polls, *until)
        }
        Expected::QualityThroughout { tanks, quality, wanted, window } => {
            quality::throughout(record, tanks, quality, *wanted, *window)
        }
        Expected::Alarm { source, alarm, wish } => alarms::judge(record, source, alarm, *wish),
        Expected::AlarmsInOrder { alarms, window } => alarms::in_order(record, alarms, *window),
        Expected::Alarms { bounds, window } => alarms::count(record, *bounds, *window),
        Expected::Nothing(wrongs) => delivery::judge(record, wrongs),
        Expected::Latency { tanks, bounds, window } => times::latency(record, tanks, bounds, *window),
        Expected::Fresh { tanks, polls, window } => times::fresh(record, tanks, *polls, *window),
        Expected::Log { of, contains, window, bounds } => logs::judge(record, of, contains, *window, *bounds),
        Expected::Counter { tanks, counter, bounds } => delivery::counter(record, tanks, *counter, *bounds),
        Expected::GapReadings(bounds) => delivery::count("readings dropped", record.gap_readings, *bounds, &[]),
        Expected::DeadLetters(bounds) => {
            delivery::count("dead letters", record.dead_letters.len() as u64, *bounds, &record.dead_letters)
        }
        Expected::InfluxdbComplete => delivery::influxdb(record),
    }
}

fn met(seen: impl Into<String>) -> Judgement {
    Judgement::Met { seen: seen.into() }
}

fn failed(expected: impl Into<String>, seen: impl Into<String>, at: Option<Duration>) -> Judgement {
    Judgement::Failed(Failing { expected: expected.into(), seen: seen.into(), at })
}

#[cfg(test)]
mod testing;
