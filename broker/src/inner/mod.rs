//! rumqttd's router, in this process, behind the gate.
//!
//! No socket lies between them: the gate hands packets over as rumqttd's own connections do. What clients could do that the
//! router does not survive ends in `book.rs`; what it would keep for ever is bounded in `store.rs`.

mod book;
mod link;
mod store;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rumqttd::local::{LinkBuilder, LinkRx, LinkTx};
use rumqttd::{Router, RouterConfig};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::BrokerConfig;
pub(crate) use link::{Ended, Intake, Outlet};
use store::{Bounds, Store};

/// How long the inner broker may take to answer, and to take leave.
pub(crate) const INNER_TIMEOUT: Duration = Duration::from_secs(5);

/// Of the log that the router keeps for each filter, for each MiB that the store may hold. It holds topics, and tokens in the
/// place of payloads: of 64 MiB, some ten thousand messages. They take six times as much memory as rumqttd counts.
const SEGMENT_BYTES_A_MIB: usize = 1024;
const SEGMENTS: usize = 8;
/// As many as the store counts messages for, so that it lets a message go before any log does: one segment is being filled, one
/// is for messages that came in another order into the log than into the store.
const STORE_SEGMENTS: usize = SEGMENTS - 2;
/// What the gate sends to see whether the router lives.
const PING: [u8; 2] = [0xC0, 0];

/// Makes the line of a client of this name; nothing when the router does not answer.
type Join = dyn Fn(&str) -> Option<(LinkTx, LinkRx)> + Send + Sync;

/// The way to the router.
#[derive(Clone)]
pub(crate) struct Access {
    join: Arc<Join>,
    store: Arc<Store>,
    max_packet_bytes: usize,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Access {
    /// Starts the router. It has a thread of its own, which ends only with the process: rumqttd has no way to end it, and it
    /// sleeps when it has no clients.
    pub(crate) fn start(config: &BrokerConfig) -> Self {
        let router = Router::new(0, router_config(config)).spawn();
        let join = move |name: &str| {
            let (intake, outlet, _) = LinkBuilder::new(name, router.clone()).build().ok()?;
            Some((intake, outlet))
        };
        let bounds = Bounds {
            payload_bytes: config.queue_mib * 1024 * 1024,
            log_bytes: STORE_SEGMENTS * SEGMENT_BYTES_A_MIB * config.queue_mib,
        };
        // A SUBSCRIBE that the gate makes anew may be a little longer than the client's.
        let max_packet_bytes = config.max_packet_bytes + 1024;
        Self { join: Arc::new(join), store: Arc::new(Store::new(bounds)), max_packet_bytes }
    }

    /// Introduces a client to the router; `None` when it does not answer. The client goes by this name, which nobody else has,
    /// and leaves no session behind.
    pub(crate) async fn introduce(&self, name: String) -> Option<(Intake, Outlet)> {
        let (tell, told) = oneshot::channel();
        let Self { join, store, max_packet_bytes } = self.clone();
        // When nobody waits any more, the line is dropped, and takes leave so.
        spawn_blocking(move || {
            let line = join(&name).map(|link| link::line(link, &store, max_packet_bytes));
            drop(tell.send(line));
        });
        timeout(INNER_TIMEOUT, told).await.ok()?.ok()?
    }

    /// Tells whether the router answers a ping within a time.
    pub(crate) async fn answers(&self, name: String, within: Duration) -> bool {
        let asked = async {
            let (mut intake, mut outlet) = self.introduce(name).await?;
            intake.put(&PING);
            intake.hand_over().await.ok()?;
            outlet.receive(&mut bytes::BytesMut::new()).await.ok()
        };
        timeout(within, asked).await.is_ok_and(|answer| answer.is_some())
    }

    /// Gives the bytes of all payloads that are kept.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.store.bytes()
    }
}

fn router_config(config: &BrokerConfig) -> RouterConfig {
    RouterConfig {
        // At its own limit rumqttd drops clients in a way that breaks it. So the gate limits, and here is room for
        // connections that the gate has let go and rumqttd has not yet.
        max_connections: 2 * config.max_connections + 100,
        max_outgoing_packet_count: 200,
        max_segment_size: SEGMENT_BYTES_A_MIB * config.queue_mib,
        max_segment_count: SEGMENTS,
        ..RouterConfig::default()
    }
}
