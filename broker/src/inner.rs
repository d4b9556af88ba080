//! rumqttd, on a loopback port of its own behind the gate.

use std::collections::HashMap;
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use rumqttd::protocol::v4::V4;
use rumqttd::{ConnectionSettings, LinkType, Router, RouterConfig, Server, ServerSettings};

use tankline_runtime::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::BrokerConfig;
use crate::gate::packet::{Connect, Login};

/// Attempts to find a free port, should others take it between our look and rumqttd's.
const ATTEMPTS: usize = 20;
const SEGMENTS: usize = 8;
/// How long the inner broker may take to answer, and to take leave.
pub(crate) const INNER_TIMEOUT: Duration = Duration::from_secs(5);
/// What the gate calls itself.
const GATE: &str = "gate";

/// rumqttd, listening.
pub(crate) struct Inner {
    /// How the gate reaches it.
    pub(crate) access: Access,
    /// Serves until it fails; gives the reason.
    pub(crate) serving: Pin<Box<dyn Future<Output = String> + Send>>,
}

/// The way to the inner broker. Who finds its port on this machine still lacks the password.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    address: SocketAddr,
    password: Secret,
}

impl Access {
    /// Hands a CONNECT to the inner broker and waits for its first bytes; `None` when there are none.
    ///
    /// The client goes by a number, and leaves no session behind. It is the gate that minds the keep-alive. Whatever the
    /// client does meanwhile, the inner broker gets to send its CONNACK: it breaks when it cannot.
    pub(crate) async fn introduce(&self, connect: &Connect, slot: u32) -> Option<(TcpStream, Vec<u8>)> {
        let login = Login { user: GATE.to_owned(), password: self.password.expose().as_bytes().to_vec() };
        let connect = Connect {
            client_id: slot.to_string(),
            is_clean: true,
            keep_alive_s: u16::MAX,
            will: connect.will.clone(),
            login: Some(login),
        };
        let introduced = timeout(INNER_TIMEOUT, async {
            let mut inner = TcpStream::connect(self.address).await?;
            inner.set_nodelay(true)?;
            inner.write_all(&connect.packet()).await?;
            let mut answer = Vec::with_capacity(64);
            inner.read_buf(&mut answer).await?;
            Ok::<_, std::io::Error>((inner, answer))
        });
        introduced.await.ok()?.ok().filter(|(_, answer)| !answer.is_empty())
    }
}

impl Inner {
    /// Begins to listen. The router has a thread of its own, which ends only with the process: rumqttd has no way to
    /// end it, and it sleeps when it has no clients.
    pub(crate) async fn start(config: &BrokerConfig) -> Result<Self, String> {
        let router = Router::new(0, router_config(config)).spawn();
        let password = Secret::new(random_password()?);
        let mut refusal = String::new();
        for _ in 0..ATTEMPTS {
            let address = free_port().map_err(|error| error.to_string())?;
            let mut server = Server::new(server_settings(config, address, &password), router.clone(), V4);
            let mut serving: Pin<Box<dyn Future<Output = String> + Send>> = Box::pin(async move {
                let ended = server.start(LinkType::Remote).await;
                ended.map_or_else(|error| error.to_string(), |()| "the inner broker ended".to_owned())
            });
            // The first step binds the port, or fails to; then it waits for clients.
            match poll_fn(|context| Poll::Ready(serving.as_mut().poll(context))).await {
                Poll::Pending => return Ok(Self { access: Access { address, password }, serving }),
                Poll::Ready(reason) => refusal = reason,
            }
        }
        Err(format!("no loopback port could be had: {refusal}"))
    }
}

fn free_port() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn random_password() -> Result<String, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers are to be had: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn router_config(config: &BrokerConfig) -> RouterConfig {
    RouterConfig {
        // At its own limit rumqttd drops clients in a way that breaks it. So the gate limits, and here is room for
        // connections that the gate has let go and rumqttd has not yet.
        max_connections: 2 * config.max_connections + 100,
        max_outgoing_packet_count: 200,
        // The oldest segment goes when all are full: many small ones lose little at a time, few cost little.
        max_segment_size: config.queue_mib * 1024 * 1024 / SEGMENTS,
        max_segment_count: SEGMENTS,
        ..RouterConfig::default()
    }
}

fn server_settings(config: &BrokerConfig, listen: SocketAddr, password: &Secret) -> ServerSettings {
    ServerSettings {
        name: "inner".to_owned(),
        listen,
        tls: None,
        next_connection_delay_ms: 0,
        connections: ConnectionSettings {
            connection_timeout_ms: 10_000,
            // Also a CONNECT, in which the gate's login may be longer than the client's was.
            max_payload_size: config.max_packet_bytes + 1024,
            // Packets taken from a connection at a time; subscribers have 100 in flight in any case.
            max_inflight_count: 100,
            auth: Some(HashMap::from([(GATE.to_owned(), password.expose().to_owned())])),
            external_auth: None,
            // A log for each topic that somebody publishes, subscribed or not, would never be freed.
            dynamic_filters: false,
        },
    }
}
