use std::time::{Duration, Instant};

use super::fault::{Exchange, Memory, Reply, Scene};
use super::{Fault, FaultTarget, LineCounters, LineFault, Turnaround, UnitCounters, Wire};
use crate::gauge::Gauge;
use crate::modbus::Request;

/// Bytes of a request to read registers.
const READ_BYTES: usize = 8;

/// The gauges of a line, what is wrong with each and with all, and what they say to a request.
#[derive(Debug)]
pub(super) struct Units {
    wire: Wire,
    turnaround: Turnaround,
    members: Vec<Member>,
    random: fastrand::Rng,
    /// Faults of the line itself.
    faults: Vec<Fault>,
}

#[derive(Debug)]
struct Member {
    gauge: Gauge,
    faults: Vec<Fault>,
    memory: Memory,
    counters: UnitCounters,
    /// When the last reply that it was made to give is out: it speaks of one thing after the other.
    speaks_until: Option<Instant>,
}

impl Units {
    /// Takes these gauges; `seed` decides turn-around times and all that is left to chance.
    pub(super) fn new(wire: Wire, turnaround: Turnaround, gauges: Vec<Gauge>, seed: u64) -> Self {
        let members = gauges.into_iter().map(Member::new).collect();
        Self { wire, turnaround, members, random: fastrand::Rng::with_seed(seed), faults: Vec::new() }
    }

    pub(super) fn turnaround(&self) -> Turnaround {
        self.turnaround
    }

    pub(super) fn random(&mut self) -> &mut fastrand::Rng {
        &mut self.random
    }

    pub(super) fn find(&self, unit: u8) -> Option<usize> {
        self.members.iter().position(|member| member.gauge.unit() == unit)
    }

    /// Finds a request to a unit of this line in the last bytes of what was heard.
    pub(super) fn request_at_end(&self, bytes: &[u8]) -> Option<Request> {
        let (_, last) = bytes.split_last_chunk::<READ_BYTES>()?;
        Request::parse(last).ok().filter(|request| self.find(request.unit).is_some())
    }

    /// Gives a unit or the line these faults in place of those that it has; false when there is no such unit.
    pub(super) fn set_faults(&mut self, target: FaultTarget, faults: Vec<Fault>) -> bool {
        match target {
            FaultTarget::Unit(unit) => match self.find(unit) {
                Some(index) => {
                    self.members[index].faults = faults;
                    self.members[index].memory.reset();
                    true
                }
                None => false,
            },
            FaultTarget::Line => {
                self.faults = faults;
                self.members.iter_mut().for_each(|member| member.memory.reset());
                true
            }
        }
    }

    /// Gives the faults of a unit or of the line; none when there is no such unit.
    pub(super) fn faults(&self, target: FaultTarget) -> &[Fault] {
        match target {
            FaultTarget::Unit(unit) => self.find(unit).map_or(&[], |index| &self.members[index].faults),
            FaultTarget::Line => &self.faults,
        }
    }

    pub(super) fn counters(&self, unit: u8) -> Option<UnitCounters> {
        self.find(unit).map(|index| self.members[index].counters)
    }

    /// Gives what comes of a request to a unit: each reply with the moment of its first bit.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        index: usize,
        request: &Request,
        exchange: Exchange,
        counters: &mut LineCounters,
    ) -> Vec<(Instant, Reply)> {
        let wire = self.wire;
        let thinks = self.turnaround.least + self.turnaround.jitter.mul_f64(self.random.f64());
        let Member { gauge, faults, memory, speaks_until, counters: own } = &mut self.members[index];
        let answer = gauge.answer(now, request);
        let sound = Reply { shows: answer.shows, ..Reply::steady(&answer.frame, thinks, wire) };
        let mut scene = Scene { now, request, gauge, memory, random: &mut self.random, wire, exchange, thinks };
        let mut replies = vec![sound];
        for fault in faults.iter().chain(self.faults.iter().filter(|fault| !comes_unasked(fault.what))) {
            if fault.chance.strikes(scene.random) {
                replies = fault.what.shape(replies, &mut scene);
            }
        }
        memory.last_frame = Some(answer.frame);
        let (is_exception, is_unanswered) = (u64::from(answer.is_exception), u64::from(replies.is_empty()));
        counters.requests += 1;
        counters.exceptions += is_exception;
        counters.unanswered += is_unanswered;
        own.requests += 1;
        own.exceptions += is_exception;
        own.unanswered += is_unanswered;
        let mut timed = Vec::new();
        for reply in replies {
            let reply = Reply { exchange: reply.exchange.or(Some(exchange)), ..reply };
            let (start, is_own) = (now + reply.delay, !reply.is_of_others);
            // A unit gives its replies one after the other, in the order of their requests.
            let start = if is_own { speaks_until.map_or(start, |free| free.max(start)) } else { start };
            if is_own {
                *speaks_until = (*speaks_until).max(Some(start + reply.lasts()));
            }
            timed.push((start, reply));
        }
        timed
    }

    /// Gives what comes while a request is still on the wire: the master's own echo, and an old reply.
    pub(super) fn speak_at_once(&mut self, request: &[u8]) -> Vec<Reply> {
        let Some(index) = request.first().and_then(|unit| self.find(*unit)) else { return Vec::new() };
        let member = &self.members[index];
        let mut said = Vec::new();
        for fault in member.faults.iter().chain(&self.faults) {
            let frame = match fault.what {
                LineFault::Echo => request,
                LineFault::Early => match &member.memory.last_frame {
                    Some(frame) => frame,
                    None => continue,
                },
                _ => continue,
            };
            if fault.chance.strikes(&mut self.random) {
                said.push(Reply::steady(frame, Duration::ZERO, self.wire));
            }
        }
        said
    }

    /// Notes that a reply of this unit went out to its last byte.
    pub(super) fn note_reply(&mut self, unit: u8) {
        if let Some(index) = self.find(unit) {
            self.members[index].counters.replies += 1;
        }
    }
}

impl Member {
    fn new(gauge: Gauge) -> Self {
        let counters = UnitCounters::default();
        Self { gauge, faults: Vec::new(), memory: Memory::default(), counters, speaks_until: None }
    }
}

/// Whether a fault of the line acts without a request.
pub(super) const fn comes_unasked(what: LineFault) -> bool {
    matches!(what, LineFault::Shorted(_) | LineFault::Babble(_) | LineFault::OtherMaster(_))
}
