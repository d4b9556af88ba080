//! What was true and what was seen in a story that was played: all that it is judged by.

use std::collections::BTreeMap;
use std::time::Duration;

use tankline_domain::message::{EdgeHealth, GaugeCounters};
use tankline_domain::names::{EdgeName, TankName};

use super::command::Role;
use super::outcome::{Arrival, Sample};

/// All that was seen. Times are story time unless said otherwise.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Story time that passes in a second of real time.
    pub speed: f64,
    /// How much of the story was played.
    pub played: Duration,
    /// The tanks with a gauge.
    pub tanks: BTreeMap<TankName, TankRecord>,
    /// What was said of alarms, in the order in which it was heard.
    pub alarms: Vec<AlarmNote>,
    /// What the history says became of alarms, in its order.
    pub alarm_history: Vec<AlarmEvent>,
    /// The newest health of each edge in each of its lives, oldest life first.
    pub healths: BTreeMap<EdgeName, Vec<EdgeHealth>>,
    /// The logs of the processes.
    pub logs: BTreeMap<Role, Vec<LogLine>>,
    /// Messages and readings that the centre could not take, each with its reason.
    pub dead_letters: Vec<String>,
    /// Numbers of journals that edges dropped.
    pub gap_readings: u64,
    /// Numbers of journals that are in no database, no journal and no gap.
    pub missing_numbers: u64,
    /// What the historian got; absent when there is none.
    pub influxdb: Option<InfluxdbRecord>,
}

/// What was seen of a tank.
#[derive(Debug, Clone, Default)]
pub struct TankRecord {
    /// From one poll of its gauge to the next, in real time.
    pub poll: Duration,
    /// The plant's truth at fixed times.
    pub truth: Vec<Sample>,
    /// Readings in the database, in the order of their own time.
    pub readings: Vec<Arrived>,
    /// What became of the replies of its gauge.
    pub account: Account,
}

/// A reading in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    /// What it says, and when it came.
    pub arrival: Arrival,
    /// Whether it was taken after the beginning of the story.
    pub is_of_story: bool,
    /// From its stamp to its commit, in real time.
    pub latency: Duration,
}

/// What became of the replies of a gauge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Replies that left the gauge whole.
    pub served: u64,
    /// Of these, those in the database as given.
    pub stored: u64,
    /// Of these, those that wait in a journal as given.
    pub waiting: u64,
    /// Of these, those that no edge was there to hear, or that came too late for it, as it says itself.
    pub not_taken: u64,
    /// Replies that are nowhere.
    pub lost: Vec<Finding>,
    /// Readings that no gauge gave, or not so.
    pub invented: Vec<Finding>,
    /// Readings that are in the database twice.
    pub twice: u64,
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// When.
    pub at: Duration,
    /// What.
    pub words: String,
}

/// Something that was said of an alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmNote {
    /// When it was heard.
    pub at: Duration,
    /// The tank or the edge.
    pub source: TankName,
    /// The alarm.
    pub alarm: String,
    /// Whether it stands.
    pub is_active: bool,
}

/// Something that became of an alarm, as the history says.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmEvent {
    /// When it was written down.
    pub at: Duration,
    /// The tank or the edge.
    pub source: TankName,
    /// The alarm.
    pub alarm: String,
    /// What happened: `raised`, `found-in-backlog` and the like.
    pub event: String,
    /// Whether somebody was told that it stands.
    pub is_annunciated: bool,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// When it was written; absent for a line without a time, which belongs to the one before.
    pub at: Option<Duration>,
    /// The line.
    pub text: String,
}

/// What the historian got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InfluxdbRecord {
    /// Readings that were committed.
    pub committed: u64,
    /// Of these, those that the historian has.
    pub there: u64,
}

impl Account {
    /// Adds that of another gauge on the same tank.
    pub fn add(&mut self, other: Self) {
        self.served += other.served;
        self.stored += other.stored;
        self.waiting += other.waiting;
        self.not_taken += other.not_taken;
        self.lost.extend(other.lost);
        self.invented.extend(other.invented);
        self.twice += other.twice;
    }
}

impl TankRecord {
    /// Gives the range of a quantity's truth from one moment to another, with the samples beside it.
    #[must_use]
    pub fn truth_between(&self, from: Duration, to: Duration, of: fn(&Sample) -> f64) -> Option<(f64, f64)> {
        let first = self.truth.partition_point(|sample| sample.at < from).saturating_sub(1);
        let last = self.truth.partition_point(|sample| sample.at < to).min(self.truth.len().saturating_sub(1));
        let values = self.truth.get(first..=last)?.iter().map(of);
        values.fold(None, |range: Option<(f64, f64)>, value| {
            Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        })
    }
}

impl Record {
    /// Adds the counters of a tank's gauge up over all lives of its edge.
    #[must_use]
    pub fn counted(&self, tank: &TankName, of: fn(&GaugeCounters) -> u64) -> u64 {
        let gauges = self.healths.values().flatten().flat_map(|health| &health.gauges);
        gauges.filter(|gauge| gauge.tank == *tank).map(|gauge| of(&gauge.counters)).sum()
    }

    /// Gives story time for real time.
    #[must_use]
    pub fn story(&self, real: Duration) -> Duration {
        real.mul_f64(self.speed)
    }
}
