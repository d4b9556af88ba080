//! The time from a request to its answer or its time-out, during which a line is listened to.

use std::io;
use std::time::{Duration, Instant};

use tankline_runtime::clock;
use tokio::time::timeout_at;

use super::gate::Gate;
use super::pause::Pause;
use super::port::OpenPort;

/// Pause between bytes that ends a burst: serial adapters deliver in pieces up to 16 ms apart.
pub const BURST_GAP: Duration = Duration::from_millis(20);

/// The time from a request to its answer or its time-out.
pub struct Slot<'m> {
    /// Judges what comes.
    pub gate: Gate<'m>,
    /// The silence that ends a frame.
    pub silence: Duration,
    /// The time of a byte on the wire; zero where there is no wire.
    pub byte: Duration,
    /// The time-out.
    pub end: Instant,
    /// A reply that has begun in time is heard out, until here.
    pub latest_end: Instant,
    /// An answer does not close the slot before.
    pub not_before: Instant,
    /// When the line was heard last.
    pub last_activity: &'m mut Instant,
    /// Waits to a few microseconds.
    pub pause: &'m mut Pause,
}

impl Slot<'_> {
    /// Receives until silence follows an answer or the time is over; gives when the last byte of the answer came.
    ///
    /// Once a reply has begun, nobody need wake for each of its bytes: the wire tells when it can be whole at the earliest.
    /// That time is slept through once or twice; a reply that is not there then is heard byte by byte.
    ///
    /// # Errors
    /// What the port said; it is then of no use any more.
    pub async fn receive(&mut self, port: &mut OpenPort) -> io::Result<Instant> {
        let mut bytes = Vec::new();
        let mut answered_at = *self.last_activity;
        let mut is_steady = !self.byte.is_zero();
        loop {
            let burst_end = *self.last_activity + BURST_GAP;
            let received = if self.gate.is_answered() || self.gate.has_failed() {
                let due = (*self.last_activity + self.silence).max(self.not_before).min(self.latest_end);
                tokio::select! {
                    biased;
                    received = port.receive(&mut bytes) => match received {
                        // Who closes after an answer has answered; nothing can contradict it any more.
                        Err(_) if self.gate.is_answered() => return Ok(answered_at),
                        received => received?,
                    },
                    () = self.pause.until(due) => return Ok(answered_at),
                }
                true
            } else {
                let due = match (self.gate.is_in_reply(), self.gate.is_in_burst()) {
                    (true, _) => burst_end.min(self.latest_end),
                    (false, true) => burst_end.min(self.end),
                    (false, false) => self.end,
                };
                let missing = if is_steady { self.gate.missing(*self.last_activity) } else { 0 };
                if missing > 1 {
                    let whole = *self.last_activity + self.byte * missing;
                    port.rest();
                    self.pause.until(whole.min(due)).await;
                }
                let received = match timeout_at(due.into(), port.receive(&mut bytes)).await {
                    Ok(received) => received.map(|()| true)?,
                    Err(_) => false,
                };
                is_steady &= missing < 2 || bytes.len() >= missing as usize;
                received
            };
            let now = clock::now();
            if !received {
                if now >= self.end && (!self.gate.is_in_reply() || now >= self.latest_end) {
                    return Ok(answered_at);
                }
                self.gate.handle_silence(now);
                continue;
            }
            *self.last_activity = now;
            let was_answered = self.gate.is_answered();
            self.gate.handle_bytes(now, &bytes);
            bytes.clear();
            if self.gate.is_answered() && !was_answered {
                answered_at = now;
            }
        }
    }
}
