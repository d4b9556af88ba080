//! The edges of a load, a small task each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Packet, Publish};
use tankline_domain::message::{CentreState, Committed, EdgeState, JournalId, Presence};
use tankline_domain::topic::{Topic, client_id};
use tankline_runtime::backoff::Backoff;
use tankline_runtime::clock;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, Ended};
use super::journalist::Journalist;
use super::message::readings;
use super::plan::{EdgePlan, Plan};
use super::tally::Tally;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// From the first look for the broker to its SUBACK.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(20);
const KEEP_ALIVE_S: u16 = 60;
/// A connection on which so long nothing came is given up; the broker is asked after half of it.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);
const LEAVING: Duration = Duration::from_secs(2);
/// Bytes that wait to be written at most, before new messages wait for room.
const OUTBOX_BYTES: usize = 256 * 1024;

/// Runs all edges until they are told to leave, and until they have left.
///
/// # Errors
/// A task broke down.
pub async fn run(plan: Arc<Plan>, tally: Arc<Tally>, leave: CancellationToken) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for index in 0..plan.edges.len() {
        let edge = Edge::new(Arc::clone(&plan), Arc::clone(&tally), index);
        tasks.spawn(edge.live(leave.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.context("an edge broke down")?;
    }
    Ok(())
}

/// One edge: its journal, and when the next readings are due.
struct Edge {
    plan: Arc<Plan>,
    tally: Arc<Tally>,
    index: usize,
    journal: JournalId,
    journalist: Journalist,
    /// When the next readings are made; `None` when there are no more.
    due: Option<Instant>,
    was_connected: bool,
}

impl Edge {
    fn new(plan: Arc<Plan>, tally: Arc<Tally>, index: usize) -> Self {
        let due = Some(plan.started + plan.place_in_ramp(index));
        let journal = JournalId::new(fastrand::u64(..));
        Self { plan, tally, index, journal, journalist: Journalist::default(), due, was_connected: false }
    }

    fn named(&self) -> &EdgePlan {
        &self.plan.edges[self.index]
    }

    async fn live(mut self, leave: CancellationToken) {
        let place = self.plan.place_in_ramp(self.index);
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        let mut free_at = self.plan.started + place;
        while let Some(mut connection) = {
            // Readings are made also while there is no connection.
            let next = self.connection(&mut free_at, &mut backoff, place);
            leave.run_until_cancelled(next).await
        } {
            self.tally.connected.add(1);
            let ended = leave.run_until_cancelled(self.stay(&mut connection)).await;
            self.journalist.handle_disconnected();
            self.tally.connected.decrement();
            match ended {
                None => return self.leave(connection).await,
                // Cut by an outage: the connection is torn away, and the broker says the will.
                Some(Ok(())) => drop(connection),
                Some(Err(reason)) => self.tally.note_trouble(&reason.to_string()),
            }
            free_at = clock::now() + backoff.next();
        }
    }

    /// Waits until it may connect, and connects, as often as it takes.
    async fn connection(&mut self, free_at: &mut Instant, backoff: &mut Backoff, place: Duration) -> Connection {
        loop {
            let elapsed = free_at.saturating_duration_since(self.plan.started);
            if let Some(until) = self.plan.outage_until(elapsed) {
                *free_at = self.plan.started + until + place;
            }
            let moment = *free_at;
            self.beside(sleep_until(moment.into())).await;
            let (plan, journal, index) = (Arc::clone(&self.plan), self.journal, self.index);
            let login = timeout(LOGIN_TIMEOUT, login(&plan, index, journal));
            match self.beside(login).await.unwrap_or(Err(Ended::Silent)) {
                Ok((connection, early)) => {
                    self.tally.connections.add(1);
                    if !std::mem::replace(&mut self.was_connected, true) {
                        self.tally.arrived.add(1);
                    }
                    backoff.reset();
                    self.journalist.handle_connected();
                    let mut connection = connection;
                    early.into_iter().for_each(|packet| self.hear(packet, &mut connection));
                    return connection;
                }
                Err(reason) => self.tally.note_trouble(&reason.to_string()),
            }
            *free_at = clock::now() + backoff.next();
        }
    }

    /// Makes readings when they are due while something else is waited for.
    async fn beside<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = std::pin::pin!(other);
        loop {
            self.make_readings(clock::now());
            match self.due {
                Some(due) => tokio::select! {
                    output = &mut other => return output,
                    () = sleep_until(due.into()) => {}
                },
                None => return other.await,
            }
        }
    }

    /// Speaks and hears until the connection ends; `Ok` when an outage cuts it.
    async fn stay(&mut self, connection: &mut Connection) -> Result<(), Ended> {
        let topic = Topic::Readings(self.plan.site.clone(), self.named().name.clone()).to_string();
        let (mut heard, mut asked) = (clock::now(), false);
        loop {
            let now = clock::now();
            self.make_readings(now);
            self.speak(&topic, connection, now);
            let elapsed = now.saturating_duration_since(self.plan.started);
            if self.plan.outage_until(elapsed).is_some() {
                return Ok(());
            }
            let cut = self.plan.next_outage(elapsed);
            let silence = heard + if asked { LONGEST_SILENCE } else { LONGEST_SILENCE / 2 };
            // While there is no room for more, what is late waits for the room.
            let late = self.journalist.poll_timeout().filter(|_| connection.is_written());
            let wake = [self.due, cut, late, Some(silence)].into_iter().flatten().min().unwrap_or(silence);
            tokio::select! {
                packets = connection.turn() => {
                    let packets = packets?;
                    if !packets.is_empty() {
                        (heard, asked) = (clock::now(), false);
                    }
                    packets.into_iter().for_each(|packet| self.hear(packet, connection));
                }
                () = sleep_until(wake.into()) => {
                    if wake == silence && std::mem::replace(&mut asked, true) {
                        return Err(Ended::Silent);
                    } else if wake == silence {
                        connection.outbox.ping();
                    }
                }
            }
        }
    }

    fn make_readings(&mut self, now: Instant) {
        let interval = self.plan.interval(self.index);
        while let Some(due) = self.due.filter(|due| *due <= now) {
            if due.saturating_duration_since(self.plan.started) >= self.plan.length {
                self.due = None;
                self.tally.finished.add(1);
                return;
            }
            let late = now.saturating_duration_since(due).as_millis();
            self.tally.tardiness_ms.at_least(u64::try_from(late).unwrap_or(u64::MAX));
            self.journalist.handle_readings(self.plan.batch, clock::unix_ms());
            self.tally.offered.add(u64::from(self.plan.batch));
            self.due = Some(due + interval);
        }
    }

    fn speak(&mut self, topic: &str, connection: &mut Connection, now: Instant) {
        while connection.outbox.waiting().len() < OUTBOX_BYTES {
            let Some(batch) = self.journalist.poll_output(now) else { break };
            self.tally.messages.add(1);
            self.tally.resent.add(batch.repeated as u64);
            connection.outbox.publish(topic, readings(self.journal, &batch.items, &self.named().tanks), false);
        }
    }

    fn hear(&mut self, packet: Packet, connection: &mut Connection) {
        let Packet::Publish(Publish { topic, payload, pkid, qos, .. }) = packet else { return };
        if qos == QoS::AtLeastOnce {
            connection.outbox.acknowledge(pkid);
        }
        if topic.ends_with("/committed") {
            // Another journal under this name is another edge's business.
            let committed = serde_json::from_slice::<Committed>(&payload).ok();
            let Some(committed) = committed.filter(|committed| committed.journal == self.journal) else { return };
            let tally = &self.tally;
            let heard = self.journalist.handle_committed(clock::now(), &committed.ranges, |readings, latency| {
                tally.note_latency(readings, latency);
            });
            tally.committed.add(heard.committed);
            tally.invented.add(u64::from(heard.is_wrong));
        } else if let Ok(state) = serde_json::from_slice::<CentreState>(&payload) {
            self.journalist.handle_centre(state);
        }
    }

    /// Says that it goes, and goes.
    async fn leave(self, mut connection: Connection) {
        let (topic, payload) = state(&self.plan, self.index, EdgeState::offline());
        connection.outbox.publish(&topic, payload, true);
        connection.leave(LEAVING).await;
    }
}

/// Connects, logs in and subscribes as an edge does; gives what came meanwhile.
async fn login(plan: &Plan, index: usize, journal: JournalId) -> Result<(Connection, Vec<Packet>), Ended> {
    let (site, edge) = (&plan.site, &plan.edges[index].name);
    let mut connection = Connection::open(plan.broker).await?;
    let will = state(plan, index, EdgeState::offline());
    let login = plan.login.as_ref().map(|(user, password)| (user.as_str(), password.expose()));
    connection.outbox.connect(&client_id(site, edge), KEEP_ALIVE_S, will, login);
    connection.admitted().await?;
    let heard = [Topic::Committed(site.clone(), edge.clone()), Topic::CentreState(site.clone())];
    connection.outbox.subscribe(heard.map(|topic| topic.to_string()));
    let early = connection.subscribed().await?;
    let online = EdgeState {
        state: Presence::Online,
        version: Some(concat!("load ", env!("CARGO_PKG_VERSION")).to_owned()),
        journal: Some(journal),
        journals: vec![journal],
        ..EdgeState::offline()
    };
    let (topic, payload) = state(plan, index, online);
    connection.outbox.publish(&topic, payload, true);
    Ok((connection, early))
}

fn state(plan: &Plan, index: usize, state: EdgeState) -> (String, Vec<u8>) {
    let topic = Topic::State(plan.site.clone(), plan.edges[index].name.clone()).to_string();
    (topic, serde_json::to_vec(&state).expect("a state is a JSON object"))
}
