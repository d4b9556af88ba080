//! The figures of a measurement.

use std::fmt::Write;

use serde::Serialize;

use super::feeder::Fed;
use super::stages::{self, StageFigures};

/// What was measured with one size of message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Readings in one message.
    pub per_message: u64,
    /// From message to committed row.
    pub centre: CentreFigures,
    /// Through the broker alone.
    pub relay: RelayFigures,
}

/// From message to committed row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CentreFigures {
    /// Readings offered.
    pub offered: u64,
    /// Readings committed.
    pub committed: u64,
    /// Time from the first message until the feeder knew that all were committed.
    pub seconds: f64,
    /// Readings committed in a second.
    pub readings_per_s: f64,
    /// Transactions, as far as they can be told apart by the millisecond.
    pub commits: u64,
    /// Median time from making a reading to its commit, with the window full.
    pub p50_ms: Option<u64>,
    /// The same, that one in a hundred exceeds.
    pub p99_ms: Option<u64>,
    /// Where its processor time went.
    pub stages: StageFigures,
}

/// Through the broker alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RelayFigures {
    /// Readings offered, all of which arrived.
    pub offered: u64,
    /// Time from the first message until all had arrived.
    pub seconds: f64,
    /// Messages that arrived in a second.
    pub messages_per_s: f64,
    /// Readings that arrived in a second.
    pub readings_per_s: f64,
}

impl CentreFigures {
    /// Takes what was measured; `millis` are the median and what one in a hundred exceeds.
    #[must_use]
    pub fn new(fed: Fed, committed: u64, commits: u64, millis: [Option<u64>; 2], stages: StageFigures) -> Self {
        let ((seconds, readings_per_s), [p50_ms, p99_ms]) = (rate(fed), millis);
        Self { offered: fed.offered, committed, seconds, readings_per_s, commits, p50_ms, p99_ms, stages }
    }
}

impl RelayFigures {
    /// Takes what was measured.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "at most 500 readings")]
    pub fn new(fed: Fed, per_message: u64) -> Self {
        let (seconds, readings_per_s) = rate(fed);
        let messages_per_s = (readings_per_s / per_message as f64).round();
        Self { offered: fed.offered, seconds, messages_per_s, readings_per_s }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of readings is far below 2^53")]
fn rate(fed: Fed) -> (f64, f64) {
    let seconds = fed.took.as_secs_f64();
    ((seconds * 1000.0).round() / 1000.0, (fed.offered as f64 / seconds.max(1e-6)).round())
}

/// Writes the figures as a table.
#[must_use]
pub fn table(figures: &[Figures], build: &str) -> String {
    let mut text = format!(
        "From MQTT message to committed row, one publisher, embedded broker, {build} build\n\n\
         {:<16} {:>10} {:>10} {:>11} {:>8} {:>8} {:>8}\n",
        "", "offered", "committed", "readings/s", "commits", "p50 ms", "p99 ms"
    );
    let millis = |millis: Option<u64>| millis.map_or_else(|| "-".to_owned(), |millis| millis.to_string());
    for Figures { per_message, centre, .. } in figures {
        let CentreFigures { offered, committed, readings_per_s, commits, p50_ms, p99_ms, .. } = centre;
        let (p50, p99) = (millis(*p50_ms), millis(*p99_ms));
        let name = name(*per_message);
        writeln!(
            text,
            "{name:<16} {offered:>10} {committed:>10} {readings_per_s:>11.0} {commits:>8} {p50:>8} {p99:>8}"
        )
        .expect("writing to a text does not fail");
    }
    let head = ["offered", "messages/s", "readings/s", "centre/relay"];
    let [offered, messages, readings, ratio] = head;
    text.push_str("\nThe same messages through the broker to a subscriber that counts\n\n");
    text.push_str(&format!("{:<16} {offered:>10} {messages:>10} {readings:>11} {ratio:>13}\n", ""));
    for Figures { per_message, centre, relay } in figures {
        let RelayFigures { offered, messages_per_s, readings_per_s, .. } = relay;
        let ratio = centre.readings_per_s / readings_per_s.max(1.0);
        let name = name(*per_message);
        writeln!(text, "{name:<16} {offered:>10} {messages_per_s:>10.0} {readings_per_s:>11.0} {ratio:>13.2}")
            .expect("writing to a text does not fail");
    }
    let runs: Vec<_> = figures.iter().map(|run| (name(run.per_message), &run.centre.stages)).collect();
    text.push_str(&stages::table(&runs));
    text
}

fn name(per_message: u64) -> String {
    if per_message == 1 { "single readings".to_owned() } else { format!("batches of {per_message}") }
}
