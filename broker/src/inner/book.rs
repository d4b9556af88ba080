//! What a client and rumqttd owe each other of messages of quality 1 and 2.
//!
//! rumqttd lets a client go that acknowledges what it need not, or in another order than it was sent, and breaks for all
//! when a word of that client is still on its way. So acknowledgements are put into order here, and others end here.

use std::collections::{HashSet, VecDeque};

use rumqttd::protocol::{Packet, PubAck, PubComp, PubRec};

/// Messages of quality 2 that a client may have begun and not released.
const MAX_BEGUN: usize = 1000;

/// What a client and rumqttd owe each other.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Messages for the client, in the order in which they were sent, with its acknowledgement.
    sent: VecDeque<(u16, Option<Packet>)>,
    /// Those that it is to release, in the order in which it was asked to.
    releasing: VecDeque<(u16, Option<Packet>)>,
    /// Messages of quality 2 that the client has begun.
    begun: HashSet<u16>,
}

/// What is to be done with a packet of a client.
#[derive(Debug, PartialEq)]
pub(super) enum Due {
    /// These go on.
    Pass(Vec<Packet>),
    /// It goes nowhere; the client is answered with this packet.
    Answer([u8; 4]),
    /// The client has begun too much.
    TooMuch,
}

impl Book {
    /// Notes a message of quality 1 or 2 on its way to the client.
    pub(super) fn note_sent(&mut self, packet_id: u16) {
        self.sent.push_back((packet_id, None));
    }

    /// Judges a PUBLISH of quality 2 from the client: it counts once, however often it is sent.
    pub(super) fn begin(&mut self, packet_id: u16) -> Due {
        if self.begun.contains(&packet_id) {
            let [high, low] = packet_id.to_be_bytes();
            return Due::Answer([0x50, 2, high, low]);
        }
        if self.begun.len() >= MAX_BEGUN {
            return Due::TooMuch;
        }
        self.begun.insert(packet_id);
        Due::Pass(Vec::new())
    }

    /// Judges an acknowledgement of the client; other packets pass.
    pub(super) fn judge(&mut self, packet: Packet) -> Due {
        match &packet {
            Packet::PubAck(PubAck { pkid, .. }, _) | Packet::PubRec(PubRec { pkid, .. }, _) => {
                let ready = settle(&mut self.sent, *pkid, packet);
                for packet in &ready {
                    if let Packet::PubRec(record, _) = packet {
                        self.releasing.push_back((record.pkid, None));
                    }
                }
                Due::Pass(ready)
            }
            Packet::PubComp(PubComp { pkid, .. }, _) => Due::Pass(settle(&mut self.releasing, *pkid, packet)),
            Packet::PubRel(release, _) if !self.begun.remove(&release.pkid) => {
                let [high, low] = release.pkid.to_be_bytes();
                Due::Answer([0x70, 2, high, low])
            }
            _ => Due::Pass(vec![packet]),
        }
    }
}

/// Puts an acknowledgement into its place, and gives those whose turn has come.
fn settle(open: &mut VecDeque<(u16, Option<Packet>)>, packet_id: u16, packet: Packet) -> Vec<Packet> {
    if let Some((_, place)) = open.iter_mut().find(|(id, place)| *id == packet_id && place.is_none()) {
        *place = Some(packet);
    }
    let mut ready = Vec::new();
    while let Some((_, place)) = open.front_mut()
        && let Some(packet) = place.take()
    {
        ready.push(packet);
        open.pop_front();
    }
    ready
}

#[cfg(test)]
mod tests {
    use rumqttd::protocol::{PubAckReason, PubCompReason, PubRecReason, PubRel, PubRelReason};

    use super::*;

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

    #[test]
    fn acknowledgements_go_on_in_the_order_of_the_messages() {
        let mut book = Book::default();
        (1..=3).for_each(|id| book.note_sent(id));
        assert_eq!(book.judge(acknowledgement(3)), Due::Pass(vec![]));
        assert_eq!(book.judge(acknowledgement(1)), Due::Pass(vec![acknowledgement(1)]));
        assert_eq!(book.judge(acknowledgement(2)), Due::Pass(vec![acknowledgement(2), acknowledgement(3)]));
    }

    #[test]
    fn acknowledgement_that_nobody_waits_for_ends_here() {
        let mut book = Book::default();
        book.note_sent(1);
        for packet in [acknowledgement(2), record(7), completion(1)] {
            assert_eq!(book.judge(packet), Due::Pass(vec![]));
        }
        assert_eq!(book.judge(acknowledgement(1)), Due::Pass(vec![acknowledgement(1)]));
        assert_eq!(book.judge(acknowledgement(1)), Due::Pass(vec![]), "a second time");
    }

    #[test]
    fn messages_of_quality_2_are_completed_in_the_order_of_their_records() {
        let mut book = Book::default();
        (1..=2).for_each(|id| book.note_sent(id));
        assert_eq!(book.judge(record(2)), Due::Pass(vec![]));
        assert_eq!(book.judge(record(1)), Due::Pass(vec![record(1), record(2)]));
        assert_eq!(book.judge(completion(2)), Due::Pass(vec![]));
        assert_eq!(book.judge(completion(1)), Due::Pass(vec![completion(1), completion(2)]));
    }

    #[test]
    fn message_of_quality_2_that_is_sent_again_counts_once() {
        let mut book = Book::default();
        assert_eq!(book.begin(258), Due::Pass(vec![]));
        assert_eq!(book.begin(258), Due::Answer([0x50, 2, 1, 2]));
        assert_eq!(book.judge(release(258)), Due::Pass(vec![release(258)]));
        assert_eq!(book.judge(release(258)), Due::Answer([0x70, 2, 1, 2]), "released already");
        (1..=1000).for_each(|id| assert_eq!(book.begin(id), Due::Pass(vec![])));
        assert_eq!(book.begin(1001), Due::TooMuch);
    }
}
