//! One million exchanges, each with a damaged reply, against the gate: what passes is what the gauge said, or what a CRC of
//! 16 bits lets through by chance. Damage is not as random as that: of four flipped bits near each other, for one, a CRC
//! finds less than its share. So what it lets through is counted beside, by other code than the product's.
//!
//! No clock and no port: the gate is given bytes and moments.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::{Duration, Instant};

use fastrand::Rng;
use tankline_domain::register::{RegisterKind, RegisterRead, WireAddress};
use tankline_edge::line::frame::{Request, Shape, with_crc};
use tankline_edge::line::gate::{Gate, Timing, Trust};
use tankline_edge::line::unanswered::Unanswered;

const EXCHANGES: u32 = 1_000_000;

/// What a run of exchanges came to.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    exchanges: u32,
    /// The gauge's own values passed: the damage missed them, or came beside them.
    right: u32,
    /// Nothing passed.
    refused: u32,
    /// Something passed that the gauge did not answer to this request, its CRC being right by chance.
    by_chance: u32,
    /// Something passed whose CRC is wrong, or that answers an earlier request: never.
    wrong: u32,
    /// Exchanges in whose bytes stands a false reply with a right CRC, counted without the product.
    let_through: u32,
    /// Places at which a false reply begins as the right one does: each has the chance of a random CRC.
    candidates: u32,
    /// The same where all behind the beginning is noise, and how many of these passed.
    of_noise: u32,
    noise_by_chance: u32,
}

/// Calculates the CRC bit by bit, in another way than the product does.
fn crc(bytes: &[u8]) -> u16 {
    let mut register = 0xFFFF_u16;
    for byte in bytes {
        for bit in 0..8 {
            let feedback = (register ^ u16::from(byte >> bit)) & 1;
            register = (register >> 1) ^ (0xA001 * feedback);
        }
    }
    register
}

fn is_sound(frame: &[u8]) -> bool {
    let (body, sum) = frame.split_at(frame.len() - 2);
    crc(body).to_le_bytes() == sum
}

/// One exchange: what is asked, what the gauge answers, and what it answered to an earlier request that nobody heard.
#[derive(Debug)]
struct Exchange {
    request: Request,
    answer: Vec<u8>,
    stale: Vec<u8>,
    is_stale_owed: bool,
}

impl Exchange {
    fn draw(random: &mut Rng) -> Self {
        let count = random.u16(1..=6);
        let start = WireAddress::new(random.u16(..1000));
        let read = RegisterRead { kind: RegisterKind::Holding, start, count };
        let request = Request::new(random.u8(1..=247), read);
        let mut reply = || {
            let mut bytes = vec![request.unit(), 3, Shape::of(read).data_bytes];
            // Levels and temperatures, not noise: small numbers with much in common.
            bytes.extend((0..count).flat_map(|_| random.u16(..16_000).to_be_bytes()));
            with_crc(bytes)
        };
        let (answer, stale) = (reply(), reply());
        let is_stale_owed = random.u8(..4) == 0;
        Self { request, answer, stale, is_stale_owed }
    }

    /// Gives what comes over the line, and whether it is noise behind a right beginning.
    fn damaged(&self, random: &mut Rng) -> (Vec<u8>, bool) {
        let mut bytes = self.answer.clone();
        let length = bytes.len();
        let kind = random.u8(..12);
        match kind {
            // Single bits, few or many.
            0..=2 => (0..random.usize(1..=9)).for_each(|_| bytes[random.usize(..length)] ^= 1 << random.u8(..8)),
            // Some bytes replaced.
            3 | 4 => {
                let from = random.usize(..length);
                bytes.iter_mut().skip(from).take(random.usize(1..=6)).for_each(|byte| *byte = random.u8(..));
            }
            // Bytes lost, bytes too many.
            5 => drop(bytes.drain(random.usize(..length / 2)..random.usize(length / 2..=length))),
            6 => (0..random.usize(1..=4)).for_each(|_| bytes.insert(random.usize(..=bytes.len()), random.u8(..))),
            // Everything behind the head is noise.
            7 => bytes[3..].iter_mut().for_each(|byte| *byte = random.u8(..)),
            // The beginning of an old reply, the end of this one.
            8 => {
                let at = random.usize(1..length);
                bytes[..at].copy_from_slice(&self.stale[..at]);
            }
            // Somebody else speaks at once: a low bit wins.
            9 => bytes.iter_mut().for_each(|byte| *byte &= random.u8(..)),
            // Bits slip.
            10 => {
                let (shift, from) = (random.u32(1..8), random.usize(..length));
                bytes.iter_mut().skip(from).for_each(|byte| *byte = byte.rotate_left(shift));
            }
            // Noise alone.
            _ => bytes.iter_mut().for_each(|byte| *byte = random.u8(..)),
        }
        if bytes == self.stale {
            // Not damaged, but another reply.
            bytes.pop();
        }
        if self.is_stale_owed && random.bool() {
            // The late reply comes first, whole.
            bytes.splice(..0, self.stale.iter().copied());
        }
        (bytes, kind == 7)
    }

    /// Finds the places at which a false reply or a false refusal of this request may stand.
    fn candidates<'b>(&'b self, bytes: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
        let refusal = [self.answer[0], self.answer[1] | 0x80];
        let replies = bytes.windows(self.answer.len()).filter(|window| window.starts_with(&self.answer[..3]));
        let refusals = bytes.windows(5).filter(move |window| window.starts_with(&refusal));
        replies.chain(refusals).filter(|window| *window != self.answer && *window != self.stale)
    }

    fn run(&self, origin: Instant, random: &mut Rng, tally: &mut Tally) {
        let (bytes, is_noise) = self.damaged(random);
        let mut unanswered = Unanswered::default();
        if self.is_stale_owed {
            unanswered.handle_silence(self.request.shape(), origin);
        }
        let timing = Timing { request_over: origin, byte: Duration::ZERO };
        let mut gate = Gate::new(&self.request, Trust::Settled, timing, &mut unanswered);
        let (mut rest, mut now) = (bytes.as_slice(), origin + Duration::from_millis(15));
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(random.usize(1..=rest.len()));
            gate.handle_bytes(now, piece);
            (rest, now) = (more, now + Duration::from_millis(5));
        }
        tally.exchanges += 1;
        let candidates = u32::try_from(self.candidates(&bytes).count()).unwrap();
        tally.candidates += candidates;
        tally.of_noise += if is_noise { candidates } else { 0 };
        tally.let_through += u32::from(self.candidates(&bytes).any(is_sound));
        match gate.close(now + Duration::from_millis(20)).answer {
            Err(_) => tally.refused += 1,
            Ok(frame) if frame == self.answer => tally.right += 1,
            Ok(frame) if is_sound(&frame) && frame != self.stale => {
                tally.by_chance += 1;
                tally.noise_by_chance += u32::from(is_noise);
            }
            Ok(_) => tally.wrong += 1,
        }
    }
}

fn run(seed: u64, exchanges: u32, origin: Instant) -> Tally {
    let mut random = Rng::with_seed(seed);
    let mut tally = Tally::default();
    for _ in 0..exchanges {
        Exchange::draw(&mut random).run(origin, &mut random, &mut tally);
    }
    tally
}

#[test]
fn nothing_wrong_passes_beyond_what_a_crc_lets_through() {
    const PARTS: u32 = 4;
    let origin = tankline_runtime::clock::now();
    let parts = std::thread::scope(|scope| {
        let part = |seed: u32| scope.spawn(move || run(seed.into(), EXCHANGES / PARTS, origin));
        (0..PARTS).map(part).collect::<Vec<_>>().into_iter().map(|part| part.join().unwrap()).collect::<Vec<_>>()
    });
    let sum = |count: fn(&Tally) -> u32| parts.iter().map(count).sum::<u32>();
    let (by_chance, let_through) = (sum(|part| part.by_chance), sum(|part| part.let_through));
    let (candidates, of_noise) = (sum(|part| part.candidates), sum(|part| part.of_noise));
    println!("{} damaged exchanges", sum(|part| part.exchanges));
    println!("{:>8} refused", sum(|part| part.refused));
    println!("{:>8} with the gauge's own values, which came whole beside the damage", sum(|part| part.right));
    println!("{:>8} passed with a CRC that was right by chance:", by_chance);
    println!("{:>8}   are such, counted without the product", let_through);
    println!("{:>8.1}   were to be expected of {candidates} false beginnings and 16 random bits", expected(candidates));
    let noise_by_chance = sum(|part| part.noise_by_chance);
    println!(
        "{noise_by_chance:>8}   of them where all behind the beginning was noise; expected {:.1}",
        expected(of_noise)
    );
    println!("{:>8} wrong", sum(|part| part.wrong));
    assert_eq!(sum(|part| part.wrong), 0);
    assert!(by_chance <= let_through, "{by_chance} passed, a CRC lets {let_through} through");
    let most = expected(of_noise) + 4.0 * expected(of_noise).sqrt();
    assert!(f64::from(noise_by_chance) <= most, "{noise_by_chance} passed, at most {most:.0} by chance");
}

/// Gives how many random CRCs of 16 bits are right.
fn expected(candidates: u32) -> f64 {
    f64::from(candidates) / 65_536.0
}
