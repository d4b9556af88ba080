//! When the port of a line is opened, and what is said about it.

use std::pin::Pin;
use std::time::{Duration, Instant};

use tankline_domain::site::Line;
use tankline_runtime::backoff::Backoff;
use tankline_runtime::clock;
use tokio::time::sleep_until;

use super::port::{self, OpenError, OpenPort};

/// First pause before a port is opened again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long polls wait for a port that is likely to open: at the start, and when it was lost while gauges answered.
const HEAD_START: Duration = Duration::from_millis(250);

/// Decides when the port of a line is opened.
///
/// That a port opens proves little: a gateway may take every connection and drop it at once. So the pauses grow, and its
/// fault counts as told, until a gauge has answered. A port that was lost after that is opened again at once.
#[derive(Debug)]
pub struct Opening {
    backoff: Backoff,
    due: Instant,
    polls_wait_until: Instant,
    /// A gauge has answered since the port was opened.
    is_proven: bool,
    is_refusal_told: bool,
    is_loss_told: bool,
}

/// What is said about a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// That it happened.
    Now,
    /// Nothing: it was said before.
    Nothing,
}

impl Opening {
    /// Begins with a port that is to be opened at once.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            due: now,
            polls_wait_until: now + HEAD_START,
            is_proven: false,
            is_refusal_told: false,
            is_loss_told: false,
        }
    }

    /// Gives the moment of the next attempt.
    #[must_use]
    pub const fn due(&self) -> Instant {
        self.due
    }

    /// Gives the moment until which polls wait for the port; then they fail without it.
    #[must_use]
    pub const fn polls_wait_until(&self) -> Instant {
        self.polls_wait_until
    }

    /// Takes that the port is open. After a fault that is said when a gauge answers.
    #[must_use]
    pub const fn handle_open(&mut self) -> Tell {
        self.is_proven = false;
        Tell::first(self.is_refusal_told || self.is_loss_told)
    }

    /// Takes that a gauge has answered; tells whether that ends a fault.
    #[must_use]
    pub fn handle_answer(&mut self) -> Tell {
        if self.is_proven {
            return Tell::Nothing;
        }
        self.is_proven = true;
        self.backoff.reset();
        let was_faulty = self.is_refusal_told || self.is_loss_told;
        (self.is_refusal_told, self.is_loss_told) = (false, false);
        Tell::first(!was_faulty)
    }

    /// Takes that the port could not be opened.
    #[must_use]
    pub fn handle_refusal(&mut self, now: Instant) -> Tell {
        self.try_later(now);
        Tell::first(std::mem::replace(&mut self.is_refusal_told, true))
    }

    /// Takes that the open port failed.
    #[must_use]
    pub fn handle_loss(&mut self, now: Instant) -> Tell {
        if std::mem::take(&mut self.is_proven) {
            (self.due, self.polls_wait_until) = (now, now + HEAD_START);
        } else {
            self.try_later(now);
        }
        Tell::first(std::mem::replace(&mut self.is_loss_told, true))
    }

    fn try_later(&mut self, now: Instant) {
        (self.due, self.polls_wait_until) = (now + self.backoff.next(), now);
    }
}

impl Tell {
    const fn first(was_told: bool) -> Self {
        if was_told { Self::Nothing } else { Self::Now }
    }
}

type OpeningPort = dyn Future<Output = Result<OpenPort, OpenError>> + Send;

/// An attempt to open a port, which goes on beside the polling.
#[derive(Default)]
pub struct Attempt(Option<Pin<Box<OpeningPort>>>);

impl Attempt {
    /// Waits until `due`, opens the port, and gives what came of it. May be dropped and called again at any time: what was
    /// begun goes on.
    ///
    /// # Errors
    /// [`OpenError`] with what to check.
    pub async fn opened(&mut self, line: &Line, due: Instant) -> Result<OpenPort, OpenError> {
        if self.0.is_none() {
            sleep_until(due.into()).await;
        }
        let (port, framing) = (&line.port, line.framing);
        let begin = || {
            let port = port.clone();
            Box::pin(async move { port::open(&port, &framing).await })
        };
        let outcome = self.0.get_or_insert_with(|| begin()).await;
        self.0 = None;
        outcome
    }
}

/// Gives the moment from which a line that is not open may tell of the next gauge: as soon as the wire could.
#[must_use]
pub fn next_without_port(line: &Line) -> Instant {
    const SHORTEST_REPLY: usize = 7;
    let framing = &line.framing;
    clock::now() + framing.silence() * 2 + framing.bytes(super::frame::REQUEST_LENGTH + SHORTEST_REPLY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_one_thing_is_said_once_until_a_gauge_answers() {
        let start = clock::now();
        let mut opening = Opening::new(start);
        assert_eq!(opening.handle_open(), Tell::Now);
        let mut now = start;
        let mut pauses = Vec::new();
        for round in 0..9 {
            let told = opening.handle_loss(now);
            assert_eq!(told, if round == 0 { Tell::Now } else { Tell::Nothing }, "{round}");
            assert_eq!(opening.polls_wait_until(), now, "its gauges tell at once");
            pauses.push(opening.due() - now);
            now = opening.due();
            assert_eq!(opening.handle_open(), Tell::Nothing, "that it opens proves nothing");
        }
        for (pause, step) in pauses.iter().zip([0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0, 15.0]) {
            let step = Duration::from_secs_f64(step);
            assert!((step / 2..=step).contains(pause), "{pauses:?}");
        }
        assert_eq!(opening.handle_refusal(now), Tell::Now, "another thing than its loss");
        assert_eq!(opening.handle_refusal(now), Tell::Nothing);
        assert_eq!(opening.handle_answer(), Tell::Now);
        assert_eq!(opening.handle_answer(), Tell::Nothing);
        assert_eq!(opening.handle_loss(now), Tell::Now);
    }

    #[test]
    fn port_that_worked_is_opened_again_at_once_and_polls_wait_for_it_a_little() {
        let now = clock::now();
        let mut opening = Opening::new(now);
        assert_eq!((opening.due(), opening.polls_wait_until()), (now, now + HEAD_START));
        assert_eq!(opening.handle_open(), Tell::Now);
        assert_eq!(opening.handle_answer(), Tell::Nothing);
        let lost = now + Duration::from_secs(9);
        assert_eq!(opening.handle_loss(lost), Tell::Now);
        assert_eq!((opening.due(), opening.polls_wait_until()), (lost, lost + HEAD_START));
        assert_eq!(opening.handle_refusal(lost), Tell::Now);
        assert!(opening.due() > lost && opening.polls_wait_until() == lost);
    }
}
