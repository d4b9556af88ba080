//! The tasks of an agent, in the groups that are started and stopped together.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use tankline_domain::message::EdgeState;
use tankline_domain::reading::Reading;
use tankline_domain::topic::{Topic, client_id};
use tankline_domain::units::UnixMillis;
use tankline_runtime::mqtt::{self, Outgoing, Qos, SessionOptions};
use tankline_runtime::supervisor::{Stage, Supervisor};
use tokio::sync::{mpsc, oneshot, watch};

use super::Observer;
use super::group::Group;
use crate::config::EdgeConfig;
use crate::journal::writer::{self, Report, Request};
use crate::journal::{Journal, Outlet};
use crate::line::board::HealthBoard;
use crate::line::lines;
use crate::line::poller::LineConfig;
use crate::status;
use crate::uplink::{self, Station};

/// An orderly stop of a group takes no longer than this.
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

/// The journal's task, and the ways to it.
pub(super) struct Writing {
    pub(super) group: Group,
    readings: mpsc::Sender<Reading>,
    requests: mpsc::Sender<Request>,
    appended: Outlet,
}

impl Writing {
    pub(super) fn start(journal: Journal, sync_interval: Duration, observer: &Observer) -> Self {
        let (readings_in, readings) = mpsc::channel(READINGS_WAITING);
        let (requests_in, requests) = mpsc::channel(REQUESTS_WAITING);
        let appended = Outlet::default();
        let channels = writer::Channels { readings, requests, appended: appended.clone() };
        let journalled = observer.journalled.clone();
        let count = move |_: &Reading| {
            journalled.fetch_add(1, Ordering::Relaxed);
        };
        let mut supervisor = Supervisor::new("journal", GRACE);
        supervisor.spawn(Stage::Disk, "journal", move |stop| async move {
            let ended = writer::run(journal, sync_interval, channels, count, stop).await;
            ended.context("the journal was not closed in good order")
        });
        Self { group: Group::start(supervisor), readings: readings_in, requests: requests_in, appended }
    }

    /// Gives the way to ask the journal.
    pub(super) const fn requests(&self) -> &mpsc::Sender<Request> {
        &self.requests
    }

    /// Asks how the journal stands.
    ///
    /// # Errors
    /// When its task is gone.
    pub(super) async fn report(&mut self) -> anyhow::Result<Report> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::Report(reply)).await.ok().context("the journal's writer is gone")?;
        answer.await.context("the journal's writer is gone")
    }
}

/// Starts polling.
pub(super) fn start_lines(writing: &Writing, wanted: watch::Receiver<Vec<LineConfig>>, board: HealthBoard) -> Group {
    let mut supervisor = Supervisor::new("lines", GRACE);
    let readings = writing.readings.clone();
    supervisor.spawn(Stage::Intake, "lines", |stop| lines::run(wanted, readings, board, stop));
    Group::start(supervisor)
}

/// What the uplink says of the agent.
pub(super) struct Told {
    pub(super) digest: watch::Receiver<String>,
    pub(super) started_at: UnixMillis,
    pub(super) board: HealthBoard,
}

/// Starts the session with the broker, what it sends, and what tells the agent's status on this machine.
pub(super) fn start_sending(config: &EdgeConfig, writing: &Writing, report: Report, told: Told) -> Group {
    let Told { digest, started_at, board } = told;
    let place = status::Place {
        site: config.site.clone(),
        edge: config.edge.clone(),
        journal: config.journal.dir.clone(),
        started_at,
        requests: writing.requests.clone(),
    };
    let known = board.clone();
    let station = Station {
        site: config.site.clone(),
        edge: config.edge.clone(),
        config: digest,
        started_at,
        certificate_ends: config.broker.first_end(),
        board,
    };
    let (publisher, session, driver) = mqtt::session(session_options(config), EVENTS_WAITING);
    let appended = writing.appended.listen(APPENDED_WAITING);
    let channels = uplink::Channels { session, publisher, appended, journal: writing.requests.clone() };
    let uplink_config = config.uplink;
    let mut supervisor = Supervisor::new("uplink", GRACE);
    supervisor.spawn(Stage::Work, "uplink", |stop| async move {
        uplink::run(uplink_config, station, &report, channels, stop).await
    });
    supervisor.spawn(Stage::Connection, "mqtt", |stop| driver.run(stop));
    supervisor.spawn(Stage::Connection, "status", |stop| status::serve(place, known, stop));
    Group::start(supervisor)
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
