//! rumqttd, on a loopback port of its own behind the gate.

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::task::Poll;

use rumqttd::protocol::v4::V4;
use rumqttd::{ConnectionSettings, LinkType, Router, RouterConfig, Server, ServerSettings};

use crate::BrokerConfig;

/// Attempts to find a free port, should others take it between our look and rumqttd's.
const ATTEMPTS: usize = 20;
const SEGMENTS: usize = 8;

/// rumqttd, listening.
pub(crate) struct Inner {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Serves until it fails; gives the reason.
    pub(crate) serving: Pin<Box<dyn Future<Output = String> + Send>>,
}

impl Inner {
    /// Begins to listen. The router has a thread of its own, which ends only with the process: rumqttd has no way to
    /// end it, and it sleeps when it has no clients.
    pub(crate) async fn start(config: &BrokerConfig) -> Result<Self, String> {
        let router = Router::new(0, router_config(config)).spawn();
        let mut refusal = String::new();
        for _ in 0..ATTEMPTS {
            let address = free_port().map_err(|error| error.to_string())?;
            let mut server = Server::new(server_settings(config, address), router.clone(), V4);
            let mut serving: Pin<Box<dyn Future<Output = String> + Send>> = Box::pin(async move {
                let ended = server.start(LinkType::Remote).await;
                ended.map_or_else(|error| error.to_string(), |()| "the inner broker ended".to_owned())
            });
            // The first step binds the port, or fails to; then it waits for clients.
            match poll_fn(|context| Poll::Ready(serving.as_mut().poll(context))).await {
                Poll::Pending => return Ok(Self { address, serving }),
                Poll::Ready(reason) => refusal = reason,
            }
        }
        Err(format!("no loopback port could be had: {refusal}"))
    }
}

fn free_port() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
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

fn server_settings(config: &BrokerConfig, listen: SocketAddr) -> ServerSettings {
    ServerSettings {
        name: "inner".to_owned(),
        listen,
        tls: None,
        next_connection_delay_ms: 0,
        connections: ConnectionSettings {
            connection_timeout_ms: 10_000,
            max_payload_size: config.max_packet_bytes,
            // Packets taken from a connection at a time; subscribers have 100 in flight in any case.
            max_inflight_count: 100,
            // The gate asks first; this keeps those out who find the inner port.
            auth: config.users.as_ref().map(crate::Users::in_clear),
            external_auth: None,
            // A log for each topic that somebody publishes, subscribed or not, would never be freed.
            dynamic_filters: false,
        },
    }
}
