//! What a fault makes of the replies to a request.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{LineFault, Noise, Twin, uart};
use crate::gauge::{Gauge, GaugeValues};
use crate::line::Wire;
use crate::line::endpoint::Peer;
use crate::modbus::{MAX_READ_COUNT, Request, registers, seal};

/// Wrong values that nobody could take for those of a gauge of a small line.
const STRANGE_MM: std::ops::Range<u16> = 9000..10_000;

/// Unit, function, code and CRC: the shortest reply that there is.
const SHORTEST_FRAME: usize = 5;

/// Something that is about to go onto the wire.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::line) struct Reply {
    /// The bytes and, for each, when it is whole, counted from `delay`.
    pub bytes: Vec<(u8, Duration)>,
    /// How long after the end of the request's silence the first bit goes out.
    pub delay: Duration,
    /// The values that a whole and true reply shows.
    pub shows: Option<GaugeValues>,
    /// Whether it comes from somebody else than the unit that was asked.
    pub is_of_others: bool,
    /// What somebody says so long after its end, unless it was spoilt.
    pub answer: Option<Box<Reply>>,
    /// Which request it answers, where requests have numbers; the one that is open when absent.
    pub exchange: Option<Exchange>,
    /// Whether the connection ends instead.
    pub hangs_up: bool,
}

/// A request of one peer, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::line) struct Exchange {
    pub peer: Peer,
    pub transaction: u16,
}

impl Reply {
    /// Makes a reply whose bytes follow each other at once.
    pub(in crate::line) fn steady(frame: &[u8], delay: Duration, wire: Wire) -> Self {
        let bytes = frame.iter().zip(1..).map(|(byte, place)| (*byte, wire.time(place))).collect();
        Self { bytes, delay, shows: None, is_of_others: false, answer: None, exchange: None, hangs_up: false }
    }

    fn frame(&self) -> Vec<u8> {
        self.bytes.iter().map(|(byte, _)| *byte).collect()
    }

    /// From the first bit to the last.
    pub(in crate::line) fn lasts(&self) -> Duration {
        self.bytes.last().map_or(Duration::ZERO, |(_, end)| *end)
    }

    fn end(&self) -> Duration {
        self.delay + self.lasts()
    }
}

/// What a unit remembers while it has faults.
#[derive(Debug, Default)]
pub(in crate::line) struct Memory {
    /// The last reply before any fault, for who sends it once more.
    pub last_frame: Option<Vec<u8>>,
    owed: VecDeque<Reply>,
    frozen: Option<GaugeValues>,
    polls: u32,
}

impl Memory {
    /// Forgets all but the last reply: faults begin anew.
    pub(in crate::line) fn reset(&mut self) {
        *self = Self { last_frame: self.last_frame.take(), ..Self::default() };
    }
}

/// Where a fault strikes.
pub(in crate::line) struct Scene<'s> {
    pub now: Instant,
    pub request: &'s Request,
    pub gauge: &'s Gauge,
    pub memory: &'s mut Memory,
    pub random: &'s mut fastrand::Rng,
    pub wire: Wire,
    pub exchange: Exchange,
    /// How long the unit thinks over this request.
    pub thinks: Duration,
}

impl LineFault {
    /// Makes of the replies to a request what this fault makes of them.
    pub(in crate::line) fn shape(self, mut replies: Vec<Reply>, scene: &mut Scene<'_>) -> Vec<Reply> {
        match self {
            Self::Silent => return Vec::new(),
            Self::Asleep(polls) => {
                scene.memory.polls = scene.memory.polls.saturating_add(1);
                return if scene.memory.polls > polls { replies } else { Vec::new() };
            }
            Self::Behind(polls) => return behind(polls, replies, scene),
            Self::Shorted(time) => return vec![continuous(time, scene.random, scene.wire, |_| 0)],
            Self::Babble(time) => return vec![continuous(time, scene.random, scene.wire, |random| random.u8(..))],
            Self::Stuck => {
                let frozen = *scene.memory.frozen.get_or_insert_with(|| scene.gauge.values(scene.now));
                return vec![answer_showing(frozen, scene)];
            }
            Self::Zero => {
                let zero = GaugeValues { level_mm: 0, interface_mm: 0, temperature_tenths: 0 };
                return vec![answer_showing(zero, scene)];
            }
            Self::OtherMaster(unit) => {
                let mut other = another_master(unit, scene.random, scene.wire, scene.thinks);
                let pause = scene.wire.silence() + scene.thinks;
                let ours = replies.iter().map(Reply::end).max().unwrap_or_default();
                let theirs = other.end() + other.answer.as_ref().map_or(Duration::ZERO, |answer| answer.end());
                if scene.random.bool() {
                    replies.iter_mut().for_each(|reply| reply.delay += theirs + pause);
                } else {
                    other.delay += ours + pause;
                }
                replies.push(other);
            }
            Self::Twin(twin) => {
                let mut other = answer_showing(strange(scene.random), scene);
                (other.shows, other.is_of_others) = (None, true);
                let end = replies.iter().map(Reply::end).max().unwrap_or_default();
                // Two gauges never begin at the same moment.
                let apart = Duration::from_micros(scene.random.u64(50..2_000));
                other.delay = if twin == Twin::Follows { end } else { scene.thinks } + apart;
                replies.push(other);
            }
            Self::Repeat(pause) => {
                let again = replies.iter().map(|reply| Reply { delay: reply.end() + pause, ..reply.clone() });
                replies.extend(again.collect::<Vec<_>>());
            }
            Self::Transaction => replies.iter_mut().for_each(|reply| {
                let Exchange { peer, transaction } = reply.exchange.unwrap_or(scene.exchange);
                reply.exchange = Some(Exchange { peer, transaction: transaction.wrapping_add(1) });
            }),
            Self::HangUp => replies.iter_mut().for_each(|reply| reply.hangs_up = true),
            _ => replies.iter_mut().for_each(|reply| self.spoil(reply, scene)),
        }
        replies
    }

    /// Changes one reply: its bytes or its time.
    fn spoil(self, reply: &mut Reply, scene: &mut Scene<'_>) {
        let (wire, exchange) = (scene.wire, reply.exchange);
        let frame = reply.frame();
        if frame.len() < SHORTEST_FRAME && !matches!(self, Self::Late(_)) {
            // Another fault left too little of it.
            return;
        }
        let whole = frame.clone();
        let changed = match self {
            Self::Late(by) => {
                reply.delay += by;
                return;
            }
            Self::Split(pause) => {
                let at = scene.random.usize(1..reply.bytes.len().max(2));
                reply.bytes.iter_mut().skip(at).for_each(|(_, end)| *end += pause);
                return;
            }
            Self::Trickle(apart) => {
                let apart = apart.max(wire.time(1));
                reply.bytes.iter_mut().zip(0..).for_each(|((_, end), place)| *end = wire.time(1) + apart * place);
                return;
            }
            Self::Trailing(bytes) => [frame, random_bytes(bytes, scene.random)].concat(),
            Self::Glitch(bytes) => [glitch(bytes, scene.random), frame].concat(),
            Self::OtherUnit(unit) => resealed(frame, |frame| frame[0] = unit),
            Self::Function(code) => resealed(frame, |frame| frame[1] = code),
            Self::Exception(code) => seal(vec![frame[0], frame[1] | 0x80, code]),
            Self::Count(more) => counted(&frame, more),
            Self::Word(word) => resealed(frame, |frame| {
                let end = frame.len() - 2;
                frame[3..end].as_chunks_mut::<2>().0.iter_mut().for_each(|place| *place = word.to_be_bytes());
            }),
            Self::Crc => {
                let mut frame = frame;
                let end = frame.len() - 2;
                frame[end + scene.random.usize(..2)] ^= scene.random.u8(1..);
                frame
            }
            Self::Short(bytes) => {
                let kept = bytes.map_or_else(|| scene.random.usize(1..frame.len()), usize::from);
                frame[..kept.min(frame.len() - 1)].to_vec()
            }
            Self::Noise(noise) => noisy(frame, noise, scene.random),
            Self::Baud(rate) => {
                reply.bytes = uart::heard(&frame, rate, wire.baud());
                reply.shows = None;
                return;
            }
            _ => return,
        };
        // Stray bytes beside a frame that is whole keep nobody from taking it.
        let shows = reply.shows.filter(|_| changed.windows(whole.len()).any(|part| part == whole));
        *reply = Reply { exchange, shows, hangs_up: reply.hangs_up, ..Reply::steady(&changed, reply.delay, wire) };
    }
}

fn behind(polls: u32, replies: Vec<Reply>, scene: &mut Scene<'_>) -> Vec<Reply> {
    let owed = &mut scene.memory.owed;
    let exchange = scene.exchange;
    owed.extend(replies.into_iter().map(|reply| Reply { exchange: reply.exchange.or(Some(exchange)), ..reply }));
    if owed.len() <= polls as usize {
        return Vec::new();
    }
    owed.pop_front().map(|reply| Reply { delay: scene.thinks, ..reply }).into_iter().collect()
}

fn answer_showing(values: GaugeValues, scene: &Scene<'_>) -> Reply {
    let answer = scene.gauge.answer_showing(scene.now, values, scene.request);
    Reply { shows: answer.shows, ..Reply::steady(&answer.frame, scene.thinks, scene.wire) }
}

/// The request of another master, beginning at once, and the answer to it: as many registers as a reading, but others.
pub(in crate::line) fn another_master(unit: u8, random: &mut fastrand::Rng, wire: Wire, thinks: Duration) -> Reply {
    let GaugeValues { level_mm, interface_mm, temperature_tenths } = strange(random);
    let words = [level_mm, interface_mm, temperature_tenths.cast_unsigned()];
    let of_others = |frame: &[u8], delay| Reply { is_of_others: true, ..Reply::steady(frame, delay, wire) };
    let answer = of_others(&registers(unit, 3, &words), wire.silence() + thinks);
    let request = of_others(&seal(vec![unit, 3, 0, 0, 0, 3]), Duration::from_micros(500));
    Reply { answer: Some(Box::new(answer)), ..request }
}

/// Bytes without a pause.
pub(in crate::line) fn continuous(
    time: Duration,
    random: &mut fastrand::Rng,
    wire: Wire,
    mut byte: impl FnMut(&mut fastrand::Rng) -> u8,
) -> Reply {
    let count = (time.as_nanos() / wire.time(1).as_nanos()).max(1);
    let bytes: Vec<u8> = (0..count).map(|_| byte(random)).collect();
    Reply::steady(&bytes, Duration::ZERO, wire)
}

fn strange(random: &mut fastrand::Rng) -> GaugeValues {
    let level_mm = random.u16(STRANGE_MM);
    GaugeValues { level_mm, interface_mm: random.u16(..STRANGE_MM.start), temperature_tenths: random.i16(0..600) }
}

fn random_bytes(count: u8, random: &mut fastrand::Rng) -> Vec<u8> {
    (0..count).map(|_| random.u8(..)).collect()
}

/// What a driver that is switched on or off leaves behind.
fn glitch(count: u8, random: &mut fastrand::Rng) -> Vec<u8> {
    (0..count).map(|_| *random.choice(&[0x00, 0xFF, 0xFE, 0x80]).expect("there are four")).collect()
}

fn resealed(mut frame: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    change(&mut frame);
    frame.truncate(frame.len() - 2);
    seal(frame)
}

fn counted(frame: &[u8], more: i8) -> Vec<u8> {
    if frame[1] & 0x80 != 0 {
        return frame.to_vec();
    }
    let words = usize::from(frame[2] / 2).saturating_add_signed(more.into()).min(usize::from(MAX_READ_COUNT));
    let mut changed = vec![frame[0], frame[1], u8::try_from(words * 2).expect("at most 250")];
    changed.extend(frame[3..frame.len() - 2].iter().chain(std::iter::repeat(&0)).take(words * 2));
    seal(changed)
}

fn noisy(mut frame: Vec<u8>, noise: Noise, random: &mut fastrand::Rng) -> Vec<u8> {
    let at = random.usize(..frame.len());
    match (noise, random.u8(..4)) {
        (Noise::Bit, _) | (Noise::Any, 0) => frame[at] ^= 1 << random.u8(..8),
        (Noise::Burst, _) | (Noise::Any, 1) => {
            let length = random.usize(1..5);
            frame.iter_mut().skip(at).take(length).for_each(|byte| *byte ^= random.u8(1..));
        }
        (Noise::Any, 2) => {
            frame.remove(at);
        }
        (Noise::Any, _) => frame.insert(at, random.u8(..)),
    }
    frame
}
