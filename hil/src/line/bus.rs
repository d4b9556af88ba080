use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::transmission::{Effect, Transmission};
use super::{LineCounters, LineFault, ReplyPlan, Wire};
use crate::gauge::{Gauge, GaugeValues};
use crate::modbus::{FrameError, MAX_FRAME_BYTES, Request};

/// How long a gauge thinks before it answers, counted from the end of the silence after the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turnaround {
    /// The shortest time.
    pub least: Duration,
    /// How much longer it may take; each reply draws its own.
    pub jitter: Duration,
}

impl Default for Turnaround {
    /// About 4 ms, as a small instrument needs that answers from its main loop.
    fn default() -> Self {
        Self { least: Duration::from_micros(3500), jitter: Duration::from_millis(1) }
    }
}

/// One byte that the master sees now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireByte {
    /// The byte.
    pub value: u8,
    /// The unit and values of a reading whose last byte this is.
    pub completes: Option<(u8, GaugeValues)>,
}

/// The wire of one line and the gauges on it, on the caller's clock.
///
/// Bytes from the master arrive all at once through a pty; the bus reckons when their last bit would have been on the wire,
/// waits for the silence that ends the frame and the gauge's turn-around, and gives the reply out byte by byte,
/// each when its last bit is on the wire, never before.
#[derive(Debug)]
pub struct Bus {
    wire: Wire,
    turnaround: Turnaround,
    members: Vec<Member>,
    random: fastrand::Rng,
    hearing: Option<Hearing>,
    sending: Vec<Transmission>,
    last_bit: Option<Instant>,
    outputs: VecDeque<WireByte>,
    counters: LineCounters,
}

#[derive(Debug)]
struct Member {
    gauge: Gauge,
    fault: Option<LineFault>,
}

/// What the master has sent since the last silence.
#[derive(Debug)]
struct Hearing {
    bytes: Vec<u8>,
    until: Instant,
    is_garbled: bool,
}

impl Bus {
    /// Makes a line with these gauges; `seed` decides turn-around times and the noise of collisions.
    #[must_use]
    pub fn new(wire: Wire, turnaround: Turnaround, gauges: Vec<Gauge>, seed: u64) -> Self {
        Self {
            wire,
            turnaround,
            members: gauges.into_iter().map(|gauge| Member { gauge, fault: None }).collect(),
            random: fastrand::Rng::with_seed(seed),
            hearing: None,
            sending: Vec::new(),
            last_bit: None,
            outputs: VecDeque::new(),
            counters: LineCounters::default(),
        }
    }

    /// Gives `unit` a fault, or takes it away; false when there is no such unit.
    pub fn set_fault(&mut self, unit: u8, fault: Option<LineFault>) -> bool {
        let member = self.members.iter_mut().find(|member| member.gauge.unit() == unit);
        member.map(|member| member.fault = fault).is_some()
    }

    /// Gives what has happened so far.
    #[must_use]
    pub fn counters(&self) -> LineCounters {
        let busy = self.wire.time(self.counters.bytes_heard + self.counters.bytes_sent);
        LineCounters { busy, ..self.counters }
    }

    /// Takes bytes that the master has written at `now`.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.handle_timeout(now);
        if bytes.is_empty() {
            return;
        }
        let from = self.hearing.as_ref().map_or(now, |hearing| hearing.until.max(now));
        let until = from + self.wire.time(bytes.len() as u64);
        let is_first = self.hearing.is_none();
        let is_early = is_first && self.last_bit.is_some_and(|last| from < last + self.wire.silence());
        let is_garbled = self.jam(from, until);
        self.counters.early_requests += u64::from(is_early);
        self.counters.bytes_heard += bytes.len() as u64;

        let hearing = self.hearing.get_or_insert(Hearing { bytes: Vec::new(), until, is_garbled });
        let room = (MAX_FRAME_BYTES + 1).saturating_sub(hearing.bytes.len());
        hearing.bytes.extend(bytes.iter().take(room));
        hearing.until = until;
        self.counters.collisions += u64::from(is_garbled && (is_first || !hearing.is_garbled));
        hearing.is_garbled |= is_garbled;
    }

    /// Does all that is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.poll_timeout().filter(|&due| due <= now) {
            if self.frame_end() == Some(due) {
                self.end_frame(due);
            } else {
                self.send_byte(due);
            }
        }
    }

    /// Gives the next byte for the master, in order.
    pub fn poll_output(&mut self) -> Option<WireByte> {
        self.outputs.pop_front()
    }

    /// Gives the moment at which [`Bus::handle_timeout`] is wanted next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.sending.iter().filter_map(Transmission::due).chain(self.frame_end()).min()
    }

    fn frame_end(&self) -> Option<Instant> {
        self.hearing.as_ref().map(|hearing| hearing.until + self.wire.silence())
    }

    /// Spoils the replies that are on the wire in this stretch; whether there were any.
    fn jam(&mut self, from: Instant, until: Instant) -> bool {
        let mut hit = false;
        for reply in self.sending.iter_mut().filter(|reply| reply.overlaps(from, until)) {
            reply.disturb(from, until, Effect::Garbled);
            hit = true;
        }
        hit
    }

    fn end_frame(&mut self, now: Instant) {
        let Some(hearing) = self.hearing.take() else { return };
        if hearing.is_garbled {
            return;
        }
        let request = match Request::parse(&hearing.bytes) {
            Ok(request) => request,
            Err(FrameError::Crc { .. }) => {
                self.counters.crc_errors += 1;
                return;
            }
            Err(_) => {
                self.counters.noise += 1;
                return;
            }
        };
        if request.is_broadcast() {
            self.counters.broadcasts += 1;
            return;
        }
        let Some(member) = self.members.iter().find(|member| member.gauge.unit() == request.unit) else {
            self.counters.foreign += 1;
            return;
        };
        let answer = member.gauge.answer(now, &request);
        let fault = member.fault;
        self.counters.requests += 1;
        self.counters.exceptions += u64::from(answer.is_exception);
        let delay = self.turnaround.least + self.turnaround.jitter.mul_f64(self.random.f64());
        let plan = ReplyPlan { frame: answer.frame, delay };
        match fault.map_or(Some(plan.clone()), |fault| fault.shape(plan)) {
            Some(plan) => {
                let start = now + plan.delay;
                self.schedule(Transmission::new(request.unit, answer.shows, self.wire, plan.frame, start));
            }
            None => self.counters.unanswered += 1,
        }
    }

    /// Puts a reply on the wire; where two gauges speak at once, the one who began is garbled and the other drowned.
    fn schedule(&mut self, mut reply: Transmission) {
        let (from, until) = (reply.start(), reply.end());
        for other in self.sending.iter_mut().filter(|other| other.overlaps(from, until)) {
            self.counters.collisions += 1;
            let (ours, theirs) = if other.start() <= from {
                (Effect::Drowned, Effect::Garbled)
            } else {
                (Effect::Garbled, Effect::Drowned)
            };
            reply.disturb(other.start(), other.end(), ours);
            other.disturb(from, until, theirs);
        }
        self.sending.push(reply);
    }

    fn send_byte(&mut self, due: Instant) {
        let Some(index) = self.sending.iter().position(|reply| reply.due() == Some(due)) else { return };
        let reply = &mut self.sending[index];
        let value = reply.byte(self.random.u8(..));
        let completes = reply.shows.filter(|_| reply.is_done() && reply.is_intact()).map(|values| (reply.unit, values));
        if reply.is_done() {
            self.sending.swap_remove(index);
            self.counters.replies += 1;
        }
        self.last_bit = Some(due);
        if let Some(value) = value {
            self.counters.bytes_sent += 1;
            self.outputs.push_back(WireByte { value, completes });
        }
    }
}

#[cfg(test)]
#[path = "bus_tests.rs"]
mod tests;
