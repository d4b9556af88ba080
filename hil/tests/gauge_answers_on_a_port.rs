//! The gauge as a master sees it: raw bytes over a real pseudo-terminal.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod bench_line;

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use bench_line::{PUBLISHED, REPLY, REQUEST, WINTER, start};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tankline_hil::line::{LineCounters, LineFault, Wire};
use tankline_hil::modbus::seal;
use tankline_runtime::clock;

/// Long enough for a reply on a loaded machine; no test waits for it when all is well.
const DEADLINE: Duration = Duration::from_secs(60);
/// Far longer than a reply takes; what has not come by then does not come.
const QUIET: Duration = Duration::from_millis(250);

fn open(bench: &bench_line::Bench) -> File {
    OpenOptions::new().read(true).write(true).open(bench.line.path()).unwrap()
}

/// Reads until there are `wanted` bytes or `patience` is over; gives them with the moment at which each came.
fn read(port: &mut File, wanted: usize, patience: Duration) -> Vec<(Instant, u8)> {
    let end = clock::now() + patience;
    let mut seen = Vec::new();
    while seen.len() < wanted {
        let left = end.saturating_duration_since(clock::now());
        let timeout = Timespec { tv_sec: 0, tv_nsec: left.as_nanos().min(50_000_000).try_into().unwrap() };
        if poll(&mut [PollFd::new(port, PollFlags::IN)], Some(&timeout)).unwrap() == 0 {
            if left.is_zero() {
                break;
            }
            continue;
        }
        let mut buffer = [0; 64];
        let count = port.read(&mut buffer).unwrap();
        let now = clock::now();
        seen.extend(buffer[..count].iter().map(|&byte| (now, byte)));
    }
    seen
}

fn exchange(port: &mut File, request: &[u8], patience: Duration) -> Vec<u8> {
    port.write_all(request).unwrap();
    read(port, 11, patience).into_iter().map(|(_, byte)| byte).collect()
}

fn asking(unit: u8) -> Vec<u8> {
    seal(vec![unit, 3, 0, 49, 0, 3])
}

#[test]
fn published_request_gets_the_published_reply() {
    let bench = start();
    let mut port = open(&bench);
    assert_eq!(exchange(&mut port, &REQUEST, DEADLINE), REPLY);
    let counters = bench.line.stop();
    assert_eq!((counters.requests, counters.replies), (1, 1));
    let served = bench.served.take();
    assert_eq!((served.len(), served[0].tank.as_str(), served[0].unit, served[0].values), (1, "T-01", 1, PUBLISHED));
    assert!((clock::unix_ms().get() - served[0].at.get()).abs() < 60_000);
}

#[test]
fn no_byte_of_the_reply_is_there_before_its_last_bit_would_be() {
    let bench = start();
    let mut port = open(&bench);
    let wire = Wire::PUBLISHED;
    for _ in 0..5 {
        let asked = clock::now();
        port.write_all(&REQUEST).unwrap();
        let seen = read(&mut port, 11, DEADLINE);
        assert_eq!(seen.len(), 11);
        for (index, (when, _)) in seen.iter().enumerate() {
            let earliest = wire.time(8 + index as u64 + 1) + wire.silence();
            assert!(*when - asked >= earliest, "byte {index} after {:?}", *when - asked);
        }
    }
}

#[test]
fn two_units_on_one_line_answer_as_themselves() {
    let bench = start();
    let mut port = open(&bench);
    for _ in 0..3 {
        assert_eq!(exchange(&mut port, &asking(1), DEADLINE), REPLY);
        let winter = [2, 3, 6, 0x04, 0xB0, 0x01, 0x2C, 0xFF, 0xD6];
        assert_eq!(exchange(&mut port, &asking(2), DEADLINE), seal(winter.to_vec()));
    }
    let served: Vec<_> = bench.served.take().iter().map(|reading| (reading.unit, reading.values)).collect();
    assert_eq!(served, [(1, PUBLISHED), (2, WINTER)].repeat(3));
}

#[test]
fn foreign_unit_broadcast_and_wrong_crc_are_met_with_silence() {
    let bench = start();
    let mut port = open(&bench);
    let mut wrong = REQUEST;
    wrong[7] ^= 0x10;
    let met = |counters: LineCounters| counters.foreign + counters.broadcasts + counters.crc_errors;
    for (requests, request) in (1..).zip([asking(3), asking(0), wrong.to_vec()]) {
        assert!(exchange(&mut port, &request, QUIET).is_empty());
        // A busy machine may hear it later than that.
        let end = clock::now() + DEADLINE;
        while met(bench.line.counters()) < requests {
            assert!(clock::now() < end, "{:?}", bench.line.counters());
            assert!(read(&mut port, 1, QUIET).is_empty());
        }
    }
    assert_eq!(exchange(&mut port, &REQUEST, DEADLINE), REPLY);
    let counters = bench.line.counters();
    assert_eq!((counters.foreign, counters.broadcasts, counters.crc_errors, counters.replies), (1, 1, 1, 1));
}

#[test]
fn what_a_gauge_does_not_have_is_refused_with_an_exception() {
    let bench = start();
    let mut port = open(&bench);
    for (request, code) in [(vec![1, 6, 0, 49, 0, 1], 1), (vec![1, 3, 0, 64, 0, 1], 2), (vec![1, 4, 0, 49, 0, 0], 3)] {
        let function = request[1];
        port.write_all(&seal(request)).unwrap();
        let reply: Vec<_> = read(&mut port, 5, DEADLINE).into_iter().map(|(_, byte)| byte).collect();
        assert_eq!(reply, seal(vec![1, function | 0x80, code]));
    }
    assert_eq!(bench.line.counters().exceptions, 3);
    assert_eq!(bench.served.total(), 0);
}

#[test]
fn silent_unit_is_silent_and_a_late_one_late() {
    let bench = start();
    let mut port = open(&bench);
    assert!(bench.line.set_fault(1, Some(LineFault::Silent)));
    assert!(exchange(&mut port, &REQUEST, QUIET).is_empty());
    let end = clock::now() + DEADLINE;
    while bench.line.counters().unanswered == 0 {
        assert!(clock::now() < end, "{:?}", bench.line.counters());
        assert!(read(&mut port, 1, QUIET).is_empty());
    }
    assert!(bench.line.set_fault(1, Some(LineFault::Late(Duration::from_millis(400)))));
    let asked = clock::now();
    assert_eq!(exchange(&mut port, &REQUEST, DEADLINE), REPLY);
    assert!(clock::now() - asked >= Duration::from_millis(400));
    assert!(bench.line.set_fault(1, None));
    assert_eq!(exchange(&mut port, &REQUEST, DEADLINE), REPLY);
}

#[test]
fn client_may_close_the_port_and_come_back() {
    let bench = start();
    for _ in 0..3 {
        let mut port = open(&bench);
        assert_eq!(exchange(&mut port, &REQUEST, DEADLINE), REPLY);
    }
    assert_eq!(bench.line.counters().replies, 3);
}

#[test]
fn stopped_line_has_no_port_any_more() {
    let bench = start();
    let mut port = open(&bench);
    bench.line.stop();
    assert!(port.write_all(&REQUEST).is_err());
}
