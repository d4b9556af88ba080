//! How the demo stands at one moment: what the table and the lines show.

use std::net::SocketAddr;
use std::time::Duration;

use tankline_domain::alarm::State;
use tankline_domain::units::UnixMillis;
use tankline_ingest::alarms::Standing;
use tankline_ingest::live::{TankState, TankView};

/// How the demo stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The site.
    pub site: String,
    /// The time of day.
    pub at: UnixMillis,
    /// How long the demo has been running.
    pub up: Duration,
    /// Gauges that the site has.
    pub gauges: usize,
    /// Readings committed since the start.
    pub committed: u64,
    /// Readings committed in a second, lately.
    pub rate_per_s: Option<f64>,
    /// Median time from gauge to database, ms.
    pub p50_ms: Option<u64>,
    /// Time from gauge to database that one reading in a hundred exceeds, ms.
    pub p99_ms: Option<u64>,
    /// Readings in the journals of the edges that are not in the database.
    pub journal_depth: u64,
    /// Address of the broker.
    pub broker: String,
    /// Where the centre answers HTTP.
    pub http: Option<SocketAddr>,
    /// The data folder.
    pub data: String,
    /// The tanks that have a gauge.
    pub tanks: Vec<TankRow>,
    /// The alarms that call for somebody, the most urgent first.
    pub alarms: Vec<Standing>,
}

/// A tank in the table.
#[derive(Debug, Clone, PartialEq)]
pub struct TankRow {
    /// As operators see it.
    pub view: TankView,
    /// Height of the tank, mm.
    pub height_mm: f64,
    /// Low and high limits, those that there are, mm.
    pub limits_mm: Vec<f64>,
}

impl Snapshot {
    /// Counts the gauges whose newest reading has values and is not too old.
    #[must_use]
    pub fn live(&self) -> usize {
        self.tanks.iter().filter(|row| row.is_live()).count()
    }

    /// Says it in one line.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let Self { gauges, committed, journal_depth, .. } = self;
        let rate = self.rate_per_s.map_or_else(String::new, |rate| format!(" ({rate:.1}/s)"));
        let live = self.live();
        let (p50, p99) = (millis(self.p50_ms), millis(self.p99_ms));
        format!(
            "{} {live}/{gauges} gauges live, {committed} readings committed{rate}, p50 {p50}, p99 {p99}, \
             journal depth {journal_depth}{}{}",
            time_of_day(self.at),
            self.troubles(),
            self.called(),
        )
    }

    /// Counts the alarms that nobody has acknowledged.
    #[must_use]
    pub fn unacknowledged(&self) -> usize {
        self.alarms.iter().filter(|alarm| alarm.state == State::Unacknowledged).count()
    }

    /// Names the alarms, as far as a line holds them.
    fn called(&self) -> String {
        const NAMED: usize = 3;
        let named = self.alarms.iter().take(NAMED).map(|alarm| format!("{} {}", alarm.source, alarm.alarm));
        match self.alarms.len() {
            0 => String::new(),
            count => format!("; {}: {}", counted(count), named.collect::<Vec<_>>().join(", ")),
        }
    }

    /// Names the tanks that are not live, as far as a line holds them.
    fn troubles(&self) -> String {
        const NAMED: usize = 5;
        let troubled: Vec<_> = self.tanks.iter().filter(|row| !row.is_live()).map(TankRow::trouble).collect();
        let named = troubled.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        match troubled.len() {
            0 => String::new(),
            count if count <= NAMED => format!("; {named}"),
            count => format!("; {named} and {} more", count - NAMED),
        }
    }
}

impl TankRow {
    /// Tells whether the newest reading has values and is not too old.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self.view.state, TankState::Live | TankState::Uncertain)
    }

    fn trouble(&self) -> String {
        let tank = &self.view.tank;
        match self.view.state {
            TankState::Never => format!("{tank} without a reading yet"),
            TankState::Stale => format!("{tank} stale"),
            _ => format!("{tank} {}", self.view.shown.quality.as_deref().unwrap_or("bad")),
        }
    }
}

/// Counts alarms in words.
#[must_use]
pub fn counted(alarms: usize) -> String {
    match alarms {
        0 => "no alarm".to_owned(),
        1 => "1 alarm".to_owned(),
        count => format!("{count} alarms"),
    }
}

/// Writes a time in milliseconds for a person.
#[must_use]
pub fn millis(millis: Option<u64>) -> String {
    match millis {
        None => "-".to_owned(),
        #[expect(clippy::cast_precision_loss, reason = "a latency is far below 2^53 ms")]
        Some(millis) if millis >= 10_000 => format!("{:.1} s", millis as f64 / 1000.0),
        Some(millis) => format!("{millis} ms"),
    }
}

/// Writes the time of day, as in `12:00:05Z`.
#[must_use]
pub fn time_of_day(at: UnixMillis) -> String {
    let text = at.to_string();
    text.split_once('T').and_then(|(_, time)| time.split_once('.')).map_or(text.clone(), |(time, _)| format!("{time}Z"))
}
