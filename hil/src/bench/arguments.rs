//! What a person can have measured.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use tankline_runtime::mqtt::BrokerUrl;

use crate::demo::parse_broker;

/// What `tankline-hil bench` is asked to do.
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    /// What is measured.
    #[command(subcommand)]
    pub command: BenchCommand,
}

/// What is measured.
#[derive(Debug, Clone, Subcommand)]
pub enum BenchCommand {
    /// Readings a second from MQTT message to committed row, and the same messages through the broker alone.
    Ingest(IngestArgs),
    /// How fast the journals of the demo station are drained after an outage, and what live readings notice of it.
    Outage(OutageArgs),
    /// How soon a limit that is passed is told: from the gauge's register to the retained message, on 28 gauges.
    Alarm(AlarmArgs),
    /// How well a line of 28 gauges is used, beside other Modbus masters, and what dead gauges cost the living ones.
    Line(LineArgs),
}

/// How many alarms are measured, and beside what.
#[derive(Debug, Clone, Args)]
pub struct AlarmArgs {
    /// How often each level passes its limit.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Uses this broker instead of one of its own.
    #[arg(long, value_name = "mqtt://HOST:PORT", value_parser = parse_broker)]
    pub broker: Option<BrokerUrl>,
    /// Loads broker and centre with so many edges of one gauge beside, each of which gives a reading in ten seconds.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub load_edges: u32,
    /// Writes the figures to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// How long a line is polled.
#[derive(Debug, Clone, Args)]
pub struct LineArgs {
    /// How long each master polls.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(5..=3600))]
    pub seconds: u64,
    /// Writes the figures to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Which outage is drained.
#[derive(Debug, Clone, Args)]
pub struct OutageArgs {
    /// Length of the outage; 24 h of 28 gauges are 2.4 million readings.
    #[arg(long, value_name = "HOURS", default_value_t = 24.0, value_parser = hours)]
    pub hours: f64,
    /// Writes the figures to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

fn hours(text: &str) -> Result<f64, String> {
    let hours = text.parse().ok().filter(|hours| (0.01..=240.0).contains(hours));
    hours.ok_or_else(|| "must be 0.01 to 240".to_owned())
}

/// How much is measured.
#[derive(Debug, Clone, Args)]
pub struct IngestArgs {
    /// How long readings are offered in each of the four runs.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub seconds: u64,
    /// Offers this many readings in each run instead, however long that takes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub readings: Option<u64>,
    /// Most readings that are under way and not known to have arrived.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(500..=1_000_000))]
    pub window: u64,
    /// Writes the figures to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// When a run has offered enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enough {
    /// After a time.
    Time(Duration),
    /// After so many readings.
    Readings(u64),
}

impl IngestArgs {
    /// Gives when a run has offered enough.
    #[must_use]
    pub fn enough(&self) -> Enough {
        self.readings.map_or(Enough::Time(Duration::from_secs(self.seconds)), Enough::Readings)
    }
}
