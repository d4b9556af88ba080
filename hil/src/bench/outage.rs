//! How fast the journals of a station are drained after the centre was away, and what live readings notice of it.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Serialize;
use tankline_broker::Broker;
use tankline_domain::names::EdgeName;
use tankline_domain::reading::{Quality, Reading};
use tankline_domain::site::{Line, Port, Site};
use tankline_domain::units::{Celsius, Millimetres, UnixMillis};
use tankline_edge::agent::{self, Observer};
use tankline_edge::config::{EdgeConfig, LineTimes};
use tankline_edge::journal::{Journal, JournalConfig};
use tankline_edge::stamp::ClockRule;
use tankline_edge::uplink::UplinkConfig;
use tankline_ingest::config::Config;
use tankline_ingest::{Ingest, store};
use tankline_runtime::clock;
use tankline_runtime::mqtt::{BrokerSettings, BrokerUrl};
use tankline_runtime::supervisor::{Stage, Supervisor};
use tokio_util::sync::CancellationToken;

use super::arguments::OutageArgs;
use crate::demo::{demo_site, free_port};
use crate::line::{EmulatedLine, LineSpec, Served, UnitSpec};
use crate::plant::{LivePlant, Plant};

const GRACE: Duration = Duration::from_secs(15);

/// Longest that a drain may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(1800);

/// How often it is looked how far the drain is.
const LOOK: Duration = Duration::from_millis(100);

/// What a drain came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutageFigures {
    /// Length of the outage.
    pub hours: f64,
    /// Readings in the journals when the centre came back.
    pub backlog: u64,
    /// Seconds from the start of the edges until the centre had all of them.
    pub seconds: f64,
    /// Readings committed in a second meanwhile.
    pub readings_per_s: f64,
    /// Readings that the gauges gave meanwhile.
    pub live: u64,
    /// Median time of these from gauge to commit.
    pub live_p50_ms: Option<u64>,
    /// The same, that one in a hundred exceeds.
    pub live_p99_ms: Option<u64>,
    /// Readings that came more than once and were refused.
    pub duplicates: u64,
}

/// Fills the journals of the demo station, lets everything run, and measures until the centre has all.
///
/// # Errors
/// Something cannot be started or fails, or a reading is missing at the end.
pub async fn outage(
    args: &OutageArgs,
    out: &mut (dyn Write + Send),
    stop: &CancellationToken,
) -> anyhow::Result<OutageFigures> {
    let folder = tempfile::tempdir().context("there is no temporary folder")?;
    let site = demo_site(folder.path())?;
    writeln!(out, "Filling the journals of {} gauges with {} h at 1 Hz.", site.gauges().len(), args.hours)?;
    let began = clock::now();
    let mut backlog = 0;
    for edge in site.edges() {
        backlog += fill(&site, edge, &journal(folder.path(), edge), args.hours)?;
    }
    writeln!(out, "{backlog} readings in {:.1} s.\n", clock::now().duration_since(began).as_secs_f64())?;
    drain(&site, folder.path(), args.hours, backlog, stop).await
}

fn journal(folder: &Path, edge: &EdgeName) -> JournalConfig {
    JournalConfig { dir: folder.join(edge.as_str()), max_bytes: 4 << 30, segment_bytes: 1 << 20 }
}

/// Journals what the gauges of an edge would have said until now.
fn fill(site: &Site, edge: &EdgeName, config: &JournalConfig, hours: f64) -> anyhow::Result<u64> {
    let (mut journal, _) = Journal::open(config.clone())?;
    let gauges: Vec<_> = site.lines_of(edge).flat_map(|line| site.gauges_of(&line.name)).collect();
    #[expect(clippy::cast_possible_truncation, reason = "the argument is bounded")]
    let seconds = (hours * 3600.0) as i64;
    // A minute of nothing lies between the outage and now, so that the youngest of the backlog is not taken for live.
    let start = clock::unix_ms().get() - (seconds + 60) * 1000;
    let mut count = 0;
    for second in 0..seconds {
        for gauge in &gauges {
            let height = gauge.mounting.tank_height.get();
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let level = (height * (0.5 + 0.2 * (second as f64 / 7000.0).sin())).round();
            journal.append(&Reading {
                tank: gauge.tank.clone(),
                at: UnixMillis::new(start + second * 1000),
                level: Some(Millimetres::new(level)),
                interface: Some(Millimetres::new((level * 0.3).round())),
                temperature: Some(Celsius::new(42.5)),
                layer: None,
                quality: Quality::Good,
            })?;
            count += 1;
        }
    }
    journal.close()?;
    Ok(count)
}

async fn drain(
    site: &Site,
    folder: &Path,
    hours: f64,
    backlog: u64,
    stop: &CancellationToken,
) -> anyhow::Result<OutageFigures> {
    let lines = start_gauges(site)?;
    let broker = Broker::start(free_port())?;
    let url: BrokerUrl = broker.address().into();
    let database = folder.join("ops.db");
    let mut config = Config::new(vec![site.clone()], database.clone(), url.clone());
    config.http = None;
    let centre = Ingest::open(config)?;
    let observer = centre.observer();
    let mut supervisor = Supervisor::new("bench", GRACE);
    supervisor.spawn(Stage::Connection, "broker", |stop| async move { Ok(broker.serve(stop).await?) });
    supervisor.spawn(Stage::Work, "centre", |stop| centre.run(stop));
    let began = clock::now();
    let mut edges = Vec::new();
    for edge in site.edges() {
        let config = edge_config(site, edge, &lines, &url, folder);
        let watched = Observer::default();
        edges.push(watched.clone());
        supervisor.spawn(Stage::Intake, edge.as_str(), |stop| agent::run(config, stop, watched));
    }
    let halt = stop.child_token();
    let mut running = std::pin::pin!(supervisor.run(halt.clone()));
    let seconds = loop {
        tokio::select! {
            ended = &mut running => return ended.map_err(anyhow::Error::from).and_then(|()| bail!("stopped")),
            () = tokio::time::sleep(LOOK) => {}
        }
        let elapsed = clock::now().duration_since(began);
        let live: u64 = edges.iter().map(Observer::journalled).sum();
        // The last live readings are always on their way.
        if observer.committed() + site.gauges().len() as u64 >= backlog + live {
            break elapsed.as_secs_f64();
        }
        if elapsed > PATIENCE {
            bail!(
                "after {} s {} of {} readings are committed",
                elapsed.as_secs(),
                observer.committed(),
                backlog + live
            );
        }
    };
    let (live_p50_ms, live_p99_ms) = (observer.latency_ms(0.5), observer.latency_ms(0.99));
    halt.cancel();
    running.await?;
    let live: u64 = edges.iter().map(Observer::journalled).sum();
    let connection = store::open_read_only(&database)?;
    let rows: i64 = connection.query_row("SELECT count(*) FROM reading", [], |row| row.get(0))?;
    if rows.cast_unsigned() != backlog + live {
        bail!("{} readings were journalled and {rows} are in the database", backlog + live);
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let readings_per_s = backlog as f64 / seconds;
    let duplicates = observer.duplicates();
    Ok(OutageFigures { hours, backlog, seconds, readings_per_s, live, live_p50_ms, live_p99_ms, duplicates })
}

fn start_gauges(site: &Site) -> anyhow::Result<Vec<EmulatedLine>> {
    let plant = Arc::new(LivePlant::new(Plant::routine(site, 1, Duration::ZERO), clock::now(), 1.0));
    let sink = Arc::new(|_: Served| {});
    let start = |line: &Line| {
        let units = UnitSpec::all_of(site, &line.name);
        Ok(EmulatedLine::start(LineSpec::of(line, 1), units, &plant, sink.clone())?)
    };
    site.lines().iter().map(start).collect()
}

/// Configures an edge of the station for its emulated lines.
pub(super) fn edge_config(
    site: &Site,
    edge: &EdgeName,
    emulated: &[EmulatedLine],
    broker: &BrokerUrl,
    folder: &Path,
) -> EdgeConfig {
    let mut lines = EdgeConfig::lines_of(site, edge, &LineTimes::default());
    for line in &mut lines {
        if let Some(port) = emulated.iter().find(|emulated| *emulated.name() == line.line.name) {
            line.line.port = Port::Serial(port.path().to_owned());
        }
    }
    EdgeConfig {
        site: site.name().clone(),
        edge: edge.clone(),
        lines,
        broker: BrokerSettings::new(broker.clone()),
        journal: journal(folder, edge),
        sync_interval: Duration::from_secs(1),
        uplink: UplinkConfig::default(),
        clock: ClockRule::default(),
        digest: String::new(),
        files: Vec::new(),
    }
}

/// Writes the figures as a person reads them.
///
/// # Errors
/// What the writer said.
pub fn show(figures: &OutageFigures, build: &str, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    let ms = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value} ms"));
    writeln!(out, "outage of {} h drained ({build} build)", figures.hours)?;
    writeln!(
        out,
        "  backlog   {} readings in {:.1} s: {:.0} a second",
        figures.backlog, figures.seconds, figures.readings_per_s
    )?;
    let (p50, p99) = (ms(figures.live_p50_ms), ms(figures.live_p99_ms));
    writeln!(out, "  live      {} readings meanwhile: gauge to database p50 {p50}, p99 {p99}", figures.live)?;
    writeln!(out, "  twice     {} readings came again and were refused", figures.duplicates)
}
