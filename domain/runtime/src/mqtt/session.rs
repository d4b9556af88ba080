//! What a session is made from, and what it tells.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{BrokerSettings, Driver, Publisher};

/// Everything that a session needs to know.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// Where the broker is and how to be known there.
    pub broker: BrokerSettings,
    /// The client id, unique on that broker.
    pub client_id: String,
    /// Topic filters, subscribed to at QoS 1 on each connection before it counts as one.
    pub subscriptions: Vec<String>,
    /// What the broker publishes when this client is gone without a word.
    pub will: Option<Outgoing>,
    /// The largest packet that is taken or given.
    pub max_packet_bytes: usize,
}

/// A message to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The topic, without wildcards.
    pub topic: String,
    /// The body.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it for those who subscribe later.
    pub retain: bool,
    /// What the broker has to acknowledge.
    pub qos: Qos,
}

/// What is acknowledged of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qos {
    /// Nothing (QoS 0).
    AtMostOnce,
    /// Its arrival at the broker (QoS 1).
    AtLeastOnce,
}

/// What happens in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// A new connection stands and all subscriptions are acknowledged. Nothing from before is under way any more.
    Connected,
    /// A message came.
    Message {
        /// Its topic.
        topic: String,
        /// Its body.
        payload: Bytes,
    },
    /// The connection that stood is gone; or the first attempt to make one failed.
    Disconnected {
        /// Why, in words.
        reason: String,
    },
}

/// Makes a session that is to be driven: what publishes, what happens, and what does the work.
///
/// At most `event_capacity` events wait to be taken; while they are full, nothing more is read from the broker, and a
/// broker that waits longer than the keep-alive allows ends the connection. So who takes events must not wait for
/// [`Publisher::publish`] in the same breath; that wait is bounded, but it stands still until its bound.
#[must_use]
pub fn session(options: SessionOptions, event_capacity: usize) -> (Publisher, mpsc::Receiver<SessionEvent>, Driver) {
    let (events, taken) = mpsc::channel(event_capacity.max(1));
    let publisher = Publisher::new();
    let driver = Driver::new(options, publisher.clone(), events);
    (publisher, taken, driver)
}
