//! A million packets that no honest client sends, some of them good, through inspectors that keep what came before.

use bytes::BytesMut;
use rumqttd::protocol::v4::V4;
use rumqttd::protocol::{Packet, Protocol};

use super::tests::{COMMITTED, OTHER, OWN, granted, inspector_of, publish};
use super::*;
use crate::gate::packet::length;

const PACKETS: usize = 1_000_000;
/// The largest packet of these inspectors, with its header.
const LARGEST: usize = 1000 + 5;

/// A connection between a client and the inner broker.
struct Connection {
    granted: Arc<Granted>,
    inspector: Inspector,
    buffer: Vec<u8>,
    /// What went on to the inner broker and is no whole packet yet.
    inside: BytesMut,
    admitted: usize,
}

impl Connection {
    fn new(granted: &Arc<Granted>) -> Self {
        let (buffer, inside) = (Vec::new(), BytesMut::new());
        Self { granted: Arc::clone(granted), inspector: inspector_of(granted), buffer, inside, admitted: 0 }
    }

    /// Sends bytes in pieces, as the shell does, and looks after each at what went on.
    fn send(&mut self, sent: &[u8], piece: usize) -> Result<(), Malformed> {
        for piece in sent.chunks(piece) {
            self.buffer.extend_from_slice(piece);
            let judged = self.judge();
            self.look_inside();
            judged?;
            assert!(self.buffer.len() < LARGEST + piece.len(), "the buffer grows: {}", self.buffer.len());
        }
        Ok(())
    }

    fn judge(&mut self) -> Result<(), Malformed> {
        let mut at = 0;
        let ended = loop {
            match self.inspector.inspect(&self.buffer[at..]) {
                Ok(Step::Pass(count)) => {
                    self.inside.extend_from_slice(&self.buffer[at..at + count]);
                    at += count;
                }
                Ok(Step::Drop(count)) => at += count,
                Ok(Step::Replace(count, instead)) => {
                    self.inside.extend_from_slice(&instead);
                    at += count;
                }
                Ok(Step::More) => break Ok(()),
                Err(malformed) => break Err(malformed),
            }
        };
        self.buffer.drain(..at);
        self.inspector.take_tally();
        assert!(self.inspector.take_answers().len() <= 50 && self.inspector.subscribed.len() <= 3);
        ended
    }

    /// Reads what went on with the inner broker's own parser. All of it must be packets that the client has a right to.
    fn look_inside(&mut self) {
        while length(&self.inside).unwrap().is_some_and(|(header, body)| header + body <= self.inside.len()) {
            let before = self.inside.clone();
            match V4.read_mut(&mut self.inside, 10_000) {
                Ok(Packet::Publish(publish, _)) => self.assert_right_to(std::str::from_utf8(&publish.topic).unwrap()),
                Ok(Packet::Subscribe(subscribe, _)) => {
                    let mut filters = subscribe.filters.iter();
                    assert!(filters.all(|filter| self.granted.may_subscribe(&filter.path)), "{subscribe:?}");
                }
                Ok(Packet::Unsubscribe(..) | Packet::PingReq(_) | Packet::Disconnect(..)) => (),
                Ok(Packet::PubAck(..) | Packet::PubRec(..) | Packet::PubRel(..) | Packet::PubComp(..)) => (),
                other => panic!("{other:?} went on: {before:x?}"),
            }
            self.admitted += 1;
        }
        // The topic of a message is judged before its first byte goes on.
        if let Some((header, _)) = length(&self.inside).unwrap()
            && self.inside[0] >> 4 == 3
        {
            let [high, low] = [self.inside[header], self.inside[header + 1]].map(usize::from);
            let topic = &self.inside[header + 2..header + 2 + 256 * high + low];
            self.assert_right_to(std::str::from_utf8(topic).unwrap());
        }
    }

    fn assert_right_to(&self, topic: &str) {
        assert!(topic == "$refused" || self.granted.may_publish(topic), "a message to {topic} went on");
    }
}

#[test]
fn random_and_mutated_packets_never_bring_a_message_to_anothers_topic() {
    let mut random = fastrand::Rng::with_seed(17);
    let granted = granted();
    let seeds = [
        publish(OWN, 1, b"payload"),
        publish(OWN, 2, &[7; 200]),
        publish(OTHER, 1, b"payload"),
        publish(OTHER, 0, b""),
        publish(OTHER, 2, &[8; 400]),
        subscribe_packet(1, &[(COMMITTED, 1), ("#", 0)]),
        unsubscribe_packet(2, COMMITTED),
        vec![0xC0, 0],
        vec![0x40, 2, 0, 1],
    ];
    let mut connection = Connection::new(&granted);
    let (mut ended, mut admitted) = (0, 0);
    for number in 0..PACKETS {
        let mut sent: Vec<u8> = match random.u8(..4) {
            0 => (0..random.usize(..40)).map(|_| random.u8(..)).collect(),
            _ => seeds[random.usize(..seeds.len())].clone(),
        };
        for _ in 0..random.usize(..4) {
            let place = random.usize(..sent.len().max(1));
            match (random.u8(..3), sent.get_mut(place)) {
                (0, Some(byte)) => *byte = random.u8(..),
                (1, Some(_)) => drop(sent.remove(place)),
                (_, _) => sent.insert(place.min(sent.len()), random.u8(..)),
            }
        }
        let piece = if random.bool() { random.usize(1..50) } else { sent.len().max(1) };
        let outcome = connection.send(&sent, piece);
        // Who begins a long packet would have all that follows taken for its body.
        if outcome.is_err() || number % 16 == 0 {
            ended += usize::from(outcome.is_err());
            admitted += connection.admitted;
            connection = Connection::new(&granted);
        }
    }
    assert!(ended > PACKETS / 10 && admitted > PACKETS / 10, "{ended} ended and {admitted} went on of {PACKETS}");
}
