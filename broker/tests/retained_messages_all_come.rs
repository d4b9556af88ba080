//! Who subscribes gets all that is retained, and of each topic the newest last.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use support::raw::{admitted, packet, subscribe_packet};
use support::{Process, connect, next_message, options, publish, subscribe};

const UNLIMITED: &str = "max_packets_per_s = 0";

/// A PUBLISH that a client was sent.
#[derive(Debug)]
struct Message {
    topic: String,
    payload: String,
    quality: u8,
    packet_id: u16,
    is_retained: bool,
}

/// A client that reads packet by packet.
struct Taker(TcpStream);

impl Taker {
    fn subscribed(broker: &Process, name: &str, filter: &str, quality: u8) -> Self {
        let mut taker = Self(admitted(broker.address, name, 0));
        taker.subscribe(filter, quality);
        taker
    }

    /// Subscribes; nothing that the filter brings may come before it is acknowledged.
    fn subscribe(&mut self, filter: &str, quality: u8) {
        self.0.write_all(&subscribe_packet(filter, quality)).unwrap();
        assert_eq!(self.packet(), (0x90, vec![0, 1, quality]));
    }

    fn packet(&mut self) -> (u8, Vec<u8>) {
        let mut byte = [0];
        self.0.read_exact(&mut byte).unwrap();
        let (first, mut length, mut shift) = (byte[0], 0, 0);
        loop {
            self.0.read_exact(&mut byte).unwrap();
            length |= usize::from(byte[0] & 0x7F) << shift;
            shift += 7;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        // PUBCOMP has been said with PUBREC.
        if first == 0x62 { self.packet() } else { (first, body) }
    }

    /// Gives the next message, and does not acknowledge it.
    fn message(&mut self) -> Message {
        let (first, body) = self.packet();
        assert_eq!(first >> 4, 3, "{first:x} {body:x?}");
        let quality = (first >> 1) & 3;
        let (topic, rest) = body[2..].split_at(usize::from(u16::from_be_bytes([body[0], body[1]])));
        let (id, payload) = rest.split_at(if quality > 0 { 2 } else { 0 });
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let packet_id = id.try_into().map_or(0, u16::from_be_bytes);
        Message { topic: text(topic), payload: text(payload), quality, packet_id, is_retained: first & 1 == 1 }
    }

    fn acknowledge(&mut self, message: &Message) {
        match message.quality {
            0 => (),
            1 => self.say(0x40, message.packet_id),
            _ => {
                self.say(0x50, message.packet_id);
                self.say(0x70, message.packet_id);
            }
        }
    }

    fn say(&mut self, first: u8, packet_id: u16) {
        self.0.write_all(&packet(first, &packet_id.to_be_bytes())).unwrap();
    }
}

/// A client that publishes.
struct Giver(TcpStream);

impl Giver {
    fn new(broker: &Process) -> Self {
        Self(admitted(broker.address, "giver", 0))
    }

    /// Has a message retained for each number, with qualities 0 and 1 in turn; waits until the broker has them.
    fn retain(&mut self, numbers: std::ops::Range<usize>, payload: &str) {
        let message = |number: usize| {
            let packet_id: &[u8] = if number.is_multiple_of(2) { &[] } else { &[0, 1] };
            let body = [&[0, 7], format!("t/{number:05}").as_bytes(), packet_id, payload.as_bytes()].concat();
            packet(if number.is_multiple_of(2) { 0x31 } else { 0x33 }, &body)
        };
        // At once: what is written in pieces is sent with pauses.
        self.0.write_all(&numbers.flat_map(message).chain(packet(0xC0, &[])).collect::<Vec<_>>()).unwrap();
        let mut said = [0; 2];
        while said != [0xD0, 0] {
            self.0.read_exact(&mut said).unwrap();
        }
    }
}

#[test]
fn thousands_of_them_come_in_one_window_to_a_client_that_acknowledges_them_backwards() {
    let broker = Process::start(UNLIMITED, "");
    Giver::new(&broker).retain(0..3000, "kept");
    let mut taker = Taker::subscribed(&broker, "taker", "t/#", 1);
    let (mut open, mut seen) = (Vec::new(), Vec::new());
    while seen.len() < 3000 {
        let message = taker.message();
        let number: usize = message.topic[2..].parse().unwrap();
        assert_eq!((message.payload.as_str(), message.is_retained), ("kept", true));
        assert_eq!(usize::from(message.quality), number % 2, "the quality of the message");
        seen.push(number);
        if message.quality > 0 {
            open.push(message);
        }
        if open.len() == 100 || seen.len() == 3000 {
            open.drain(..).rev().for_each(|message| taker.acknowledge(&message));
        }
    }
    assert_eq!(seen, (0..3000).collect::<Vec<_>>());
}

#[test]
fn newest_of_each_topic_comes_last_while_others_are_published() {
    const TOPICS: usize = 500;
    const ROUNDS: usize = 20;
    let broker = Process::start(UNLIMITED, "");
    let mut giver = Giver::new(&broker);
    giver.retain(0..TOPICS, "0");
    let mut takers = Vec::new();
    for round in 1..=ROUNDS {
        giver.retain(0..TOPICS, &round.to_string());
        // Each quality, and each somewhere else in the rounds.
        if round < 7 {
            let quality = u8::try_from(round % 3).unwrap();
            let mut taker = Taker::subscribed(&broker, &format!("taker-{round}"), "t/#", quality);
            takers.push(std::thread::spawn(move || {
                let mut last = BTreeMap::new();
                while last.len() < TOPICS || last.values().any(|payload| *payload < ROUNDS) {
                    let message = taker.message();
                    last.insert(message.topic.clone(), message.payload.parse::<usize>().unwrap());
                    taker.acknowledge(&message);
                }
            }));
        }
    }
    for taker in takers {
        taker.join().unwrap();
    }
}

#[tokio::test]
async fn last_that_is_heard_of_a_topic_is_the_one_that_stays_whoever_published_it() {
    const ROUNDS: usize = 30;
    let broker = Process::start(UNLIMITED, "");
    let (_listener, mut heard) = subscribe(options(broker.address, "listener"), "race/#").await;
    let mut givers: Vec<_> = (0..6).map(|giver| admitted(broker.address, &format!("giver-{giver}"), 0)).collect();
    for round in 0..ROUNDS {
        let topic = format!("race/{round:03}");
        let message = |number: usize| {
            let body = [&[0, 8], topic.as_bytes(), &[0, 1], number.to_string().as_bytes()].concat();
            packet(0x33, &body)
        };
        // Others are on their way at the same time.
        let other = packet(0x30, b"\0\x05other").repeat(200);
        let sending = givers.iter_mut().enumerate().map(|(number, giver)| {
            let sent = [&other[..], &message(number), &other, &message(number + 10)].concat();
            let mut giver = giver.try_clone().unwrap();
            std::thread::spawn(move || {
                giver.write_all(&sent).unwrap();
                giver.read_exact(&mut [0; 8]).unwrap();
            })
        });
        sending.collect::<Vec<_>>().into_iter().for_each(|giver| giver.join().unwrap());
        let mut last = None;
        for _ in 0..12 {
            last = Some(next_message(&mut heard).await);
        }
        let mut late = Taker::subscribed(&broker, &format!("late-{round}"), &topic, 0);
        assert_eq!(late.message().payload.as_bytes(), &last.unwrap().payload[..], "in round {round}");
    }
}

#[test]
fn each_subscription_brings_them_anew_with_the_lower_quality() {
    let broker = Process::start(UNLIMITED, "");
    Giver::new(&broker).retain(0..4, "kept");
    let mut taker = Taker::subscribed(&broker, "taker", "t/#", 0);
    let mut expect = |qualities: [u8; 4], completes: bool| {
        for quality in qualities {
            let message = taker.message();
            assert_eq!((message.quality, message.is_retained), (quality, true), "{message:?}");
            if completes {
                taker.acknowledge(&message);
            }
        }
        Taker(taker.0.try_clone().unwrap())
    };
    let mut other = expect([0; 4], true);
    other.subscribe("t/#", 2);
    let mut other = expect([0, 1, 0, 1], false);
    other.subscribe("+/+", 1);
    expect([0, 1, 0, 1], true);
}

#[test]
fn live_messages_come_unmarked_with_their_own_quality_and_none_fills_the_window_unacknowledged() {
    let broker = Process::start(UNLIMITED, "");
    let mut giver = Giver::new(&broker);
    let mut taker = Taker::subscribed(&broker, "taker", "t/#", 2);
    let mut open = Vec::new();
    for _ in 0..3 {
        giver.retain(0..100, "live");
        for number in 0..100 {
            let message = taker.message();
            assert_eq!((message.quality, message.is_retained), (number % 2, false), "{message:?}");
            if message.quality > 0 {
                open.push(message);
            }
        }
        // Those of quality 0 among them have to be acknowledged by nobody.
        open.drain(..).rev().for_each(|message| taker.acknowledge(&message));
    }
    let mut taker = Taker::subscribed(&broker, "silent", "t/00000", 1);
    assert!(taker.message().is_retained);
    for _ in 0..150 {
        giver.retain(0..1, "live");
        assert_eq!(taker.message().quality, 0);
    }
}

#[tokio::test]
async fn message_that_finds_no_room_is_counted_and_leaves_no_older_one() {
    let broker = Process::start("queue_mib = 1\n[http]\nlisten = \"127.0.0.1:0\"", "");
    let (client, mut eventloop) = connect(options(broker.address, "giver")).await;
    let large = vec![b'x'; 600_000];
    publish(&mut eventloop, &client, "t/1", true, b"older").await;
    publish(&mut eventloop, &client, "t/2", true, &large).await;
    publish(&mut eventloop, &client, "t/1", true, &large).await;
    publish(&mut eventloop, &client, "t/3", true, b"small").await;
    assert!(broker.line_with("no room to retain a message").contains("t/1"));
    assert!(broker.metrics().contains("unretained_messages_total 1\n"), "{}", broker.metrics());
    let mut taker = Taker::subscribed(&broker, "taker", "t/#", 0);
    assert_eq!([taker.message().topic, taker.message().topic], ["t/2", "t/3"]);
}
