use std::sync::OnceLock;
use std::time::Duration;

use tankline_domain::register::RegisterMap;

use super::*;
use crate::gauge::RegisterImage;
use crate::line::LineFault;

const PUBLISHED: GaugeValues = GaugeValues { level_mm: 9641, interface_mm: 6367, temperature_tenths: 325 };
/// The data of the published reply, behind its unit and function.
const READING: [u8; 9] = [1, 3, 6, 0x25, 0xA9, 0x18, 0xDF, 0x01, 0x45];
const ONE: Peer = Peer(1);
const TWO: Peer = Peer(2);

fn at(micros: u64) -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(tankline_runtime::clock::now) + Duration::from_micros(micros)
}

fn server() -> PacketServer {
    let gauge = |unit| Gauge::new(unit, RegisterImage::new(RegisterMap::published()), Box::new(|_| PUBLISHED));
    PacketServer::new(Turnaround::default(), vec![gauge(1), gauge(2)], 7)
}

fn with(fault: &str) -> PacketServer {
    let mut server = server();
    assert!(server.set_faults(FaultTarget::Unit(1), vec![fault.parse().unwrap()]));
    server
}

fn packet_of(transaction: u16, body: &[u8]) -> Vec<u8> {
    let [high, low] = transaction.to_be_bytes();
    [&[high, low, 0, 0, 0, u8::try_from(body.len()).unwrap()], body].concat()
}

fn ask(transaction: u16, unit: u8) -> Vec<u8> {
    packet_of(transaction, &[unit, 3, 0, 49, 0, 3])
}

fn run(server: &mut PacketServer, end: Instant) -> Vec<(Instant, PacketOutput)> {
    let mut seen = Vec::new();
    loop {
        let due = server.poll_timeout().filter(|&due| due < end);
        server.handle_timeout(due.unwrap_or(end));
        seen.extend(std::iter::from_fn(|| server.poll_output()).map(|output| (due.unwrap_or(end), output)));
        if due.is_none() {
            return seen;
        }
    }
}

/// What one client gets within a second.
fn got(server: &mut PacketServer, peer: Peer, from: u64) -> Vec<u8> {
    let seen = run(server, at(from + 1_000_000));
    seen.into_iter().filter(|(_, output)| output.to == peer).flat_map(|(_, output)| output.bytes).collect()
}

#[test]
fn the_published_reading_comes_behind_the_number_of_its_request() {
    let mut server = server();
    server.handle_bytes(at(0), ONE, &ask(0xBEEF, 1));
    let seen = run(&mut server, at(1_000_000));
    assert_eq!(seen.len(), 1);
    let (when, output) = &seen[0];
    assert_eq!((output.to, &output.bytes, output.completes), (ONE, &packet_of(0xBEEF, &READING), Some((1, PUBLISHED))));
    let Turnaround { least, jitter } = Turnaround::default();
    assert!((least..=least + jitter + Duration::from_micros(1)).contains(&(*when - at(0))));
    assert_eq!((server.counters().requests, server.counters().replies), (1, 1));
    assert_eq!(server.unit_counters(1).map(|counters| counters.replies), Some(1));
}

#[test]
fn clients_are_kept_apart_and_may_ask_several_times_at_once() {
    let mut server = server();
    server.handle_bytes(at(0), ONE, &[ask(1, 1), ask(2, 2), ask(3, 1)].concat());
    server.handle_bytes(at(0), TWO, &ask(1, 2));
    let seen = run(&mut server, at(1_000_000));
    let of = |peer| {
        let outputs = seen.iter().filter(move |(_, output)| output.to == peer);
        let mut numbers: Vec<_> = outputs.map(|(_, output)| (output.bytes[1], output.bytes[6])).collect();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!((of(ONE), of(TWO)), (vec![(1, 1), (2, 2), (3, 1)], vec![(1, 2)]));
}

#[test]
fn requests_may_come_in_pieces_and_pieces_of_two_clients_are_not_mixed() {
    let mut server = server();
    let request = ask(9, 1);
    for (index, byte) in request.iter().enumerate() {
        server.handle_bytes(at(index as u64), ONE, &[*byte]);
        server.handle_bytes(at(index as u64), TWO, &[*byte]);
    }
    assert_eq!(run(&mut server, at(1_000_000)).len(), 2);
    server.handle_bytes(at(1_000_000), ONE, &request[..5]);
    server.forget(ONE);
    server.handle_bytes(at(1_000_000), ONE, &request);
    assert_eq!(got(&mut server, ONE, 1_000_000), packet_of(9, &READING));
}

#[test]
fn what_is_not_modbus_tcp_ends_the_connection() {
    let other_protocol = [0, 1, 0, 7, 0, 6, 1, 3, 0, 49, 0, 3];
    for junk in [&b"GET / HTTP/1.1\r\n"[..], &other_protocol, &[0, 1, 0, 0, 0, 1, 1], &[0, 1, 0, 0, 1, 0, 1], &[0; 6]] {
        let mut server = server();
        server.handle_bytes(at(0), ONE, junk);
        let seen = run(&mut server, at(1_000_000));
        assert!(seen.len() == 1 && seen[0].1.hangs_up && seen[0].1.to == ONE, "{junk:02x?}: {seen:?}");
        assert_eq!(server.counters().noise, 1);
    }
}

#[test]
fn a_unit_that_is_not_here_is_answered_as_by_a_gateway() {
    let mut server = server();
    server.handle_bytes(at(0), ONE, &ask(5, 9));
    assert_eq!(got(&mut server, ONE, 0), packet_of(5, &[9, 0x83, 11]));
    server.handle_bytes(at(2_000_000), ONE, &ask(6, 0));
    assert!(got(&mut server, ONE, 2_000_000).is_empty());
    assert_eq!((server.counters().foreign, server.counters().broadcasts), (1, 1));
}

#[test]
fn faults_do_to_a_packet_what_they_say() {
    for (fault, expected) in [
        ("silent", vec![]),
        ("exception=6", packet_of(1, &[1, 0x83, 6])),
        ("other-unit=9", packet_of(1, &[9, 3, 6, 0x25, 0xA9, 0x18, 0xDF, 0x01, 0x45])),
        ("count=-2", packet_of(1, &[1, 3, 2, 0x25, 0xA9])),
        ("zero", packet_of(1, &[1, 3, 6, 0, 0, 0, 0, 0, 0])),
        ("transaction", packet_of(2, &READING)),
        ("repeat=30ms", [packet_of(1, &READING), packet_of(1, &READING)].concat()),
        // Announced whole, and cut.
        ("short=4", packet_of(1, &READING)[..10].to_vec()),
        ("split=10ms", packet_of(1, &READING)),
        ("trickle=5ms", packet_of(1, &READING)),
    ] {
        let mut server = with(fault);
        server.handle_bytes(at(0), ONE, &ask(1, 1));
        assert_eq!(got(&mut server, ONE, 0), expected, "{fault}");
    }
}

#[test]
fn a_gauge_that_is_behind_answers_with_the_number_of_the_earlier_request() {
    let mut server = with("behind=1");
    server.handle_bytes(at(0), ONE, &ask(1, 1));
    assert!(got(&mut server, ONE, 0).is_empty());
    server.handle_bytes(at(2_000_000), ONE, &ask(2, 1));
    assert_eq!(got(&mut server, ONE, 2_000_000), packet_of(1, &READING));
}

#[test]
fn pieces_of_a_packet_come_when_they_are_due() {
    let mut server = with("trickle=5ms");
    server.handle_bytes(at(0), ONE, &ask(1, 1));
    let seen = run(&mut server, at(1_000_000));
    let lengths: Vec<_> = seen.iter().map(|(_, output)| output.bytes.len()).collect();
    assert_eq!(lengths, [7, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!((seen[1].0 - seen[0].0).as_millis(), 5);
}

#[test]
fn a_connection_that_ends_takes_its_answers_with_it() {
    let mut server = with("hang-up");
    server.handle_bytes(at(0), ONE, &[ask(1, 1), ask(2, 2)].concat());
    let seen = run(&mut server, at(1_000_000));
    assert!(seen.iter().any(|(_, output)| output.hangs_up && output.bytes.is_empty()));
    assert!(server.poll_timeout().is_none());
    let mut server = super::tests::server();
    server.handle_bytes(at(0), ONE, &ask(1, 1));
    server.forget(ONE);
    assert!(run(&mut server, at(1_000_000)).is_empty());
}

#[test]
fn a_client_that_floods_is_bounded() {
    let mut server = with("late=10s");
    let flood: Vec<u8> = (0..200).flat_map(|transaction| ask(transaction, 1)).collect();
    server.handle_bytes(at(0), ONE, &flood);
    assert_eq!(server.counters().unanswered, 200 - OPEN_REQUESTS as u64);
    assert!(matches!("late=10s".parse::<Fault>().unwrap().what, LineFault::Late(_)));
}
