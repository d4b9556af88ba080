//! What keeps a session alive: one fresh connection after another.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::{
    AsyncClient, EventLoop, LastWill, MqttOptions, NetworkOptions, SubscribeFilter, TlsConfiguration, Transport,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::publisher::Line;
use super::{BrokerSettings, Outgoing, Protection, Publisher, SessionEvent, SessionOptions};
use crate::backoff::Backoff;
use crate::clock;
use crate::cost::Cost;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A connection that stood this long was a good one; waits begin small again.
const PROVEN_AFTER: Duration = Duration::from_secs(10);
/// From the first look for the broker to its CONNACK.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a stop waits for what was handed over to be sent and acknowledged.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Messages that wait in the client for their turn on the wire.
const REQUESTS: usize = 100;

/// From one warning of a certificate that ends soon to the next.
const WARNING: Duration = Duration::from_secs(24 * 3600);

/// Does the work of a session until it is stopped.
#[derive(Debug)]
pub struct Driver {
    options: SessionOptions,
    publisher: Publisher,
    events: mpsc::Sender<SessionEvent>,
    cost: Option<Arc<Cost>>,
}

/// A connection on its way or standing.
struct Attempt {
    polling: JoinSet<Result<(), String>>,
    stands: oneshot::Receiver<()>,
    line: Line,
    stood: Stood,
}

/// How long a connection stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stood {
    Never,
    /// Less than [`PROVEN_AFTER`]: the broker may be one that lets in and hangs up.
    Briefly,
    Long,
}

impl Driver {
    pub(super) fn new(options: SessionOptions, publisher: Publisher, events: mpsc::Sender<SessionEvent>) -> Self {
        Self { options, publisher, events, cost: None }
    }

    /// Has what its connections cost put down there.
    #[must_use]
    pub fn charged_to(self, cost: Arc<Cost>) -> Self {
        Self { cost: Some(cost), ..self }
    }

    /// Connects, and connects again with growing waits (0.5 s to 30 s) whenever that fails or ends, until stopped.
    ///
    /// When stopped it sends what was handed over (at most 2 s long), then disconnects, so that the will stays unsaid.
    ///
    /// # Errors
    /// A subscription or will that MQTT does not allow, or an address that does not fit the settings of its encryption.
    /// A lost or refused connection is not an error.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        self.check()?;
        let broker = self.options.broker.clone();
        tokio::select! {
            ended = self.keep(stop) => ended,
            () = warn_of_ends(&broker) => unreachable!("it never ends"),
        }
    }

    async fn keep(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        let mut trouble = Trouble::default();
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
            if attempt.stood == Stood::Long {
                backoff.reset();
            }
            let begins = trouble.note(&self.options, &reason);
            let pause = async {
                if begins || attempt.stood != Stood::Never {
                    let event = SessionEvent::Disconnected { reason };
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
        let broker = &self.options.broker;
        // Never in the clear what was meant to be encrypted.
        let wanted = broker.url.protection() == Protection::Tls;
        anyhow::ensure!(wanted == broker.tls.is_some(), "{} does not fit the settings of its encryption", broker.url);
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
        network.set_connection_timeout(answer_timeout(&self.options).as_secs());
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
        match self.cost.clone() {
            Some(cost) => polling.spawn(async move { cost.measure(connection.poll_until_end()).await }),
            None => polling.spawn(connection.poll_until_end()),
        };
        Attempt { polling, stands, line, stood: Stood::Never }
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
            longest_silence: longest_silence(&self.options),
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
                tracing::warn!(broker = %self.options.broker.url, "disconnecting before everything was acknowledged");
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
}

/// Most kinds of one trouble that are told apart.
const KINDS: usize = 16;

/// What was said about the connection since one last stood long.
#[derive(Debug, Default)]
struct Trouble {
    kinds: Vec<String>,
    /// Whether it was said that a connection stands.
    said_connected: bool,
    /// Whether that was true for a short time only.
    flaps: bool,
}

impl Trouble {
    /// Logs the beginning of trouble, and each kind of it once; tells whether it begins.
    fn note(&mut self, options: &SessionOptions, reason: &str) -> bool {
        let begins = self.kinds.is_empty();
        self.flaps = self.said_connected;
        if !self.kinds.iter().any(|kind| kind == reason) && self.kinds.len() < KINDS {
            let (broker, client_id) = (&options.broker.url, &options.client_id);
            tracing::warn!(%broker, client_id, reason, "no connection to the broker");
            self.kinds.push(reason.to_owned());
        }
        begins
    }

    /// Logs that a connection stands; not again while they come and go.
    fn stands(&mut self, options: &SessionOptions) {
        if !self.said_connected {
            self.say_connected(options);
        }
        self.said_connected = true;
    }

    /// Logs that a connection stays, when they came and went. The trouble is over.
    fn ends(&mut self, options: &SessionOptions) {
        if self.flaps {
            self.say_connected(options);
        }
        *self = Self::default();
    }

    fn say_connected(&self, options: &SessionOptions) {
        let (broker, client_id) = (&options.broker.url, &options.client_id);
        tracing::info!(%broker, client_id, after = self.kinds.last(), "connected to the broker");
    }
}

impl Attempt {
    /// Waits until the connection ends, and tells why in words.
    async fn until_end(&mut self, options: &SessionOptions, trouble: &mut Trouble) -> String {
        // For CONNECT and the subscriptions together.
        let login_timeout = 2 * answer_timeout(options);
        match timeout(login_timeout, &mut self.stands).await {
            Ok(Ok(())) => {
                self.stood = Stood::Briefly;
                trouble.stands(options);
            }
            // The task ended before; it knows why.
            Ok(Err(_)) => (),
            Err(_) => {
                return format!(
                    "the broker did not acknowledge the subscriptions within {} s",
                    login_timeout.as_secs()
                );
            }
        }
        let ended = timeout(PROVEN_AFTER, self.polling.join_next()).await;
        if ended.is_err() && self.stood == Stood::Briefly {
            self.stood = Stood::Long;
            trouble.ends(options);
        }
        let ended = match ended {
            Ok(ended) => ended,
            Err(_) => self.polling.join_next().await,
        };
        match ended {
            Some(Ok(Err(reason))) => reason,
            Some(Ok(Ok(()))) | None => "disconnected".to_owned(),
            Some(Err(error)) => format!("the client broke down: {error}"),
        }
    }
}

fn keep_alive(options: &SessionOptions) -> Duration {
    options.broker.keep_alive.clamp(Duration::from_secs(1), Duration::from_secs(u16::MAX.into()))
}

fn answer_timeout(options: &SessionOptions) -> Duration {
    ANSWER_TIMEOUT.min(longest_silence(options))
}

/// How long nothing at all may come or go. The client pings once a keep-alive, and gives up when the next ping is due and
/// the last has no answer; what is written has as long to go out, so that a slow link can take a large message.
fn longest_silence(options: &SessionOptions) -> Duration {
    2 * keep_alive(options)
}

/// Tells of certificates that end soon, at once and then once a day.
async fn warn_of_ends(broker: &BrokerSettings) {
    loop {
        for warning in broker.warnings(clock::unix_ms()) {
            tracing::warn!(%warning, "a certificate for the broker ends soon, or has ended: put a new one in its place");
        }
        sleep(WARNING).await;
    }
}

fn mqtt_options(options: &SessionOptions) -> MqttOptions {
    let broker = &options.broker;
    let mut mqtt = MqttOptions::new(&options.client_id, broker.url.host(), broker.url.port());
    if let Some(tls) = &broker.tls {
        // A certificate names an IPv6 address without brackets.
        mqtt = MqttOptions::new(&options.client_id, broker.url.bare_host(), broker.url.port());
        mqtt.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.config())));
    }
    mqtt.set_clean_session(true)
        .set_keep_alive(keep_alive(options))
        .set_max_packet_size(options.max_packet_bytes, options.max_packet_bytes);
    if let Some((user, password)) = &broker.credentials {
        mqtt.set_credentials(user, password.expose());
    }
    if let Some(Outgoing { topic, payload, retain, qos }) = options.will.clone() {
        mqtt.set_last_will(LastWill::new(topic, payload, qos.into(), retain));
    }
    mqtt
}
