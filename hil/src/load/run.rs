//! A load from start to end.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tankline_domain::site::Site;
use tankline_ingest::Observer;
use tankline_runtime::exit::Failure;
use tankline_runtime::mqtt::BrokerUrl;
use tankline_runtime::secret::read_secret_file;
use tankline_runtime::supervisor::{Stage, Supervisor};
use tankline_runtime::{clock, site_file};
use tokio_util::sync::CancellationToken;

use super::arguments::LoadArgs;
use super::plan::{EdgePlan, Plan};
use super::progress::{Progress, line};
use super::summary::Summary;
use super::tally::Tally;
use super::{describe, edges, limits, own};
use crate::demo::write_json;

const GRACE: Duration = Duration::from_secs(20);
/// How often it is looked how the load stands, and how often that is said.
const LOOK: Duration = Duration::from_millis(100);
const SAY: Duration = Duration::from_secs(2);
/// When so long after the start no edge at all could log in, none will.
const FIRST_LOGIN: Duration = Duration::from_secs(25);
/// How long edges may take to leave.
const LEAVING: Duration = Duration::from_secs(10);
/// File handles of an edge: its own; with a broker here also the two of its gate and one of the broker within.
const HANDLES: u64 = 1;
const HANDLES_WITH_BROKER: u64 = 4;

/// Loads a broker and a centre, and says on `out` how it stands and what came of it.
///
/// # Errors
/// [`Failure`] when the site is wrong, something cannot be started, or a reading is lost or there twice.
pub async fn run(args: &LoadArgs, out: &mut (dyn Write + Send), stop: CancellationToken) -> Result<(), Failure> {
    let writing = "cannot write to standard output";
    if let Some(file) = &args.write_site {
        std::fs::write(file, describe(args.edges, args.gauges, args.rate))
            .with_context(|| format!("cannot write {}", file.display()))?;
        let (edges, file) = (args.edges, file.display());
        writeln!(out, "{file} describes {edges} edges; for the centre: sites = [\"{file}\"]").context(writing)?;
        return Ok(());
    }
    let folder = tempfile::tempdir().context("there is no temporary folder")?;
    let site = site(args, folder.path())?;
    let edges = EdgePlan::all_of(&site);
    if edges.is_empty() {
        return Err(anyhow::anyhow!("the site {} has no edge with a gauge", site.name()).into());
    }
    limits::allow_handles(edges.len() as u64, if args.own { HANDLES_WITH_BROKER } else { HANDLES })
        .map_err(anyhow::Error::from)?;
    let summary = load(args, &site, edges, folder.path(), out, &stop).await?;
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    write!(out, "{}", summary.words(build)).context(writing)?;
    if let Some(file) = &args.summary {
        write_json(&summary, file).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if summary.is_clean() { Ok(()) } else { Err(anyhow::anyhow!("not every reading is there once").into()) }
}

fn site(args: &LoadArgs, folder: &Path) -> Result<Site, Failure> {
    if let Some(file) = &args.site_file {
        return Ok(site_file::load(file)?);
    }
    let file = folder.join("load.toml");
    std::fs::write(&file, describe(args.edges, args.gauges, args.rate)).context("cannot write the description")?;
    Ok(site_file::load(&file)?)
}

async fn load(
    args: &LoadArgs,
    site: &Site,
    edges: Vec<EdgePlan>,
    folder: &Path,
    out: &mut (dyn Write + Send),
    stop: &CancellationToken,
) -> anyhow::Result<Summary> {
    let database = folder.join("ops.db");
    let mut supervisor = Supervisor::new("load", GRACE);
    let own = args.own.then(|| own::start(site, edges.len(), &database, &mut supervisor)).transpose()?;
    let observer = own.as_ref().map(|(_, observer)| observer.clone());
    let url = own.map(|(url, _)| url).or_else(|| args.broker.clone()).context("there is no broker")?;
    let broker = resolve(&url).await?;
    let login = args.user.clone().zip(args.password_file.as_deref().map(read_secret_file).transpose()?);
    let halt = stop.child_token();
    let (leave, tally) = (CancellationToken::new(), Arc::new(Tally::default()));
    let starting = async {
        if let Some(observer) = &observer {
            own::ready(observer).await?;
        }
        anyhow::Ok(Arc::new(Plan {
            site: site.name().clone(),
            edges,
            broker,
            login,
            rate: args.rate,
            batch: u16::try_from(args.batch).context("a batch is at most 500")?,
            started: clock::now(),
            ramp: args.ramp,
            length: args.ramp + args.run_for,
            outages: args.outage.clone(),
        }))
    };
    let (tell, told) = tokio::sync::oneshot::channel::<Arc<Plan>>();
    supervisor.spawn(Stage::Intake, "edges", {
        let (leave, tally) = (leave.clone(), Arc::clone(&tally));
        move |stop| async move {
            let Some(Ok(plan)) = stop.run_until_cancelled(told).await else { return Ok(()) };
            edges::run(plan, tally, leave).await?;
            stop.cancelled().await;
            Ok(())
        }
    });
    let mut running = std::pin::pin!(supervisor.run(halt.clone()));
    let work = async {
        let plan = starting.await?;
        let memory = limits::resident_bytes().filter(|_| observer.is_none());
        // The task is there; it ends only with everything.
        let _ = tell.send(Arc::clone(&plan));
        let watched = watch(args, &plan, &tally, memory, out, stop).await;
        leave.cancel();
        left(&tally).await;
        watched
    };
    let mut summary = tokio::select! {
        summary = work => summary?,
        ended = &mut running => return ended.map_err(anyhow::Error::from).and_then(|()| bail!("stopped")),
    };
    summary.duplicate = observer.as_ref().map(Observer::duplicates);
    halt.cancel();
    running.await?;
    if args.own {
        summary.own = Some(own::survey(&database)?);
    }
    Ok(summary)
}

/// Watches until everything is committed, or given up.
async fn watch(
    args: &LoadArgs,
    plan: &Plan,
    tally: &Tally,
    memory: Option<u64>,
    out: &mut (dyn Write + Send),
    stop: &CancellationToken,
) -> anyhow::Result<Summary> {
    let edges = plan.edges.len() as u64;
    let gauges = plan.edges.iter().map(|edge| edge.tanks.len() as u64).sum();
    let mut progress = Progress::new(plan);
    let (mut said, mut bytes_per_edge) = (plan.started, None);
    loop {
        let is_stopped = stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none();
        let now = clock::now();
        let elapsed = now.saturating_duration_since(plan.started);
        progress.note(now, edges, tally);
        if progress.ramp.is_some() && bytes_per_edge.is_none() {
            let grown = memory.zip(limits::resident_bytes()).map(|(before, after)| after.saturating_sub(before));
            bytes_per_edge = grown.map(|grown| grown / edges);
        }
        if now.saturating_duration_since(said) >= SAY {
            said = now;
            writeln!(out, "{}", line(elapsed, edges, tally))?;
        }
        let (offered, committed) = (tally.offered.get(), tally.committed.get());
        let is_over = tally.finished.get() == edges;
        if tally.arrived.get() == 0 && elapsed > FIRST_LOGIN + plan.place_in_ramp(1) {
            let reasons: Vec<String> = tally.troubles().into_keys().collect();
            bail!("no edge could connect to {}: {}", plan.broker, reasons.join("; "));
        }
        if is_stopped || (is_over && committed == offered) || elapsed > plan.length + args.patience {
            return Ok(Summary {
                edges,
                gauges,
                rate_hz: plan.rate,
                batch: plan.batch,
                seconds: elapsed.as_secs_f64(),
                ramp_s: progress.ramp.map(|ramp| ramp.as_secs_f64()),
                offered,
                committed,
                lost: offered - committed.min(offered),
                resent: tally.resent.get(),
                messages: tally.messages.get(),
                invented: tally.invented.get(),
                duplicate: None,
                latency_ms_p50: tally.latency_ms(0.5),
                latency_ms_p90: tally.latency_ms(0.9),
                latency_ms_p99: tally.latency_ms(0.99),
                latency_ms_max: tally.latency_ms(1.0),
                reconnects: tally.connections.get().saturating_sub(tally.arrived.get()),
                troubles: tally.troubles(),
                outages: progress.outages(),
                tardiness_ms: tally.tardiness_ms.get(),
                bytes_per_edge,
                own: None,
            });
        }
    }
}

async fn left(tally: &Tally) {
    let deadline = clock::now() + LEAVING;
    while tally.connected.get() > 0 && clock::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn resolve(url: &BrokerUrl) -> anyhow::Result<SocketAddr> {
    let host = url.host().trim_start_matches('[').trim_end_matches(']');
    let mut found = tokio::net::lookup_host((host, url.port())).await.with_context(|| format!("{url}"))?;
    found.next().with_context(|| format!("{url} has no address"))
}
