//! Whatever one client does, honest clients go on undisturbed.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::io::{Read, Write};
use std::time::Duration;

use rumqttc::{AsyncClient, ConnectReturnCode, ConnectionError, EventLoop, LastWill, QoS};
use support::raw::{
    admitted, connect_packet, dial, dial_from, packet, publish_packet, subscribe_packet, until_cut_off,
};
use support::{DEADLINE, Process, connect, next_message, options, publish, refusal, subscribe};
use tankline_runtime::clock;

const READINGS: &str = "tankline/v1/lindong/rtu-01/readings";

/// Two honest clients: an edge, and somebody who hears it.
struct Honest {
    client: AsyncClient,
    edge: EventLoop,
    heard: EventLoop,
    _listener: AsyncClient,
    count: usize,
}

impl Honest {
    async fn begin(broker: &Process) -> Self {
        let (_listener, heard) = subscribe(options(broker.address, "listener"), READINGS).await;
        let (client, edge) = connect(options(broker.address, "lindong.rtu-01")).await;
        let mut honest = Self { client, edge, heard, _listener, count: 0 };
        honest.go_on().await;
        honest
    }

    /// Sends a message by the connections that stand since the beginning; fails when it does not arrive.
    async fn go_on(&mut self) {
        self.count += 1;
        let payload = self.count.to_string();
        publish(&mut self.edge, &self.client, READINGS, false, payload.as_bytes()).await;
        assert_eq!(next_message(&mut self.heard).await.payload, payload.as_bytes());
    }
}

#[tokio::test]
async fn topics_and_filters_that_the_inner_broker_does_not_survive() {
    let broker = Process::start("", "");
    let mut honest = Honest::begin(&broker).await;
    for attack in [
        publish_packet("é/a", 1, b"x"),
        publish_packet("\u{1F6E2}", 0, b"x"),
        subscribe_packet("é/#", 1),
        packet(0x30, &[&[0, 1, 0xFF][..], b"x"].concat()),
    ] {
        let mut stream = admitted(broker.address, "attacker", 60);
        stream.write_all(&attack).unwrap();
        until_cut_off(&mut stream);
        honest.go_on().await;
    }
    for refused in ["$share/g/x", "$SYS/#", "$refused"] {
        let mut stream = admitted(broker.address, "attacker", 60);
        stream.write_all(&subscribe_packet(refused, 1)).unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0x90, 3, 0, 1, 0x80], "{refused}");
        honest.go_on().await;
    }
    let mut with_will = options(broker.address, "attacker");
    with_will.set_last_will(LastWill::new("é/a", "x", QoS::AtMostOnce, false));
    refusal(with_will).await;
    honest.go_on().await;
}

#[tokio::test]
async fn client_ids_that_the_inner_broker_does_not_survive() {
    let broker = Process::start("", "");
    let mut honest = Honest::begin(&broker).await;
    for id in ["a/b", "a/b", "$x", "#", "+"] {
        let refused = refusal(options(broker.address, id)).await;
        assert!(matches!(refused, ConnectionError::ConnectionRefused(ConnectReturnCode::BadClientId)), "{id}");
    }
    honest.go_on().await;
    connect(options(broker.address, "another")).await;
}

#[tokio::test]
async fn packets_that_end_go_on_or_change_at_every_byte() {
    let broker = Process::start("", "");
    let mut honest = Honest::begin(&broker).await;
    let session = [
        connect_packet("attacker", 60),
        subscribe_packet("x/#", 1),
        publish_packet("x/y", 1, b"payload"),
        packet(0x40, &[0, 1]),
        packet(0xA2, &[0, 2, 0, 3, b'x', b'/', b'#']),
        packet(0xC0, &[]),
    ]
    .concat();
    for place in 0..session.len() {
        for change in [0x00, 0xFF, session[place] ^ 0x80, session[place].wrapping_add(1)] {
            let mut changed = session.clone();
            changed[place] = change;
            dial(broker.address).write_all(&changed).unwrap();
        }
        dial(broker.address).write_all(&session[..place]).unwrap();
        if place % 20 == 0 {
            honest.go_on().await;
        }
    }
    honest.go_on().await;
    connect(options(broker.address, "another")).await;
}

#[tokio::test]
async fn some_thousand_random_and_mutated_packets() {
    let broker = Process::start("", "");
    let mut honest = Honest::begin(&broker).await;
    let (_spy, mut spied) = subscribe(options(broker.address, "spy"), "tankline/v1/lindong/rtu-02/readings").await;
    let mut random = fastrand::Rng::with_seed(4);
    let mut resident_mib = 0;
    let other = publish_packet("tankline/v1/lindong/rtu-02/readings", 0, b"false");
    for round in 0..2000 {
        // An edge that has no right to what it tries.
        let mut stream = dial(broker.address);
        let mut sent = connect_packet("lindong.rtu-03", 60);
        for _ in 0..random.usize(1..5) {
            let mut packet = if random.bool() { other.clone() } else { subscribe_packet("tankline/v1/#", 1) };
            for _ in 0..random.usize(..3) {
                let place = random.usize(..packet.len());
                packet[place] = random.u8(..);
            }
            sent.extend(packet);
        }
        // The broker may have had enough before all is sent.
        let _ = stream.write_all(&sent);
        if round % 200 == 0 {
            honest.go_on().await;
        }
        if round == 1000 {
            resident_mib = broker.resident_mib();
        }
    }
    let grown_mib = broker.resident_mib().saturating_sub(resident_mib);
    assert!(grown_mib < 20, "it has {grown_mib} MiB more, after {resident_mib} MiB");
    honest.go_on().await;
    let (client, mut edge) = connect(options(broker.address, "lindong.rtu-02")).await;
    publish(&mut edge, &client, "tankline/v1/lindong/rtu-02/readings", false, b"true").await;
    assert_eq!(&next_message(&mut spied).await.payload[..], b"true", "a message of another was let through");
}

#[tokio::test]
async fn idle_and_slow_connections_end_in_time_and_keep_nobody_out() {
    let config = "connect_timeout_s = 2\nmax_connections = 50\nmax_connections_per_address = 20";
    let broker = Process::start(config, "");
    let mut honest = Honest::begin(&broker).await;
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(dial_from(2, broker.address).await);
    }
    // One address has all that it may have, and the others have their places.
    let _one_more = dial_from(2, broker.address).await;
    broker.line_with("more connections from one address");
    honest.go_on().await;
    connect(options(broker.address, "another")).await;
    let mut loris = dial(broker.address);
    let began = clock::now();
    let cut_off = loop {
        // A byte at a time, and never a whole CONNECT.
        if loris.write_all(&[connect_packet("loris", 60)[0]]).is_err() || began.elapsed() > DEADLINE {
            break began.elapsed();
        }
        let mut answer = [0; 1];
        loris.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        if matches!(loris.read(&mut answer), Ok(0)) {
            break began.elapsed();
        }
    };
    assert!(cut_off < DEADLINE, "a CONNECT that never ends is waited for");
    for stream in &mut idle {
        use tokio::io::AsyncReadExt;
        let read = tokio::time::timeout(DEADLINE, stream.read(&mut [0; 4])).await;
        assert!(!matches!(read.expect("an idle connection stands still"), Ok(1..)), "it was answered");
    }
    honest.go_on().await;
}

#[tokio::test]
async fn subscriber_that_stops_reading_is_cut_off_and_counted() {
    let config = "send_timeout_s = 1\nmax_packets_per_s = 0\n[http]\nlisten = \"127.0.0.1:0\"";
    let broker = Process::start(config, "");
    let mut honest = Honest::begin(&broker).await;
    let mut deaf = admitted(broker.address, "deaf", 0);
    deaf.write_all(&subscribe_packet("flood", 0)).unwrap();
    let mut acknowledgement = [0; 5];
    deaf.read_exact(&mut acknowledgement).unwrap();
    let mut flood = admitted(broker.address, "flood", 0);
    let message = publish_packet("flood", 0, &[b'x'; 100_000]);
    let began = clock::now();
    while !broker.metrics().contains("cut_off_clients_total{reason=\"slow\"} 1\n") {
        assert!(began.elapsed() < DEADLINE, "it was not cut off: {}", broker.metrics());
        flood.write_all(&message).unwrap();
        honest.go_on().await;
    }
    honest.go_on().await;
}

#[tokio::test]
async fn subscriber_of_many_filters_that_stops_reading_costs_no_more_than_the_queue() {
    const QUEUE_MIB: u64 = 8;
    const SENT_MIB: u64 = 300;
    let config =
        format!("queue_mib = {QUEUE_MIB}\nsend_timeout_s = 3600\nmax_packets_per_s = 0\nmax_new_filters = 30\n");
    let broker = Process::start(&format!("{config}[http]\nlisten = \"127.0.0.1:0\""), "");
    let mut honest = Honest::begin(&broker).await;
    let mut deaf = Vec::new();
    for client in 0..3 {
        let mut stream = admitted(broker.address, &format!("deaf-{client}"), 0);
        for filter in 0..30 {
            // Each takes in all messages of the flood, and is another filter.
            let levels: Vec<_> = (0..5).map(|bit| if filter >> bit & 1 == 0 { "+" } else { "flood" }).collect();
            stream.write_all(&subscribe_packet(&levels.join("/"), 0)).unwrap();
            stream.read_exact(&mut [0; 5]).unwrap();
        }
        deaf.push(stream);
    }
    let before_mib = broker.resident_mib();
    let mut flood = admitted(broker.address, "flood", 0);
    let message = publish_packet("flood/flood/flood/flood/flood", 0, &[b'x'; 1 << 18]);
    for sent in 0..SENT_MIB * 4 {
        flood.write_all(&message).unwrap();
        if sent % 100 == 0 {
            honest.go_on().await;
        }
    }
    honest.go_on().await;
    // The queue, and what is on its way from it to the system for each of those that do not read.
    let grown_mib = broker.resident_mib().saturating_sub(before_mib);
    assert!(grown_mib < QUEUE_MIB + 40, "it has {grown_mib} MiB more, after {before_mib} MiB");
    let metrics = broker.metrics();
    assert!(!metrics.contains("kept_message_bytes 0\n"), "{metrics}");
    // Who reads at last finds out that it was too slow.
    for (number, stream) in deaf.iter_mut().enumerate() {
        until_cut_off(stream);
        let until = clock::now() + DEADLINE;
        while !broker.metrics().contains(&format!("cut_off_clients_total{{reason=\"slow\"}} {}\n", number + 1)) {
            assert!(clock::now() < until, "it was not counted: {}", broker.metrics());
        }
    }
    honest.go_on().await;
}

#[tokio::test]
async fn acknowledgements_that_nobody_waits_for_change_nothing() {
    let broker = Process::start("max_packets_per_s = 0", "");
    let mut honest = Honest::begin(&broker).await;
    for first in [0x40, 0x50, 0x62, 0x70] {
        let mut stream = admitted(broker.address, "attacker", 60);
        stream.write_all(&subscribe_packet("flood", 0)).unwrap();
        // It is sent so much that rumqttd waits for it, and what it says then breaks rumqttd.
        for id in 1..=300_u16 {
            let [high, low] = id.to_be_bytes();
            stream.write_all(&publish_packet("flood", 0, b"x")).unwrap();
            stream.write_all(&packet(first, &[high, low])).unwrap();
        }
        stream.write_all(&packet(0xC0, &[])).unwrap();
        let mut said = Vec::new();
        while !said.windows(2).any(|packet| packet == [0xD0, 0]) {
            let mut more = [0; 4096];
            let read = stream.read(&mut more).unwrap();
            assert!(read > 0, "it was cut off");
            said.extend_from_slice(&more[..read]);
        }
        honest.go_on().await;
    }
}

#[tokio::test]
async fn message_of_quality_2_is_brought_once_however_often_it_is_sent() {
    let broker = Process::start("", "");
    let (_listener, mut heard) = subscribe(options(broker.address, "listener"), "x").await;
    let mut stream = admitted(broker.address, "again", 60);
    let message = |first: u8, payload: &[u8]| packet(first, &[&[0, 1, b'x', 0, 7][..], payload].concat());
    let mut expect = |sent: Vec<u8>, answer: &[u8]| {
        stream.write_all(&sent).unwrap();
        let mut said = vec![0; answer.len()];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(said, answer, "to {sent:x?}");
    };
    expect(message(0x3A, b"marked as sent before"), &[0x40, 2, 0, 7]);
    expect(message(0x34, b"once"), &[0x50, 2, 0, 7]);
    expect(message(0x3C, b"once"), &[0x50, 2, 0, 7]);
    expect(packet(0x62, &[0, 7]), &[0x70, 2, 0, 7]);
    expect(packet(0x62, &[0, 7]), &[0x70, 2, 0, 7]);
    expect(message(0x34, b"twice"), &[0x50, 2, 0, 7]);
    expect(packet(0x62, &[0, 7]), &[0x70, 2, 0, 7]);
    for payload in ["marked as sent before", "once", "twice"] {
        let message = next_message(&mut heard).await;
        assert_eq!((&message.payload[..], message.dup), (payload.as_bytes(), false));
    }
}

#[tokio::test]
async fn silent_client_ends_with_its_keep_alive_although_it_reads_nothing() {
    let broker = Process::start("[http]\nlisten = \"127.0.0.1:0\"", "");
    let mut silent = admitted(broker.address, "silent", 1);
    let began = clock::now();
    until_cut_off(&mut silent);
    assert!(began.elapsed() >= Duration::from_millis(1400), "after {:?}", began.elapsed());
    assert!(broker.metrics().contains("cut_off_clients_total{reason=\"silent\"} 1\n"), "{}", broker.metrics());
}

#[tokio::test]
async fn flood_is_read_later_and_nothing_of_it_is_lost() {
    let broker = Process::start("max_packets_per_s = 500\n[http]\nlisten = \"127.0.0.1:0\"", "");
    let mut honest = Honest::begin(&broker).await;
    // An acknowledgement that nobody waits for is charged as well.
    for packets in
        [publish_packet("tankline/v1/lindong/rtu-02/readings", 0, b"x"), packet(0x40, &[0, 1]), packet(0x62, &[0, 1])]
    {
        let mut flood = admitted(broker.address, "lindong.rtu-02", 60);
        let began = clock::now();
        flood.write_all(&packets.repeat(1500)).unwrap();
        flood.write_all(&packet(0xC0, &[])).unwrap();
        honest.go_on().await;
        let mut answer = vec![0; if packets[0] == 0x62 { 1500 * 4 + 2 } else { 2 }];
        flood.read_exact(&mut answer).unwrap();
        assert!(began.elapsed() >= Duration::from_secs(1), "1500 packets took {:?}", began.elapsed());
    }
    let metrics = broker.metrics();
    assert!(!metrics.contains("throttled_total 0\n"), "{metrics}");
    honest.go_on().await;
}

#[tokio::test]
async fn packet_or_will_that_is_too_large_ends_the_connection() {
    let broker = Process::start("max_packet_bytes = 2000", "");
    let mut honest = Honest::begin(&broker).await;
    let mut large = admitted(broker.address, "large", 60);
    large.write_all(&publish_packet("x", 0, &[0; 3000])[..100]).unwrap();
    until_cut_off(&mut large);
    let mut with_will = options(broker.address, "large");
    with_will.set_last_will(LastWill::new("x", vec![b'x'; 3000], QoS::AtMostOnce, false));
    refusal(with_will).await;
    let (client, mut eventloop) = connect(options(broker.address, "fits")).await;
    publish(&mut eventloop, &client, "x", false, &[0; 1900]).await;
    honest.go_on().await;
}
