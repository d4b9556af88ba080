use std::time::Duration;

use super::super::frame::{Shape, with_crc};
use super::*;

/// Some bytes and how many ms after the start of the slot they come.
type Burst = (u64, Vec<u8>);

/// The answer, and late, foreign, crc and echo counts.
type Outcome = (Result<Vec<u8>, Silence>, [u64; 4]);

/// The last bit of the request is on the wire this long after the start of the slot.
const REQUEST_MS: u64 = 8;

const READ: Shape = Shape { function: 3, data_bytes: 6 };
const PROBE: Shape = Shape { function: 3, data_bytes: 2 };

fn start() -> Instant {
    tankline_runtime::clock::now()
}

fn at_once(start: Instant) -> Timing {
    Timing { request_over: start, byte: Duration::ZERO }
}

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
fn slot(trust: Trust, owed: &[Shape], bursts: &[Burst]) -> Outcome {
    let (request, start) = (request(), start());
    let at = |ms| start + Duration::from_millis(ms);
    let mut unanswered = Unanswered::default();
    owed.iter().for_each(|shape| unanswered.handle_silence(*shape, start));
    let timing = Timing { request_over: at(REQUEST_MS), byte: Duration::from_micros(990) };
    let mut gate = Gate::new(&request, trust, timing, &mut unanswered);
    for (after_ms, burst) in bursts {
        // Byte by byte, as a slow line gives them.
        for (byte, place) in burst.iter().zip(0..) {
            gate.handle_bytes(at(*after_ms + place), &[*byte]);
        }
        gate.handle_silence(at(*after_ms + burst.len() as u64 + 20));
    }
    let verdict = gate.close(at(1000));
    let counted = verdict.counted;
    (verdict.answer, [counted.late, counted.foreign, counted.crc_errors, counted.echoes])
}

#[test]
fn only_what_answers_passes_and_the_rest_is_counted() {
    let damaged = {
        let mut bytes = reply(5);
        bytes[4] ^= 0x10;
        bytes
    };
    let other_unit = with_crc(vec![2, 3, 6, 0, 1, 0, 2, 0, 3]);
    let wrong_count = with_crc(vec![1, 3, 4, 0, 1, 0, 2]);
    let other_function = with_crc(vec![1, 4, 6, 0, 1, 0, 2, 0, 3]);
    let exception = with_crc(vec![1, 0x83, 2]);
    let other_exception = with_crc(vec![1, 0x84, 2]);
    let asked_by_others = with_crc(vec![1, 3, 0, 0, 0, 3]);
    let others_ask_others = with_crc(vec![9, 3, 0, 0, 0, 3]);
    let own = request().frame().to_vec();
    let nothing = Err(Silence::Nothing);
    let ok = |frame: &[u8]| Ok(frame.to_vec());
    let table: &[(&str, &[Burst], Outcome)] = &[
        ("answer", &[(15, reply(7))], (ok(&reply(7)), [0, 0, 0, 0])),
        ("exception", &[(15, exception.clone())], (ok(&exception), [0, 0, 0, 0])),
        ("nothing", &[], (nothing.clone(), [0, 0, 0, 0])),
        ("damaged", &[(15, damaged.clone())], (Err(Silence::Damaged), [0, 0, 1, 0])),
        ("damaged, then whole", &[(15, damaged), (40, reply(7))], (ok(&reply(7)), [0, 0, 1, 0])),
        ("short", &[(15, reply(7)[..9].to_vec())], (Err(Silence::Damaged), [0, 0, 1, 0])),
        (
            "in two bursts",
            &[(15, reply(7)[..4].to_vec()), (60, reply(7)[4..].to_vec())],
            (Err(Silence::Damaged), [0, 0, 2, 0]),
        ),
        ("of another unit", &[(15, other_unit.clone())], (nothing.clone(), [0, 1, 0, 0])),
        ("of another unit, then own", &[(15, [other_unit, reply(7)].concat())], (ok(&reply(7)), [0, 1, 0, 0])),
        ("wrong count", &[(15, wrong_count)], (Err(Silence::Wrong), [0, 1, 0, 0])),
        ("other function", &[(15, other_function)], (Err(Silence::Wrong), [0, 1, 0, 0])),
        ("exception to another function", &[(15, other_exception)], (Err(Silence::Wrong), [0, 1, 0, 0])),
        ("glitch before it", &[(15, [vec![0xFF], reply(7)].concat())], (ok(&reply(7)), [0, 0, 0, 0])),
        ("noise before it", &[(15, [vec![0x55; 6], reply(7)].concat())], (ok(&reply(7)), [0, 0, 1, 0])),
        ("begun twice", &[(15, [&reply(6)[..5], &reply(7)].concat())], (ok(&reply(7)), [0, 0, 1, 0])),
        ("glitch after it", &[(15, [reply(7), vec![0, 0xFF]].concat())], (ok(&reply(7)), [0, 0, 0, 0])),
        ("garbage after it", &[(15, [reply(7), vec![0x55; 6]].concat())], (ok(&reply(7)), [0, 0, 1, 0])),
        ("own echo before it", &[(1, own), (20, reply(7))], (ok(&reply(7)), [0, 0, 0, 1])),
        ("to another master", &[(15, [asked_by_others, reply(7)].concat())], (Err(Silence::Wrong), [0, 2, 0, 0])),
        ("while others ask others", &[(15, [others_ask_others, reply(7)].concat())], (ok(&reply(7)), [0, 1, 0, 0])),
        ("sooner than possible", &[(3, reply(6))], (nothing.clone(), [1, 0, 0, 0])),
        ("too soon, then in time", &[(3, [reply(6), reply(7)].concat())], (ok(&reply(7)), [1, 0, 0, 0])),
        ("too soon, damaged", &[(0, reply(6)[..6].to_vec())], (nothing.clone(), [0, 0, 1, 0])),
        ("twice the same", &[(15, [reply(7), reply(7)].concat())], (ok(&reply(7)), [1, 0, 0, 0])),
        ("two answers", &[(15, reply(6)), (40, reply(7))], (Err(Silence::Wrong), [1, 0, 0, 0])),
        ("answer and exception", &[(15, [reply(6), exception].concat())], (Err(Silence::Wrong), [1, 0, 0, 0])),
    ];
    for (name, bursts, outcome) in table {
        assert_eq!(slot(Trust::Settled, &[], bursts), *outcome, "{name}");
    }
}

#[test]
fn reply_that_is_owed_is_late_and_one_that_is_not_passes() {
    let probe = with_crc(vec![1, 3, 2, 0, 9]);
    for (name, owed, bursts, outcome) in [
        ("owed", &[READ][..], [reply(6)].concat(), (Err(Silence::Nothing), [1, 0, 0, 0])),
        ("owed, then not", &[READ], [reply(6), reply(7)].concat(), (Ok(reply(7)), [1, 0, 0, 0])),
        ("owed twice", &[READ, READ], [reply(5), reply(6)].concat(), (Err(Silence::Nothing), [2, 0, 0, 0])),
        ("another one owed", &[PROBE], [reply(7)].concat(), (Ok(reply(7)), [0, 0, 0, 0])),
        ("both", &[PROBE], [probe.clone(), reply(7)].concat(), (Ok(reply(7)), [1, 0, 0, 0])),
        ("settled by another", &[READ, PROBE], [probe.clone(), reply(7)].concat(), (Ok(reply(7)), [1, 0, 0, 0])),
        ("not owed", &[], probe, (Err(Silence::Wrong), [0, 1, 0, 0])),
    ] {
        assert_eq!(slot(Trust::Settled, owed, &[(15, bursts)]), outcome, "{name}");
    }
}

#[test]
fn who_spoke_out_of_turn_must_be_heard_clearly() {
    let bursts = [(15, reply(7)), (50, vec![0x55; 6])];
    assert_eq!(slot(Trust::Settled, &[], &bursts).0, Ok(reply(7)));
    assert_eq!(slot(Trust::Doubted, &[], &bursts).0, Err(Silence::Damaged));
    assert_eq!(slot(Trust::Doubted, &[], &bursts[..1]).0, Ok(reply(7)));
}

#[test]
fn reply_that_has_begun_is_known() {
    let (request, mut unanswered, start) = (request(), Unanswered::default(), start());
    let mut gate = Gate::new(&request, Trust::Settled, at_once(start), &mut unanswered);
    assert!(!gate.is_in_reply());
    for (bytes, is_in_reply) in [(&[0xFF][..], false), (&[1, 3], true), (&[6], true), (&reply(7)[3..10], true)] {
        gate.handle_bytes(start, bytes);
        assert_eq!((gate.is_in_reply(), gate.is_answered()), (is_in_reply, false), "{bytes:?}");
    }
    gate.handle_bytes(start, &reply(7)[10..]);
    assert!(gate.is_answered() && !gate.is_in_reply());
}

#[test]
fn endless_noise_is_thrown_away_in_bounded_memory() {
    let (request, mut unanswered, start) = (request(), Unanswered::default(), start());
    let mut gate = Gate::new(&request, Trust::Settled, at_once(start), &mut unanswered);
    for _ in 0..100 {
        gate.handle_bytes(start, &[0x55; 100]);
        assert!(gate.pending.len() <= LONGEST_BURST && !gate.is_answered());
    }
    let verdict = gate.close(start);
    assert!(verdict.counted.crc_errors > 10);
    assert_eq!(verdict.answer, Err(Silence::Damaged));
}

/// A task that was kept waiting reads late what came early: the first bytes tell nothing any more, the last ones do.
#[test]
fn reply_that_the_wire_cannot_have_carried_in_that_time_does_not_pass() {
    let (request, start) = (request(), start());
    let at = |micros| start + Duration::from_micros(micros);
    let timing = Timing { request_over: at(8_000), byte: Duration::from_micros(990) };
    for (micros, passes) in [(9_000, false), (18_800, false), (18_900, true), (100_000, true)] {
        let mut unanswered = Unanswered::default();
        let mut gate = Gate::new(&request, Trust::Settled, timing, &mut unanswered);
        gate.handle_bytes(at(micros), &reply(7));
        assert_eq!(gate.is_answered(), passes, "{micros}");
        assert_eq!(gate.close(at(200_000)).is_too_soon, !passes, "{micros}");
    }
}

#[test]
fn unit_that_has_spoken_is_not_waited_for() {
    let start = start();
    let mut damaged = reply(5);
    damaged[4] ^= 0x10;
    let wrong_count = with_crc(vec![1, 3, 4, 0, 1, 0, 2]);
    for (name, bytes, has_failed) in [
        ("damaged", damaged, true),
        ("wrong", wrong_count, true),
        ("a glitch", vec![0xFF; 4], false),
        ("of another", with_crc(vec![2, 3, 2, 0, 1]), false),
        ("an answer", reply(7), false),
    ] {
        let (request, mut unanswered) = (request(), Unanswered::default());
        let mut gate = Gate::new(&request, Trust::Settled, at_once(start), &mut unanswered);
        gate.handle_bytes(start, &bytes);
        gate.handle_silence(start);
        assert_eq!(gate.has_failed(), has_failed, "{name}");
    }
}

#[test]
fn reply_that_has_begun_tells_when_it_can_be_whole() {
    let (request, start) = (request(), start());
    let at = |micros| start + Duration::from_micros(micros);
    let timing = Timing { request_over: at(8_000), byte: Duration::from_micros(990) };
    let whole = reply(7);
    for (micros, bytes, missing, why) in [
        (20_000, &[][..], 0, "nothing has begun"),
        (20_000, &whole[..1], 4, "it may be an exception"),
        (20_000, &whole[..2], 9, "it is none"),
        (20_000, &whole[..5], 6, "half of it is there"),
        (20_000, &whole[..10], 1, "nearly all of it"),
        (20_000, &[1, 0x83], 3, "an exception"),
        (20_000, &[0, 1, 3, 6], 8, "behind a stray byte"),
        (20_000, &[2, 3, 6], 0, "another unit's"),
        (20_000, &[1, 3, 2], 0, "an answer to something else"),
        (8_900, &whole[..1], 0, "sooner than the wire allows"),
        (9_000, &whole[..1], 4, "as soon as the wire allows"),
        (7_900, &whole[..1], 0, "before the request was over"),
    ] {
        let mut unanswered = Unanswered::default();
        let mut gate = Gate::new(&request, Trust::Settled, timing, &mut unanswered);
        gate.handle_bytes(at(micros), bytes);
        assert_eq!(gate.missing(at(micros)), missing, "{why}");
    }
    let mut unanswered = Unanswered::default();
    let mut gate = Gate::new(&request, Trust::Settled, timing, &mut unanswered);
    gate.handle_bytes(at(20_000), &whole);
    assert_eq!((gate.missing(at(20_000)), gate.is_answered()), (0, true));
}
