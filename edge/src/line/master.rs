//! The Modbus master of a line: asks, and hands up only what answers.
//!
//! tokio-modbus makes the request and decodes the reply. It never sees the wire: between the two stand the silence
//! before a request, the purge of what nobody asked for, the slot, and the [`Gate`]. It gets one whole frame that
//! answers its request, or an end of file.
//!
//! A unit that left a request unanswered is asked something else first, so that no late reply can be taken for the answer
//! ([`unanswered`](super::unanswered)). A unit that was heard when nobody had asked it is listened to a little longer.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tankline_domain::message::GaugeCounters;
use tankline_domain::register::{RegisterKind, RegisterRead};
use tankline_domain::site::Framing;
use tankline_runtime::clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_modbus::Slave;
use tokio_modbus::client::{Reader, rtu};

pub use super::exchange::{Exchange, ExchangeError};
use super::frame::{Heard, REQUEST_LENGTH, Request, Shape};
use super::gate::{Gate, Silence, Timing, Trust, Verdict};
use super::pause::Pause;
use super::port::OpenPort;
use super::slot::{BURST_GAP, Slot};
use super::unanswered::Unanswered;

/// How long a line that never falls silent is waited for.
const BABBLE: Duration = Duration::from_millis(250);

/// How long a unit is doubted that was heard when nobody had asked it.
const DOUBT: Duration = Duration::from_secs(30);

/// More bytes than this are not kept between two exchanges.
const MOST_STRAYS: usize = 4096;

/// Answers in a row, too soon for the wire, after which the port is no wire: one to a network or a program.
///
/// They answer requests of different shapes, because what seems unanswered is not asked again at once: whoever is heard
/// early with answers to others cannot bring that about.
const NO_WIRE_AFTER: u32 = 3;

/// The one owner of a line's port.
#[derive(Debug)]
pub struct Master {
    port: OpenPort,
    framing: Framing,
    pace: Pace,
    /// In the last slot, what would have been the answer came sooner than a wire can carry it.
    is_too_soon: bool,
    pause: Pause,
    last_activity: Instant,
    last_unit: u8,
    /// The unit that was asked last and said nothing: what is heard spoilt after that may be its late reply.
    silent_unit: Option<u8>,
    units: HashMap<u8, Unit>,
}

/// What is known of one unit.
#[derive(Debug, Default)]
struct Unit {
    unanswered: Unanswered,
    counters: GaugeCounters,
    /// It was heard out of turn; until when that counts.
    doubted_until: Option<Instant>,
    /// The slowest of its answers, less with each that is quicker.
    slowest: Duration,
}

/// Whether the port keeps the time of a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// It should.
    Supposed,
    /// It does: somebody else was heard asking, as only a wire lets one hear.
    Proven,
    /// It does not: bytes come as fast as they like.
    None,
}

impl Master {
    /// Takes the port.
    #[must_use]
    pub fn new(port: OpenPort, framing: Framing) -> Self {
        let pace = if port.is_wire() { Pace::Supposed } else { Pace::None };
        Self {
            port,
            framing,
            pace,
            is_too_soon: false,
            pause: Pause::default(),
            last_activity: clock::now(),
            last_unit: 0,
            silent_unit: None,
            units: HashMap::new(),
        }
    }

    /// Takes what was counted for a unit since the last time.
    pub fn take_counters(&mut self, unit: u8) -> GaugeCounters {
        self.units.get_mut(&unit).map(|unit| std::mem::take(&mut unit.counters)).unwrap_or_default()
    }

    /// Takes how long the last reply of a unit took, as far as is known, that came late since the last time.
    pub fn take_lateness(&mut self, unit: u8) -> Option<Duration> {
        self.units.get_mut(&unit)?.unanswered.take_lateness()
    }

    /// Gives the time from one exchange to the last bit of the next request.
    #[must_use]
    pub fn request_time(&self) -> Duration {
        self.framing.silence() + self.framing.bytes(REQUEST_LENGTH)
    }

    /// Gives the time that the reply to a read takes on the wire.
    #[must_use]
    pub fn reply_floor(&self, read: RegisterRead) -> Duration {
        self.framing.silence() + self.framing.bytes(usize::from(read.count) * 2 + 5)
    }

    /// Reads registers of a unit; the time-out counts from the last bit of the request.
    ///
    /// Where a late reply could be taken for the answer, another read goes out first, with the same time-out. Where answers
    /// come sooner than a wire can carry them, it asks until it is known whether there is a wire.
    ///
    /// # Errors
    /// [`ExchangeError`]; the next exchange is not touched by what went wrong in this one.
    pub async fn read(&mut self, unit: u8, read: RegisterRead, timeout: Duration) -> Result<Exchange, ExchangeError> {
        for _ in 0..NO_WIRE_AFTER {
            let outcome = self.read_once(unit, read, timeout).await;
            if outcome.is_ok() || !self.is_too_soon || self.pace != Pace::Supposed {
                return outcome;
            }
        }
        tracing::info!("answers come sooner than this baud rate can carry them: the port is no wire");
        self.pace = Pace::None;
        // So all of them were answers, and nothing is owed from before.
        self.units.entry(unit).or_default().unanswered.handle_answer();
        self.read_once(unit, read, timeout).await
    }

    async fn read_once(&mut self, unit: u8, read: RegisterRead, timeout: Duration) -> Result<Exchange, ExchangeError> {
        if self.owes(unit, read) {
            let probe = self.units.entry(unit).or_default().unanswered.probe(clock::now(), read);
            match self.exchange(unit, probe, timeout).await {
                Ok(_) | Err(ExchangeError::Exception { .. }) => {}
                Err(error) => return Err(error),
            }
            if self.owes(unit, read) {
                return Err(ExchangeError::Silent { waited: timeout, silence: Silence::Nothing });
            }
        }
        self.exchange(unit, read, timeout).await
    }

    fn owes(&self, unit: u8, read: RegisterRead) -> bool {
        self.units.get(&unit).is_some_and(|unit| unit.unanswered.owes(clock::now(), Shape::of(read)))
    }

    async fn exchange(&mut self, unit: u8, read: RegisterRead, timeout: Duration) -> Result<Exchange, ExchangeError> {
        let (near, far) = tokio::io::duplex(512);
        let mut client = rtu::attach_slave(near, Slave(unit));
        let asked = async {
            let (start, count) = (read.start.get(), read.count);
            match read.kind {
                RegisterKind::Holding => client.read_holding_registers(start, count).await,
                RegisterKind::Input => client.read_input_registers(start, count).await,
            }
        };
        let (asked, carried) = tokio::join!(asked, self.carry(far, timeout));
        let (request, reply, took) = carried?;
        match asked {
            Ok(Ok(words)) => Ok(Exchange { words, request, reply, took }),
            Ok(Err(exception)) => Err(ExchangeError::exception(u8::from(exception), reply)),
            // The gate let through what the client cannot decode: nothing that can happen, and nothing to build upon.
            Err(_) => Err(ExchangeError::Silent { waited: timeout, silence: Silence::Wrong }),
        }
    }

    /// Carries one request from the client to the wire and its answer back.
    async fn carry(
        &mut self,
        mut client: DuplexStream,
        timeout: Duration,
    ) -> Result<(Vec<u8>, Vec<u8>, Duration), ExchangeError> {
        let mut frame = [0; REQUEST_LENGTH];
        client.read_exact(&mut frame).await.map_err(ExchangeError::Port)?;
        let request = Request::from_frame(&frame).expect("the client makes read requests only");
        let (reply, took) = self.slot(&request, timeout).await?;
        client.write_all(&reply).await.map_err(ExchangeError::Port)?;
        Ok((frame.to_vec(), reply, took))
    }

    async fn slot(&mut self, request: &Request, timeout: Duration) -> Result<(Vec<u8>, Duration), ExchangeError> {
        self.wait_for_silence().await?;
        self.last_unit = request.unit();
        let written = clock::now();
        self.port.send(request.frame()).await.map_err(ExchangeError::Port)?;
        let on_wire = if self.port.is_wire() { self.framing.bytes(REQUEST_LENGTH) } else { Duration::ZERO };
        let sent = clock::now() + on_wire;

        let unit = self.units.entry(request.unit()).or_default();
        unit.counters.polls += 1;
        let trust = if unit.doubted_until.is_some_and(|until| sent < until) { Trust::Doubted } else { Trust::Settled };
        // A clock may be off by a little, and a task may wait between two lines of code.
        let timing = match self.pace {
            Pace::None => Timing { request_over: written, byte: Duration::ZERO },
            _ => Timing { request_over: written + on_wire, byte: self.framing.bytes(1) * 19 / 20 },
        };
        let mut slot = Slot {
            gate: Gate::new(request, trust, timing, &mut unit.unanswered),
            // A doubted unit's second answer may come with the next piece that an adapter delivers.
            silence: if trust == Trust::Doubted { BURST_GAP } else { self.framing.silence() },
            byte: if self.pace == Pace::None { Duration::ZERO } else { self.framing.bytes(1) },
            end: sent + timeout,
            latest_end: sent + timeout + BURST_GAP * u32::try_from(request.reply_length()).unwrap_or(u32::MAX),
            // A second answer of a doubted unit would come about when the first should.
            not_before: if trust == Trust::Doubted { sent + unit.slowest * 3 / 2 } else { sent },
            last_activity: &mut self.last_activity,
            pause: &mut self.pause,
        };
        let last_byte = slot.receive(&mut self.port).await.map_err(ExchangeError::Port)?;
        let verdict = slot.gate.close(clock::now());
        self.last_activity = self.last_activity.max(sent);
        let took = last_byte.saturating_duration_since(sent);
        self.conclude(request, sent, took, verdict)
            .map_err(|silence| ExchangeError::Silent { waited: timeout, silence })
    }

    /// Remembers what a slot brought, and gives the answer.
    fn conclude(
        &mut self,
        request: &Request,
        sent: Instant,
        took: Duration,
        verdict: Verdict,
    ) -> Result<(Vec<u8>, Duration), Silence> {
        let names_its_answers = self.port.names_its_answers();
        if let Some(at) = verdict.damaged_at {
            self.hint(at);
        }
        self.silent_unit = (verdict.answer == Err(Silence::Nothing)).then_some(request.unit());
        let unit = self.units.entry(request.unit()).or_default();
        add(&mut unit.counters, verdict.counted);
        if verdict.is_out_of_turn && !names_its_answers {
            unit.doubted_until = Some(sent + DOUBT);
        }
        match &verdict.answer {
            Ok(reply) if reply[1] == request.function() => {
                unit.counters.replies += 1;
                unit.unanswered.handle_answer();
                unit.slowest = took.max(unit.slowest * 15 / 16);
            }
            Ok(_) => {
                unit.counters.exceptions += 1;
                // Where more than one request is open, it may be the refusal of any.
                if unit.unanswered.handle_late_exception(sent, request.function()) {
                    unit.unanswered.handle_silence(request.shape(), sent);
                }
            }
            Err(silence) => {
                unit.counters.timeouts += u64::from(*silence == Silence::Nothing);
                if !names_its_answers {
                    unit.unanswered.handle_silence(request.shape(), sent);
                }
            }
        }
        // Another master's requests are requests that may be answered late, as our own.
        verdict.asked_by_others.iter().for_each(|shape| unit.unanswered.handle_silence(*shape, sent));
        self.is_too_soon = verdict.is_too_soon && verdict.answer.is_err();
        if verdict.is_asked_by_others {
            self.handle_request_of_others();
        }
        for heard in verdict.of_others {
            self.hear(heard);
        }
        verdict.answer.map(|reply| (reply, took))
    }

    /// Takes that another master was heard: so the port is a wire after all.
    fn handle_request_of_others(&mut self) {
        if self.port.is_wire() {
            self.pace = Pace::Proven;
        }
    }

    /// Takes a frame that came outside the slot of its unit; whether it was one of a unit of ours.
    fn hear(&mut self, heard: Heard) -> bool {
        let now = clock::now();
        let (number, was_owed) = match heard {
            Heard::Request { unit, shape } => {
                self.handle_request_of_others();
                if let (Some(unit), Some(shape)) = (self.units.get_mut(&unit), shape) {
                    unit.unanswered.handle_silence(shape, now);
                }
                return false;
            }
            Heard::Reply { unit, shape } => {
                (unit, self.units.get_mut(&unit).map(|unit| unit.unanswered.handle_late_reply(now, shape)))
            }
            Heard::Exception { unit, function } => {
                (unit, self.units.get_mut(&unit).map(|unit| unit.unanswered.handle_late_exception(now, function)))
            }
        };
        let Some(unit) = self.units.get_mut(&number) else { return false };
        unit.counters.late += 1;
        if was_owed == Some(false) {
            unit.doubted_until = Some(now + DOUBT);
        }
        true
    }

    /// Takes that something was heard spoilt.
    fn hint(&mut self, now: Instant) {
        if let Some(unit) = self.silent_unit.take().and_then(|unit| self.units.get_mut(&unit)) {
            unit.unanswered.handle_hint(now);
        }
    }

    /// Waits until the line was silent for 3.5 characters, and throws away what came since the last exchange.
    ///
    /// Where that is no whole frame, its rest may still be on its way: then it waits for as long as an adapter may take.
    async fn wait_for_silence(&mut self) -> Result<(), ExchangeError> {
        let give_up = clock::now() + BABBLE;
        let mut strays = Vec::new();
        let outcome = loop {
            let silence = if is_broken(&strays) { BURST_GAP } else { self.framing.silence() };
            let quiet = self.last_activity + silence;
            tokio::select! {
                biased;
                received = self.port.receive(&mut strays) => received.map_err(ExchangeError::Port)?,
                () = self.pause.until(quiet) => break Ok(()),
            }
            self.last_activity = clock::now();
            if strays.len() > MOST_STRAYS {
                self.count_strays(&strays);
                strays.clear();
            }
            if self.last_activity > give_up {
                break Err(ExchangeError::Babble);
            }
        };
        self.count_strays(&strays);
        outcome
    }

    /// Counts what came when nothing was asked: a good frame is late, all else is noise.
    fn count_strays(&mut self, mut strays: &[u8]) {
        let mut noise = 0;
        while !strays.is_empty() {
            let Some((heard, length)) = Heard::at(strays) else {
                (noise, strays) = (noise + 1, &strays[1..]);
                continue;
            };
            strays = &strays[length..];
            if !self.hear(heard) {
                // It counts for the unit that was asked last, as whatever is nobody's.
                self.units.entry(self.last_unit).or_default().counters.late += 1;
            }
        }
        if noise > 0 {
            self.hint(self.last_activity);
            self.units.entry(self.last_unit).or_default().counters.crc_errors += 1;
        }
    }
}

/// Tells whether bytes end with some that make no frame.
fn is_broken(mut bytes: &[u8]) -> bool {
    let mut is_broken = false;
    while !bytes.is_empty() {
        let length = Heard::at(bytes).map(|(_, length)| length);
        is_broken = length.is_none();
        bytes = &bytes[length.unwrap_or(1)..];
    }
    is_broken
}

/// Adds counters up.
pub fn add(sum: &mut GaugeCounters, more: GaugeCounters) {
    let GaugeCounters { polls, replies, timeouts, crc_errors, late, foreign, exceptions, echoes, skipped } = more;
    sum.polls += polls;
    sum.replies += replies;
    sum.timeouts += timeouts;
    sum.crc_errors += crc_errors;
    sum.late += late;
    sum.foreign += foreign;
    sum.exceptions += exceptions;
    sum.echoes += echoes;
    sum.skipped += skipped;
}
