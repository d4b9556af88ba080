//! What each fault looks like to a master, on a virtual clock.

use super::tests::{REPLY, REQUEST, at, bus, read, run, values};
use super::*;
use crate::modbus::{crc16, seal};

fn faults(text: &str) -> Vec<Fault> {
    text.split(' ').map(|fault| fault.parse().unwrap()).collect()
}

/// What comes after each of some polls of unit 1, 400 ms apart: the bytes and when each came, in us after its request.
fn polled(bus: &mut Bus, polls: u64) -> Vec<Vec<(u128, u8)>> {
    let ask = |poll| {
        let from = at(poll * 400_000);
        bus.handle_bytes(from, &REQUEST);
        let seen = run(bus, at((poll + 1) * 400_000));
        seen.iter().map(|(when, byte)| ((*when - from).as_micros(), byte.value)).collect()
    };
    (0..polls).map(ask).collect()
}

fn with_faults(text: &str) -> Bus {
    let mut bus = bus();
    assert!(bus.set_faults(at(0), FaultTarget::Unit(1), faults(text)));
    bus
}

fn bytes(seen: &[(u128, u8)]) -> Vec<u8> {
    seen.iter().map(|(_, byte)| *byte).collect()
}

/// The bytes after one poll with a fault.
fn heard(text: &str) -> Vec<u8> {
    bytes(&polled(&mut with_faults(text), 1)[0])
}

fn is_sound(frame: &[u8]) -> bool {
    frame.len() > 4 && crc16(frame) == 0
}

#[test]
fn replies_are_changed_as_their_fault_says() {
    let payload = |bytes: &[u8]| seal(bytes.to_vec());
    for (text, expected) in [
        ("silent", vec![]),
        ("other-unit=9", payload(&[9, 3, 6, 0x25, 0xA9, 0x18, 0xDF, 0x01, 0x45])),
        ("short=4", REPLY[..4].to_vec()),
        ("exception=6", payload(&[1, 0x83, 6])),
        ("count=+1", payload(&[1, 3, 8, 0x25, 0xA9, 0x18, 0xDF, 0x01, 0x45, 0, 0])),
        ("count=-2", payload(&[1, 3, 2, 0x25, 0xA9])),
        ("function=4", payload(&[1, 4, 6, 0x25, 0xA9, 0x18, 0xDF, 0x01, 0x45])),
        ("zero", payload(&[1, 3, 6, 0, 0, 0, 0, 0, 0])),
        ("word=0x8000", payload(&[1, 3, 6, 0x80, 0, 0x80, 0, 0x80, 0])),
        ("echo", [&REQUEST[..], &REPLY].concat()),
        ("repeat=30ms", [REPLY, REPLY].concat()),
        ("shorted=100ms", vec![0; 95]),
    ] {
        assert_eq!(heard(text), expected, "{text}");
    }
}

#[test]
fn damage_is_damage() {
    for text in ["crc", "short", "noise", "noise=bit", "noise=burst", "baud=19200", "twin=collides", "babble=50ms"] {
        for seed in 0..20 {
            let mut bus = with_faults(text);
            bus.units.random().seed(seed);
            let seen = bytes(&polled(&mut bus, 1)[0]);
            assert!(!seen.is_empty() && seen != REPLY && !is_sound(&seen), "{text}, seed {seed}: {seen:02x?}");
        }
    }
    assert_eq!(heard("trailing=3")[..11], REPLY);
    assert_eq!(heard("trailing=3").len(), 14);
    assert_eq!(heard("glitch=2")[2..], REPLY);
    let both = heard("twin=follows");
    assert!(both[..11] == REPLY && is_sound(&both[11..]) && both[11] == 1 && both[11..] != REPLY, "{both:02x?}");
}

#[test]
fn bytes_come_when_their_fault_says() {
    let usual = polled(&mut bus(), 1)[0][10].0;
    for (text, whole, slack) in
        [("late=120ms", 120_000, 1_000), ("split=10ms", 10_000, 1_000), ("trickle=15ms", 139_000, 2_000)]
    {
        let seen = polled(&mut with_faults(text), 1);
        assert_eq!(bytes(&seen[0]), REPLY, "{text}");
        assert!(seen[0][10].0.abs_diff(usual + whole) <= slack, "{text}: {seen:?}");
    }
    let split = polled(&mut with_faults("split=60ms"), 1);
    assert_eq!(split[0].windows(2).filter(|pair| pair[1].0 - pair[0].0 > 50_000).count(), 1);
}

#[test]
fn late_replies_keep_their_order_and_may_come_in_a_later_slot() {
    let seen = polled(&mut with_faults("late=900ms"), 6);
    assert!(seen[0].is_empty() && seen[1].is_empty());
    assert!(seen[2..].iter().all(|slot| bytes(slot) == REPLY));

    let mut bus = with_faults("late=300ms@50%");
    for poll in 0..40u64 {
        bus.handle_bytes(at(poll * 50_000), &seal(vec![1, 3, 0, 49, 0, 1 + u8::try_from(poll % 3).unwrap()]));
        run(&mut bus, at((poll + 1) * 50_000));
    }
    assert!(bus.counters().collisions > 0, "a late reply meets a later request");
}

#[test]
fn behind_gives_what_was_asked_before() {
    let mut bus = with_faults("behind=1");
    let mut seen = Vec::new();
    for (poll, count) in [3u8, 1, 2].into_iter().enumerate() {
        let poll = poll as u64;
        bus.handle_bytes(at(poll * 100_000), &seal(vec![1, 3, 0, 49, 0, count]));
        seen.push(values(&run(&mut bus, at((poll + 1) * 100_000))));
    }
    assert!(seen[0].is_empty());
    assert_eq!((seen[1].as_slice(), seen[2].len()), (REPLY.as_slice(), 7));
}

#[test]
fn asleep_unit_wakes_up_after_its_polls() {
    let seen = polled(&mut with_faults("asleep=3"), 6);
    assert!(seen[..3].iter().all(Vec::is_empty));
    assert!(seen[3..].iter().all(|slot| bytes(slot) == REPLY));
}

#[test]
fn early_reply_is_the_old_one_and_begins_before_the_request_is_over() {
    let seen = polled(&mut with_faults("early"), 2);
    assert_eq!(bytes(&seen[0]), REPLY, "there is no old one yet");
    assert_eq!(bytes(&seen[1]), [REPLY, REPLY].concat());
    assert!(seen[1][0].0 < Wire::PUBLISHED.time(8).as_micros() && seen[1][11].0 > 12_000, "{seen:?}");
}

#[test]
fn other_master_asks_and_is_answered_beside_the_reply() {
    let mut orders = [0, 0];
    for seed in 0..20 {
        let mut bus = with_faults("other-master=2");
        bus.units.random().seed(seed);
        let seen = bytes(&polled(&mut bus, 1)[0]);
        let request = seal(vec![2, 3, 0, 0, 0, 3]);
        let (ours, theirs) = if seen.starts_with(&REPLY) { (0, 11) } else { (19, 0) };
        orders[usize::from(ours == 0)] += 1;
        assert_eq!(seen[ours..ours + 11], REPLY);
        assert_eq!(seen[theirs..theirs + 8], request);
        assert!(is_sound(&seen[theirs + 8..theirs + 19]) && seen[theirs + 8] == 2);
    }
    assert!(orders[0] > 0 && orders[1] > 0);
}

#[test]
fn chance_is_kept_and_faults_add_up() {
    let mut bus = with_faults("silent@30%");
    let silent = polled(&mut bus, 400).iter().filter(|slot| slot.is_empty()).count();
    assert!((90..150).contains(&silent), "{silent} of 400");
    assert_eq!(heard("glitch=1 trailing=2").len(), 14);
    assert_eq!(heard("other-unit=9 crc")[0], 9);
    for text in ["short=1 crc count=+1 function=4 word=1 baud=1200 noise", "silent twin repeat=1ms crc late=1s"] {
        heard(text);
    }
}

#[test]
fn same_seed_gives_the_same_line() {
    let all = "noise=20% short=10% twin=10% babble=40ms@5% late=100ms@10% other-master=10% glitch=10% split=10%";
    let seen = |seed| {
        let mut bus = with_faults(all);
        bus.units.random().seed(seed);
        polled(&mut bus, 60)
    };
    assert_eq!(seen(3), seen(3));
    assert_ne!(seen(3), seen(4));
}

#[test]
fn line_that_is_never_silent_garbles_requests_until_it_is_mended() {
    for text in ["shorted", "babble"] {
        let mut bus = bus();
        assert!(bus.set_faults(at(0), FaultTarget::Line, faults(text)));
        assert!(run(&mut bus, at(1_000_000)).len() > 900, "{text}");
        bus.handle_bytes(at(1_000_000), &REQUEST);
        run(&mut bus, at(1_500_000));
        assert_eq!(bus.counters().requests, 0, "{text}");
        assert!(bus.set_faults(at(1_500_000), FaultTarget::Line, Vec::new()));
        run(&mut bus, at(1_600_000));
        bus.handle_bytes(at(1_600_000), &read(2));
        assert_eq!(values(&run(&mut bus, at(2_000_000))).len(), 11, "{text}");
        assert_eq!(bus.poll_timeout(), None);
    }
}

#[test]
fn other_master_on_the_line_talks_without_being_asked() {
    let mut bus = bus();
    assert!(bus.set_faults(at(0), FaultTarget::Line, faults("other-master=7")));
    let seen = values(&run(&mut bus, at(1_000_000)));
    assert_eq!(seen.len(), 3 * 19);
    assert_eq!(seen[..8], seal(vec![7, 3, 0, 0, 0, 3]));
    assert!(!bus.set_faults(at(0), FaultTarget::Unit(9), Vec::new()));
}

#[test]
fn a_reply_that_is_whole_beside_stray_bytes_was_given_away() {
    let is_given_away = |text: &str| {
        let mut bus = with_faults(text);
        bus.handle_bytes(at(0), &REQUEST);
        run(&mut bus, at(400_000)).iter().any(|(_, byte)| byte.completes.is_some())
    };
    for text in ["glitch=1", "trailing=2", "split=5ms"] {
        assert!(is_given_away(text), "{text}");
    }
    for text in ["crc", "short=4", "other-unit=9", "exception=6", "noise=bit"] {
        assert!(!is_given_away(text), "{text}");
    }
}

#[test]
fn no_request_gets_through_while_the_line_is_shorted_or_babbles() {
    for text in ["shorted", "babble"] {
        let mut bus = bus();
        assert!(bus.set_faults(at(0), FaultTarget::Line, faults(text)));
        // At every moment of the pieces in which it speaks, those right between two of them too.
        for poll in 0..400_u64 {
            let from = at(100_000 + poll * 20_137);
            run(&mut bus, from);
            bus.handle_bytes(from, &REQUEST);
        }
        run(&mut bus, at(9_000_000));
        assert_eq!((bus.counters().requests, bus.counters().replies > 0), (0, true), "{text}");
    }
}
