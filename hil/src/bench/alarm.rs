//! How soon a limit that is passed is told: from the change of the gauge's register to the retained message.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::Value;
use tankline_broker::Broker;
use tankline_domain::alarm::{AlarmKind, State};
use tankline_domain::names::TankName;
use tankline_domain::site::Site;
use tankline_domain::topic::{PREFIX, Topic};
use tankline_edge::agent::{self, Observer};
use tankline_ingest::Ingest;
use tankline_ingest::config::Config;
use tankline_runtime::mqtt::{self, BrokerSettings, BrokerUrl, SessionEvent, SessionOptions};
use tankline_runtime::supervisor::{Stage, Supervisor};
use tankline_runtime::{clock, site_file};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::arguments::AlarmArgs;
use super::outage::edge_config;
use crate::demo::{demo_site, free_port};
use crate::gauge::GaugeValues;
use crate::line::{EmulatedLine, LineSpec, Served, UnitSpec};
use crate::load::describe;
use crate::plant::{LivePlant, Plant, TankId};
use crate::stall::StallWatch;

const GRACE: Duration = Duration::from_secs(15);

/// The alarm that is measured; every tank of the demo station has it.
const KIND: AlarmKind = AlarmKind::LevelHighHigh;

/// How far below the limit a level rests, and how far above it goes, in mm.
const BELOW_MM: f64 = 50.0;
const ABOVE_MM: f64 = 10.0;

/// What the change may take on top of a poll and the on-delay.
const ON_TOP: Duration = Duration::from_millis(100);

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// Readings a second of a gauge of the load.
const LOAD_RATE: f64 = 0.1;

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlarmFigures {
    /// Gauges on lines.
    pub gauges: usize,
    /// Edges of the load beside them.
    pub load_edges: u32,
    /// Readings of the load that the centre committed in a second.
    pub load_readings_per_s: f64,
    /// Alarms that were measured.
    pub alarms: usize,
    /// From one poll to the next and on-delay, in ms: the longest of all tanks.
    pub poll_and_delay_ms: u64,
    /// From the register to the message, in ms: the median, what one in a hundred exceeds, the longest.
    pub p50_ms: u64,
    /// See above.
    pub p99_ms: u64,
    /// See above.
    pub max_ms: u64,
    /// The same less the on-delay and the poll: what is left is transport, evaluation, commit. It is below 0 where the poll
    /// came soon.
    pub p99_on_top_ms: i64,
    /// Alarms that were told later than a poll, the on-delay and 100 ms after the change.
    pub late: usize,
    /// The longest time that the machine held up a thread meanwhile, in ms.
    pub stalled_ms: u64,
}

/// A tank whose alarm is measured.
#[derive(Debug, Clone, Copy)]
struct Measured {
    id: TankId,
    rest: GaugeValues,
    over: GaugeValues,
    poll: Duration,
    on_delay: Duration,
}

/// Something that was told of an alarm.
#[derive(Debug)]
struct Told {
    at: Instant,
    tank: TankName,
    is_raised: bool,
}

/// Lets the levels of the demo station pass their limits, again and again, and measures when that is told.
///
/// # Errors
/// Something cannot be started or fails, or an alarm is not told at all.
pub async fn alarm(
    args: &AlarmArgs,
    out: &mut (dyn Write + Send),
    stop: &CancellationToken,
) -> anyhow::Result<AlarmFigures> {
    let folder = tempfile::tempdir().context("there is no temporary folder")?;
    let site = demo_site(folder.path())?;
    let plant = Arc::new(LivePlant::paused(Plant::new(&site, 1), clock::now()));
    let tanks = tanks(&site, &plant)?;
    tanks.values().for_each(|tank| plant.freeze(tank.id, tank.rest));

    let mut supervisor = Supervisor::new("bench", GRACE);
    let url: BrokerUrl = match &args.broker {
        Some(url) => url.clone(),
        None => {
            let broker = Broker::start(free_port())?;
            let url = broker.address().into();
            supervisor.spawn(Stage::Connection, "broker", |stop| async move { Ok(broker.serve(stop).await?) });
            url
        }
    };
    let mut sites = vec![site.clone()];
    if args.load_edges > 0 {
        sites.push(load_site(args.load_edges, folder.path())?);
    }
    let mut config = Config::new(sites, folder.path().join("ops.db"), url.clone());
    config.http = None;
    let centre = Ingest::open(config)?;
    let observer = centre.observer();
    supervisor.spawn(Stage::Work, "centre", |stop| centre.run(stop));
    let lines = lines(&site, &plant)?;
    for edge in site.edges() {
        let mut config = edge_config(&site, edge, &lines, &url, folder.path());
        // A level that jumps is doubted, and what is doubted raises nothing.
        config.lines.iter_mut().flat_map(|line| &mut line.gauges).for_each(|gauge| gauge.max_rate_mm_s = None);
        supervisor.spawn(Stage::Intake, edge.as_str(), |stop| agent::run(config, stop, Observer::default()));
    }
    let (tell, told) = mpsc::channel(1024);
    supervisor.spawn(Stage::Connection, "witness", {
        let (url, site) = (url.clone(), site.clone());
        move |stop| witness(url, site, tell, stop)
    });
    let halt = stop.child_token();
    let mut running = std::pin::pin!(supervisor.run(halt.clone()));
    let measuring = async {
        let before = observer.committed();
        let _load = load(args, &url, out)?;
        wait_for_load(args, || observer.committed() - before).await?;
        let stalls = StallWatch::start();
        let (committed, began) = (observer.committed(), clock::now());
        let taken = rounds(args.rounds, &tanks, &plant, told, out).await?;
        let seconds = clock::now().duration_since(began).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let readings_per_s = (observer.committed() - committed) as f64 / seconds - tanks.len() as f64;
        let load_readings_per_s = if args.load_edges > 0 { readings_per_s } else { 0.0 };
        anyhow::Ok(figures(args.load_edges, load_readings_per_s, &tanks, &taken, stalls.take()))
    };
    let figures = tokio::select! {
        ended = &mut running => return ended.map_err(anyhow::Error::from).and_then(|()| bail!("stopped")),
        figures = measuring => figures?,
    };
    halt.cancel();
    running.await?;
    Ok(figures)
}

/// Finds the tanks that have the alarm, with what their gauges show at rest and over the limit.
fn tanks(site: &Site, plant: &LivePlant) -> anyhow::Result<BTreeMap<TankName, Measured>> {
    let mut found = BTreeMap::new();
    for gauge in site.gauges() {
        let tank = site.tank(&gauge.tank).context("every gauge has a tank")?;
        let Some(rule) = site.tank_rules(tank).into_iter().find(|rule| rule.kind == KIND) else { continue };
        let Some(limit) = rule.limit else { continue };
        let shows = |level: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a level of a tank in mm")]
            let level_mm = (level - gauge.mounting.offset.get()).round() as u16;
            GaugeValues { level_mm, interface_mm: level_mm / 4, temperature_tenths: 300 }
        };
        let measured = Measured {
            id: plant.find(&gauge.tank).context("the plant has the tanks of the site")?,
            rest: shows(limit - BELOW_MM),
            over: shows(limit + ABOVE_MM),
            poll: gauge.poll_interval,
            on_delay: rule.on_delay,
        };
        found.insert(gauge.tank.clone(), measured);
    }
    Ok(found)
}

fn lines(site: &Site, plant: &Arc<LivePlant>) -> anyhow::Result<Vec<EmulatedLine>> {
    let sink = Arc::new(|_: Served| {});
    let start = |line: &tankline_domain::site::Line| {
        let units = UnitSpec::all_of(site, &line.name);
        Ok(EmulatedLine::start(LineSpec::of(line, 1), units, plant, sink.clone())?)
    };
    site.lines().iter().map(start).collect()
}

/// Describes the site of the load, and reads it as the centre does.
fn load_site(edges: u32, folder: &Path) -> anyhow::Result<Site> {
    let file = folder.join("load.toml");
    std::fs::write(&file, describe(edges, 1, LOAD_RATE)).context("cannot write the description of the load")?;
    site_file::load(&file).map_err(|problems| anyhow::anyhow!("{problems}"))
}

/// A load in a process of its own, which ends with this.
struct Load(Child);

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn load(args: &AlarmArgs, url: &BrokerUrl, out: &mut (dyn Write + Send)) -> anyhow::Result<Option<Load>> {
    if args.load_edges == 0 {
        return Ok(None);
    }
    writeln!(out, "{} edges connect.", args.load_edges).context("cannot write")?;
    let mut program = Command::new(std::env::current_exe().context("this program cannot be found")?);
    let (edges, rate, broker) = (args.load_edges.to_string(), LOAD_RATE.to_string(), url.to_string());
    program.args(["load", "--broker", &broker, "--edges", &edges, "--gauges", "1", "--rate", &rate]);
    program.args(["--for", "1h", "--ramp", "30s"]).stdin(Stdio::null()).stdout(Stdio::null());
    Ok(Some(Load(program.spawn().context("the load cannot be started")?)))
}

/// Waits until the centre has heard of each edge of the load twice, on the average.
async fn wait_for_load(args: &AlarmArgs, committed: impl Fn() -> u64) -> anyhow::Result<()> {
    let until = clock::now() + PATIENCE;
    while committed() < u64::from(args.load_edges) * 2 {
        if clock::now() >= until {
            bail!("the load does not come: {} readings within {} s", committed(), PATIENCE.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Listens to alarms, and tells of those that are measured.
async fn witness(url: BrokerUrl, site: Site, tell: mpsc::Sender<Told>, stop: CancellationToken) -> anyhow::Result<()> {
    let options = SessionOptions {
        broker: BrokerSettings::new(url),
        // No edge: what has a dot in it is taken for one.
        client_id: format!("bench-{}", fastrand::u32(..)),
        subscriptions: vec![format!("{PREFIX}/{}/alarms/+/{KIND}", site.name())],
        will: None,
        max_packet_bytes: 1 << 20,
    };
    let (_publisher, mut events, driver) = mqtt::session(options, 1024);
    let listening = async {
        while let Some(event) = events.recv().await {
            let SessionEvent::Message { topic, payload } = event else { continue };
            let Ok(Topic::Alarm(_, tank, _)) = topic.parse::<Topic>() else { continue };
            let state = serde_json::from_slice::<Value>(&payload).ok();
            let state = state.and_then(|alarm| Some(alarm.get("state")?.as_str()?.to_owned()));
            let is_raised = state.as_deref() == Some(State::Unacknowledged.name());
            if tell.send(Told { at: clock::now(), tank, is_raised }).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        ended = driver.run(stop) => ended,
        () = listening => Ok(()),
    }
}

/// Lets each level pass its limit once in a round, at some moment; gives how long each took to be told.
async fn rounds(
    rounds: u32,
    tanks: &BTreeMap<TankName, Measured>,
    plant: &LivePlant,
    mut told: mpsc::Receiver<Told>,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Vec<(TankName, Duration)>> {
    let mut taken = Vec::new();
    let mut random = fastrand::Rng::with_seed(1);
    for round in 1..=rounds {
        let mut changed = BTreeMap::new();
        // Spread over more than a poll, so that no phase of the polling is met more often than another.
        for (name, tank) in tanks {
            tokio::time::sleep(Duration::from_micros(random.u64(20_000..80_000))).await;
            changed.insert(name.clone(), clock::now());
            plant.freeze(tank.id, tank.over);
        }
        while !changed.is_empty() {
            let told = next(&mut told, "raised", &changed).await?;
            if let Some(at) = changed.get(&told.tank).copied().filter(|at| told.is_raised && told.at >= *at) {
                changed.remove(&told.tank);
                taken.push((told.tank, told.at - at));
            }
        }
        let mut standing: BTreeMap<_, _> = tanks.keys().map(|name| (name.clone(), clock::now())).collect();
        tanks.values().for_each(|tank| plant.freeze(tank.id, tank.rest));
        while !standing.is_empty() {
            let told = next(&mut told, "over", &standing).await?;
            if !told.is_raised {
                standing.remove(&told.tank);
            }
        }
        writeln!(out, "round {round} of {rounds}: {} alarms", taken.len()).context("cannot write")?;
    }
    Ok(taken)
}

async fn next(
    told: &mut mpsc::Receiver<Told>,
    what: &str,
    missing: &BTreeMap<TankName, Instant>,
) -> anyhow::Result<Told> {
    let next = tokio::time::timeout(PATIENCE, told.recv()).await;
    let names = || missing.keys().map(TankName::as_str).collect::<Vec<_>>().join(", ");
    next.ok().flatten().with_context(|| format!("alarms of {} are not told as {what}", names()))
}

fn figures(
    load_edges: u32,
    load_readings_per_s: f64,
    tanks: &BTreeMap<TankName, Measured>,
    taken: &[(TankName, Duration)],
    stalled: Duration,
) -> AlarmFigures {
    let usual = |name: &TankName| tanks.get(name).map_or(Duration::ZERO, |tank| tank.poll + tank.on_delay);
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut times: Vec<u64> = taken.iter().map(|(_, time)| ms(*time)).collect();
    let mut on_top: Vec<i64> =
        taken.iter().map(|(name, time)| ms(*time).cast_signed() - ms(usual(name)).cast_signed()).collect();
    times.sort_unstable();
    on_top.sort_unstable();
    let rank = |share: usize| (taken.len() * share).div_ceil(100).clamp(1, taken.len().max(1)) - 1;
    let share = |share: usize| times.get(rank(share)).copied().unwrap_or(0);
    AlarmFigures {
        gauges: tanks.len(),
        load_edges,
        load_readings_per_s,
        alarms: taken.len(),
        poll_and_delay_ms: tanks.keys().map(|name| ms(usual(name))).max().unwrap_or(0),
        p50_ms: share(50),
        p99_ms: share(99),
        max_ms: share(100),
        p99_on_top_ms: on_top.get(rank(99)).copied().unwrap_or(0),
        late: taken.iter().filter(|(name, time)| *time > usual(name) + ON_TOP).count(),
        stalled_ms: ms(stalled),
    }
}

/// Writes the figures as a person reads them.
///
/// # Errors
/// What the writer said.
pub fn show(figures: &AlarmFigures, build: &str, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let AlarmFigures { gauges, load_edges, load_readings_per_s, alarms, poll_and_delay_ms, .. } = figures;
    writeln!(out, "\n{alarms} alarms of {gauges} gauges, from register to retained message ({build} build)")?;
    if *load_edges > 0 {
        writeln!(out, "  beside    {load_edges} edges with {load_readings_per_s:.0} readings a second")?;
    }
    writeln!(out, "  poll and on-delay  {poll_and_delay_ms} ms")?;
    writeln!(out, "  p50 {} ms, p99 {} ms, max {} ms", figures.p50_ms, figures.p99_ms, figures.max_ms)?;
    writeln!(
        out,
        "  p99 against poll and on-delay  {:+} ms; {} later than 100 ms",
        figures.p99_on_top_ms, figures.late
    )?;
    writeln!(out, "  the machine held a thread up for {} ms at most", figures.stalled_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plant::Plant;

    #[test]
    fn shares_are_counted_and_what_is_late_is_known_by_the_tank_s_own_delay() {
        let folder = tempfile::tempdir().unwrap();
        let site = demo_site(folder.path()).unwrap();
        let plant = LivePlant::paused(Plant::new(&site, 1), clock::now());
        let tanks = tanks(&site, &plant).unwrap();
        assert_eq!(tanks.len(), 28, "every tank of the station has the alarm");
        let (name, tank) = tanks.first_key_value().unwrap();
        let usual = tank.poll + tank.on_delay;
        let taken: Vec<_> = (1..=100_u64).map(|more| (name.clone(), usual + Duration::from_millis(more + 2))).collect();
        let figures = figures(0, 0.0, &tanks, &taken, Duration::ZERO);
        assert_eq!((figures.p99_on_top_ms, figures.late, figures.alarms), (101, 2, 100));
        assert_eq!(u128::from(figures.p50_ms), usual.as_millis() + 52);
    }
}
