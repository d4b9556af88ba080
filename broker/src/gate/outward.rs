//! What the inner broker sends to a client, and what the gate says in between.
//!
//! A core without I/O: it keeps to the bounds of packets, and mends the answers of the inner broker.

use std::collections::VecDeque;

use super::inspect::Step;
use super::packet::{Malformed, length, suback};

/// Return code of a filter that is refused. MQTT 3.1.1, 3.9.3.
const FAILURE: u8 = 0x80;
const SUBACK: u8 = 0x90;
const UNSUBACK: u8 = 0xB0;

/// What a client is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// This packet, as soon as one has ended.
    Now(Vec<u8>),
    /// The SUBACK to this packet, which speaks of the allowed filters, is to speak of the others as well.
    WithRefusals {
        packet_id: u16,
        /// One for each filter that the client asked for.
        allowed: Vec<bool>,
    },
    /// The UNSUBACK to this packet comes so many times, and is to come once.
    OnceFor { packet_id: u16, count: usize },
}

/// Where the inner broker is in its packets.
#[derive(Debug, Default)]
pub(super) struct Outward {
    rest: usize,
    ready: VecDeque<Vec<u8>>,
    awaited: VecDeque<Answer>,
}

impl Outward {
    /// Takes an answer that is to go out.
    pub(super) fn note(&mut self, answer: Answer) {
        match answer {
            Answer::Now(packet) => self.ready.push_back(packet),
            other => self.awaited.push_back(other),
        }
    }

    /// Tells how many answers wait for the inner broker's.
    pub(super) fn awaited(&self) -> usize {
        self.awaited.len()
    }

    /// Says what to do with the next bytes of the inner broker; there may be something to say before any have come.
    ///
    /// # Errors
    /// [`Malformed`] when the inner broker does not speak MQTT.
    pub(super) fn walk(&mut self, bytes: &[u8]) -> Result<Step, Malformed> {
        if self.rest == 0
            && let Some(packet) = self.ready.pop_front()
        {
            return Ok(Step::Replace(0, packet));
        }
        if self.rest > 0 {
            let now = self.rest.min(bytes.len());
            self.rest -= now;
            return Ok(if now == 0 { Step::More } else { Step::Pass(now) });
        }
        let Some((header_bytes, body_bytes)) = length(bytes)? else { return Ok(Step::More) };
        let whole = header_bytes + body_bytes;
        if matches!(bytes[0], SUBACK | UNSUBACK) && !self.awaited.is_empty() {
            let Some(body) = bytes.get(header_bytes..whole) else { return Ok(Step::More) };
            return Ok(self.mend(bytes[0], body, whole));
        }
        let now = whole.min(bytes.len());
        self.rest = whole - now;
        Ok(Step::Pass(now))
    }

    fn mend(&mut self, kind: u8, body: &[u8], whole: usize) -> Step {
        let Some((id, codes)) = body.split_first_chunk() else { return Step::Pass(whole) };
        let id = u16::from_be_bytes(*id);
        let is_it = |answer: &Answer| match answer {
            Answer::Now(_) => false,
            Answer::WithRefusals { packet_id, .. } => kind == SUBACK && *packet_id == id,
            Answer::OnceFor { packet_id, .. } => kind == UNSUBACK && *packet_id == id,
        };
        let Some(place) = self.awaited.iter().position(is_it) else { return Step::Pass(whole) };
        match &mut self.awaited[place] {
            Answer::OnceFor { count, .. } if *count > 1 => {
                *count -= 1;
                Step::Drop(whole)
            }
            Answer::WithRefusals { allowed, .. } => {
                let mut codes = codes.iter();
                let code = |allowed: &bool| if *allowed { *codes.next().unwrap_or(&FAILURE) } else { FAILURE };
                let all: Vec<u8> = allowed.iter().map(code).collect();
                self.awaited.remove(place);
                Step::Replace(whole, suback(id, &all))
            }
            Answer::OnceFor { .. } | Answer::Now(_) => {
                self.awaited.remove(place);
                Step::Pass(whole)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"\x30\x05\0\x01axy";

    #[test]
    fn packets_pass_as_they_come_and_answers_go_between_them() {
        let mut outward = Outward::default();
        assert_eq!(outward.walk(&MESSAGE[..3]), Ok(Step::Pass(3)));
        outward.note(Answer::Now(b"answer".to_vec()));
        assert_eq!(outward.walk(&[]), Ok(Step::More), "the message is not at its end");
        assert_eq!(outward.walk(&[&MESSAGE[3..], MESSAGE].concat()), Ok(Step::Pass(4)));
        assert_eq!(outward.walk(MESSAGE), Ok(Step::Replace(0, b"answer".to_vec())));
        assert_eq!(outward.walk(MESSAGE), Ok(Step::Pass(MESSAGE.len())));
        assert_eq!(outward.walk(b"\x30"), Ok(Step::More));
    }

    #[test]
    fn acknowledgement_of_a_subscription_speaks_of_what_was_refused_too() {
        let mut outward = Outward::default();
        outward.note(Answer::WithRefusals { packet_id: 7, allowed: vec![false, true, false, true] });
        assert_eq!(outward.walk(&suback(6, &[1])), Ok(Step::Pass(5)), "another's");
        assert_eq!(outward.walk(&suback(7, &[1, 0])[..3]), Ok(Step::More));
        let mended = suback(7, &[0x80, 1, 0x80, 0]);
        assert_eq!(outward.walk(&suback(7, &[1, 0])), Ok(Step::Replace(6, mended)));
        assert_eq!(outward.awaited(), 0);
    }

    #[test]
    fn end_of_several_subscriptions_is_acknowledged_once() {
        let mut outward = Outward::default();
        outward.note(Answer::OnceFor { packet_id: 7, count: 3 });
        let steps: Vec<_> = (0..4).map(|_| outward.walk(b"\xB0\x02\0\x07").unwrap()).collect();
        assert_eq!(steps, [Step::Drop(4), Step::Drop(4), Step::Pass(4), Step::Pass(4)]);
    }
}
