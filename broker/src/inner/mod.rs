//! rumqttd's router, in this process, behind the gate.
//!
//! No socket lies between them: the gate hands packets over as rumqttd's own connections do. What clients could do that the
//! router does not survive ends in `book.rs`; what it would keep for ever is bounded in `store.rs`. Retained messages are none of
//! its business: `delivery.rs` brings them.

mod book;
mod delivery;
mod intake;
mod link;
mod outlet;
mod retained;
mod room;
mod store;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rumqttd::local::{LinkBuilder, LinkRx, LinkTx};
use rumqttd::{Router, RouterConfig};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::BrokerConfig;
pub(crate) use intake::Intake;
pub(crate) use link::Ended;
pub(crate) use outlet::Outlet;
use room::Hall;
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
/// The share of the queue that one client's messages of quality 2 may take before they are released: one in so many.
const BEGUN_SHARE: usize = 16;
/// What the gate sends to see whether the router lives.
const PING: [u8; 2] = [0xC0, 0];

/// Makes the line of a client of this name; nothing when the router does not answer.
type Join = dyn Fn(&str) -> Option<(LinkTx, LinkRx)> + Send + Sync;

/// The way to the router.
#[derive(Clone)]
pub(crate) struct Access {
    join: Arc<Join>,
    store: Arc<Store>,
    hall: Arc<Hall>,
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
        let max_begun_bytes = (bounds.payload_bytes / BEGUN_SHARE).max(max_packet_bytes);
        let hall = Hall::new(bounds.payload_bytes.max(max_begun_bytes), max_begun_bytes);
        Self { join: Arc::new(join), store: Arc::new(Store::new(bounds)), hall, max_packet_bytes }
    }

    /// Introduces a client to the router; `None` when it does not answer. The client goes by this name, which nobody else has,
    /// and leaves no session behind.
    pub(crate) async fn introduce(&self, name: String) -> Option<(Intake, Outlet)> {
        let (tell, told) = oneshot::channel();
        let Self { join, store, hall, max_packet_bytes } = self.clone();
        // When nobody waits any more, the line is dropped, and takes leave so.
        spawn_blocking(move || {
            let line = join(&name).map(|link| link::line(link, &store, hall.room(), max_packet_bytes));
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

    /// Gives how many messages were to be retained and found no room.
    pub(crate) fn left_out(&self) -> u64 {
        self.store.retained().left_out()
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

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;

    const PONG: [u8; 2] = [0xD0, 0];

    fn publish(first: u8, topic: &str, payload: &[u8]) -> Vec<u8> {
        let mut rest = vec![0, u8::try_from(topic.len()).unwrap()];
        rest.extend_from_slice(topic.as_bytes());
        rest.extend_from_slice(payload);
        let mut packet = vec![first];
        let mut left = rest.len();
        while left > 127 {
            packet.push(u8::try_from(left % 128).unwrap() | 128);
            left /= 128;
        }
        packet.push(u8::try_from(left).unwrap());
        packet.extend(rest);
        packet
    }

    async fn ask(line: &mut (Intake, Outlet), packet: &[u8], answer: &[u8]) {
        line.0.put(packet);
        line.0.hand_over().await.unwrap();
        let mut got = BytesMut::new();
        while !got.ends_with(answer) {
            line.1.receive(&mut got).await.unwrap();
        }
    }

    #[tokio::test]
    async fn retained_message_that_is_replaced_on_its_way_cuts_nobody_off() {
        let config = BrokerConfig { queue_mib: 1, max_packet_bytes: 2 << 20, ..BrokerConfig::default() };
        let access = Access::start(&config);
        let mut talker = access.introduce("talker".into()).await.unwrap();
        let mut listener = access.introduce("listener".into()).await.unwrap();
        let large = publish(0x30, "u", &vec![b'x'; 1 << 20]);
        for packet in [publish(0x31, "t", b"old"), large.clone(), large] {
            talker.0.put(&packet);
        }
        ask(&mut talker, &PING, &PONG).await;
        // What waits for the listener is fetched after the other message has taken its place.
        listener.0.put(&[0x82, 6, 0, 1, 0, 1, b't', 0]);
        listener.0.hand_over().await.unwrap();
        for _ in 0..50 {
            ask(&mut talker, &PING, &PONG).await;
        }
        talker.0.put(&publish(0x31, "t", b"new"));
        ask(&mut talker, &PING, &PONG).await;
        let mut got = BytesMut::new();
        while !got.windows(3).any(|bytes| bytes == b"new") {
            listener.1.receive(&mut got).await.unwrap();
        }
        assert!(!got.windows(3).any(|bytes| bytes == b"old"));
    }
}
