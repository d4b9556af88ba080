//! The gate between the wire and the Modbus client: what answers the open request passes, all else is counted.
//!
//! A Modbus RTU reply names its unit and function but not its request. A reply that comes late therefore looks like the
//! answer to the next request of the same unit; taken for it, every later value would be one poll behind. The gate knows
//! when that can be: only while an earlier request of that unit is unanswered. Then it is strict: nothing passes that
//! came sooner than the request can have reached the gauge, and of two answers in one slot the second is the true one.

use std::time::Instant;

use super::frame::{REQUEST_LENGTH, Request, has_good_crc};
use tankline_domain::message::GaugeCounters;

/// Stray bytes before an answer that are forgiven: what a driver's direction change leaves on the wire.
const GLITCH_BYTES: usize = 2;

/// More bytes than this without a silence are noise, not a frame.
const LONGEST_BURST: usize = 512;

/// Whether a late reply of the asked unit may still be on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Every earlier request of this unit was answered.
    Settled,
    /// An earlier request of this unit is unanswered; before this moment no true reply can begin.
    Unsettled {
        /// When the last bit of the request was on the wire.
        no_reply_before: Instant,
    },
}

/// Why a slot closed without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Nothing came from the gauge.
    Nothing,
    /// What came was damaged.
    Damaged,
    /// What came did not answer the request.
    Wrong,
}

/// Judges the bytes of one slot: from a request to its answer or its time-out.
#[derive(Debug)]
pub struct Gate<'r> {
    request: &'r Request,
    trust: Trust,
    burst: Vec<u8>,
    burst_is_early: bool,
    answer: Option<Vec<u8>>,
    foreign_request_seen: bool,
    silence: Silence,
    counted: GaugeCounters,
}

impl<'r> Gate<'r> {
    /// Opens a slot for the answer to a request.
    #[must_use]
    pub fn new(request: &'r Request, trust: Trust) -> Self {
        Self {
            request,
            trust,
            burst: Vec::new(),
            burst_is_early: false,
            answer: None,
            foreign_request_seen: false,
            silence: Silence::Nothing,
            counted: GaugeCounters::default(),
        }
    }

    /// Takes bytes from the wire. The answer, once it is whole and nothing speaks against it, passes.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.burst.is_empty() {
            self.burst_is_early = matches!(self.trust, Trust::Unsettled { no_reply_before } if now < no_reply_before);
        }
        self.burst.extend(bytes);
        self.take_echo();
        self.take_answer();
        if self.burst.len() > LONGEST_BURST {
            self.handle_silence();
        }
        // While a late reply may come, the answer waits for the end of the slot: a second one would be the true one.
        if self.trust == Trust::Settled { self.answer.take() } else { None }
    }

    /// Takes the end of a burst: what did not answer is classified and thrown away.
    pub fn handle_silence(&mut self) {
        let burst = std::mem::take(&mut self.burst);
        if burst.is_empty() {
            return;
        }
        if self.burst_is_early {
            self.counted.late += 1;
        } else if !has_good_crc(&burst) {
            self.counted.crc_errors += 1;
            self.silence = Silence::Damaged;
        } else {
            self.counted.foreign += 1;
            // A good frame of request length: another master speaks, and what is answered next is answered to it.
            self.foreign_request_seen |= burst.len() == REQUEST_LENGTH && matches!(burst[1], 1..=6);
            if burst[0] == self.request.unit() {
                self.silence = Silence::Wrong;
            }
        }
    }

    /// Closes the slot: the answer that waited, or why there is none.
    ///
    /// # Errors
    /// [`Silence`] when there is no answer.
    pub fn close(&mut self) -> Result<Vec<u8>, Silence> {
        self.handle_silence();
        self.answer.take().ok_or(self.silence)
    }

    /// Tells whether bytes came that are not classified yet.
    #[must_use]
    pub fn is_in_burst(&self) -> bool {
        !self.burst.is_empty()
    }

    /// Gives what was counted in this slot.
    #[must_use]
    pub const fn counted(&self) -> GaugeCounters {
        self.counted
    }

    fn take_echo(&mut self) {
        if self.burst.starts_with(self.request.frame()) {
            self.burst.drain(..REQUEST_LENGTH);
            self.burst_is_early = false;
            self.counted.echoes += 1;
        }
    }

    fn take_answer(&mut self) {
        if self.burst_is_early || self.foreign_request_seen {
            return;
        }
        for glitch in 0..=GLITCH_BYTES.min(self.burst.len()) {
            let Some(length) = self.request.answer_length(&self.burst[glitch..]) else { continue };
            let frame = self.burst[glitch..glitch + length].to_vec();
            self.burst.drain(..glitch + length);
            if self.answer.replace(frame).is_some() {
                // Two answers to one request: the first one was late.
                self.counted.late += 1;
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::frame::with_crc;
    use super::*;

    /// Some bytes and how many ms after the start of the slot they come.
    type Burst = (u64, Vec<u8>);

    /// The answer, and late, foreign, crc and echo counts.
    type Outcome = (Result<Vec<u8>, Silence>, [u64; 4]);

    fn request() -> Request {
        Request::from_frame(&[0x01, 0x03, 0x00, 0x31, 0x00, 0x03, 0x54, 0x04]).unwrap()
    }

    fn reply(level: u16) -> Vec<u8> {
        let mut bytes = vec![1, 3, 6];
        bytes.extend(level.to_be_bytes());
        bytes.extend([0, 0, 0, 0]);
        with_crc(bytes)
    }

    /// What a slot makes of some bursts, each followed by silence.
    fn slot(trust: Trust, start: Instant, bursts: &[Burst]) -> Outcome {
        let request = request();
        let mut gate = Gate::new(&request, trust);
        let mut passed = None;
        for (after_ms, burst) in bursts {
            // Byte by byte, as a slow line gives them.
            for byte in burst {
                passed = passed.or(gate.handle_bytes(start + Duration::from_millis(*after_ms), &[*byte]));
            }
            gate.handle_silence();
        }
        let answer = passed.map_or_else(|| gate.close(), Ok);
        let counted = gate.counted();
        (answer, [counted.late, counted.foreign, counted.crc_errors, counted.echoes])
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any moment serves as the origin of a virtual clock")]
    fn only_what_answers_passes_and_the_rest_is_counted() {
        let start = Instant::now();
        let unsettled = Trust::Unsettled { no_reply_before: start + Duration::from_millis(8) };
        let damaged = {
            let mut bytes = reply(5);
            bytes[4] ^= 0x10;
            bytes
        };
        let other_unit = with_crc(vec![2, 3, 6, 0, 1, 0, 2, 0, 3]);
        let wrong_count = with_crc(vec![1, 3, 4, 0, 1, 0, 2]);
        let other_function = with_crc(vec![1, 4, 6, 0, 1, 0, 2, 0, 3]);
        let exception = with_crc(vec![1, 0x83, 2]);
        let other_master = with_crc(vec![1, 3, 0, 0, 0, 3]);
        let glitch = [vec![0xFF], reply(7)].concat();
        let echo = [request().frame().to_vec(), reply(7)].concat();
        let table: [(&str, Trust, Vec<Burst>, Outcome); 15] = [
            ("answer", Trust::Settled, vec![(15, reply(7))], (Ok(reply(7)), [0, 0, 0, 0])),
            ("exception", Trust::Settled, vec![(15, exception.clone())], (Ok(exception), [0, 0, 0, 0])),
            ("nothing", Trust::Settled, vec![], (Err(Silence::Nothing), [0, 0, 0, 0])),
            ("damaged", Trust::Settled, vec![(15, damaged.clone())], (Err(Silence::Damaged), [0, 0, 1, 0])),
            ("damaged, then whole", Trust::Settled, vec![(15, damaged), (40, reply(7))], (Ok(reply(7)), [0, 0, 1, 0])),
            ("short", Trust::Settled, vec![(15, reply(7)[..9].to_vec())], (Err(Silence::Damaged), [0, 0, 1, 0])),
            ("of another unit", Trust::Settled, vec![(15, other_unit.clone())], (Err(Silence::Nothing), [0, 1, 0, 0])),
            (
                "of another unit, then own",
                Trust::Settled,
                vec![(15, other_unit), (40, reply(7))],
                (Ok(reply(7)), [0, 1, 0, 0]),
            ),
            ("wrong count", Trust::Settled, vec![(15, wrong_count)], (Err(Silence::Wrong), [0, 1, 0, 0])),
            ("other function", Trust::Settled, vec![(15, other_function)], (Err(Silence::Wrong), [0, 1, 0, 0])),
            ("glitch before it", Trust::Settled, vec![(15, glitch)], (Ok(reply(7)), [0, 0, 0, 0])),
            ("own echo before it", Trust::Settled, vec![(15, echo)], (Ok(reply(7)), [0, 0, 0, 1])),
            (
                "to another master",
                Trust::Settled,
                vec![(15, other_master), (40, reply(7))],
                (Err(Silence::Wrong), [0, 2, 0, 0]),
            ),
            ("sooner than possible", unsettled, vec![(3, reply(6))], (Err(Silence::Nothing), [1, 0, 0, 0])),
            ("late one before true one", unsettled, vec![(15, reply(6)), (40, reply(7))], (Ok(reply(7)), [1, 0, 0, 0])),
        ];
        for (name, trust, bursts, outcome) in table {
            assert_eq!(slot(trust, start, &bursts), outcome, "{name}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any moment serves as the origin of a virtual clock")]
    fn endless_noise_is_thrown_away_in_bounded_memory() {
        let request = request();
        let mut gate = Gate::new(&request, Trust::Settled);
        for _ in 0..100 {
            assert_eq!(gate.handle_bytes(Instant::now(), &[0x55; 100]), None);
            assert!(gate.burst.len() <= LONGEST_BURST);
        }
        assert!(gate.counted().crc_errors > 10);
        assert_eq!(gate.close(), Err(Silence::Damaged));
    }
}
