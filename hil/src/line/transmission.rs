use std::time::{Duration, Instant};

use super::fault::Reply;
use super::{Pace, Wire};
use crate::gauge::GaugeValues;

/// Bytes that follow each other closer than this are given out together on a real wire.
const TOGETHER: Duration = Duration::from_micros(100);

/// A reply on its way: when it starts, how far it is, and where others spoke into it.
#[derive(Debug)]
pub(super) struct Transmission {
    pub(super) unit: u8,
    pub(super) shows: Option<GaugeValues>,
    /// What somebody says to it, if it comes whole.
    pub(super) answer: Option<Box<Reply>>,
    byte_time: Duration,
    /// The bytes and when each is whole, counted from the start.
    bytes: Vec<(u8, Duration)>,
    /// When each is given out, counted from the start; later than it is whole it never is.
    dues: Vec<Duration>,
    start: Instant,
    sent: usize,
    disturbances: Vec<Disturbance>,
    is_intact: bool,
}

/// A stretch of time in which somebody else drives the line too.
#[derive(Debug)]
struct Disturbance {
    from: Instant,
    until: Instant,
    effect: Effect,
}

/// What the receiver makes of a byte in such a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It sees a byte, but a wrong one.
    Garbled,
    /// It sees no byte of this sender, because it is busy with the other's.
    Drowned,
}

impl Transmission {
    pub(super) fn new(unit: u8, reply: Reply, wire: Wire, start: Instant) -> Self {
        let Reply { bytes, shows, answer, .. } = reply;
        Self {
            unit,
            shows,
            answer,
            byte_time: wire.time(1),
            dues: bytes.iter().map(|(_, whole)| *whole).collect(),
            bytes,
            start,
            sent: 0,
            disturbances: Vec::new(),
            is_intact: true,
        }
    }

    /// On a real wire bytes are given out together, when the first bit of the first of them is due.
    pub(super) fn pace(&mut self, pace: Pace) {
        if pace == Pace::Reckoned {
            return;
        }
        let mut before = None;
        for ((_, whole), due) in self.bytes.iter().zip(&mut self.dues) {
            let begins = whole.saturating_sub(self.byte_time);
            *due = match before {
                Some((end, due)) if begins <= end + TOGETHER => due,
                _ => begins,
            };
            before = Some((*whole, *due));
        }
    }

    pub(super) fn start(&self) -> Instant {
        self.start
    }

    /// The moment of the last bit of the last byte.
    pub(super) fn end(&self) -> Instant {
        self.start + self.bytes.last().map_or(Duration::ZERO, |(_, end)| *end)
    }

    pub(super) fn overlaps(&self, from: Instant, until: Instant) -> bool {
        self.start < until && from < self.end()
    }

    pub(super) fn disturb(&mut self, from: Instant, until: Instant, effect: Effect) {
        self.disturbances.push(Disturbance { from, until, effect });
    }

    /// The moment at which the next byte is given out; `None` when all are out.
    pub(super) fn due(&self) -> Option<Instant> {
        self.dues.get(self.sent).map(|due| self.start + *due)
    }

    /// The moment at which the byte that was given out last is whole.
    pub(super) fn whole(&self) -> Instant {
        let last = self.sent.checked_sub(1).and_then(|index| self.bytes.get(index));
        self.start + last.map_or(Duration::ZERO, |(_, whole)| *whole)
    }

    /// Takes the next byte as the receiver sees it; `None` when it does not see it. `noise` spoils a garbled one.
    pub(super) fn byte(&mut self, noise: u8) -> Option<u8> {
        let (byte, whole) = *self.bytes.get(self.sent)?;
        let until = self.start + whole;
        let from = until.checked_sub(self.byte_time).unwrap_or(until).max(self.start);
        self.sent += 1;
        let disturbance = self.disturbances.iter().find(|other| from < other.until && other.from < until);
        self.is_intact &= disturbance.is_none();
        match disturbance.map(|other| other.effect) {
            None => Some(byte),
            Some(Effect::Garbled) => Some(byte ^ noise.max(1)),
            Some(Effect::Drowned) => None,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.sent >= self.bytes.len()
    }

    /// Whether every byte so far went out as it was meant.
    pub(super) fn is_intact(&self) -> bool {
        self.is_intact
    }
}
