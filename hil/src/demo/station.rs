//! The parts of the station, as the demo sets them up: gauges, edges, broker, centre.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tankline_broker::config::Limits;
use tankline_broker::{Broker, BrokerConfig};
use tankline_domain::message::GaugeCounters;
use tankline_domain::names::{EdgeName, TankName};
use tankline_domain::site::Site;
use tankline_domain::units::UnixMillis;
use tankline_edge::agent;
use tankline_edge::config::EdgeConfig;
use tankline_edge::journal::JournalConfig;
use tankline_ingest::config::{Config, HistorianConfig, TextFields};
use tankline_runtime::clock;
use tankline_runtime::exit::Failure;
use tankline_runtime::mqtt::BrokerUrl;
use tankline_runtime::secret::read_secret_file;
use tokio_util::sync::CancellationToken;

use super::arguments::{DemoArgs, InfluxdbArgs};
use super::folder::DataFolder;
use crate::audit::Answers;
use crate::control::SteeredBench;
use crate::line::{EmulatedLine, LineSpec, UnitSpec};
use crate::plant::{LivePlant, Plant};

/// Answers that are remembered for the audit: those of 28 gauges over most of a day.
const ANSWERS: usize = 2_000_000;

/// Gauges that answer on emulated lines.
#[derive(Debug)]
pub struct Gauges {
    /// The lines, each with its gauges.
    pub lines: Vec<EmulatedLine>,
    /// The tanks that they measure.
    pub plant: Arc<LivePlant>,
    /// What the gauges have answered.
    pub answers: Arc<Answers>,
}

/// An edge that is to run, or runs.
#[derive(Debug)]
pub struct Edge {
    /// Its name.
    pub name: EdgeName,
    /// What counts what it does.
    pub observer: agent::Observer,
}

impl Gauges {
    /// Starts the gauges of the site, on tanks that move as if they had been moving since 1970.
    ///
    /// # Errors
    /// A line cannot be started.
    pub fn start(site: &Site, seed: u64) -> anyhow::Result<Self> {
        let age = Duration::from_millis(u64::try_from(clock::unix_ms().get()).unwrap_or(0));
        let plant = Arc::new(LivePlant::new(Plant::routine(site, seed, age), clock::now(), 1.0));
        let answers = Arc::new(Answers::new(ANSWERS, site.gauges().len()));
        let start = |line| {
            let units = UnitSpec::all_of(site, &line);
            let spec = LineSpec::of(site.line(&line).context("a line of the site")?, seed);
            Ok(EmulatedLine::start(spec, units, &plant, answers.clone())?)
        };
        let lines = site.lines().iter().map(|line| start(line.name.clone())).collect::<anyhow::Result<_>>()?;
        Ok(Self { lines, plant, answers })
    }

    /// Gives what can be steered of them; `stop` ends the demo.
    #[must_use]
    pub fn steered(&self, site: &Site, stop: CancellationToken) -> SteeredBench {
        let lines = self.lines.iter().map(|line| line.handle().clone()).collect();
        SteeredBench { title: format!("demo of {}", site.name()), plant: self.plant.clone(), lines, stop }
    }

    /// Writes the configuration of an edge that finds its lines here, and reads it as the edge itself does.
    ///
    /// # Errors
    /// The file cannot be written, or an environment variable lies over it that makes no sense.
    pub fn edge(
        &self,
        (site, site_file): (&Site, &Path),
        edge: &EdgeName,
        broker: &BrokerUrl,
        folder: &DataFolder,
    ) -> Result<EdgeConfig, Failure> {
        let quoted = |text: &dyn std::fmt::Display| serde_json::Value::from(text.to_string());
        let mut text = format!(
            "# Written by the demo at each start.\nedge = {}\nsite = {}\n[broker]\nurl = {}\n[journal]\ndir = \"journal\"\n",
            quoted(edge),
            quoted(&site_file.display()),
            quoted(broker),
        );
        for line in self.lines.iter().filter(|line| site.lines_of(edge).any(|owned| owned.name == *line.name())) {
            text.push_str(&format!("[line.{}]\nport = {}\n", line.name(), quoted(&line.path().display())));
        }
        let file = folder.edge(edge).join("edge.toml");
        let written = fs::create_dir_all(folder.edge(edge)).and_then(|()| fs::write(&file, text));
        written.with_context(|| format!("cannot write {}", file.display()))?;
        Ok(EdgeConfig::load(&file)?)
    }
}

/// Gives where an edge keeps its journal, as bounded as the edge does by default.
#[must_use]
pub fn journal(folder: &DataFolder, edge: &EdgeName) -> JournalConfig {
    JournalConfig { dir: folder.edge(edge).join("journal"), max_bytes: 64 << 20, segment_bytes: 256 << 10 }
}

/// Gives the broker that is to be used, and the one that was started for it.
///
/// # Errors
/// No broker can be started.
pub fn broker(args: &DemoArgs) -> anyhow::Result<(BrokerUrl, Option<Broker>)> {
    if let Some(url) = &args.broker {
        return Ok((url.clone(), None));
    }
    let broker = Broker::start(free_port())?;
    Ok((broker.address().into(), Some(broker)))
}

/// Configures a broker for this process alone, on a free port.
#[must_use]
pub fn free_port() -> BrokerConfig {
    // A bench sends as fast as it can.
    let limits = Limits { max_packets_per_s: 0, ..Limits::default() };
    // A bench keeps more messages under way than a station does.
    BrokerConfig { listen: ([127, 0, 0, 1], 0).into(), limits, queue_mib: 512, ..BrokerConfig::default() }
}

/// Configures the centre.
///
/// # Errors
/// What is said of the InfluxDB makes no sense.
pub fn centre(args: &DemoArgs, site: &Site, folder: &DataFolder, broker: BrokerUrl) -> anyhow::Result<Config> {
    let mut config = Config::new(vec![site.clone()], folder.database(), broker);
    config.http = Some(args.http);
    config.historian = historian(&args.influxdb)?;
    Ok(config)
}

fn historian(args: &InfluxdbArgs) -> anyhow::Result<Option<HistorianConfig>> {
    let (Some(url), Some(bucket)) = (&args.url, &args.bucket) else { return Ok(None) };
    let url = url.parse().with_context(|| format!("--influxdb-url {url:?} is not http://host:port"))?;
    let mut config = HistorianConfig::new(url, args.org.clone(), bucket.clone());
    config.token = args.token_file.as_deref().map(read_secret_file).transpose().context("--influxdb-token-file")?;
    if args.no_text {
        config.text_fields = TextFields::LeftOut;
    }
    Ok(Some(config))
}

/// What the edges have counted of each gauge, kept over the end of the edge.
#[derive(Debug, Default)]
pub struct Tally {
    gauges: BTreeMap<TankName, GaugeCounters>,
}

impl Tally {
    /// Notes where the counters of some edges stand. Counters only grow; those of a gauge that is told of no more stay.
    pub fn note(&mut self, edges: &[Edge]) {
        for gauge in edges.iter().flat_map(|edge| edge.observer.gauges()) {
            let known = self.gauges.entry(gauge.tank).or_default();
            if gauge.counters.polls >= known.polls {
                *known = gauge.counters;
            }
        }
    }

    /// Counts the requests of a tank's gauge to which its edge found no answer.
    #[must_use]
    pub fn failed(&self, tank: &TankName) -> u64 {
        let counters = self.gauges.get(tank).copied().unwrap_or_default();
        counters.polls.saturating_sub(counters.replies + counters.exceptions)
    }

    /// Sums the counters of all gauges up.
    #[must_use]
    pub fn total(&self) -> GaugeCounters {
        let mut sum = GaugeCounters::default();
        for counters in self.gauges.values() {
            sum.polls += counters.polls;
            sum.replies += counters.replies;
            sum.timeouts += counters.timeouts;
            sum.crc_errors += counters.crc_errors;
            sum.late += counters.late;
            sum.foreign += counters.foreign;
            sum.exceptions += counters.exceptions;
        }
        sum
    }
}

/// A moment by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// For times that pass.
    pub instant: std::time::Instant,
    /// For stamps.
    pub unix: UnixMillis,
}

impl Moment {
    /// Gives the present one.
    #[must_use]
    pub fn now() -> Self {
        Self { instant: clock::now(), unix: clock::unix_ms() }
    }
}
