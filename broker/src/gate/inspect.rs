//! What a client sends, packet by packet: what passes, what is refused, what ends the connection.
//!
//! A core without I/O. The shell gives it what has come and does with each part as it is told.

use std::collections::HashSet;
use std::sync::Arc;

use super::names::{By, Names};
use super::outward::Answer;
use super::packet::{
    Header, Kind, Malformed, Publish, Subscribe, Unsubscribe, refused_publish, suback, subscribe_packet, unsuback,
    unsubscribe_packet,
};
use crate::rights::Granted;

/// The longest SUBSCRIBE and UNSUBSCRIBE: they are judged whole, in the buffer of the shell.
const MAX_SUBSCRIBE_BYTES: usize = 8 * 1024;
/// Return code of a filter that is refused. MQTT 3.1.1, 3.9.3.
const FAILURE: u8 = 0x80;

/// What is to be done with the next bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// They go on to the other side.
    Pass(usize),
    /// They end here.
    Drop(usize),
    /// They end here, and others go on in their place.
    Replace(usize, Vec<u8>),
    /// More of them are needed first.
    More,
}

/// How much a client was charged for and refused since this was last asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Packets but acknowledgements.
    pub(super) packets: u32,
    /// Messages among them.
    pub(super) messages: u32,
    /// Messages to topics that are not the client's, or that there is no room for.
    pub(super) refused_messages: u32,
    /// Filters that the client has no right to, or no room for.
    pub(super) refused_filters: u32,
    /// The first that was refused.
    pub(super) first: Option<Refused>,
}

/// Something that a client has no right to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// A message to this topic.
    Publish(String),
    /// A subscription of this filter.
    Subscribe(String),
}

/// What one client may do, and where it is in its packets.
pub(super) struct Inspector {
    /// What the client is called.
    name: String,
    granted: Arc<Granted>,
    max_packet_bytes: usize,
    max_subscriptions: usize,
    filters: Arc<Names>,
    topics: Arc<Names>,
    subscribed: HashSet<String>,
    /// The rest of the packet that has begun.
    rest: Option<Rest>,
    /// The topic that the client has last published to with right.
    known_topic: String,
    answers: Vec<Answer>,
    tally: Tally,
    /// Whether a packet has come whole since this was last asked.
    has_ended_one: bool,
}

#[derive(Clone, Copy)]
struct Rest {
    bytes: usize,
    passes: bool,
}

impl Inspector {
    /// Begins with a client that has sent its CONNECT.
    pub(super) fn new(
        name: &str,
        granted: Arc<Granted>,
        filters: Arc<Names>,
        topics: Arc<Names>,
        max_packet_bytes: usize,
        max_subscriptions: usize,
    ) -> Self {
        Self {
            name: name.to_owned(),
            granted,
            max_packet_bytes,
            max_subscriptions,
            filters,
            topics,
            subscribed: HashSet::new(),
            rest: None,
            known_topic: String::new(),
            answers: Vec::new(),
            tally: Tally::default(),
            has_ended_one: false,
        }
    }

    /// Judges the next bytes.
    ///
    /// # Errors
    /// [`Malformed`] when no client may send that; the connection ends.
    pub(super) fn inspect(&mut self, bytes: &[u8]) -> Result<Step, Malformed> {
        if let Some(rest) = self.rest {
            return Ok(if bytes.is_empty() { Step::More } else { self.go_on(rest, bytes.len()) });
        }
        let Some(header) = Header::read(bytes)? else { return Ok(Step::More) };
        if header.body_bytes > self.max_packet_bytes {
            return Err(Malformed::TooLarge);
        }
        let there = &bytes[header.header_bytes..];
        let step = match header.kind {
            Kind::Publish => return self.publish(&header, there, bytes.len()),
            Kind::Connect => return Err(Malformed::SecondConnect),
            Kind::Ping | Kind::Disconnect if header.body_bytes != 0 => return Err(Malformed::WrongSize),
            Kind::Acknowledgement if header.body_bytes != 2 => return Err(Malformed::WrongSize),
            Kind::Subscribe | Kind::Unsubscribe if header.body_bytes > MAX_SUBSCRIBE_BYTES => {
                return Err(Malformed::TooLarge);
            }
            _ if there.len() < header.body_bytes => return Ok(Step::More),
            Kind::Acknowledgement if there.starts_with(&[0, 0]) => return Err(Malformed::PacketId),
            Kind::Acknowledgement => {
                self.has_ended_one = true;
                return Ok(Step::Pass(header.header_bytes + 2));
            }
            Kind::Ping | Kind::Disconnect => Step::Pass(header.header_bytes),
            Kind::Subscribe => self.subscribe(&header, &there[..header.body_bytes])?,
            Kind::Unsubscribe => self.unsubscribe(&header, &there[..header.body_bytes])?,
        };
        self.tally.packets += 1;
        self.has_ended_one = true;
        Ok(step)
    }

    /// Gives what the client is to be answered beside what the inner broker answers.
    pub(super) fn take_answers(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.answers)
    }

    /// Gives what has come since this was last asked.
    pub(super) fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    /// Tells whether a packet has come whole since this was last asked.
    pub(super) const fn take_has_ended_one(&mut self) -> bool {
        std::mem::replace(&mut self.has_ended_one, false)
    }

    /// Tells whether a packet has begun and is not whole.
    pub(super) const fn is_inside(&self) -> bool {
        self.rest.is_some()
    }

    fn go_on(&mut self, rest: Rest, there: usize) -> Step {
        let now = rest.bytes.min(there);
        self.rest = (rest.bytes > now).then_some(Rest { bytes: rest.bytes - now, passes: rest.passes });
        self.has_ended_one |= self.rest.is_none();
        if rest.passes { Step::Pass(now) } else { Step::Drop(now) }
    }

    fn publish(&mut self, header: &Header, there: &[u8], available: usize) -> Result<Step, Malformed> {
        let Some(head) = Publish::read(header, there)? else { return Ok(Step::More) };
        self.tally.packets += 1;
        self.tally.messages += 1;
        let whole = header.header_bytes + header.body_bytes;
        if head.topic == self.known_topic {
            return Ok(self.go_on(Rest { bytes: whole, passes: true }, available));
        }
        let by = if self.granted.says_topic(head.topic) { By::Right } else { By::Choice };
        if self.granted.may_publish(head.topic) && self.topics.have_room_for(&self.name, head.topic, by) {
            self.known_topic.clear();
            self.known_topic.push_str(head.topic);
            return Ok(self.go_on(Rest { bytes: whole, passes: true }, available));
        }
        self.tally.refused_messages += 1;
        self.tally.first.get_or_insert_with(|| Refused::Publish(head.topic.to_owned()));
        let instead = refused_publish(head.qos, head.packet_id);
        let Step::Drop(now) = self.go_on(Rest { bytes: whole, passes: false }, available) else {
            return Ok(Step::More);
        };
        Ok(instead.map_or(Step::Drop(now), |packet| Step::Replace(now, packet)))
    }

    fn subscribe(&mut self, header: &Header, body: &[u8]) -> Result<Step, Malformed> {
        let whole = header.header_bytes + header.body_bytes;
        let Subscribe { packet_id, filters } = Subscribe::read(body)?;
        let allowed: Vec<bool> = filters.iter().map(|(filter, _)| self.may_subscribe(filter)).collect();
        if allowed.iter().all(|allowed| *allowed) {
            return Ok(Step::Pass(whole));
        }
        let granted: Vec<_> =
            filters.iter().zip(&allowed).filter(|(_, allowed)| **allowed).map(|(filter, _)| *filter).collect();
        if granted.is_empty() {
            self.answers.push(Answer::Now(suback(packet_id, &vec![FAILURE; filters.len()])));
            return Ok(Step::Drop(whole));
        }
        self.answers.push(Answer::WithRefusals { packet_id, allowed });
        Ok(Step::Replace(whole, subscribe_packet(packet_id, &granted)))
    }

    fn may_subscribe(&mut self, filter: &str) -> bool {
        if self.subscribed.contains(filter) {
            return true;
        }
        let by = if self.granted.says_filter(filter) { By::Right } else { By::Choice };
        let may = self.granted.may_subscribe(filter)
            && self.subscribed.len() < self.max_subscriptions
            && self.filters.have_room_for(&self.name, filter, by);
        if may {
            self.subscribed.insert(filter.to_owned());
        } else {
            self.tally.refused_filters += 1;
            self.tally.first.get_or_insert_with(|| Refused::Subscribe(filter.to_owned()));
        }
        may
    }

    /// The inner broker acknowledges each filter that is subscribed for itself, and does not answer for others.
    fn unsubscribe(&mut self, header: &Header, body: &[u8]) -> Result<Step, Malformed> {
        let whole = header.header_bytes + header.body_bytes;
        let Unsubscribe { packet_id, filters } = Unsubscribe::read(body)?;
        let mut instead = Vec::new();
        let mut count = 0_usize;
        for filter in filters.into_iter().filter(|filter| self.subscribed.remove(*filter)) {
            instead.extend(unsubscribe_packet(packet_id, filter));
            count += 1;
        }
        if count == 0 {
            self.answers.push(Answer::Now(unsuback(packet_id)));
            return Ok(Step::Drop(whole));
        }
        if count > 1 {
            self.answers.push(Answer::OnceFor { packet_id, count });
        }
        Ok(Step::Replace(whole, instead))
    }
}

#[cfg(test)]
#[path = "inspect_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "inspect_fuzz.rs"]
mod fuzz;
