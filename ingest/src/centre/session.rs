//! The receiving side: what comes from the broker goes to intake, and from there to the database.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context;
use tankline_domain::alarm::{AlarmKey, ClockShown, Reach};
use tankline_domain::message::{CentreState, EdgeHealth, EdgeState, Presence};
use tankline_domain::names::{SiteName, TankName};
use tankline_domain::topic::{Topic, alarm_filter, centre_filters};
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tankline_runtime::cost::Sampling;
use tankline_runtime::mqtt::{Outgoing, Qos, SessionEvent, SessionOptions};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::BrokerConfig;
use crate::intake::{Batch, Intake, Read, Taken};
use crate::shared::{Desk, Shared};
use crate::stages::Stage;
use crate::stations::EdgeId;
use crate::store::Work;

/// Largest packet that is let in: far above the largest message of the contract, so that a message which is too large
/// ends as a dead letter and does not tear the connection down.
const MAX_PACKET_BYTES: usize = 16 * 1024 * 1024;

/// Journals that an edge may ask for at once; it has one, and a few more after its flash was exchanged.
const MAX_JOURNALS_ASKED: usize = 100;

/// One of the sites of this worker, by its place among the desks.
#[derive(Debug, Clone)]
pub struct Site {
    /// What the tasks share.
    pub shared: Arc<Shared>,
    /// Which desk is this site's.
    pub index: usize,
    /// What this process calls itself until it ends.
    pub boot: String,
}

impl Site {
    /// Gives what concerns the connection of this site.
    #[must_use]
    pub fn desk(&self) -> &Desk {
        &self.shared.desks()[self.index]
    }

    /// Makes the message that says whether the centre is there; it is retained.
    #[must_use]
    pub fn state_message(&self, state: Presence) -> Outgoing {
        let trouble = self.shared.store_trouble().filter(|_| state == Presence::Online);
        state_message(&self.desk().site, state, &self.boot, trouble)
    }
}

/// Makes the options of a site's session with the broker. Each site has its own, because each has its own last will.
#[must_use]
pub fn session_options(broker: &BrokerConfig, site: &SiteName, boot: &str) -> SessionOptions {
    SessionOptions {
        broker: broker.settings.clone(),
        client_id: format!("{}.{site}", broker.client_id),
        subscriptions: centre_filters(site).into_iter().chain([alarm_filter(site)]).collect(),
        will: Some(state_message(site, Presence::Offline, boot, None)),
        max_packet_bytes: MAX_PACKET_BYTES,
    }
}

fn state_message(site: &SiteName, state: Presence, boot: &str, trouble: Option<String>) -> Outgoing {
    let body = CentreState { state, boot: Some(boot.to_owned()), trouble };
    let payload = serde_json::to_vec(&body).expect("a state is a JSON object");
    Outgoing { topic: Topic::CentreState(site.clone()).to_string(), payload, retain: true, qos: Qos::AtLeastOnce }
}

/// Takes what comes from the broker until stopped. When the database is behind, it waits, and with it the broker.
///
/// # Errors
/// The writer of the database is gone.
pub async fn receive(
    site: Site,
    mut events: mpsc::Receiver<SessionEvent>,
    work: mpsc::Sender<Work>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut intake = Intake::new(Arc::clone(&site.shared.stations));
    let (mut letters, mut heard_self, mut sampling) = (LetterLog::default(), false, Sampling::default());
    while let Some(Some(event)) = stop.run_until_cancelled(events.recv()).await {
        match event {
            SessionEvent::Connected => {
                site.shared.note_connected(site.desk());
                let reach = Work::Reach(site.desk().site.clone(), Reach::Connected);
                if !hand_over(&work, reach, &stop).await? {
                    return Ok(());
                }
            }
            SessionEvent::Disconnected { reason } => {
                site.shared.note_disconnected(site.desk(), reason);
                // Whether the edges are there cannot be known now. That is one alarm; they count as gone, and it speaks for
                // theirs until they had time to say that they are there.
                let lost = Work::Reach(site.desk().site.clone(), Reach::CutOff);
                let edges = site.shared.stations.edges().filter(|(_, edge)| edge.site == site.desk().site);
                let gone = edges.map(|(edge, _)| Work::Presence(edge, Presence::Offline));
                for piece in [lost].into_iter().chain(gone) {
                    if !hand_over(&work, piece, &stop).await? {
                        return Ok(());
                    }
                }
            }
            SessionEvent::Message { topic, payload } => {
                site.shared.counters.messages.fetch_add(1, Ordering::Relaxed);
                if topic.contains("/alarms/")
                    && let Ok(Topic::Alarm(_, source, alarm)) = topic.parse()
                {
                    take_away(&site, source, &alarm, &payload);
                    continue;
                }
                let now = clock::unix_ms();
                let (times, mut lap) = (&site.shared.stage_times, sampling.begin(payload.len()));
                let read = intake.read(now, &topic, &payload);
                lap.end(times.of(Stage::Parse));
                let taken = match read {
                    Read::Taken(taken) => taken,
                    Read::Readings(readings) => intake.judge(readings),
                };
                lap.end(times.of(Stage::Derive));
                let pieces = match taken {
                    Taken::Batch(batch) => {
                        letters.note(&batch);
                        vec![Work::Batch(batch)]
                    }
                    Taken::State(edge, state) => {
                        answer(&site, edge, &state);
                        let presence = state.state;
                        site.shared.note_edge_state(now, edge, state);
                        vec![Work::Presence(edge, presence)]
                    }
                    Taken::Health(edge, health) => {
                        let clock = Work::Clock(edge, clock_of(now, &health));
                        let gaps = site.shared.note_edge_health(now, edge, health).into_iter().map(Work::Gap);
                        [clock].into_iter().chain(gaps).collect()
                    }
                    Taken::Centre(payload) => {
                        contradict(&site, &payload, &mut heard_self);
                        Vec::new()
                    }
                };
                for piece in pieces {
                    if !hand_over(&work, piece, &stop).await? {
                        return Ok(());
                    }
                }
            }
        }
    }
    Ok(())
}

/// Gives what an edge shows of its clock with a health that came now.
#[expect(clippy::cast_precision_loss, reason = "a time since 1970 is below 2^53 ms")]
fn clock_of(now: UnixMillis, health: &EdgeHealth) -> ClockShown {
    if health.clock == "unset" {
        return ClockShown::Unset;
    }
    ClockShown::Behind(now.millis_since(health.at) as f64 / clock::of_day_ms(1000) as f64)
}

/// Hands a piece of work to the writer; tells whether that was done before the stop.
async fn hand_over(work: &mpsc::Sender<Work>, piece: Work, stop: &CancellationToken) -> anyhow::Result<bool> {
    // What is not handed over at a stop was not acknowledged either, and comes again.
    match stop.run_until_cancelled(work.send(piece)).await {
        Some(sent) => sent.ok().context("the writer of the database is gone").map(|()| true),
        None => Ok(false),
    }
}

/// Tells an edge that has come what is committed of the journals that it names, so that it does not send that again.
fn answer(site: &Site, edge: EdgeId, state: &EdgeState) {
    if state.state == Presence::Online {
        let mut centre = site.desk().centre();
        for journal in state.journal.iter().chain(&state.journals).take(MAX_JOURNALS_ASKED) {
            centre.handle_touched(edge, *journal);
        }
        drop(centre);
        site.desk().changed.notify_one();
    }
}

/// Sees to it that what is retained of the centre's state is the truth.
///
/// Before our own word has come back to us, another one is what an earlier process left there.
fn contradict(site: &Site, payload: &[u8], heard_self: &mut bool) {
    let Ok(said) = serde_json::from_slice::<CentreState>(payload) else { return };
    let ours = said.boot.as_deref() == Some(&site.boot);
    match said.state {
        Presence::Offline => {
            site.desk().centre().handle_contradiction();
            site.desk().changed.notify_one();
        }
        Presence::Online if ours => *heard_self = true,
        Presence::Online if *heard_self => {
            tracing::warn!(site = %site.desk().site, boot = said.boot, "another worker says that it serves this site");
        }
        Presence::Online => (),
    }
}

/// Sees to it that no alarm is retained that is normal: a centre that was killed had no time to take it away.
fn take_away(site: &Site, source: TankName, alarm: &str, payload: &[u8]) {
    let Ok(kind) = alarm.parse() else { return };
    let key = AlarmKey { site: site.desk().site.clone(), source, kind };
    if !payload.is_empty() && site.shared.alarms().get(&key).is_none() {
        site.desk().centre().handle_alarm(key);
        site.desk().changed.notify_one();
    }
}

/// Logs dead letters when they begin to come, and their number every minute while they do.
#[derive(Debug, Default)]
struct LetterLog {
    since_told: u64,
    told_ms: Option<i64>,
}

impl LetterLog {
    const EVERY_MS: i64 = 60_000;

    fn note(&mut self, batch: &Batch) {
        let Some(refused) = batch.refused.first() else { return };
        self.since_told += batch.refused.len() as u64;
        let now = batch.received.get();
        if self.told_ms.is_none_or(|told| now - told >= Self::EVERY_MS) {
            let (topic, reason) = (&refused.letter.topic, &refused.letter.reason);
            tracing::warn!(topic, reason, count = self.since_told, "something that came is a dead letter");
            (self.told_ms, self.since_told) = (Some(now), 0);
        }
    }
}
