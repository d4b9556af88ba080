//! Moves what the uplink decides: between the journal's writer and the MQTT session.

use std::collections::BTreeMap;
use std::time::Duration;

use tankline_domain::message::{CentreState, Committed, EdgeHealth, EdgeState, JournalId, Presence};
use tankline_domain::names::{EdgeName, SiteName};
use tankline_domain::ranges::RangeSet;
use tankline_domain::topic::Topic;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tankline_runtime::mqtt::{Outgoing, Publisher, Qos, SessionEvent};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;

use super::core::{Output, Uplink, UplinkConfig};
use crate::journal::writer::{Oldest, Report, Request};
use crate::journal::{Earlier, Entry};
use crate::line::board::HealthBoard;
use crate::stamp::{Restamp, Stamped};

const HEALTH_INTERVAL: Duration = Duration::from_secs(30);

/// How long an orderly stop waits for the centre to commit the last readings.
const DRAIN: Duration = Duration::from_millis(1500);

/// How long a connection that is full may keep the uplink from all else.
const PUBLISH_WAIT: Duration = Duration::from_millis(500);

/// How often it is looked whether a clock that was not set is set now.
const CLOCK_LOOK: Duration = Duration::from_secs(1);

/// Who this edge is, and what it says of itself.
#[derive(Debug, Clone)]
pub struct Station {
    /// Its site.
    pub site: SiteName,
    /// Its name.
    pub edge: EdgeName,
    /// Digest of its configuration; told again when it changes.
    pub config: watch::Receiver<String>,
    /// When it was started.
    pub started_at: UnixMillis,
    /// When the first certificate of its session with the broker ends.
    pub certificate_ends: Option<UnixMillis>,
    /// Counters of its gauges.
    pub board: HealthBoard,
}

/// The channels of the uplink.
#[derive(Debug)]
pub struct Channels {
    /// What happens in the MQTT session.
    pub session: mpsc::Receiver<SessionEvent>,
    /// What is published.
    pub publisher: Publisher,
    /// What was just journalled.
    pub appended: mpsc::Receiver<Entry>,
    /// Requests to the journal's writer.
    pub journal: mpsc::Sender<Request>,
}

struct Shell {
    uplink: Uplink,
    station: Station,
    publisher: Publisher,
    journal: mpsc::Sender<Request>,
    /// What was journalled before the machine's start. If it was stamped by a clock that was not set, its time is not known.
    earlier: Earlier,
    /// Readings that were sent without their time being known.
    time_unknown: BTreeMap<JournalId, RangeSet>,
    clock_is_set: bool,
    /// The journal that was last said to be the one of new readings.
    told_journal: Option<JournalId>,
    /// Whether other journals are here than the state says that was last published.
    has_other_journals: bool,
}

/// What the journal answered to a fetch.
struct Fetched {
    journal: JournalId,
    first: u64,
    last: u64,
    limit: usize,
    entries: Result<Vec<Entry>, oneshot::error::RecvError>,
}

/// Runs the uplink until told to stop; then waits shortly for what is outstanding and says goodbye.
///
/// # Errors
/// When the journal's writer is gone.
pub async fn run(
    config: UplinkConfig,
    station: Station,
    report: &Report,
    channels: Channels,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let Channels { mut session, publisher, mut appended, journal } = channels;
    let uplink = Uplink::new(config, &report.contents);
    let mut shell = Shell {
        uplink,
        station,
        publisher,
        journal,
        earlier: report.earlier.clone(),
        time_unknown: BTreeMap::new(),
        clock_is_set: true,
        told_journal: None,
        has_other_journals: false,
    };
    let (fetched_in, mut fetched) = mpsc::channel::<Fetched>(1);
    let mut digest = shell.station.config.clone();
    let mut health_due = clock::now() + HEALTH_INTERVAL;
    let mut drain_until = None;
    let pulse = shell.station.board.pulses().of("uplink");
    loop {
        shell.look_at_clock();
        shell.act(&fetched_in).await?;
        if drain_until.is_some() && (shell.uplink.is_drained() || !shell.publisher.is_connected()) {
            break;
        }
        let due = shell.uplink.poll_timeout().into_iter().chain([health_due]).chain(drain_until).min();
        let look = if shell.clock_is_set { HEALTH_INTERVAL } else { CLOCK_LOOK };
        let due = due.unwrap_or(health_due).min(clock::now() + look);
        pulse.expect(due);
        tokio::select! {
            biased;
            () = stop.cancelled(), if drain_until.is_none() => {
                // What the lines gave last is in the journal when it has answered this, and waits here.
                shell.report().await?;
                while let Ok(entry) = appended.try_recv() {
                    shell.uplink.handle_appended(entry);
                }
                drain_until = Some(clock::now() + DRAIN);
            }
            Some(entry) = appended.recv() => {
                shell.uplink.handle_appended(entry);
                while let Ok(entry) = appended.try_recv() {
                    shell.uplink.handle_appended(entry);
                }
            }
            Some(event) = session.recv() => shell.handle_event(event).await?,
            Some(Fetched { journal, first, last, limit, entries }) = fetched.recv() => match entries {
                Ok(entries) => shell.uplink.handle_fetched(journal, first..=last, limit, entries),
                Err(_) => shell.uplink.handle_fetch_failed(clock::now()),
            },
            Ok(()) = digest.changed() => shell.publish_state().await?,
            () = tokio::time::sleep_until(due.into()) => {}
        }
        let now = clock::now();
        shell.uplink.handle_timeout(now);
        if shell.has_other_journals {
            shell.publish_state().await?;
        }
        if health_due <= now {
            shell.publish_health().await?;
            health_due = now + HEALTH_INTERVAL;
        }
        if drain_until.is_some_and(|until| until <= now) {
            break;
        }
    }
    let goodbye = shell.outgoing(Topic::State, &EdgeState::offline(), true);
    let deadline = clock::now() + Duration::from_millis(500);
    // Without a connection the last will says it.
    let _ = timeout_at(deadline.into(), shell.publisher.publish(goodbye)).await;
    Ok(())
}

impl Shell {
    /// Holds everything back while the clock is not set, because nobody could tell when it was.
    fn look_at_clock(&mut self) {
        let is_set = self.station.board.clock().read().is_set;
        match (self.clock_is_set, is_set) {
            (true, false) => {
                tracing::warn!("the clock is not set: readings wait in the journal; is there a time server?")
            }
            (false, true) => tracing::info!("the clock is set: readings go out with their true time"),
            _ => {}
        }
        self.clock_is_set = is_set;
        self.uplink.set_held(!is_set);
    }

    /// Puts the time into readings that were stamped while the clock was not set.
    fn correct(&mut self, journal: JournalId, entries: &mut [Entry]) {
        let restamp = Restamp { clocks: self.station.board.clock().read(), earlier: &self.earlier };
        for entry in entries {
            match restamp.stamped(journal, entry.seq, &entry.json) {
                Stamped::AsItIs => {}
                Stamped::Corrected(json) => entry.json = json,
                Stamped::TimeUnknown(json) => {
                    if self.time_unknown.is_empty() {
                        tracing::warn!(
                            %journal, seq = entry.seq,
                            "readings of before the machine's start were stamped while its clock was not set; they go out as time-unknown"
                        );
                    }
                    self.time_unknown.entry(journal).or_default().insert(entry.seq, entry.seq);
                    entry.json = json;
                }
            }
        }
    }

    /// Does all that the uplink wants done.
    async fn act(&mut self, fetched: &mpsc::Sender<Fetched>) -> anyhow::Result<()> {
        while let Some(output) = self.uplink.poll_output(clock::now()) {
            match output {
                Output::Publish { journal, mut entries } => {
                    self.correct(journal, &mut entries);
                    let topic = Topic::Readings(self.station.site.clone(), self.station.edge.clone());
                    let message = Outgoing {
                        topic: topic.to_string(),
                        payload: readings_payload(journal, &entries),
                        retain: false,
                        qos: Qos::AtLeastOnce,
                    };
                    // A message that a standing connection did not take in time is missed by the centre like any other
                    // lost one, and sent again when its acknowledgement is late.
                    match timeout_at((clock::now() + PUBLISH_WAIT).into(), self.publisher.publish(message)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) if !self.publisher.is_connected() => self.uplink.handle_disconnected(),
                        // The connection takes nothing now; other things may have to be looked at.
                        Ok(Err(_)) | Err(_) => return Ok(()),
                    }
                }
                Output::Fetch { journal, first, last, limit } => {
                    let (reply, answer) = oneshot::channel();
                    self.ask(Request::Fetch { journal, first, last, limit, reply }).await?;
                    let entries = answer.await;
                    fetched.send(Fetched { journal, first, last, limit, entries }).await?;
                }
            }
        }
        Ok(())
    }

    async fn handle_event(&mut self, event: SessionEvent) -> anyhow::Result<()> {
        match event {
            SessionEvent::Connected => {
                self.uplink.handle_connected(clock::now());
                self.publish_state().await?;
                self.publish_health().await?;
            }
            SessionEvent::Disconnected { .. } => self.uplink.handle_disconnected(),
            SessionEvent::Message { topic, payload } => match topic.parse() {
                Ok(Topic::Committed(..)) => match serde_json::from_slice::<Committed>(&payload) {
                    Ok(committed) => {
                        let ranges = self.uplink.handle_committed(clock::now(), &committed);
                        let journal = committed.journal;
                        if !ranges.is_empty() {
                            let readings = ranges.count();
                            tracing::warn!(
                                %journal, readings,
                                "the centre lacks readings that it had; those that are still here go out again"
                            );
                            self.ask(Request::Forget(Committed { journal, ranges })).await?;
                        }
                        self.ask(Request::Commit(committed)).await?;
                    }
                    Err(error) => tracing::warn!(topic, %error, "what the centre says cannot be read"),
                },
                Ok(Topic::CentreState(_)) => match serde_json::from_slice::<CentreState>(&payload) {
                    Ok(centre) => {
                        tracing::info!(state = ?centre.state, "the centre tells its state");
                        self.uplink.handle_centre(centre.state, centre.boot);
                    }
                    Err(error) => tracing::warn!(topic, %error, "what the centre says cannot be read"),
                },
                _ => tracing::debug!(topic, "a message that nobody asked for"),
            },
        }
        Ok(())
    }

    async fn ask(&self, request: Request) -> anyhow::Result<()> {
        self.journal.send(request).await.map_err(|_| anyhow::anyhow!("the journal's writer is gone"))
    }

    /// Asks how the journal stands, and takes the journals that came to light since: their folder could not be used before.
    async fn report(&mut self) -> anyhow::Result<Report> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Report(reply)).await?;
        let report = answer.await?;
        self.earlier.extend(&report.earlier);
        let is_new = self.uplink.handle_contents(clock::now(), &report.contents);
        self.has_other_journals |= is_new || self.told_journal.is_some_and(|told| told != report.journal);
        Ok(report)
    }

    async fn publish_state(&mut self) -> anyhow::Result<()> {
        let report = self.report().await?;
        self.told_journal = Some(report.journal);
        self.has_other_journals = false;
        let state = EdgeState {
            state: Presence::Online,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            journal: Some(report.journal),
            journals: report.contents.journals().collect(),
            config: Some(self.station.config.borrow().clone()),
            started_at: Some(self.station.started_at),
        };
        let message = self.outgoing(Topic::State, &state, true);
        // Without a connection it is said with the next one.
        let _ = self.publisher.publish(message).await;
        Ok(())
    }

    async fn publish_health(&mut self) -> anyhow::Result<()> {
        if !self.publisher.is_connected() {
            return Ok(());
        }
        let report = self.report().await?;
        let restamp = Restamp { clocks: self.station.board.clock().read(), earlier: &self.earlier };
        let age_ms = |oldest: Oldest| restamp.age_ms(oldest.journal, oldest.seq, oldest.at.get());
        #[expect(clippy::cast_precision_loss, reason = "an age is far below 2^52 ms")]
        let age_s = |oldest: Oldest| age_ms(oldest).map(|age_ms| age_ms as f64 / 1e3);
        let time_unknown: u64 = self.time_unknown.values().map(RangeSet::count).sum();
        let health = EdgeHealth {
            at: restamp.clocks.unix,
            gauges: self.station.board.snapshot(),
            journal_depth: report.depth,
            disk: report.trouble.map(|trouble| trouble.as_str().to_owned()),
            held: (report.held > 0).then_some(report.held),
            journal_oldest_s: report.oldest.and_then(age_s),
            gap_readings: report.gaps.iter().map(|gap| gap.ranges.count()).sum(),
            gaps: report.gaps,
            time_unknown: (time_unknown > 0).then_some(time_unknown),
            certificate_ends: self.station.certificate_ends,
            clock: if self.clock_is_set { "set" } else { "unset" }.to_owned(),
        };
        let message = self.outgoing(Topic::Health, &health, false);
        // The next one comes in half a minute.
        let _ = self.publisher.publish(message).await;
        Ok(())
    }

    fn outgoing(&self, topic: fn(SiteName, EdgeName) -> Topic, body: &impl serde::Serialize, retain: bool) -> Outgoing {
        let topic = topic(self.station.site.clone(), self.station.edge.clone()).to_string();
        let payload = serde_json::to_vec(body).expect("messages are plain data");
        Outgoing { topic, payload, retain, qos: Qos::AtLeastOnce }
    }
}

/// Puts readings into one message; they stand in the journal as they go on the wire.
fn readings_payload(journal: JournalId, entries: &[Entry]) -> Vec<u8> {
    let mut payload = format!(r#"{{"journal":"{journal}","readings":["#).into_bytes();
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            payload.push(b',');
        }
        payload.extend(&entry.json);
    }
    payload.extend(b"]}");
    payload
}

#[cfg(test)]
mod tests {
    use tankline_domain::message::Readings;

    use super::*;

    #[test]
    fn journalled_readings_become_a_message_of_the_contract() {
        let entry = |seq: u64| Entry {
            journal: JournalId::new(7),
            seq,
            json: format!(r#"{{"seq":{seq},"tank":"T-01","at":5,"level_mm":9641,"quality":"good"}}"#).into_bytes(),
        };
        let payload = readings_payload(JournalId::new(7), &[entry(1), entry(2)]);
        let message: Readings = serde_json::from_slice(&payload).unwrap();
        assert_eq!(message.journal, JournalId::new(7));
        assert_eq!(message.readings.iter().map(|reading| reading.seq).collect::<Vec<_>>(), [1, 2]);
    }
}
