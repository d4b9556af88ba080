//! The gate between the wire and the Modbus client: what answers the open request passes, all else is counted.
//!
//! Every good frame is found in what comes, wherever it begins, and classified. The answer is a frame of the asked unit with
//! the function and count of the request, that the wire can have carried since the request was over and that nobody owes
//! from before ([`Unanswered`]). It passes when silence follows: two answers that contradict each other are none.

use std::time::{Duration, Instant};

use tankline_domain::message::GaugeCounters;

use super::frame::{EXCEPTION_LENGTH, Heard, Request, Shape};
use super::unanswered::Unanswered;

/// Stray bytes around a frame that are forgiven: what a driver's direction change leaves on the wire.
const GLITCH_BYTES: usize = 2;

/// More bytes than this without a silence are noise, not a frame.
const LONGEST_BURST: usize = 512;

/// Whether the asked unit speaks only when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It does.
    Settled,
    /// It was heard out of turn lately: its answer counts only if nothing damaged comes beside it.
    Doubted,
}

/// Why a slot closed without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Nothing came from the gauge, or only what it was asked before.
    Nothing,
    /// What came was damaged.
    Damaged,
    /// What came did not answer the request.
    Wrong,
}

/// What a slot brought.
#[derive(Debug)]
pub struct Verdict {
    /// The answer, or why there is none.
    pub answer: Result<Vec<u8>, Silence>,
    /// What was counted for the asked unit.
    pub counted: GaugeCounters,
    /// Frames of and for other units, in order.
    pub of_others: Vec<Heard>,
    /// Whether the asked unit said something that nobody had asked for.
    pub is_out_of_turn: bool,
    /// Whether what would have been the answer came sooner than the wire can carry it.
    pub is_too_soon: bool,
    /// Whether another master asked the same unit.
    pub is_asked_by_others: bool,
    /// What the answers to it look like.
    pub asked_by_others: Vec<Shape>,
    /// When the first damaged bytes came.
    pub damaged_at: Option<Instant>,
}

/// What the wire allows.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// When the last bit of the request was on the wire, at the earliest; no reply can begin before.
    pub request_over: Instant,
    /// The time that a byte takes at least.
    pub byte: Duration,
}

/// Judges the bytes of one slot: from a request to its answer or its time-out.
#[derive(Debug)]
pub struct Gate<'r> {
    request: &'r Request,
    trust: Trust,
    timing: Timing,
    unanswered: &'r mut Unanswered,
    /// Bytes that are no frame yet; the first `early` of them came before a reply could.
    pending: Vec<u8>,
    early: usize,
    answer: Option<Vec<u8>>,
    is_contradicted: bool,
    is_asked_by_others: bool,
    asked_by_others: Vec<Shape>,
    has_spoken: bool,
    silence: Silence,
    counted: GaugeCounters,
    of_others: Vec<Heard>,
    is_out_of_turn: bool,
    is_too_soon: bool,
    last_byte: Instant,
    damaged_at: Option<Instant>,
}

impl<'r> Gate<'r> {
    /// Opens a slot for the answer to a request.
    #[must_use]
    pub fn new(request: &'r Request, trust: Trust, timing: Timing, unanswered: &'r mut Unanswered) -> Self {
        Self {
            request,
            trust,
            timing,
            unanswered,
            pending: Vec::new(),
            early: 0,
            answer: None,
            is_contradicted: false,
            is_asked_by_others: false,
            asked_by_others: Vec::new(),
            has_spoken: false,
            silence: Silence::Nothing,
            counted: GaugeCounters::default(),
            of_others: Vec::new(),
            is_out_of_turn: false,
            is_too_soon: false,
            last_byte: timing.request_over,
            damaged_at: None,
        }
    }

    /// Takes bytes from the wire.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.last_byte = now;
        self.pending.extend(bytes);
        if now < self.timing.request_over {
            self.early = self.pending.len();
        }
        self.sort_out(now, Search::GoesOn);
        if self.pending.len() > LONGEST_BURST {
            self.handle_silence(now);
        }
    }

    /// Takes the end of a burst: what makes no frame is damaged, and thrown away.
    pub fn handle_silence(&mut self, now: Instant) {
        self.sort_out(now, Search::IsOver);
        let (left, early) = (self.pending.len(), self.early);
        self.pending.clear();
        self.early = 0;
        if left == 0 || (left <= GLITCH_BYTES && self.answer.is_some()) {
            return;
        }
        self.counted.crc_errors += 1;
        self.damaged_at = self.damaged_at.or(Some(self.last_byte));
        if left > early {
            self.silence = Silence::Damaged;
            self.has_spoken |= left - early >= EXCEPTION_LENGTH;
        }
    }

    /// Closes the slot.
    #[must_use]
    pub fn close(mut self, now: Instant) -> Verdict {
        self.handle_silence(now);
        let answer = match self.answer {
            Some(_) if self.is_contradicted => Err(Silence::Wrong),
            Some(_) if self.trust == Trust::Doubted && self.silence == Silence::Damaged => Err(Silence::Damaged),
            Some(answer) => Ok(answer),
            None => Err(self.silence),
        };
        Verdict {
            answer,
            counted: self.counted,
            of_others: self.of_others,
            is_out_of_turn: self.is_out_of_turn,
            is_too_soon: self.is_too_soon && !self.is_asked_by_others,
            is_asked_by_others: self.is_asked_by_others,
            asked_by_others: self.asked_by_others,
            damaged_at: self.damaged_at,
        }
    }

    /// Tells whether there is an answer, so that silence closes the slot.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.answer.is_some()
    }

    /// Tells whether the unit gave no answer but said what it had to say: damaged, and as long as a reply, or wrong. Should
    /// it answer after all, the answer is late.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.has_spoken && self.answer.is_none() && self.pending.is_empty()
    }

    /// Tells whether bytes came that are not classified yet.
    #[must_use]
    pub fn is_in_burst(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Tells whether these bytes are the beginning of the reply, so that the slot must not close upon it.
    #[must_use]
    pub fn is_in_reply(&self) -> bool {
        (self.early..self.pending.len()).any(|at| self.request.may_begin(&self.pending[at..]))
    }

    /// Gives how many bytes are still to come at least until an answer that has begun can be whole. `now` is when the last
    /// of its bytes came. 0 when none has begun, or when what came may not be the answer: it was sooner than the wire allows.
    #[must_use]
    pub fn missing(&self, now: Instant) -> u32 {
        let rest = |at: usize| Some((self.request.least_length(&self.pending[at..])?, self.pending.len() - at));
        let Some((length, there)) = (self.early..self.pending.len()).find_map(rest) else { return 0 };
        let count = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        if now < self.timing.request_over + self.timing.byte * count(there) {
            return 0;
        }
        count(length.saturating_sub(there))
    }

    /// Takes the good frames off the bytes, with the junk before each.
    fn sort_out(&mut self, now: Instant, search: Search) {
        while let Some((junk, heard, length)) = self.first_frame(search) {
            let carried = self.timing.byte * u32::try_from(length).unwrap_or(u32::MAX);
            let is_early = junk < self.early || now < self.timing.request_over + carried;
            let frame = self.pending[junk..junk + length].to_vec();
            self.pending.drain(..junk + length);
            self.early = self.early.saturating_sub(junk + length);
            if junk > GLITCH_BYTES {
                self.counted.crc_errors += 1;
                self.silence = Silence::Damaged;
            }
            self.handle_frame(now, heard, frame, is_early);
        }
    }

    fn first_frame(&self, search: Search) -> Option<(usize, Heard, usize)> {
        for at in 0..self.pending.len() {
            let rest = &self.pending[at..];
            if let Some((heard, length)) = Heard::at(rest) {
                return Some((at, heard, length));
            }
            // What looks like a frame inside a reply that is on its way is a part of it.
            if search == Search::GoesOn && rest.len() > 2 && self.request.may_begin(rest) {
                return None;
            }
        }
        None
    }

    fn handle_frame(&mut self, now: Instant, heard: Heard, frame: Vec<u8>, is_early: bool) {
        let own = self.request.unit();
        match heard {
            Heard::Request { .. } if frame == self.request.frame() => self.counted.echoes += 1,
            // What is answered from now on may be answered to another master.
            Heard::Request { unit, shape } if unit == own => {
                self.counted.foreign += 1;
                self.is_asked_by_others = true;
                self.asked_by_others.extend(shape);
            }
            Heard::Reply { unit, .. } | Heard::Exception { unit, .. } | Heard::Request { unit, .. } if unit != own => {
                self.counted.foreign += 1;
                self.of_others.push(heard);
            }
            _ if self.is_asked_by_others => {
                self.counted.foreign += 1;
                self.silence = Silence::Wrong;
            }
            Heard::Reply { shape, .. } => {
                let fits = shape == self.request.shape();
                if fits && !is_early && !self.unanswered.owes(now, shape) {
                    self.handle_answer(frame);
                } else if self.unanswered.handle_late_reply(now, shape) {
                    self.counted.late += 1;
                } else {
                    self.handle_unasked(fits, is_early);
                }
            }
            Heard::Exception { function, .. } => {
                let fits = function == self.request.function();
                if fits && !is_early {
                    self.handle_answer(frame);
                    return;
                }
                // Whatever it refuses, it says so before the wire can have carried the request.
                self.is_too_soon |= fits;
                if self.unanswered.handle_late_exception(now, function) {
                    self.counted.late += 1;
                } else {
                    self.handle_unasked(fits, is_early);
                }
            }
            Heard::Request { .. } => {}
        }
    }

    fn handle_answer(&mut self, frame: Vec<u8>) {
        if let Some(first) = &self.answer {
            self.counted.late += 1;
            self.is_out_of_turn = true;
            self.is_contradicted |= *first != frame;
        } else {
            self.answer = Some(frame);
        }
    }

    /// Takes a reply of the asked unit that neither answers this request nor any before.
    fn handle_unasked(&mut self, fits: bool, is_early: bool) {
        if is_early {
            self.counted.late += 1;
            self.is_out_of_turn = true;
            self.is_too_soon |= fits;
        } else {
            self.counted.foreign += 1;
            self.silence = Silence::Wrong;
            self.has_spoken = true;
        }
    }
}

/// Whether more bytes may make a frame of what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Search {
    GoesOn,
    IsOver,
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
