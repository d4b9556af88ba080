use std::sync::OnceLock;

use proptest::prelude::*;
use tankline_domain::register::RegisterMap;

use super::*;
use crate::gauge::RegisterImage;
use crate::modbus::{crc16, seal};

/// Source: the published exchange.
pub(super) const REQUEST: [u8; 8] = [0x01, 0x03, 0x00, 0x31, 0x00, 0x03, 0x54, 0x04];
pub(super) const REPLY: [u8; 11] = [0x01, 0x03, 0x06, 0x25, 0xA9, 0x18, 0xDF, 0x01, 0x45, 0x8D, 0x61];
const PUBLISHED: GaugeValues = GaugeValues { level_mm: 9641, interface_mm: 6367, temperature_tenths: 325 };
const SECOND: GaugeValues = GaugeValues { level_mm: 1200, interface_mm: 300, temperature_tenths: -42 };

fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(tankline_runtime::clock::now)
}

pub(super) fn at(micros: u64) -> Instant {
    start() + Duration::from_micros(micros)
}

fn set_fault(bus: &mut Bus, unit: u8, fault: Option<LineFault>) -> bool {
    bus.set_faults(start(), FaultTarget::Unit(unit), fault.into_iter().map(Fault::from).collect())
}

fn gauge(unit: u8, values: GaugeValues) -> Gauge {
    let image = RegisterImage::new(RegisterMap::published());
    Gauge::new(unit, image, Box::new(move |_| values))
}

pub(super) fn bus() -> Bus {
    Bus::new(Wire::PUBLISHED, Turnaround::default(), vec![gauge(1, PUBLISHED), gauge(2, SECOND)], 7)
}

pub(super) fn read(unit: u8) -> Vec<u8> {
    seal(vec![unit, 3, 0, 49, 0, 3])
}

/// Runs the bus until nothing is due before `end`; gives each byte with the moment at which it came.
pub(super) fn run(bus: &mut Bus, end: Instant) -> Vec<(Instant, WireByte)> {
    let mut seen = Vec::new();
    while let Some(due) = bus.poll_timeout().filter(|&due| due < end) {
        bus.handle_timeout(due);
        while let Some(byte) = bus.poll_output() {
            seen.push((due, byte));
        }
    }
    seen
}

pub(super) fn values(seen: &[(Instant, WireByte)]) -> Vec<u8> {
    seen.iter().map(|(_, byte)| byte.value).collect()
}

#[test]
fn published_request_gets_the_published_reply() {
    let mut bus = bus();
    bus.handle_bytes(at(0), &REQUEST);
    let seen = run(&mut bus, at(1_000_000));
    assert_eq!(values(&seen), REPLY);
    assert_eq!(seen[10].1.completes, Some((1, PUBLISHED)));
    assert!(seen[..10].iter().all(|(_, byte)| byte.completes.is_none()));
    let counters = bus.counters();
    assert_eq!((counters.requests, counters.replies, counters.bytes_heard, counters.bytes_sent), (1, 1, 8, 11));
    assert_eq!(counters.busy, Wire::PUBLISHED.time(19));
}

#[test]
fn each_byte_comes_when_its_last_bit_is_on_the_wire() {
    let wire = Wire::PUBLISHED;
    let turnaround = Turnaround::default();
    for seed in 0..50 {
        let mut bus = Bus::new(wire, turnaround, vec![gauge(1, PUBLISHED)], seed);
        bus.handle_bytes(at(0), &REQUEST);
        let seen = run(&mut bus, at(1_000_000));
        let request_end = at(0) + wire.time(8) + wire.silence();
        let reply_start = seen[0].0 - wire.time(1);
        let thought = reply_start - request_end;
        assert!(
            thought >= turnaround.least && thought <= turnaround.least + turnaround.jitter,
            "seed {seed}: {thought:?}"
        );
        for (index, (when, _)) in seen.iter().enumerate() {
            assert_eq!(*when, reply_start + wire.time(index as u64 + 1), "seed {seed}, byte {index}");
        }
    }
}

#[test]
fn no_byte_comes_before_its_time_however_often_the_bus_is_asked() {
    let mut bus = bus();
    bus.handle_bytes(at(0), &REQUEST);
    let mut bytes = 0u64;
    for micros in (0..40_000).step_by(37) {
        bus.handle_timeout(at(micros));
        while bus.poll_output().is_some() {
            bytes += 1;
            let earliest = Wire::PUBLISHED.time(8 + bytes) + Wire::PUBLISHED.silence() + Turnaround::default().least;
            assert!(at(micros) >= at(0) + earliest, "byte {bytes} at {micros} us");
        }
    }
    assert_eq!(bytes, 11);
}

#[test]
fn request_in_pieces_is_one_frame_until_the_silence() {
    let mut bus = bus();
    bus.handle_bytes(at(0), &REQUEST[..3]);
    bus.handle_bytes(at(2_000), &REQUEST[3..6]);
    bus.handle_bytes(at(9_000), &REQUEST[6..]);
    assert_eq!(values(&run(&mut bus, at(1_000_000))), REPLY);

    bus.handle_bytes(at(1_000_000), &REQUEST[..3]);
    bus.handle_bytes(at(1_006_800), &REQUEST[3..]);
    assert!(run(&mut bus, at(2_000_000)).is_empty());
    assert_eq!(bus.counters().noise + bus.counters().crc_errors, 2);
}

#[test]
fn two_units_answer_as_themselves() {
    let mut bus = bus();
    for (micros, unit, expected) in [(0, 2, SECOND), (100_000, 1, PUBLISHED), (200_000, 2, SECOND)] {
        bus.handle_bytes(at(micros), &read(unit));
        let seen = run(&mut bus, at(micros + 99_000));
        assert_eq!(values(&seen)[0], unit);
        assert_eq!(seen[10].1.completes, Some((unit, expected)));
        assert_eq!(crc16(&values(&seen)), 0);
    }
    assert_eq!(bus.counters().early_requests, 0);
}

#[test]
fn what_is_for_nobody_here_is_met_with_silence() {
    let mut bus = bus();
    let mut wrong_crc = REQUEST;
    wrong_crc[7] ^= 1;
    let table: [(&str, &[u8]); 4] =
        [("foreign", &read(3)), ("broadcast", &read(0)), ("crc", &wrong_crc), ("noise", &[0x55; 400])];
    for (index, (what, bytes)) in table.into_iter().enumerate() {
        bus.handle_bytes(at(index as u64 * 1_000_000), bytes);
        assert!(run(&mut bus, at((index as u64 + 1) * 1_000_000)).is_empty(), "{what}");
    }
    let counters = bus.counters();
    assert_eq!((counters.foreign, counters.broadcasts, counters.crc_errors, counters.noise), (1, 1, 1, 1));
    assert_eq!((counters.requests, counters.replies, counters.bytes_sent), (0, 0, 0));
}

#[test]
fn request_into_a_reply_spoils_both() {
    let mut bus = bus();
    bus.handle_bytes(at(0), &REQUEST);
    let mut seen = run(&mut bus, at(20_000));
    assert!((1..11).contains(&seen.len()));
    bus.handle_bytes(at(20_000), &read(2));
    seen.extend(run(&mut bus, at(1_000_000)));
    assert_eq!(seen.len(), 11, "the second request goes unanswered");
    assert_ne!(values(&seen), REPLY);
    assert!(seen.iter().all(|(_, byte)| byte.completes.is_none()));
    assert_eq!(bus.counters().collisions, 1);
}

#[test]
fn silent_unit_does_not_answer_and_others_do() {
    let mut bus = bus();
    assert!(set_fault(&mut bus, 1, Some(LineFault::Silent)));
    assert!(!set_fault(&mut bus, 9, Some(LineFault::Silent)));
    bus.handle_bytes(at(0), &read(1));
    assert!(run(&mut bus, at(100_000)).is_empty());
    bus.handle_bytes(at(100_000), &read(2));
    assert_eq!(run(&mut bus, at(200_000)).len(), 11);
    assert!(set_fault(&mut bus, 1, None));
    bus.handle_bytes(at(200_000), &read(1));
    assert_eq!(values(&run(&mut bus, at(300_000))), REPLY);
    assert_eq!(bus.counters().unanswered, 1);
}

#[test]
fn late_reply_comes_after_the_next_one() {
    let mut bus = bus();
    set_fault(&mut bus, 1, Some(LineFault::Late(Duration::from_millis(300))));
    bus.handle_bytes(at(0), &read(1));
    assert!(run(&mut bus, at(250_000)).is_empty());
    bus.handle_bytes(at(250_000), &read(2));
    let seen = run(&mut bus, at(1_000_000));
    assert_eq!((seen.len(), seen[0].1.value, seen[11].1.value), (22, 2, 1));
    assert!(seen[11].0 >= at(300_000));
}

#[test]
fn two_gauges_at_once_garble_each_other() {
    let mut bus = bus();
    set_fault(&mut bus, 1, Some(LineFault::Late(Duration::from_millis(30))));
    bus.handle_bytes(at(0), &read(1));
    bus.handle_bytes(at(28_000), &read(2));
    let seen = run(&mut bus, at(1_000_000));
    assert!((11..22).contains(&seen.len()), "{} bytes", seen.len());
    assert!(seen.iter().all(|(_, byte)| byte.completes.is_none()));
    assert!(seen.windows(2).all(|pair| pair[1].0 - pair[0].0 >= Duration::from_micros(1000)));
    assert_eq!(bus.counters().collisions, 1);
}

#[test]
fn request_without_a_silence_before_it_is_answered_and_counted() {
    let mut bus = bus();
    bus.handle_bytes(at(0), &REQUEST);
    let last = run(&mut bus, at(1_000_000))[10].0;
    bus.handle_bytes(last + Duration::from_micros(500), &REQUEST);
    assert_eq!(values(&run(&mut bus, at(1_000_000))), REPLY);
    assert_eq!(bus.counters().early_requests, 1);
}

#[derive(Debug, Clone)]
enum Deed {
    Say(Vec<u8>),
    Ask(u8),
    Fault(u8, Option<LineFault>),
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let fault = prop_oneof![
        Just(None),
        Just(Some(LineFault::Silent)),
        (0u64..200).prop_map(|ms| Some(LineFault::Late(Duration::from_millis(ms))))
    ];
    prop_oneof![
        2 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Deed::Say),
        6 => (0u8..4).prop_map(Deed::Ask),
        1 => (1u8..3, fault).prop_map(|(unit, fault)| Deed::Fault(unit, fault)),
    ]
}

proptest! {
    /// Whoever speaks, and when: bytes are at least a byte apart, and what counts as a served reading was a whole frame.
    #[test]
    fn wire_carries_one_byte_at_a_time_and_served_readings_are_whole(
        deeds in prop::collection::vec((0u64..60_000, any_deed()), 1..40)
    ) {
        let mut bus = bus();
        let (mut micros, mut seen) = (0, Vec::new());
        for (pause, deed) in deeds {
            micros += pause;
            seen.extend(run(&mut bus, at(micros)));
            match deed {
                Deed::Say(bytes) => bus.handle_bytes(at(micros), &bytes),
                Deed::Ask(unit) => bus.handle_bytes(at(micros), &read(unit)),
                Deed::Fault(unit, fault) => prop_assert!(set_fault(&mut bus, unit, fault)),
            }
        }
        seen.extend(run(&mut bus, at(micros + 10_000_000)));
        prop_assert!(bus.poll_timeout().is_none());
        for pair in seen.windows(2) {
            let apart = pair[1].0 - pair[0].0;
            prop_assert!(apart + Duration::from_nanos(2) >= Wire::PUBLISHED.time(1), "{:?} apart", apart);
        }
        let bytes = values(&seen);
        for (index, (_, byte)) in seen.iter().enumerate() {
            if let Some((unit, shown)) = byte.completes {
                let frame = &bytes[index + 1 - REPLY.len()..=index];
                let expected = if unit == 1 { PUBLISHED } else { SECOND };
                prop_assert_eq!((frame[0], shown, crc16(frame)), (unit, expected, 0));
            }
        }
        let counters = bus.counters();
        prop_assert_eq!(counters.bytes_sent, bytes.len() as u64);
        prop_assert!(counters.replies + counters.unanswered <= counters.requests);
    }
}
