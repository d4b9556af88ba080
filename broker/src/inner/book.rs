//! What a client and the broker owe each other of messages of quality 1 and 2.
//!
//! rumqttd lets a client go that acknowledges what it need not, or in another order than it was sent, and breaks for all
//! when a word of that client is still on its way. It gives a packet id away again before PUBCOMP, and appends a message of
//! quality 2 long after it came. So both sides of quality 2 are kept here: rumqttd hears of messages that are released, and of
//! acknowledgements that are whole, in the order in which it sent.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use rumqttd::protocol::{Packet, PubAck, PubAckReason, PubComp, PubRec, PubRel, Publish};

use super::delivery::Delivery;
use super::link::Ended;
use super::room::Room;

/// Messages of quality 2 that a client may have begun and not released.
const MAX_BEGUN: usize = 1000;

const PUBREC: u8 = 0x50;
const PUBREL: u8 = 0x62;
const PUBCOMP: u8 = 0x70;

/// A message of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: Bytes,
    pub(super) payload: Bytes,
    /// Quality of service, 0 to 2.
    pub(super) quality: u8,
    pub(super) is_retained: bool,
}

impl Message {
    /// Gives the memory that it takes, in bytes.
    fn bytes(&self) -> usize {
        self.topic.len() + self.payload.len()
    }
}

/// What a client and the broker owe each other.
#[derive(Debug)]
pub(super) struct Book {
    /// Messages for the client, in the order in which they were sent.
    sent: VecDeque<Sent>,
    /// Messages of quality 2 that the client has begun; nothing of one that goes nowhere.
    begun: HashMap<u16, Option<Message>>,
    room: Room,
    pub(super) delivery: Delivery,
}

#[derive(Debug)]
struct Sent {
    packet_id: u16,
    stage: Stage,
}

/// How far a message for the client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// PUBACK is awaited.
    Once,
    /// PUBREC is awaited.
    Begun,
    /// PUBCOMP is awaited.
    Released,
    /// Nothing is awaited but its turn.
    Whole,
}

impl Stage {
    /// Gives the stage of a message that was just sent.
    pub(super) const fn of(quality: u8) -> Self {
        match quality {
            0 => Self::Whole,
            1 => Self::Once,
            _ => Self::Begun,
        }
    }
}

/// What is to be done with packets of a client.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Due {
    /// What goes on to rumqttd.
    pub(super) onward: Vec<Onward>,
    /// What the client is answered.
    pub(super) answers: Vec<[u8; 4]>,
    /// Acknowledgements that nobody waited for.
    pub(super) unasked: u32,
    /// Whether another retained message may be sent.
    pub(super) is_freed: bool,
}

/// What goes on to rumqttd.
#[expect(clippy::large_enum_variant, reason = "they are moved on at once; a box would cost each an allocation")]
#[derive(Debug, PartialEq)]
pub(super) enum Onward {
    /// A message in a packet that rumqttd is to acknowledge in its way.
    Message(Publish, Message),
    /// Any other packet.
    Packet(Packet),
}

impl Book {
    /// Begins with nothing owed, and room for messages of quality 2 that are begun.
    pub(super) fn new(room: Room) -> Self {
        Self { sent: VecDeque::new(), begun: HashMap::new(), room, delivery: Delivery::default() }
    }

    /// Notes a message on its way to the client which rumqttd wants acknowledged. One that goes with quality 0 is whole.
    pub(super) fn note_sent(&mut self, packet_id: u16, quality: u8) {
        self.sent.push_back(Sent { packet_id, stage: Stage::of(quality) });
    }

    /// Judges a PUBLISH of quality 2 from the client: it counts once, however often it is sent, and from its release on.
    ///
    /// # Errors
    /// [`Ended::TooMuch`] when the client has begun more than it may.
    pub(super) fn begin(&mut self, packet_id: u16, message: Option<Message>, due: &mut Due) -> Result<(), Ended> {
        if !self.begun.contains_key(&packet_id) {
            let bytes = message.as_ref().map_or(0, Message::bytes);
            if self.begun.len() >= MAX_BEGUN || !self.room.take(bytes) {
                return Err(Ended::TooMuch);
            }
            self.begun.insert(packet_id, message);
        }
        due.answer(PUBREC, packet_id);
        Ok(())
    }

    /// Judges an acknowledgement of the client; other packets go on.
    pub(super) fn judge(&mut self, packet: Packet, due: &mut Due) {
        match packet {
            Packet::PubAck(PubAck { pkid, .. }, _) => self.step(pkid, Stage::Once, Stage::Whole, due),
            Packet::PubRec(PubRec { pkid, .. }, _) => {
                self.step(pkid, Stage::Begun, Stage::Released, due);
                // Also when it says so again.
                let is_it = |sent: &Sent| sent.packet_id == pkid && sent.stage == Stage::Released;
                if self.delivery.is_released(pkid) || self.sent.iter().any(is_it) {
                    due.answer(PUBREL, pkid);
                }
            }
            Packet::PubComp(PubComp { pkid, .. }, _) => self.step(pkid, Stage::Released, Stage::Whole, due),
            Packet::PubRel(PubRel { pkid, .. }, _) => {
                match self.begun.remove(&pkid) {
                    Some(message) => {
                        self.room.give_back(message.as_ref().map_or(0, Message::bytes));
                        let packet = |message: &Message| Publish::new(message.topic.clone(), Bytes::new(), false);
                        due.onward.extend(message.map(|message| Onward::Message(packet(&message), message)));
                    }
                    None => due.unasked += 1,
                }
                due.answer(PUBCOMP, pkid);
            }
            other => due.onward.push(Onward::Packet(other)),
        }
    }

    /// Takes those at the front that are whole: rumqttd is to hear of them.
    pub(super) fn settle(&mut self, due: &mut Due) {
        while self.sent.front().is_some_and(|sent| sent.stage == Stage::Whole)
            && let Some(sent) = self.sent.pop_front()
        {
            // To rumqttd each is acknowledged at once: this frees its packet id.
            let whole = PubAck { pkid: sent.packet_id, reason: PubAckReason::Success };
            due.onward.push(Onward::Packet(Packet::PubAck(whole, None)));
        }
    }

    /// Brings a message for the client on from one stage to the next.
    fn step(&mut self, packet_id: u16, from: Stage, to: Stage, due: &mut Due) {
        if Delivery::is_own(packet_id) {
            let is_known = self.delivery.step(packet_id, from, to);
            due.unasked += u32::from(!is_known);
            due.is_freed |= is_known && to == Stage::Whole;
            return;
        }
        match self.sent.iter_mut().find(|sent| sent.packet_id == packet_id && sent.stage == from) {
            Some(sent) => sent.stage = to,
            None => due.unasked += 1,
        }
        self.settle(due);
    }
}

impl Due {
    fn answer(&mut self, first: u8, packet_id: u16) {
        let [high, low] = packet_id.to_be_bytes();
        self.answers.push([first, 2, high, low]);
    }
}

#[cfg(test)]
mod tests {
    use rumqttd::protocol::{PubCompReason, PubRecReason, PubRelReason};

    use super::*;
    use crate::inner::room::Hall;

    fn book() -> Book {
        Book::new(Hall::new(2000, 1500).room())
    }

    fn acknowledgement(pkid: u16) -> Packet {
        Packet::PubAck(PubAck { pkid, reason: PubAckReason::Success }, None)
    }

    fn record(pkid: u16) -> Packet {
        Packet::PubRec(PubRec { pkid, reason: PubRecReason::Success }, None)
    }

    fn completion(pkid: u16) -> Packet {
        Packet::PubComp(PubComp { pkid, reason: PubCompReason::Success }, None)
    }

    fn release(pkid: u16) -> Packet {
        Packet::PubRel(PubRel { pkid, reason: PubRelReason::Success }, None)
    }

    fn message(payload: &'static str) -> Message {
        Message { topic: Bytes::from_static(b"t"), payload: payload.into(), quality: 2, is_retained: false }
    }

    fn judge(book: &mut Book, packet: Packet) -> Due {
        let mut due = Due::default();
        book.judge(packet, &mut due);
        due
    }

    fn begin(book: &mut Book, packet_id: u16, message: Message) -> Result<Due, Ended> {
        let mut due = Due::default();
        book.begin(packet_id, Some(message), &mut due).map(|()| due)
    }

    fn answer(answer: [u8; 4]) -> Due {
        Due { answers: vec![answer], ..Due::default() }
    }

    fn unasked() -> Due {
        Due { unasked: 1, ..Due::default() }
    }

    fn settled(packet_ids: &[u16]) -> Due {
        let onward = packet_ids.iter().map(|id| Onward::Packet(acknowledgement(*id))).collect();
        Due { onward, ..Due::default() }
    }

    #[test]
    fn acknowledgements_go_on_in_the_order_of_the_messages() {
        let mut book = book();
        (1..=3).for_each(|id| book.note_sent(id, 1));
        assert_eq!(judge(&mut book, acknowledgement(3)), settled(&[]));
        assert_eq!(judge(&mut book, acknowledgement(1)), settled(&[1]));
        assert_eq!(judge(&mut book, acknowledgement(2)), settled(&[2, 3]));
    }

    #[test]
    fn message_that_went_with_quality_0_is_settled_in_its_turn() {
        let mut book = book();
        [(1, 1), (2, 0), (3, 0)].into_iter().for_each(|(id, quality)| book.note_sent(id, quality));
        let mut due = Due::default();
        book.settle(&mut due);
        assert_eq!(due, settled(&[]));
        assert_eq!(judge(&mut book, acknowledgement(1)), settled(&[1, 2, 3]));
    }

    #[test]
    fn acknowledgement_that_nobody_waits_for_ends_here() {
        let mut book = book();
        book.note_sent(1, 1);
        book.note_sent(2, 2);
        for packet in [acknowledgement(3), record(7), completion(1), record(1), acknowledgement(2), completion(2)] {
            assert_eq!(judge(&mut book, packet), unasked());
        }
        assert_eq!(judge(&mut book, acknowledgement(1)), settled(&[1]));
        assert_eq!(judge(&mut book, acknowledgement(1)), unasked(), "a second time");
    }

    #[test]
    fn message_of_quality_2_keeps_its_packet_id_until_it_is_complete() {
        let mut book = book();
        (1..=2).for_each(|id| book.note_sent(id, 2));
        assert_eq!(judge(&mut book, record(2)), answer([0x62, 2, 0, 2]));
        assert_eq!(judge(&mut book, completion(2)), settled(&[]));
        assert_eq!(judge(&mut book, record(1)), answer([0x62, 2, 0, 1]));
        assert_eq!(judge(&mut book, record(1)), Due { unasked: 1, ..answer([0x62, 2, 0, 1]) }, "a second time");
        assert_eq!(judge(&mut book, completion(1)), settled(&[1, 2]));
    }

    #[test]
    fn message_of_quality_2_goes_on_once_and_when_it_is_released() {
        let mut book = book();
        assert_eq!(begin(&mut book, 258, message("once")), Ok(answer([0x50, 2, 1, 2])));
        assert_eq!(begin(&mut book, 258, message("again")), Ok(answer([0x50, 2, 1, 2])));
        let released = Due {
            onward: vec![Onward::Message(Publish::new("t", "", false), message("once"))],
            ..answer([0x70, 2, 1, 2])
        };
        assert_eq!(judge(&mut book, release(258)), released);
        assert_eq!(judge(&mut book, release(258)), Due { unasked: 1, ..answer([0x70, 2, 1, 2]) }, "released already");
    }

    #[test]
    fn client_that_begins_too_much_ends() {
        let mut book = book();
        (1..=1000).for_each(|id| assert!(begin(&mut book, id, message("")).is_ok()));
        assert_eq!(begin(&mut book, 1001, message("")), Err(Ended::TooMuch));

        let mut book = Book::new(Hall::new(100, 11).room());
        assert!(begin(&mut book, 1, message("0123456789")).is_ok());
        assert_eq!(begin(&mut book, 2, message("x")), Err(Ended::TooMuch));
        judge(&mut book, release(1));
        assert!(begin(&mut book, 2, message("x")).is_ok());
    }
}
