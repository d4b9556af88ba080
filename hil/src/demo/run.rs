//! The whole system in one process: started in order, watched, stopped in order, audited.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tankline_domain::settings::Problems;
use tankline_domain::site::Site;
use tankline_edge::agent;
use tankline_ingest::config::HistorianConfig;
use tankline_ingest::{Ingest, Observer};
use tankline_runtime::exit::Failure;
use tankline_runtime::logging::{self, LogArgs};
use tankline_runtime::supervisor::{Stage, Supervisor};
use tankline_runtime::{clock, site_file};
use tokio_util::sync::CancellationToken;

use super::arguments::DemoArgs;
use super::feed::Feed;
use super::folder::DataFolder;
use super::reckoning::{Reckoning, reckon};
use super::screen::{Diverted, Screen};
use super::station::{self, Edge, Gauges, Moment};
use super::watch::{Probe, Watched, watch};
use super::{builtin, closing, stored};
use crate::control::ControlServer;

/// All parts together have this long to stop; each has a bound of its own below it.
const GRACE: Duration = Duration::from_secs(12);

/// How long the edges wait for the centre to be connected before they begin without it.
const CENTRE_PATIENCE: Duration = Duration::from_secs(5);

/// Runs the demo until `stop`, or for as long as it was told to.
///
/// # Errors
/// [`Failure`]: something cannot be started, a part failed, or the audit found that something is not as it must be.
pub async fn run(args: &DemoArgs, log: &LogArgs, stop: CancellationToken) -> Result<(), Failure> {
    let folder = DataFolder::take(&args.data).map_err(anyhow::Error::from)?;
    let shows_table = !args.headless && Screen::is_possible();
    // From here on whatever is logged, or said in a panic, must not write over the table.
    let diverted = shows_table.then(|| Diverted::into_file(&folder.log())).transpose();
    let _diverted = diverted.with_context(|| format!("cannot write to {}", folder.log().display()))?;
    logging::init(log);
    let (site, site_file) = site(args, &folder)?;

    let journals = |edge: &_| station::journal(&folder, edge);
    let newest_row = stored::newest_row(&folder.database())?;
    let depth_at_start = stored::waiting(&folder.database(), &site, journals)?;
    let (broker_url, broker) = station::broker(args)?;
    let centre = station::centre(args, &site, &folder, broker_url.clone())?;
    let target = centre.historian.as_ref().map(HistorianConfig::target);
    let centre = Ingest::open(centre).map_err(anyhow::Error::from)?;
    let observer = centre.observer();
    let mut supervisor = Supervisor::new("demo", GRACE);
    if let Some(broker) = broker {
        supervisor.spawn(Stage::Connection, "broker", |stop| async move { Ok(broker.serve(stop).await?) });
    }
    let feed = target.map(|target| Feed { database: folder.database(), target });
    let lag = feed.clone();
    supervisor.spawn(Stage::Work, "centre", |stop| run_centre(centre, feed, stop));
    connected(&observer, &stop).await;

    let gauges = Gauges::start(&site, args.seed)?;
    let steered = gauges.steered(&site, stop.clone());
    let control = ControlServer::listen_if_possible(&args.control, "demo", steered).map_err(anyhow::Error::from)?;
    if let Some(control) = control {
        tracing::info!(control = %control.path().display(), "steer it from another terminal with `tankline-hil shell`");
        supervisor.spawn(Stage::Intake, "control", |stop| async move { Ok(control.serve(stop).await?) });
    }
    let started = Moment::now();
    let edges: Vec<_> =
        site.edges().into_iter().cloned().map(|name| Edge { name, observer: agent::Observer::default() }).collect();
    for edge in &edges {
        let config = gauges.edge((&site, &site_file), &edge.name, &broker_url, &folder)?;
        let observer = edge.observer.clone();
        supervisor.spawn(Stage::Intake, &format!("edge {}", edge.name), |stop| agent::run(config, stop, observer));
    }
    let probe = Probe {
        site: &site,
        centre: &observer,
        edges: &edges,
        started,
        depth_at_start,
        broker: broker_url,
        data: folder.path(),
    };
    let Watched { outcome, last, tally } = watch(supervisor, stop, args.run_for, &probe, shows_table).await;
    let polled_for = last.up;

    let answers = gauges.answers.clone();
    let lines: Vec<_> = gauges.lines.into_iter().map(|line| (line.name().to_string(), line.stop())).collect();
    let kept = match stored::gather(&folder.database(), &site, journals, newest_row, started.unix) {
        Ok(kept) => kept,
        // A part that failed is why the rest cannot be had.
        Err(error) => return Err(outcome.err().map_or(error, anyhow::Error::from).into()),
    };
    let summary = reckon(Reckoning {
        site: &site,
        last: &last,
        polled_for,
        lines: &lines,
        edges: &edges,
        tally: &tally,
        centre: &observer,
        answers: answers.take(),
        kept,
        historian_lag: lag.map(|feed| feed.lag()).transpose()?,
    });
    if let Some(file) = &args.summary {
        summary.write(file).with_context(|| format!("cannot write the summary {}", file.display()))?;
    }
    // Who does not listen any more has missed it.
    let _ = io::stdout().write_all(closing::words(&summary, folder.path()).as_bytes());
    outcome.map_err(anyhow::Error::from)?;
    if summary.audit.clean { Ok(()) } else { Err(anyhow!("the audit: {}", closing::verdict(&summary.audit)).into()) }
}

/// Gives the description of the site and the file that it stands in.
fn site(args: &DemoArgs, folder: &DataFolder) -> Result<(Site, PathBuf), Failure> {
    let file = match &args.site {
        Some(file) => file.clone(),
        None => builtin::unpack(&folder.path().join("site")).context("cannot write the description of the station")?,
    };
    let site = site_file::load(&file)?;
    if site.gauges().is_empty() {
        let message = "has no gauge; a demo needs at least one";
        return Err(Problems::of_file(file.display().to_string(), message).into());
    }
    // The edges seek it from their own folders.
    let file = file.canonicalize().with_context(|| format!("cannot find {}", file.display()))?;
    Ok((site, file))
}

/// Runs the centre. When it is to stop, the historian gets what it has not got yet, for as long as that takes not too long.
async fn run_centre(centre: Ingest, feed: Option<Feed>, stop: CancellationToken) -> anyhow::Result<()> {
    let halt = CancellationToken::new();
    let mut running = std::pin::pin!(centre.run(halt.clone()));
    let wait = async {
        stop.cancelled().await;
        if let Some(feed) = feed {
            feed.caught_up().await;
        }
    };
    tokio::select! {
        ended = &mut running => return ended,
        () = wait => halt.cancel(),
    }
    running.await
}

/// Waits until the centre is connected, so that no reading comes before somebody takes it; but not for ever: an edge keeps
/// what nobody takes.
async fn connected(centre: &Observer, stop: &CancellationToken) {
    let deadline = clock::now() + CENTRE_PATIENCE;
    while !centre.health().healthy && !stop.is_cancelled() {
        if clock::now() >= deadline {
            tracing::warn!(reasons = ?centre.health().reasons, "the centre is not ready; the edges begin without it");
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
