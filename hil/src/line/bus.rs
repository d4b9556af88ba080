use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::fault::{Memory, Reply, Scene, another_master, continuous};
use super::transmission::{Effect, Transmission};
use super::{Fault, FaultTarget, LineCounters, LineFault, Wire};
use crate::gauge::{Gauge, GaugeValues};
use crate::modbus::{FrameError, MAX_FRAME_BYTES, Request};

/// From one exchange of another master that talks on its own to its next.
const OTHER_MASTER_PERIOD: Duration = Duration::from_millis(400);

/// Length of the pieces in which a line that is never silent speaks.
const PIECE: Duration = Duration::from_millis(50);

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
    /// Faults of the line itself, and when what comes of its own comes next.
    faults: Vec<Fault>,
    unasked_due: Option<Instant>,
}

#[derive(Debug)]
struct Member {
    gauge: Gauge,
    faults: Vec<Fault>,
    memory: Memory,
    /// When the last reply that it was made to give is out: it speaks of one thing after the other.
    speaks_until: Option<Instant>,
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
            members: gauges.into_iter().map(Member::new).collect(),
            random: fastrand::Rng::with_seed(seed),
            hearing: None,
            sending: Vec::new(),
            last_bit: None,
            outputs: VecDeque::new(),
            counters: LineCounters::default(),
            faults: Vec::new(),
            unasked_due: None,
        }
    }

    /// Gives a unit or the line these faults in place of those that it has; false when there is no such unit.
    ///
    /// Each fault is laid over what those before it left of a reply. Replies that are on their way come as they were.
    pub fn set_faults(&mut self, now: Instant, target: FaultTarget, faults: Vec<Fault>) -> bool {
        match target {
            FaultTarget::Unit(unit) => match self.member(unit) {
                Some(index) => {
                    self.members[index].faults = faults;
                    self.members[index].memory.reset();
                    true
                }
                None => false,
            },
            FaultTarget::Line => {
                self.unasked_due = faults.iter().any(|fault| comes_unasked(fault.what)).then_some(now);
                self.faults = faults;
                self.members.iter_mut().for_each(|member| member.memory.reset());
                true
            }
        }
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
        if is_first {
            self.speak_at_once(from, bytes);
        }
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
            } else if self.unasked_due == Some(due) {
                self.speak_unasked(due);
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
        self.sending.iter().filter_map(Transmission::due).chain(self.frame_end()).chain(self.unasked_due).min()
    }

    fn member(&self, unit: u8) -> Option<usize> {
        self.members.iter().position(|member| member.gauge.unit() == unit)
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
        let Some(index) = self.member(request.unit) else {
            self.counters.foreign += 1;
            return;
        };
        self.answer(now, index, &request);
    }

    fn answer(&mut self, now: Instant, index: usize, request: &Request) {
        let thinks = self.turnaround.least + self.turnaround.jitter.mul_f64(self.random.f64());
        let Member { gauge, faults, memory, speaks_until } = &mut self.members[index];
        let answer = gauge.answer(now, request);
        self.counters.requests += 1;
        self.counters.exceptions += u64::from(answer.is_exception);
        let sound = Reply { shows: answer.shows, ..Reply::steady(&answer.frame, thinks, self.wire) };
        let (random, wire) = (&mut self.random, self.wire);
        let mut scene = Scene { now, request, gauge, memory, random, wire, thinks };
        let mut replies = vec![sound];
        for fault in faults.iter().chain(self.faults.iter().filter(|fault| !comes_unasked(fault.what))) {
            if fault.chance.strikes(scene.random) {
                replies = fault.what.shape(replies, &mut scene);
            }
        }
        memory.last_frame = Some(answer.frame);
        self.counters.unanswered += u64::from(replies.is_empty());
        let mut free = *speaks_until;
        let mut sending = Vec::new();
        for reply in replies {
            let (start, is_own) = (now + reply.delay, !reply.is_of_others);
            // A unit gives its replies one after the other, in the order of their requests.
            let start = if is_own { free.map_or(start, |free| free.max(start)) } else { start };
            let transmission = Transmission::new(request.unit, reply, self.wire, start);
            if is_own {
                free = free.max(Some(transmission.end()));
            }
            sending.push(transmission);
        }
        *speaks_until = free;
        sending.into_iter().for_each(|transmission| self.schedule(transmission));
    }

    /// What comes while the request is still on the wire: the master's own echo, and an old reply.
    fn speak_at_once(&mut self, from: Instant, request: &[u8]) {
        let Some(index) = self.member(request[0]) else { return };
        let member = &self.members[index];
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
                let bytes = Reply::steady(frame, Duration::ZERO, self.wire);
                self.sending.push(Transmission::new(request[0], bytes, self.wire, from));
            }
        }
    }

    /// What comes without any request.
    fn speak_unasked(&mut self, now: Instant) {
        let faults = self.faults.clone();
        let mut next = None;
        for fault in faults.into_iter().filter(|fault| comes_unasked(fault.what)) {
            let (random, wire) = (&mut self.random, self.wire);
            let (said, pause) = match fault.what {
                LineFault::Shorted(_) => (continuous(PIECE, random, wire, |_| 0), PIECE),
                LineFault::Babble(_) => (continuous(PIECE, random, wire, |random| random.u8(..)), PIECE),
                LineFault::OtherMaster(unit) => {
                    (another_master(unit, random, wire, self.turnaround.least), OTHER_MASTER_PERIOD)
                }
                _ => continue,
            };
            if fault.chance.strikes(&mut self.random) {
                let start = now + said.delay;
                self.schedule(Transmission::new(0, said, self.wire, start));
            }
            next = next.max(Some(now + pause));
        }
        self.unasked_due = next;
    }

    /// Puts a reply on the wire; where two gauges speak at once, the one who began is garbled and the other drowned.
    fn schedule(&mut self, mut reply: Transmission) {
        let (from, until) = (reply.start(), reply.end());
        if let Some(hearing) = self.hearing.as_mut().filter(|hearing| from < hearing.until) {
            reply.disturb(from, hearing.until, Effect::Garbled);
            self.counters.collisions += u64::from(!hearing.is_garbled);
            hearing.is_garbled = true;
        }
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
        let mut answer = None;
        if reply.is_done() {
            let mut sent = self.sending.swap_remove(index);
            self.counters.replies += 1;
            answer = sent.answer.take().filter(|_| sent.is_intact()).map(|answer| (sent.unit, answer));
        }
        if let Some((unit, answer)) = answer {
            let start = due + answer.delay;
            self.schedule(Transmission::new(unit, *answer, self.wire, start));
        }
        self.last_bit = Some(due);
        if let Some(value) = value {
            self.counters.bytes_sent += 1;
            self.outputs.push_back(WireByte { value, completes });
        }
    }
}

impl Member {
    fn new(gauge: Gauge) -> Self {
        Self { gauge, faults: Vec::new(), memory: Memory::default(), speaks_until: None }
    }
}

/// Whether a fault of the line acts without a request.
const fn comes_unasked(what: LineFault) -> bool {
    matches!(what, LineFault::Shorted(_) | LineFault::Babble(_) | LineFault::OtherMaster(_))
}

#[cfg(test)]
#[path = "bus_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "fault_tests.rs"]
mod fault_tests;
