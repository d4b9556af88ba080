//! What a load came to.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

/// The figures of a load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Edges.
    pub edges: u64,
    /// Gauges of all edges together.
    pub gauges: u64,
    /// Readings of a gauge in a second.
    pub rate_hz: f64,
    /// New readings in a message.
    pub batch: u16,
    /// From the start until everything was committed or given up.
    pub seconds: f64,
    /// From the start until every edge had been connected; absent when one never was.
    pub ramp_s: Option<f64>,
    /// Readings made.
    pub offered: u64,
    /// Readings that the centre said it has.
    pub committed: u64,
    /// Readings made that the centre did not say it has.
    pub lost: u64,
    /// Readings sent again because their connection ended, the centre was new, or the acknowledgement was late.
    pub resent: u64,
    /// Messages with readings.
    pub messages: u64,
    /// Acknowledgements of readings that were never made.
    pub invented: u64,
    /// Readings that came after they had been committed and were refused; known with a centre of its own.
    pub duplicate: Option<u64>,
    /// Median time from the first sending of a reading until its edge heard of its commit.
    pub latency_ms_p50: Option<u64>,
    /// The same, that one in ten exceeds.
    pub latency_ms_p90: Option<u64>,
    /// The same, that one in a hundred exceeds.
    pub latency_ms_p99: Option<u64>,
    /// The longest, at most 60 000.
    pub latency_ms_max: Option<u64>,
    /// Logins beyond the first of each edge.
    pub reconnects: u64,
    /// Why connections failed or ended, and how often.
    pub troubles: BTreeMap<String, u64>,
    /// The outages.
    pub outages: Vec<OutageSummary>,
    /// How late readings were made at most: when this is long, the load did not keep up itself.
    pub tardiness_ms: u64,
    /// Memory that this process took for each edge; absent with a broker of its own.
    pub bytes_per_edge: Option<u64>,
    /// What the database says; absent without a centre of its own.
    pub own: Option<OwnSummary>,
}

/// What came of an outage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutageSummary {
    /// When it began.
    pub at_s: f64,
    /// How long it lasted.
    pub for_s: f64,
    /// Readings that waited when it ended.
    pub backlog: u64,
    /// From its end until no more than a second's readings waited; absent when that never was.
    pub drained_s: Option<f64>,
}

/// What the database of an own centre holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OwnSummary {
    /// Readings in it.
    pub stored: u64,
    /// Readings that are in it more than once.
    pub stored_twice: u64,
    /// Messages that could not be taken.
    pub dead_letters: u64,
}

impl Summary {
    /// Tells whether every reading is there, once.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let own =
            self.own.is_none_or(|own| own.stored == self.offered && own.stored_twice == 0 && own.dead_letters == 0);
        own && self.lost == 0 && self.invented == 0 && self.ramp_s.is_some()
    }

    /// Writes it for a person.
    #[must_use]
    pub fn words(&self, build: &str) -> String {
        let mut text = String::new();
        let mut say = |name: &str, words: String| {
            writeln!(text, "  {name:<11}{words}").expect("writing to a text does not fail");
        };
        let ms = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value} ms"));
        let seconds = |value: Option<f64>| value.map_or_else(|| "never".to_owned(), |value| format!("{value:.1} s"));
        say(
            "edges",
            format!(
                "{} with {} gauges at {} Hz, all there after {}",
                self.edges,
                self.gauges,
                self.rate_hz,
                seconds(self.ramp_s)
            ),
        );
        say(
            "readings",
            format!("{} offered, {} committed, {} LOST", self.offered, self.committed, self.lost)
                .replace(", 0 LOST", ", none lost"),
        );
        say("messages", format!("{} sent, {} readings in each at first", self.messages, self.batch));
        let refused = self.duplicate.map(|count| format!(", {count} came twice and were refused")).unwrap_or_default();
        say("again", format!("{} readings were sent again{refused}", self.resent));
        if let Some(own) = self.own {
            let OwnSummary { stored, stored_twice, dead_letters } = own;
            say("database", format!("{stored} readings, {stored_twice} twice, {dead_letters} dead letters"));
        }
        say(
            "latency",
            format!(
                "from sending to the word of the commit p50 {}, p90 {}, p99 {}, at most {}",
                ms(self.latency_ms_p50),
                ms(self.latency_ms_p90),
                ms(self.latency_ms_p99),
                ms(self.latency_ms_max)
            ),
        );
        say("reconnects", self.reconnects.to_string());
        for (reason, count) in &self.troubles {
            say("", format!("{count} times: {reason}"));
        }
        for outage in &self.outages {
            say(
                "outage",
                format!(
                    "of {} s at {} s: {} readings waited, drained after {}",
                    outage.for_s,
                    outage.at_s,
                    outage.backlog,
                    seconds(outage.drained_s)
                ),
            );
        }
        if self.invented > 0 {
            say("INVENTED", format!("{} acknowledgements of readings that were never made", self.invented));
        }
        say(
            "this load",
            format!(
                "made readings at most {} ms late{}",
                self.tardiness_ms,
                self.bytes_per_edge
                    .map(|bytes| format!(", {:.1} kB an edge", bytes as f64 / 1000.0))
                    .unwrap_or_default()
            ),
        );
        format!("tankline load: {:.1} s ({build} build)\n{text}", self.seconds)
    }
}
