//! The bus where a real wire keeps the time, on a virtual clock.

use super::tests::{REPLY, REQUEST, at, bus, read, run, values};
use super::*;
use crate::modbus::seal;

fn real() -> Bus {
    bus().on_a_real_wire()
}

#[test]
fn bytes_of_a_reply_are_given_out_together_and_not_before_silence_and_turnaround() {
    let mut bus = real();
    bus.handle_bytes(at(0), &REQUEST);
    let seen = run(&mut bus, at(1_000_000));
    assert_eq!(values(&seen), REPLY);
    assert!(seen.iter().all(|(when, _)| *when == seen[0].0));
    let waited = seen[0].0 - at(0);
    let least = Wire::PUBLISHED.silence() + Turnaround::default().least;
    assert!(waited >= least && waited <= least + Turnaround::default().jitter, "{waited:?}");
}

#[test]
fn a_pause_inside_a_reply_is_kept() {
    let mut bus = real();
    assert!(bus.set_faults(at(0), FaultTarget::Unit(1), vec!["split=10ms".parse().unwrap()]));
    bus.handle_bytes(at(0), &REQUEST);
    let seen = run(&mut bus, at(1_000_000));
    let first = seen.iter().filter(|(when, _)| *when == seen[0].0).count();
    assert!((1..11).contains(&first));
    // The bytes before the pause have to be on the wire first.
    let apart = seen[first].0 - seen[0].0;
    assert_eq!(apart.as_micros(), (Wire::PUBLISHED.time(first as u64) + Duration::from_millis(10)).as_micros());
    assert!(seen[first..].iter().all(|(when, _)| *when == seen[first].0));
}

#[test]
fn request_may_come_in_pieces_as_adapters_deliver_it() {
    let mut bus = real();
    bus.handle_bytes(at(0), &REQUEST[..1]);
    bus.handle_bytes(at(16_000), &REQUEST[1..]);
    assert_eq!(values(&run(&mut bus, at(1_000_000))), REPLY);
    bus.handle_bytes(at(1_000_000), &REQUEST[..7]);
    assert!(run(&mut bus, at(2_000_000)).is_empty());
    assert_eq!(bus.counters().crc_errors, 1);
}

#[test]
fn request_right_behind_noise_and_other_slaves_replies_is_answered() {
    let others = seal(vec![9, 3, 6, 1, 2, 3, 4, 5, 6]);
    for before in [&[0xFF, 0x00][..], &others, &others[3..]] {
        let mut bus = real();
        bus.handle_bytes(at(0), before);
        bus.handle_bytes(at(2_000), &read(2));
        let seen = values(&run(&mut bus, at(1_000_000)));
        assert_eq!((seen.len(), seen[0]), (11, 2), "{before:02x?}");
    }
}

#[test]
fn an_adapter_that_hears_itself_does_not_make_a_gauge_answer_itself() {
    let mut bus = real();
    for round in 0..3 {
        bus.handle_bytes(at(round * 1_000_000), &REQUEST);
        let reply = values(&run(&mut bus, at(round * 1_000_000 + 100_000)));
        assert_eq!(reply, REPLY);
        bus.handle_bytes(at(round * 1_000_000 + 100_000), &reply);
        assert!(run(&mut bus, at(round * 1_000_000 + 500_000)).is_empty());
    }
    // Its echo and the next request in one piece.
    bus.handle_bytes(at(3_000_000), &REQUEST);
    let reply = values(&run(&mut bus, at(3_100_000)));
    bus.handle_bytes(at(3_100_000), &[&reply[..], &REQUEST].concat());
    assert_eq!(values(&run(&mut bus, at(4_000_000))), REPLY);
    assert_eq!((bus.counters().requests, bus.counters().noise, bus.counters().exceptions), (5, 0, 0));
}

#[test]
fn who_speaks_into_a_reply_on_a_real_wire_is_not_spoilt_once_more() {
    let mut bus = real();
    bus.handle_bytes(at(0), &REQUEST);
    assert_eq!(values(&run(&mut bus, at(10_000))), REPLY);
    bus.handle_bytes(at(10_000), &read(2));
    let seen = values(&run(&mut bus, at(1_000_000)));
    assert_eq!((seen.len(), seen[0]), (11, 2));
    assert_eq!((bus.counters().collisions, bus.counters().replies), (0, 2));
}
