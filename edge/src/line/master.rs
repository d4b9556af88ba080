//! The Modbus master of a line: asks, and hands up only what answers.
//!
//! tokio-modbus makes the request and decodes the reply. It never sees the wire: between the two stand the silence
//! before a request, the purge of what nobody asked for, the slot, and the [`Gate`]. It gets one whole frame that
//! answers its request, or an end of file.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use tankline_domain::message::GaugeCounters;
use tankline_domain::reading::Bad;
use tankline_domain::register::{RegisterKind, RegisterRead};
use tankline_domain::site::Framing;
use tankline_runtime::clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout_at;
use tokio_modbus::Slave;
use tokio_modbus::client::{Reader, rtu};

use super::frame::{REQUEST_LENGTH, Request, has_good_crc};
use super::gate::{Gate, Silence, Trust};
use super::port::OpenPort;

/// How long after an unanswered request its reply may still come.
const LATEST_REPLY: Duration = Duration::from_secs(5);

/// How long a line that never falls silent is waited for.
const BABBLE: Duration = Duration::from_millis(250);

/// Pause between bytes that ends a burst: serial adapters deliver in pieces up to 16 ms apart.
const BURST_GAP: Duration = Duration::from_millis(20);

/// What an exchange brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The registers, in order.
    pub words: Vec<u16>,
    /// The request frame.
    pub request: Vec<u8>,
    /// The reply frame.
    pub reply: Vec<u8>,
    /// From the last bit of the request to the last of the reply.
    pub took: Duration,
}

/// Why an exchange brought nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// Nothing answered in time.
    #[error("no answer within {} ms", waited.as_millis())]
    Silent {
        /// How long was waited.
        waited: Duration,
        /// What came instead.
        silence: Silence,
    },
    /// The gauge answered with an exception.
    #[error("the gauge answers with exception {code} ({meaning})")]
    Exception {
        /// The exception code.
        code: u8,
        /// What the standard says that it means.
        meaning: &'static str,
        /// The reply frame.
        reply: Vec<u8>,
    },
    /// The line never fell silent, so nothing could be asked.
    #[error("the line is never silent: another master talks on it, or A and B are shorted or swapped")]
    Babble,
    /// The port failed; it has to be opened again.
    #[error("the port failed")]
    Port(#[source] io::Error),
}

impl ExchangeError {
    /// Gives the reason that a reading of this poll carries.
    #[must_use]
    pub const fn reason(&self) -> Bad {
        match self {
            Self::Silent { silence: Silence::Nothing, .. } => Bad::NoReply,
            Self::Silent { silence: Silence::Damaged, .. } | Self::Babble => Bad::Crc,
            Self::Silent { silence: Silence::Wrong, .. } => Bad::WrongReply,
            Self::Exception { code, .. } => Bad::Exception(*code),
            Self::Port(_) => Bad::Line,
        }
    }
}

/// The one owner of a line's port.
#[derive(Debug)]
pub struct Master {
    port: OpenPort,
    framing: Framing,
    last_activity: Instant,
    last_unit: u8,
    /// Units with an unanswered request, and until when its reply may come.
    unsettled: HashMap<u8, Instant>,
    counters: HashMap<u8, GaugeCounters>,
}

impl Master {
    /// Takes the port.
    #[must_use]
    pub fn new(port: OpenPort, framing: Framing) -> Self {
        let (unsettled, counters) = (HashMap::new(), HashMap::new());
        Self { port, framing, last_activity: clock::now(), last_unit: 0, unsettled, counters }
    }

    /// Takes what was counted for a unit since the last time.
    pub fn take_counters(&mut self, unit: u8) -> GaugeCounters {
        self.counters.remove(&unit).unwrap_or_default()
    }

    /// Gives the time that the reply to a read takes on the wire.
    #[must_use]
    pub fn reply_floor(&self, read: RegisterRead) -> Duration {
        self.framing.silence() + self.framing.bytes(usize::from(read.count) * 2 + 5)
    }

    /// Reads registers of a unit; the time-out counts from the last bit of the request.
    ///
    /// # Errors
    /// [`ExchangeError`]; the next exchange is not touched by what went wrong in this one.
    pub async fn read(&mut self, unit: u8, read: RegisterRead, timeout: Duration) -> Result<Exchange, ExchangeError> {
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
            Ok(Err(exception)) => {
                let code = u8::from(exception);
                Err(ExchangeError::Exception { code, meaning: meaning(code), reply })
            }
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
        let unit = request.unit();
        self.wait_for_silence().await?;
        let counters = self.counters.entry(unit).or_default();
        counters.polls += 1;
        self.last_unit = unit;
        self.port.send(request.frame()).await.map_err(ExchangeError::Port)?;
        let on_wire = if self.port.is_wire() { self.framing.bytes(REQUEST_LENGTH) } else { Duration::ZERO };
        let sent = clock::now() + on_wire;
        let trust = match self.unsettled.get(&unit) {
            Some(until) if sent < *until => Trust::Unsettled { no_reply_before: sent },
            _ => Trust::Settled,
        };
        let mut gate = Gate::new(request, trust);
        let outcome = receive(&mut self.port, &mut gate, sent, sent + timeout, &mut self.last_activity).await;
        self.last_activity = self.last_activity.max(sent);
        let counters = self.counters.entry(unit).or_default();
        add(counters, gate.counted());
        match outcome.map_err(ExchangeError::Port)? {
            Ok((reply, at)) => {
                self.unsettled.remove(&unit);
                if reply.len() == request.reply_length() && reply[1] == request.function() {
                    counters.replies += 1;
                } else {
                    counters.exceptions += 1;
                }
                Ok((reply, at.saturating_duration_since(sent)))
            }
            Err(silence) => {
                self.unsettled.insert(unit, sent + LATEST_REPLY);
                if silence == Silence::Nothing {
                    counters.timeouts += 1;
                }
                Err(ExchangeError::Silent { waited: timeout, silence })
            }
        }
    }

    /// Waits until the line was silent for 3.5 characters, and throws away what came since the last exchange.
    async fn wait_for_silence(&mut self) -> Result<(), ExchangeError> {
        let give_up = clock::now() + BABBLE;
        let mut strays = Vec::new();
        loop {
            let quiet = (self.last_activity + self.framing.silence()).into();
            match timeout_at(quiet, self.port.receive(&mut strays)).await {
                Err(_) => break,
                Ok(received) => received.map_err(ExchangeError::Port)?,
            }
            self.last_activity = clock::now();
            if self.last_activity > give_up {
                self.count_strays(&strays);
                return Err(ExchangeError::Babble);
            }
        }
        self.count_strays(&strays);
        Ok(())
    }

    /// Counts what came when nothing was asked: a good frame is late, all else is noise.
    fn count_strays(&mut self, strays: &[u8]) {
        if strays.is_empty() {
            return;
        }
        if has_good_crc(strays) {
            // It counts for the unit that sent it, if that is one of ours.
            let sender = strays[0];
            let unit = if self.unsettled.contains_key(&sender) { sender } else { self.last_unit };
            self.counters.entry(unit).or_default().late += 1;
        } else {
            self.counters.entry(self.last_unit).or_default().crc_errors += 1;
        }
    }
}

/// Receives until the gate lets an answer pass or the slot closes; gives the answer and when its last byte came.
async fn receive(
    port: &mut OpenPort,
    gate: &mut Gate<'_>,
    sent: Instant,
    slot_end: Instant,
    last_activity: &mut Instant,
) -> io::Result<Result<(Vec<u8>, Instant), Silence>> {
    let mut bytes = Vec::new();
    let mut last_byte = sent;
    loop {
        let due = if gate.is_in_burst() { slot_end.min(*last_activity + BURST_GAP) } else { slot_end };
        match timeout_at(due.into(), port.receive(&mut bytes)).await {
            Ok(received) => received?,
            Err(_) if gate.is_in_burst() && due < slot_end => {
                gate.handle_silence();
                continue;
            }
            Err(_) => return Ok(gate.close().map(|frame| (frame, last_byte))),
        }
        *last_activity = clock::now();
        last_byte = *last_activity;
        if let Some(frame) = gate.handle_bytes(*last_activity, &bytes) {
            return Ok(Ok((frame, last_byte)));
        }
        bytes.clear();
    }
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

/// Says what an exception code means.
///
/// Source: Modbus Application Protocol V1.1b3, section 7.
const fn meaning(code: u8) -> &'static str {
    match code {
        1 => "it does not know the function",
        2 => "it has no such register",
        3 => "it does not accept the count",
        4 => "it failed",
        5 => "it needs more time",
        6 => "it is busy",
        8 => "its memory has a parity error",
        10 => "the gateway has no path to it",
        11 => "the gateway got no answer from it",
        _ => "not in the standard",
    }
}
