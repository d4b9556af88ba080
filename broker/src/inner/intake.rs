//! The way from a client to rumqttd.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttd::protocol::v4::V4;
use rumqttd::protocol::{Disconnect, DisconnectReasonCode, Error, Packet, Protocol, Publish};
use tokio::time::{sleep, timeout};

use super::INNER_TIMEOUT;
use super::book::{Due, Message, Onward};
use super::link::{Ended, Line};
use super::wire::quality;
use crate::gate::packet::Will;

/// The flag of a PUBLISH that was sent before.
const DUPLICATE: u8 = 0x08;
/// Packets of one client that may wait for rumqttd; then the client is read later.
const MAX_WAITING: usize = 400;
/// How long to wait for rumqttd when it has that many.
const PAUSE: Duration = Duration::from_millis(1);

/// The way to rumqttd. Dropping it takes leave of it.
pub(crate) struct Intake {
    line: Arc<Line>,
    /// What was put in and not handed over.
    begun: BytesMut,
    max_packet_bytes: usize,
    /// The topic of the last message: many have the same.
    topic: Bytes,
    has_left: bool,
}

/// What has come of packets that were handed over.
#[derive(Debug)]
pub(crate) struct HandedOver {
    /// What the client is to be answered at once.
    pub(crate) answers: Vec<[u8; 4]>,
    /// Acknowledgements that nobody waited for.
    pub(crate) unasked: u32,
}

impl Intake {
    pub(super) fn new(line: Arc<Line>, max_packet_bytes: usize) -> Self {
        Self { line, begun: BytesMut::new(), max_packet_bytes, topic: Bytes::new(), has_left: false }
    }

    /// Puts in bytes of packets, which need not be whole.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.begun.extend_from_slice(bytes);
    }

    /// Hands over all packets that are whole; gives what has come of them.
    ///
    /// # Errors
    /// [`Ended`] when the client has to go.
    pub(crate) async fn hand_over(&mut self) -> Result<HandedOver, Ended> {
        let mut due = Due::default();
        while !self.has_left {
            let quality = self.open_packet();
            let packet = match V4.read_mut(&mut self.begun, self.max_packet_bytes) {
                Ok(packet) => packet,
                Err(Error::InsufficientBytes(_)) => break,
                Err(_) => return Err(Ended::LetGo),
            };
            self.judge(packet, quality, &mut due)?;
        }
        if due.is_freed {
            self.line.freed.notify_one();
        }
        self.pass(due.onward).await?;
        Ok(HandedOver { answers: due.answers, unasked: due.unasked })
    }

    /// Takes leave, and has the will published, if any. The packet that has begun ends here.
    pub(crate) async fn leave(self, will: Option<&Will>) {
        let Some(will) = will.filter(|_| !self.has_left) else { return };
        let topic = Bytes::copy_from_slice(will.topic.as_bytes());
        let payload = Bytes::copy_from_slice(&will.message);
        let message = Message { topic, payload, quality: will.qos, is_retained: will.is_retained };
        let packet = Publish::new(message.topic.clone(), Bytes::new(), false);
        // When rumqttd is gone there is nobody to hear it.
        let _ = timeout(INNER_TIMEOUT, self.pass(vec![Onward::Message(packet, message)])).await;
    }

    /// Tells whether the client has said that it leaves.
    pub(crate) const fn has_left(&self) -> bool {
        self.has_left
    }

    /// Looks at the next packet: quality of service and packet id of a message, which rumqttd does not show.
    fn open_packet(&mut self) -> (u8, u16) {
        let Some(first) = self.begun.first_mut().filter(|first| **first >> 4 == 3) else { return (0, 0) };
        // That a client sends it again is nothing to subscribers. MQTT 3.1.1, 3.3.1.1.
        *first &= !DUPLICATE;
        quality(&self.begun).unwrap_or_default()
    }

    fn judge(&mut self, packet: Packet, quality: (u8, u16), due: &mut Due) -> Result<(), Ended> {
        match packet {
            Packet::Publish(publish, _) => return self.judge_publish(publish, quality, due),
            Packet::Disconnect(..) => {
                self.has_left = true;
                due.onward.push(Onward::Packet(packet));
            }
            Packet::Subscribe(ref subscribe, _) => {
                let filters = subscribe.filters.iter().map(|filter| (filter.path.clone(), filter.qos as u8)).collect();
                due.onward.push(Onward::Packet(packet));
                if !self.line.book().delivery.ask(filters) {
                    return Err(Ended::TooSlow);
                }
            }
            Packet::Unsubscribe(ref unsubscribe, _) => {
                let mut book = self.line.book();
                unsubscribe.filters.iter().for_each(|filter| book.delivery.end(filter));
                due.onward.push(Onward::Packet(packet));
            }
            other => self.line.book().judge(other, due),
        }
        Ok(())
    }

    fn judge_publish(&mut self, publish: Publish, quality: (u8, u16), due: &mut Due) -> Result<(), Ended> {
        let message = (!publish.topic.starts_with(b"$")).then(|| self.message(&publish, quality.0));
        if let (2, packet_id) = quality {
            return self.line.book().begin(packet_id, message, due);
        }
        due.onward.push(match message {
            Some(message) => Onward::Message(publish, message),
            None => Onward::Packet(Packet::Publish(publish, None)),
        });
        Ok(())
    }

    /// Takes out of a packet what stays: slices of what was read would keep all of it in memory.
    fn message(&mut self, publish: &Publish, quality: u8) -> Message {
        if self.topic != publish.topic {
            self.topic = Bytes::copy_from_slice(&publish.topic);
        }
        let payload = Bytes::copy_from_slice(&publish.payload);
        Message { topic: self.topic.clone(), payload, quality, is_retained: publish.retain }
    }

    /// Gives packets to rumqttd as soon as it has fetched enough of those before.
    async fn pass(&self, onward: Vec<Onward>) -> Result<(), Ended> {
        let is_retained = |onward: &Onward| matches!(onward, Onward::Message(_, message) if message.is_retained);
        if !onward.iter().any(is_retained) {
            while self.line.waiting() >= MAX_WAITING {
                sleep(PAUSE).await;
            }
            return self.line.push(onward);
        }
        let _turn = self.line.store.turn.lock().await;
        // What joined others that rumqttd was told of before would overtake what another client gave it since.
        while self.line.waiting() > 0 {
            sleep(PAUSE).await;
        }
        self.line.push(onward)
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        if !self.has_left {
            let leave = Disconnect { reason_code: DisconnectReasonCode::NormalDisconnection };
            // When rumqttd is gone there is nobody to take leave of.
            let _ = self.line.push(vec![Onward::Packet(Packet::Disconnect(leave, None))]);
        }
    }
}
