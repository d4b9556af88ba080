use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::fault::{Exchange, another_master, continuous};
use super::transmission::{Effect, Transmission};
use super::units::{Units, comes_unasked};
use super::{Fault, FaultTarget, LineCounters, LineFault, UnitCounters, Wire};
use crate::gauge::{Gauge, GaugeValues};
use crate::modbus::{FrameError, MAX_FRAME_BYTES, Request};

/// From one exchange of another master that talks on its own to its next.
const OTHER_MASTER_PERIOD: Duration = Duration::from_millis(400);

/// Length of the pieces in which a line that is never silent speaks.
const PIECE: Duration = Duration::from_millis(50);

/// How long a frame from a real port may pause while it is not whole: USB adapters deliver in pieces of 16 ms.
const ADAPTER_PAUSE: Duration = Duration::from_millis(20);

/// Bytes that are remembered of what was said, in case that the adapter hears itself.
const ECHO_BYTES: usize = 1024;

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

/// Who keeps the time of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// The bus: bytes come and go in no time, and it reckons when each would be on the wire.
    #[default]
    Reckoned,
    /// A wire that is really there: bytes come when they were on it, and go out as soon as they may.
    Real,
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
/// each when its last bit is on the wire, never before. Where a real wire keeps the time ([`Pace::Real`]), the bytes of a reply
/// are given out together when its first bit is due.
#[derive(Debug)]
pub struct Bus {
    wire: Wire,
    pace: Pace,
    units: Units,
    hearing: Option<Hearing>,
    sending: Vec<Transmission>,
    last_bit: Option<Instant>,
    outputs: VecDeque<WireByte>,
    counters: LineCounters,
    /// When what comes of its own comes next.
    unasked_due: Option<Instant>,
    /// What was said since the last request, for an adapter that hears itself.
    said: Vec<u8>,
}

/// What the master has sent since the last silence.
#[derive(Debug)]
struct Hearing {
    bytes: Vec<u8>,
    until: Instant,
    is_garbled: bool,
    /// How long it must be silent until the frame is over.
    pause: Duration,
}

impl Bus {
    /// Makes a line with these gauges; `seed` decides turn-around times and the noise of collisions.
    #[must_use]
    pub fn new(wire: Wire, turnaround: Turnaround, gauges: Vec<Gauge>, seed: u64) -> Self {
        Self {
            wire,
            pace: Pace::Reckoned,
            units: Units::new(wire, turnaround, gauges, seed),
            hearing: None,
            sending: Vec::new(),
            last_bit: None,
            outputs: VecDeque::new(),
            counters: LineCounters::default(),
            unasked_due: None,
            said: Vec::new(),
        }
    }

    /// Leaves the time of the bytes to a wire that is really there.
    #[must_use]
    pub fn on_a_real_wire(self) -> Self {
        Self { pace: Pace::Real, ..self }
    }

    /// Gives a unit or the line these faults in place of those that it has; false when there is no such unit.
    ///
    /// Each fault is laid over what those before it left of a reply. Replies that are on their way come as they were.
    pub fn set_faults(&mut self, now: Instant, target: FaultTarget, faults: Vec<Fault>) -> bool {
        if target == FaultTarget::Line {
            self.unasked_due = faults.iter().any(|fault| comes_unasked(fault.what)).then_some(now);
        }
        self.units.set_faults(target, faults)
    }

    /// Gives the faults of a unit or of the line.
    #[must_use]
    pub fn faults(&self, target: FaultTarget) -> &[Fault] {
        self.units.faults(target)
    }

    /// Gives what has happened so far.
    #[must_use]
    pub fn counters(&self) -> LineCounters {
        let busy = self.wire.time(self.counters.bytes_heard + self.counters.bytes_sent);
        LineCounters { busy, ..self.counters }
    }

    /// Gives what one unit has been asked so far; `None` when there is no such unit.
    #[must_use]
    pub fn unit_counters(&self, unit: u8) -> Option<UnitCounters> {
        self.units.counters(unit)
    }

    /// Takes bytes that the master has written at `now`.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.handle_timeout(now);
        if bytes.is_empty() {
            return;
        }
        self.counters.bytes_heard += bytes.len() as u64;
        match self.pace {
            Pace::Reckoned => self.hear_reckoned(now, bytes),
            Pace::Real => self.hear_real(now, bytes),
        }
    }

    fn hear_reckoned(&mut self, now: Instant, bytes: &[u8]) {
        let from = self.hearing.as_ref().map_or(now, |hearing| hearing.until.max(now));
        let until = from + self.wire.time(bytes.len() as u64);
        let is_first = self.hearing.is_none();
        let is_early = is_first && self.last_bit.is_some_and(|last| from < last + self.wire.silence());
        let is_garbled = self.jam(from, until);
        if is_first {
            let said = self.units.speak_at_once(bytes);
            self.sending.extend(said.into_iter().map(|reply| Transmission::new(bytes[0], reply, self.wire, from)));
        }
        self.counters.early_requests += u64::from(is_early);

        let pause = self.wire.silence();
        let hearing = self.hearing.get_or_insert(Hearing { bytes: Vec::new(), until, is_garbled, pause });
        hearing.take(bytes);
        hearing.until = until;
        self.counters.collisions += u64::from(is_garbled && (is_first || !hearing.is_garbled));
        hearing.is_garbled |= is_garbled;
    }

    /// A whole frame is over after the usual silence; of one that is not, more may come late.
    fn hear_real(&mut self, now: Instant, bytes: &[u8]) {
        let pause = self.wire.silence();
        let new = Hearing { bytes: Vec::new(), until: now, is_garbled: false, pause };
        let hearing = self.hearing.get_or_insert(new);
        hearing.take(bytes);
        hearing.until = now;
        let is_whole = Request::parse(&hearing.bytes).is_ok() || self.units.request_at_end(&hearing.bytes).is_some();
        hearing.pause = if is_whole { pause } else { pause.max(ADAPTER_PAUSE) };
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

    fn frame_end(&self) -> Option<Instant> {
        self.hearing.as_ref().map(|hearing| hearing.until + hearing.pause)
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
        let said = std::mem::take(&mut self.said);
        let bytes = without_echo(&hearing.bytes, &said);
        if bytes.is_empty() {
            return;
        }
        // On a real wire noise and another's frame may run into a request.
        let rescued = if self.pace == Pace::Real { self.units.request_at_end(bytes) } else { None };
        let request = match Request::parse(bytes).or_else(|error| rescued.ok_or(error)) {
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
        let Some(index) = self.units.find(request.unit) else {
            self.counters.foreign += 1;
            return;
        };
        self.answer(now, index, &request);
    }

    fn answer(&mut self, now: Instant, index: usize, request: &Request) {
        for (start, reply) in self.units.answer(now, index, request, Exchange::default(), &mut self.counters) {
            self.schedule(Transmission::new(request.unit, reply, self.wire, start));
        }
    }

    /// What comes without any request.
    fn speak_unasked(&mut self, now: Instant) {
        let faults = self.units.faults(FaultTarget::Line).to_vec();
        let thinks = self.units.turnaround().least;
        let mut next = None;
        for fault in faults.into_iter().filter(|fault| comes_unasked(fault.what)) {
            let (random, wire) = (self.units.random(), self.wire);
            let (said, pause) = match fault.what {
                LineFault::Shorted(_) => (continuous(PIECE, random, wire, |_| 0), PIECE),
                LineFault::Babble(_) => (continuous(PIECE, random, wire, |random| random.u8(..)), PIECE),
                LineFault::OtherMaster(unit) => (another_master(unit, random, wire, thinks), OTHER_MASTER_PERIOD),
                _ => continue,
            };
            if fault.chance.strikes(self.units.random()) {
                let start = now + said.delay;
                self.schedule(Transmission::new(0, said, self.wire, start));
            }
            next = next.max(Some(now + pause));
        }
        self.unasked_due = next;
    }

    /// Puts a reply on the wire; where two gauges speak at once, the one who began is garbled and the other drowned.
    fn schedule(&mut self, mut reply: Transmission) {
        reply.pace(self.pace);
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
        let value = reply.byte(self.units.random().u8(..));
        let whole = reply.whole();
        let completes = reply.shows.filter(|_| reply.is_done() && reply.is_intact()).map(|values| (reply.unit, values));
        let mut answer = None;
        if reply.is_done() {
            let mut sent = self.sending.swap_remove(index);
            self.counters.replies += 1;
            self.units.note_reply(sent.unit);
            answer = sent.answer.take().filter(|_| sent.is_intact()).map(|answer| (sent.unit, answer));
        }
        if let Some((unit, answer)) = answer {
            let start = whole + answer.delay;
            self.schedule(Transmission::new(unit, *answer, self.wire, start));
        }
        self.last_bit = Some(whole);
        if let Some(value) = value {
            self.counters.bytes_sent += 1;
            if self.pace == Pace::Real && self.said.len() < ECHO_BYTES {
                self.said.push(value);
            }
            self.outputs.push_back(WireByte { value, completes });
        }
    }
}

impl Hearing {
    fn take(&mut self, bytes: &[u8]) {
        let room = (MAX_FRAME_BYTES + 1).saturating_sub(self.bytes.len());
        self.bytes.extend(bytes.iter().take(room));
    }
}

/// Takes off what was said here and is heard again.
fn without_echo<'b>(bytes: &'b [u8], said: &[u8]) -> &'b [u8] {
    if said.is_empty() {
        return bytes;
    }
    if said.starts_with(bytes) { &[] } else { bytes.strip_prefix(said).unwrap_or(bytes) }
}

#[cfg(test)]
#[path = "bus_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "fault_tests.rs"]
mod fault_tests;

#[cfg(test)]
#[path = "real_wire_tests.rs"]
mod real_wire_tests;
