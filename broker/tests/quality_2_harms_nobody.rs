//! Messages of quality 2 that a client leaves unfinished cost the others nothing.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;

use support::raw::{admitted, packet, publish_packet, subscribe_packet};
use support::{Process, next_message, options, subscribe};

/// A PUBLISH of quality 2 to `x`.
fn begin(packet_id: u16, payload: &[u8]) -> Vec<u8> {
    let [high, low] = packet_id.to_be_bytes();
    packet(0x34, &[&[0, 1, b'x', high, low][..], payload].concat())
}

/// A packet that has nothing but a packet id.
fn word(first: u8, packet_id: u16) -> Vec<u8> {
    packet(first, &packet_id.to_be_bytes())
}

/// Reads these packets and no others.
fn expect(stream: &mut TcpStream, packets: &[Vec<u8>], why: &str) {
    let mut said = vec![0; packets.concat().len()];
    stream.read_exact(&mut said).unwrap();
    assert_eq!(said, packets.concat(), "{why}");
}

#[tokio::test]
async fn message_that_is_released_late_comes_to_its_subscribers() {
    let broker = Process::start("queue_mib = 1\nmax_packets_per_s = 0", "");
    let (_listener, mut heard) = subscribe(options(broker.address, "listener"), "x").await;
    let mut stream = admitted(broker.address, "late", 0);
    for id in 1..=3 {
        stream.write_all(&begin(id, b"late")).unwrap();
        expect(&mut stream, &[word(0x50, id)], "it is recorded");
    }
    // So many messages are not kept as long as nobody waits for them.
    for _ in 0..2000 {
        stream.write_all(&publish_packet("other", 0, b"y")).unwrap();
    }
    stream.write_all(&packet(0xC0, &[])).unwrap();
    expect(&mut stream, &[packet(0xD0, &[])], "all are with rumqttd");
    for id in 1..=3 {
        stream.write_all(&word(0x62, id)).unwrap();
        expect(&mut stream, &[word(0x70, id)], "it is complete");
        assert_eq!(&next_message(&mut heard).await.payload[..], b"late");
    }
}

#[test]
fn subscriber_that_completes_nothing_is_sent_no_more_than_its_window() {
    let broker = Process::start("max_packets_per_s = 0", "");
    let mut stream = admitted(broker.address, "unfinished", 0);
    stream.write_all(&subscribe_packet("x", 2)).unwrap();
    stream.read_exact(&mut [0; 5]).unwrap();
    let mut giver = admitted(broker.address, "giver", 0);
    for id in 1..=300 {
        giver.write_all(&[begin(id, b""), word(0x62, id)].concat()).unwrap();
        expect(&mut giver, &[word(0x50, id), word(0x70, id)], "it is recorded and complete");
    }
    let messages: Vec<_> = (1..=100).map(|id| begin(id, b"")).collect();
    expect(&mut stream, &messages, "the window");
    for id in 1..=100 {
        stream.write_all(&word(0x50, id)).unwrap();
    }
    let releases: Vec<_> = (1..=100).map(|id| word(0x62, id)).collect();
    expect(&mut stream, &releases, "each is released");
    stream.write_all(&[word(0x70, 2), word(0x70, 1)].concat()).unwrap();
    expect(&mut stream, &messages[..2], "two are complete");
    stream.write_all(&[word(0x50, 2), word(0x50, 1)].concat()).unwrap();
    expect(&mut stream, &[word(0x62, 2), word(0x62, 1)], "no packet id comes again before it is complete");
}
