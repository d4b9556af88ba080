//! One run: a broker, a feeder, and at the far end the centre or a subscriber that only counts.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use tankline_broker::Broker;
use tankline_domain::message::Committed;
use tankline_domain::names::EdgeName;
use tankline_domain::site::Site;
use tankline_domain::topic::{Topic, client_id};
use tankline_ingest::config::Config;
use tankline_ingest::{Ingest, store};
use tankline_runtime::clock;
use tankline_runtime::mqtt::{self, BrokerSettings, BrokerUrl, Publisher, SessionEvent, SessionOptions};
use tankline_runtime::supervisor::{Stage, Supervisor};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::arguments::Enough;
use super::feeder::{Fed, Feeder, readings_topic};
use super::report::{CentreFigures, Figures, RelayFigures};
use super::stages::Snapshot;
use crate::demo::free_port;

const GRACE: Duration = Duration::from_secs(12);

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(10);

/// Events that wait to be looked at.
const EVENTS: usize = 1000;

/// What is offered in a run.
#[derive(Debug, Clone, Copy)]
pub struct Case<'s> {
    /// The site.
    pub site: &'s Site,
    /// The edge that is spoken for.
    pub edge: &'s EdgeName,
    /// Readings in one message.
    pub per_message: u64,
    /// Most readings under way.
    pub window: u64,
    /// When it is enough.
    pub enough: Enough,
}

impl Case<'_> {
    /// Measures the way to the database, and that through the broker alone.
    ///
    /// # Errors
    /// A part cannot be started, fails, or loses something.
    pub async fn measure(&self, folder: &Path, stop: &CancellationToken) -> anyhow::Result<Figures> {
        let centre = self.through_centre(folder, stop).await?;
        let relay = self.through_broker(stop).await?;
        Ok(Figures { per_message: self.per_message, centre, relay })
    }

    /// From message to committed row.
    async fn through_centre(&self, folder: &Path, stop: &CancellationToken) -> anyhow::Result<CentreFigures> {
        let (mut supervisor, broker) = begin()?;
        let database = folder.join(format!("bench-{}.db", self.per_message));
        let mut config = Config::new(vec![self.site.clone()], database.clone(), broker.clone());
        config.http = None;
        let centre = Ingest::open(config)?;
        let observer = centre.observer();
        supervisor.spawn(Stage::Work, "centre", |stop| centre.run(stop));
        let (site, edge) = (self.site.name().clone(), self.edge.clone());
        let committed = Topic::Committed(site, edge).to_string();
        let (publisher, events) = self.feeder_session(&mut supervisor, &broker, vec![committed]);
        let work = async {
            let deadline = clock::now() + CONNECTING;
            while !observer.health().healthy {
                if clock::now() >= deadline {
                    bail!("the centre is not ready: {:?}", observer.health().reasons);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let count = |payload: &[u8]| {
                serde_json::from_slice::<Committed>(payload).map_or(0, |committed| committed.ranges.count())
            };
            let before = Snapshot::of(&observer);
            let fed = self.feed(&publisher, events, |arrived, payload| *arrived = count(payload).max(*arrived)).await?;
            Ok((fed, Snapshot::of(&observer).since(&before, fed.took, fed.offered)))
        };
        let (fed, stages) = run_beside(supervisor, stop, work).await?;
        let connection = store::open_read_only(&database)?;
        let count = |what: &str| connection.query_row(&format!("SELECT {what} FROM reading"), [], |row| row.get(0));
        let unsigned = |count: i64| u64::try_from(count).unwrap_or_default();
        let (rows, commits) = (unsigned(count("count(*)")?), unsigned(count("count(DISTINCT committed_ms)")?));
        if rows != fed.offered {
            bail!("{} readings were offered and {rows} are in the database", fed.offered);
        }
        let millis = [0.5, 0.99].map(|share| observer.latency_ms(share));
        Ok(CentreFigures::new(fed, observer.committed(), commits, millis, stages))
    }

    /// From message to a subscriber that counts.
    async fn through_broker(&self, stop: &CancellationToken) -> anyhow::Result<RelayFigures> {
        let (mut supervisor, broker) = begin()?;
        let topic = readings_topic(self.site.name(), self.edge);
        let options = options(&broker, "bench-subscriber".to_owned(), vec![topic]);
        let (_subscriber, mut arriving, driver) = mqtt::session(options, EVENTS);
        supervisor.spawn(Stage::Disk, "subscriber", |stop| driver.run(stop));
        let (publisher, mut events) = self.feeder_session(&mut supervisor, &broker, Vec::new());
        let work = async {
            wait_for_connection(&mut arriving).await?;
            wait_for_connection(&mut events).await?;
            let mut feeding =
                std::pin::pin!(self.feed_connected(&publisher, arriving, |arrived, _| *arrived += self.per_message));
            // Nothing comes to the feeder itself but the loss of its connection.
            tokio::select! {
                fed = &mut feeding => fed,
                Some(event) = events.recv() => bail!("the feeder was told {event:?}"),
            }
        };
        let fed = run_beside(supervisor, stop, work).await?;
        Ok(RelayFigures::new(fed, self.per_message))
    }

    fn feeder_session(
        &self,
        supervisor: &mut Supervisor,
        broker: &BrokerUrl,
        subscriptions: Vec<String>,
    ) -> (Publisher, mpsc::Receiver<SessionEvent>) {
        let options = options(broker, client_id(self.site.name(), self.edge), subscriptions);
        let (publisher, events, driver) = mqtt::session(options, EVENTS);
        supervisor.spawn(Stage::Disk, "feeder", |stop| driver.run(stop));
        (publisher, events)
    }

    async fn feed(
        &self,
        publisher: &Publisher,
        mut events: mpsc::Receiver<SessionEvent>,
        note: impl Fn(&mut u64, &[u8]),
    ) -> anyhow::Result<Fed> {
        wait_for_connection(&mut events).await?;
        self.feed_connected(publisher, events, note).await
    }

    /// Feeds; `note` brings the number of readings that have arrived up to date with each message.
    async fn feed_connected(
        &self,
        publisher: &Publisher,
        mut events: mpsc::Receiver<SessionEvent>,
        note: impl Fn(&mut u64, &[u8]),
    ) -> anyhow::Result<Fed> {
        let (arrived, mut arrivals) = watch::channel(0);
        let noting = async {
            while let Some(event) = events.recv().await {
                match event {
                    SessionEvent::Message { payload, .. } => arrived.send_modify(|arrived| note(arrived, &payload)),
                    SessionEvent::Disconnected { reason } => bail!("the connection was lost: {reason}"),
                    SessionEvent::Connected => {}
                }
            }
            bail!("the session ended")
        };
        let feeder = Feeder::new(self.site, self.edge, self.per_message, self.window);
        tokio::select! {
            fed = feeder.feed(publisher, &mut arrivals, self.enough) => fed,
            failed = noting => failed,
        }
    }
}

/// Starts a broker for one run.
fn begin() -> anyhow::Result<(Supervisor, BrokerUrl)> {
    let broker = Broker::start(free_port())?;
    let url = broker.address().into();
    let mut supervisor = Supervisor::new("bench", GRACE);
    supervisor.spawn(Stage::Connection, "broker", |stop| async move { Ok(broker.serve(stop).await?) });
    Ok((supervisor, url))
}

fn options(broker: &BrokerUrl, client_id: String, subscriptions: Vec<String>) -> SessionOptions {
    SessionOptions {
        broker: BrokerSettings::new(broker.clone()),
        client_id,
        subscriptions,
        will: None,
        max_packet_bytes: 1 << 20,
    }
}

async fn wait_for_connection(events: &mut mpsc::Receiver<SessionEvent>) -> anyhow::Result<()> {
    match timeout(CONNECTING, events.recv()).await.context("the broker does not answer")? {
        Some(SessionEvent::Connected) => Ok(()),
        other => bail!("not connected to the broker: {other:?}"),
    }
}

/// Runs the work while the parts run, then stops them.
async fn run_beside<T>(
    supervisor: Supervisor,
    stop: &CancellationToken,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let halt = stop.child_token();
    let mut running = std::pin::pin!(supervisor.run(halt.clone()));
    let fed = tokio::select! {
        fed = work => fed,
        ended = &mut running => return ended.map_err(anyhow::Error::from).and_then(|()| bail!("stopped")),
    };
    halt.cancel();
    running.await?;
    fed
}
