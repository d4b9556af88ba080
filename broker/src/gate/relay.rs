//! Bytes between a client and the inner broker, as the inspector says.

use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tankline_runtime::clock;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{sleep, timeout, timeout_at};

use super::Rules;
use super::allowance::{Allowance, Patience};
use super::inspect::{Inspector, Step};
use super::names::By;
use super::outward::{Answer, Outward};
use super::packet::{Malformed, Will};
use super::stay::Admitted;
use crate::inner::{Ended, Intake, Outlet};
use crate::metrics::Counters;

/// Holds the head of any packet, and the whole of any that is judged whole.
const BUFFER_BYTES: usize = 16 * 1024;
/// Answers on their way from the one direction to the other.
const ANSWERS: usize = 16;
/// Answers that wait for the inner broker's; a client that asks for more before it hears one is cut off.
const MAX_AWAITED: usize = 1000;
/// How long a client may take to hear that it was let go.
const LEAVE: Duration = Duration::from_secs(1);

/// How a client left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    ByItself,
    LetGo,
    Outdone,
    Malformed(Malformed),
    Silent,
    Slow,
    Revoked,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByItself => "by itself",
            Self::LetGo => "let go by the broker",
            Self::Outdone => "for another with its client id",
            Self::Malformed(malformed) => return write!(f, "because it sent {malformed}"),
            Self::Silent => "because it was silent for too long",
            Self::Slow => "because it did not take what it was sent",
            Self::Revoked => "because it lost rights, or its certificate holds no more",
        })
    }
}

/// Relays until one side ends, the client does what it may not, or it is outdone; tells which, and whether the inner broker has
/// forgotten the client.
pub(super) async fn relay(
    client: impl AsyncRead + AsyncWrite + Unpin,
    (mut intake, mut outlet): (Intake, Outlet),
    admitted: &Admitted,
    rules: &Rules,
    outdone: impl Future<Output = ()>,
) -> (Left, bool) {
    let (from_client, mut to_client) = split(client);
    let (tell, answers) = channel(ANSWERS);
    let left = {
        let inward = pin!(Inward::new(admitted, rules, tell).run(from_client, &mut intake));
        let outward = pin!(outward(&mut outlet, &mut to_client, answers, rules.limits.send_timeout));
        tokio::select! {
            left = inward => left,
            left = outward => left,
            () = outdone => Left::Outdone,
            () = revoked(admitted, rules) => Left::Revoked,
        }
    };
    let left = if intake.has_left() { Left::ByItself } else { left };
    let counters = &rules.counters;
    match left {
        Left::ByItself | Left::LetGo | Left::Outdone => (),
        Left::Malformed(_) => Counters::add(&counters.malformed, 1_u64),
        Left::Silent => Counters::add(&counters.silent, 1_u64),
        Left::Slow => Counters::add(&counters.slow, 1_u64),
        Left::Revoked => Counters::add(&counters.revoked, 1_u64),
    }
    let has_room = |will: &&Will| {
        let by = if admitted.granted.says_topic(&will.topic) { By::Right } else { By::Choice };
        rules.topics.have_room_for(admitted.name(), &will.topic, by)
    };
    intake.leave(admitted.connect.will.as_ref().filter(has_room)).await;
    let is_forgotten = outlet.end().await;
    let _ = timeout(LEAVE, to_client.shutdown()).await;
    (left, is_forgotten)
}

/// Waits until the client is judged otherwise than when it came.
async fn revoked(admitted: &Admitted, rules: &Rules) {
    let mut policy = rules.policy.clone();
    loop {
        let now = clock::unix_ms();
        let is_the_same =
            policy.borrow_and_update().confirms(&admitted.identity, &admitted.connect, &admitted.granted, now);
        if !is_the_same {
            return;
        }
        if let Ok(Err(_)) = timeout(admitted.identity.holds_for(now), policy.changed()).await {
            // The broker stops.
            return std::future::pending().await;
        }
    }
}

/// The way from the client to the inner broker.
struct Inward<'r> {
    admitted: &'r Admitted,
    rules: &'r Rules,
    tell: Sender<Answer>,
    inspector: Inspector,
    allowance: Allowance,
    patience: Patience,
    /// Acknowledgements that nobody waited for and that were not charged yet. The others are bounded by what they acknowledge.
    unasked: u32,
}

impl<'r> Inward<'r> {
    fn new(admitted: &'r Admitted, rules: &'r Rules, tell: Sender<Answer>) -> Self {
        let (limits, now) = (&rules.limits, clock::now());
        let granted = Arc::clone(&admitted.granted);
        let (filters, topics) = (Arc::clone(&rules.filters), Arc::clone(&rules.topics));
        Self {
            admitted,
            rules,
            tell,
            inspector: Inspector::new(
                admitted.name(),
                granted,
                filters,
                topics,
                rules.max_packet_bytes,
                limits.max_subscriptions,
            ),
            allowance: Allowance::of(limits.max_packets_per_s, &admitted.granted, now),
            patience: Patience::new(admitted.connect.keep_alive_s, now),
            unasked: 0,
        }
    }

    async fn run(mut self, mut client: impl AsyncRead + Unpin, inner: &mut Intake) -> Left {
        let mut buffer = Vec::with_capacity(BUFFER_BYTES.max(self.admitted.sent.len()));
        buffer.extend_from_slice(&self.admitted.sent);
        loop {
            let ended = self.bring(&mut buffer, inner).await;
            // Told also when this is the end.
            let pause = self.settle();
            if let Err(left) = ended {
                return left;
            }
            if let Some(pause) = pause {
                Counters::add(&self.rules.counters.throttled, 1_u64);
                sleep(pause).await;
            }
            match self.receive(&mut client, &mut buffer).await {
                Ok(Some(0) | None) => return Left::ByItself,
                Ok(Some(_)) => (),
                Err(left) => return left,
            }
        }
    }

    /// Waits for more bytes; `None` when the connection broke.
    async fn receive(
        &self,
        client: &mut (impl AsyncRead + Unpin),
        buffer: &mut Vec<u8>,
    ) -> Result<Option<usize>, Left> {
        let mut room = client.take(u64::try_from(BUFFER_BYTES.saturating_sub(buffer.len())).unwrap_or(0));
        let reading = room.read_buf(buffer);
        let read: io::Result<usize> = match self.patience.ends_at() {
            None => reading.await,
            Some(end) => timeout_at(end.into(), reading).await.map_err(|_| Left::Silent)?,
        };
        Ok(read.ok())
    }

    /// Brings all that can be judged to the inner broker; the rest stays in the buffer.
    async fn bring(&mut self, buffer: &mut Vec<u8>, inner: &mut Intake) -> Result<(), Left> {
        let (mut from, mut at) = (0, 0);
        let ended = loop {
            let (taken, instead) = match self.inspector.inspect(&buffer[at..]) {
                Ok(Step::Pass(count)) => {
                    at += count;
                    continue;
                }
                Ok(Step::Drop(count)) => (count, Vec::new()),
                Ok(Step::Replace(count, instead)) => (count, instead),
                Ok(Step::More) => break Ok(()),
                Err(malformed) => break Err(Left::Malformed(malformed)),
            };
            // What waits for an answer is told before the inner broker can give one.
            for answer in self.inspector.take_answers() {
                self.tell.send(answer).await.map_err(|_| Left::LetGo)?;
            }
            inner.put(&buffer[from..at]);
            inner.put(&instead);
            at += taken;
            from = at;
        };
        inner.put(&buffer[from..at]);
        buffer.drain(..at);
        let handed_over = inner.hand_over().await?;
        self.unasked += handed_over.unasked;
        for answer in handed_over.answers {
            self.tell.send(Answer::Now(answer.to_vec())).await.map_err(|_| Left::LetGo)?;
        }
        ended?;
        let is_inside = self.inspector.is_inside() || !buffer.is_empty();
        self.patience.note_bytes(clock::now(), at, is_inside, self.inspector.take_has_ended_one());
        Ok(())
    }

    /// Counts and tells what came; gives how long nothing more is to be read.
    fn settle(&mut self) -> Option<Duration> {
        let tally = self.inspector.take_tally();
        let charged = tally.packets + std::mem::take(&mut self.unasked);
        if charged == 0 {
            return None;
        }
        let counters = &self.rules.counters;
        Counters::add(&counters.packets, tally.packets);
        Counters::add(&counters.messages, tally.messages);
        if let Some(first) = &tally.first {
            Counters::add(&counters.refused_messages, tally.refused_messages);
            Counters::add(&counters.refused_filters, tally.refused_filters);
            self.rules.journal.note(self.admitted.name(), first);
        }
        self.allowance.charge(charged, clock::now())
    }
}

impl From<Ended> for Left {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::LetGo => Self::LetGo,
            Ended::TooSlow => Self::Slow,
            Ended::TooMuch => Self::Malformed(Malformed::Unreleased),
        }
    }
}

/// Brings what the inner broker sends to the client.
async fn outward(
    inner: &mut Outlet,
    client: &mut (impl AsyncWrite + Unpin),
    mut answers: Receiver<Answer>,
    send_timeout: Duration,
) -> Left {
    let mut walker = Outward::default();
    let mut buffer = BytesMut::with_capacity(BUFFER_BYTES);
    loop {
        let read = tokio::select! {
            biased;
            Some(answer) = answers.recv() => {
                walker.note(answer);
                None
            }
            received = inner.receive(&mut buffer) => Some(received),
        };
        if let Some(Err(ended)) = read {
            return ended.into();
        }
        // What the inner broker answers was told before it was asked.
        while let Ok(answer) = answers.try_recv() {
            walker.note(answer);
        }
        if walker.awaited() > MAX_AWAITED {
            return Left::Slow;
        }
        let (mut out, mut at) = (Vec::new(), 0);
        let mut from = 0;
        loop {
            match walker.walk(&buffer[at..]) {
                Ok(Step::Pass(count)) => at += count,
                Ok(Step::Drop(count)) => {
                    out.extend_from_slice(&buffer[from..at]);
                    at += count;
                    from = at;
                }
                Ok(Step::Replace(count, instead)) => {
                    out.extend_from_slice(&buffer[from..at]);
                    out.extend_from_slice(&instead);
                    at += count;
                    from = at;
                }
                Ok(Step::More) => break,
                Err(_) => return Left::LetGo,
            }
        }
        for part in [&out[..], &buffer[from..at]] {
            if part.is_empty() {
                continue;
            }
            match timeout(send_timeout, send(client, part)).await {
                Ok(Ok(())) => (),
                Ok(Err(_)) => return Left::ByItself,
                Err(_) => return Left::Slow,
            }
        }
        buffer.advance(at);
    }
}

async fn send(client: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    client.write_all(bytes).await?;
    // Behind TLS, what is written may wait.
    client.flush().await
}
