//! What keeps a session alive: one fresh connection after another.

use std::time::{Duration, Instant};

use rumqttc::{AsyncClient, EventLoop, LastWill, MqttOptions, NetworkOptions, SubscribeFilter};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::publisher::Line;
use super::{Outgoing, Publisher, SessionEvent, SessionOptions};
use crate::backoff::Backoff;
use crate::clock;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A connection that stood this long was a good one; waits begin small again.
const PROVEN_AFTER: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT_S: u64 = 10;
/// For CONNECT and the subscriptions together.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(2 * CONNECT_TIMEOUT_S);
/// How long a stop waits for what was handed over to be sent and acknowledged.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Messages that wait in the client for their turn on the wire.
const REQUESTS: usize = 100;

/// Does the work of a session until it is stopped.
#[derive(Debug)]
pub struct Driver {
    options: SessionOptions,
    publisher: Publisher,
    events: mpsc::Sender<SessionEvent>,
}

/// A connection on its way or standing.
struct Attempt {
    polling: JoinSet<Result<(), String>>,
    stands: oneshot::Receiver<()>,
    line: Line,
    stood_since: Option<Instant>,
}

impl Driver {
    pub(super) const fn new(options: SessionOptions, publisher: Publisher, events: mpsc::Sender<SessionEvent>) -> Self {
        Self { options, publisher, events }
    }

    /// Connects, and connects again with growing waits (0.5 s to 30 s) whenever that fails or ends, until stopped.
    ///
    /// When stopped it sends what was handed over (at most 2 s long), then disconnects, so that the will stays unsaid.
    ///
    /// # Errors
    /// A subscription or will that MQTT does not allow. A lost or refused connection is not an error.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        self.check()?;
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        let mut trouble: Option<String> = None;
        loop {
            let mut attempt = self.begin(&stop);
            let reason = tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.finish(attempt).await;
                    return Ok(());
                }
                reason = attempt.until_end(&self.options, &mut trouble) => reason,
            };
            self.publisher.disconnected();
            // The time-out of the login leaves the task behind.
            attempt.polling.shutdown().await;
            let stood = attempt.stood_since.map(|since| clock::now().duration_since(since));
            if stood.is_some_and(|stood| stood >= PROVEN_AFTER) {
                backoff.reset();
            }
            let told = self.note_trouble(&mut trouble, stood.is_some(), reason);
            let pause = async {
                if let Some(event) = told {
                    // When the receiver was dropped, nobody wants to know.
                    let _ = self.events.send(event).await;
                }
                sleep(backoff.next()).await;
            };
            if stop.run_until_cancelled(pause).await.is_none() {
                return Ok(());
            }
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        for filter in &self.options.subscriptions {
            anyhow::ensure!(rumqttc::valid_filter(filter), "{filter:?} is not a topic filter");
        }
        if let Some(will) = &self.options.will {
            anyhow::ensure!(rumqttc::valid_topic(&will.topic), "{:?} is not a topic", will.topic);
        }
        Ok(())
    }

    /// Begins a connection in a task of its own.
    fn begin(&self, stop: &CancellationToken) -> Attempt {
        let (client, mut eventloop) = AsyncClient::new(mqtt_options(&self.options), REQUESTS);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(CONNECT_TIMEOUT_S);
        eventloop.set_network_options(network);
        if !self.options.subscriptions.is_empty() {
            let at_least_once = |filter: &String| SubscribeFilter::new(filter.clone(), rumqttc::QoS::AtLeastOnce);
            client
                .try_subscribe_many(self.options.subscriptions.iter().map(at_least_once))
                .expect("the queue of a new connection is empty and the filters were checked");
        }
        let line = Line { client, unsettled: super::publisher::Unsettled::default() };
        let (tell, stands) = oneshot::channel();
        let connection = self.connection(eventloop, line.clone(), tell, stop);
        let mut polling = JoinSet::new();
        polling.spawn(connection.poll_until_end());
        Attempt { polling, stands, line, stood_since: None }
    }

    fn connection(
        &self,
        eventloop: EventLoop,
        line: Line,
        stands: oneshot::Sender<()>,
        stop: &CancellationToken,
    ) -> Connection {
        Connection {
            eventloop,
            line,
            publisher: self.publisher.clone(),
            subscriptions: self.options.subscriptions.clone(),
            events: self.events.clone(),
            stands: Some(stands),
            unheard: stop.clone(),
            early: Vec::new(),
        }
    }

    /// Sends what was handed over, then disconnects.
    async fn finish(&self, mut attempt: Attempt) {
        let stood = self.publisher.is_connected();
        self.publisher.disconnected();
        if stood {
            if timeout(FLUSH_TIMEOUT, attempt.line.unsettled.all_settled()).await.is_err() {
                tracing::warn!(broker = %self.options.url, "disconnecting before everything was acknowledged");
            }
            let goodbye = async {
                if attempt.line.client.disconnect().await.is_ok() {
                    attempt.polling.join_next().await;
                }
            };
            // A connection that is stuck is cut below.
            let _ = timeout(DISCONNECT_TIMEOUT, goodbye).await;
        }
        attempt.polling.shutdown().await;
    }

    /// Logs the beginning of trouble, or a change of its kind; gives the event that tells of its beginning.
    fn note_trouble(&self, trouble: &mut Option<String>, stood: bool, reason: String) -> Option<SessionEvent> {
        if trouble.as_ref() != Some(&reason) {
            tracing::warn!(broker = %self.options.url, client_id = self.options.client_id, reason, "no connection to the broker");
        }
        let begins = stood || trouble.is_none();
        *trouble = Some(reason.clone());
        begins.then_some(SessionEvent::Disconnected { reason })
    }
}

impl Attempt {
    /// Waits until the connection ends, and tells why in words.
    async fn until_end(&mut self, options: &SessionOptions, trouble: &mut Option<String>) -> String {
        match timeout(LOGIN_TIMEOUT, &mut self.stands).await {
            Ok(Ok(())) => {
                self.stood_since = Some(clock::now());
                let after = trouble.take();
                tracing::info!(broker = %options.url, client_id = options.client_id, after, "connected to the broker");
            }
            // The task ended before; it knows why.
            Ok(Err(_)) => (),
            Err(_) => return format!("the broker did not acknowledge within {} s", LOGIN_TIMEOUT.as_secs()),
        }
        match self.polling.join_next().await {
            Some(Ok(Err(reason))) => reason,
            Some(Ok(Ok(()))) | None => "disconnected".to_owned(),
            Some(Err(error)) => format!("the client broke down: {error}"),
        }
    }
}

fn mqtt_options(options: &SessionOptions) -> MqttOptions {
    let mut mqtt = MqttOptions::new(&options.client_id, options.url.host(), options.url.port());
    let keep_alive = options.keep_alive.clamp(Duration::from_secs(1), Duration::from_secs(u16::MAX.into()));
    mqtt.set_clean_session(true)
        .set_keep_alive(keep_alive)
        .set_max_packet_size(options.max_packet_bytes, options.max_packet_bytes);
    if let Some((user, password)) = &options.credentials {
        mqtt.set_credentials(user, password.expose());
    }
    if let Some(Outgoing { topic, payload, retain, qos }) = options.will.clone() {
        mqtt.set_last_will(LastWill::new(topic, payload, qos.into(), retain));
    }
    mqtt
}
