//! The agent as a whole: lines, journal and uplink under one supervisor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use tankline_domain::message::{EdgeState, GaugeHealth};
use tankline_domain::reading::Reading;
use tankline_domain::topic::{Topic, client_id};
use tankline_runtime::clock;
use tankline_runtime::mqtt::{self, Outgoing, Qos, SessionOptions};
use tankline_runtime::supervisor::{Stage, Supervisor};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::config::EdgeConfig;
use crate::journal::{Host, Journal, Owner, writer};
use crate::line::board::HealthBoard;
use crate::line::lines;
use crate::line::poller::LineConfig;
use crate::stamp::StationClock;
use crate::uplink::{self, Station};

/// An orderly stop takes no longer than this.
const GRACE: Duration = Duration::from_secs(5);

/// Readings that wait to be taken by the journal's task, which does not wait for the disk.
const READINGS_WAITING: usize = 256;

/// New readings that wait for the uplink; the rest it finds in the journal.
const APPENDED_WAITING: usize = 1024;

/// Requests to the journal that wait.
const REQUESTS_WAITING: usize = 64;

/// MQTT events that wait for the uplink.
const EVENTS_WAITING: usize = 64;

/// Largest MQTT packet: 500 readings are about 70 KiB; what the centre has committed can be long after many gaps.
const MAX_PACKET_BYTES: usize = 1 << 20;

/// Counts what an agent does, for who started it in the same process.
#[derive(Debug, Clone, Default)]
pub struct Observer {
    journalled: Arc<AtomicU64>,
    board: HealthBoard,
}

impl Observer {
    /// Counts the readings that were journalled since the start.
    #[must_use]
    pub fn journalled(&self) -> u64 {
        self.journalled.load(Ordering::Relaxed)
    }

    /// Gives the counters of all gauges.
    #[must_use]
    pub fn gauges(&self) -> Vec<GaugeHealth> {
        self.board.snapshot()
    }
}

/// Runs the agent until told to stop.
///
/// # Errors
/// When the journal cannot be opened, or a task fails.
pub async fn run(config: EdgeConfig, stop: CancellationToken, observer: Observer) -> anyhow::Result<()> {
    run_on(Host::default(), config, stop, observer).await
}

/// Runs the agent with its journal on another machine than this one: a simulated one, whose disk fails when told to.
///
/// # Errors
/// When the journal cannot be opened, or a task fails.
pub async fn run_on(host: Host, config: EdgeConfig, stop: CancellationToken, observer: Observer) -> anyhow::Result<()> {
    let (_never, mut reloads) = mpsc::channel(1);
    run_once(&host, config, &mut reloads, &stop, &observer).await.map(drop)
}

/// Runs the agent until told to stop, and takes new configurations meanwhile.
///
/// Where only lines differ, only those are stopped and started. Anything else stops the agent in good order and starts it
/// anew; what was read stays in the journal.
///
/// # Errors
/// When the journal cannot be opened, or a task fails.
pub async fn run_reloading(
    mut config: EdgeConfig,
    mut reloads: mpsc::Receiver<EdgeConfig>,
    stop: CancellationToken,
    observer: Observer,
) -> anyhow::Result<()> {
    let host = Host::default();
    while let Some(next) = run_once(&host, config, &mut reloads, &stop, &observer).await? {
        tracing::info!("starting anew with the new configuration");
        config = next;
    }
    Ok(())
}

/// Runs until told to stop, or until a configuration comes for which all must start anew; gives that one.
async fn run_once(
    host: &Host,
    config: EdgeConfig,
    reloads: &mut mpsc::Receiver<EdgeConfig>,
    stop: &CancellationToken,
    observer: &Observer,
) -> anyhow::Result<Option<EdgeConfig>> {
    let (lines, lines_wanted) = watch::channel(config.lines.clone());
    let (digest, digest_told) = watch::channel(config.digest.clone());
    let stop_once = stop.child_token();
    let supervisor = start(host, &config, lines_wanted, digest_told, observer)?;
    let mut running = std::pin::pin!(supervisor.run(stop_once.clone()));
    let mut current = config;
    loop {
        let next = tokio::select! {
            ended = &mut running => return Ok(ended.map(|()| None)?),
            Some(next) = reloads.recv() => next,
        };
        if !current.differs_in_lines_only(&next) {
            stop_once.cancel();
            running.await?;
            return Ok(Some(next));
        }
        tracing::info!(config = next.digest, "the new configuration is in use");
        lines.send_replace(next.lines.clone());
        digest.send_replace(next.digest.clone());
        current = next;
    }
}

/// Opens the journal and starts all tasks.
fn start(
    host: &Host,
    config: &EdgeConfig,
    lines: watch::Receiver<Vec<LineConfig>>,
    digest: watch::Receiver<String>,
    observer: &Observer,
) -> anyhow::Result<Supervisor> {
    let owner = Owner { site: config.site.clone(), edge: config.edge.clone() };
    let (journal, opened) =
        Journal::open_on(host, config.journal.clone(), Some(owner)).context("the journal cannot be opened")?;
    tracing::info!(
        site = %config.site, edge = %config.edge, journal = %journal.id(), readings = opened.readings,
        torn_bytes = opened.torn_bytes, new_journal = opened.new_journal, "journal is open"
    );
    let clock = StationClock::new(config.clock.clone(), opened.last_stamp);
    let board = observer.board.clone().with_clock(clock);
    let station = Station {
        site: config.site.clone(),
        edge: config.edge.clone(),
        config: digest,
        started_at: clock::unix_ms(),
        board: board.clone(),
    };
    let (publisher, session, driver) = mqtt::session(session_options(config), EVENTS_WAITING);
    let (readings_in, readings) = mpsc::channel(READINGS_WAITING);
    let (requests_in, requests) = mpsc::channel(REQUESTS_WAITING);
    let (appended_in, appended) = mpsc::channel(APPENDED_WAITING);
    let report = writer::Report::at_start(&journal);

    let mut supervisor = Supervisor::new("tankline-edge", GRACE);
    supervisor.spawn(Stage::Intake, "lines", |stop| lines::run(lines, readings_in, board, stop));
    let uplink_channels = uplink::Channels { session, publisher, appended, journal: requests_in };
    let uplink_config = config.uplink;
    supervisor.spawn(Stage::Work, "uplink", |stop| async move {
        uplink::run(uplink_config, station, &report, uplink_channels, stop).await
    });
    let writer_channels = writer::Channels { readings, requests, appended: appended_in };
    let journalled = observer.journalled.clone();
    let count = move |_: &Reading| {
        journalled.fetch_add(1, Ordering::Relaxed);
    };
    let sync_interval = config.sync_interval;
    supervisor.spawn(Stage::Disk, "journal", move |stop| async move {
        let ended = writer::run(journal, sync_interval, writer_channels, count, stop).await;
        ended.context("the journal was not closed in good order")
    });
    supervisor.spawn(Stage::Connection, "mqtt", |stop| driver.run(stop));
    Ok(supervisor)
}

fn session_options(config: &EdgeConfig) -> SessionOptions {
    let (site, edge) = (config.site.clone(), config.edge.clone());
    let will = Outgoing {
        topic: Topic::State(site.clone(), edge.clone()).to_string(),
        payload: serde_json::to_vec(&EdgeState::offline()).expect("messages are plain data"),
        retain: true,
        qos: Qos::AtLeastOnce,
    };
    SessionOptions {
        broker: config.broker.clone(),
        client_id: client_id(&site, &edge),
        subscriptions: vec![Topic::Committed(site.clone(), edge).to_string(), Topic::CentreState(site).to_string()],
        will: Some(will),
        max_packet_bytes: MAX_PACKET_BYTES,
    }
}
