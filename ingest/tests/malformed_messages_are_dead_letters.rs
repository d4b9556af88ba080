//! What cannot be read is kept with the reason, and changes nothing else.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use serde_json::{Value, json};
use station::{Edge, Folder, Running, broker, now, reading};

const JOURNAL: &str = "9f31c2aa07d15e44";

fn message(readings: Value) -> Vec<u8> {
    json!({"journal": JOURNAL, "readings": readings}).to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_messages_that_cannot_be_read_change_nothing_else() {
    let (folder, broker) = (Folder::new(), broker());
    let worker = Running::start(folder.config(&broker, "")).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    let good = message(json!([reading(1, "T-01", 1.0)]));
    let huge = [b"{\"journal\":\"", vec![b'x'; 10_000_000].as_slice(), b"\"}"].concat();
    let own = "tankline/v1/s/rtu-01/readings";
    let cases: [(&str, Vec<u8>, &str); 9] = [
        (own, b"not JSON".to_vec(), "is no readings message: expected"),
        (own, vec![0xff, 0xfe, 0x00], "is no readings message"),
        (own, Vec::new(), "is no readings message: EOF"),
        (own, b"{\"journal\":\"zz\",\"readings\":[]}".to_vec(), "is not a journal id"),
        (own, message(json!([])), "0 readings; a message carries 1 to 500"),
        (own, huge, "10000014 bytes are more than the 1048576 allowed (the first 65536 of 10000014 bytes are kept)"),
        ("tankline/v1/s/rtu-09/readings", good.clone(), "edge rtu-09 owns no line of site s"),
        ("tankline/v1/s/centre/readings", good.clone(), "is none of the contract"),
        ("tankline/v1/s/rtu-01/state", b"online".to_vec(), "is no state"),
    ];
    for (count, (topic, payload, _)) in (1..).zip(cases.clone()) {
        edge.publish_to(topic.to_owned(), payload, false).await;
        station::until("the letter is kept", || worker.observer.dead_letters() == count).await;
    }
    let connection = rusqlite::Connection::open(folder.database()).unwrap();
    let mut statement = connection.prepare("SELECT topic, payload, reason FROM dead_letter ORDER BY id").unwrap();
    let kept: Vec<(String, Vec<u8>, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(kept.len(), cases.len());
    for ((topic, payload, reason), (kept_topic, kept_payload, kept_reason)) in cases.iter().zip(&kept) {
        assert_eq!(topic, kept_topic);
        assert_eq!(&payload[..payload.len().min(65_536)], kept_payload);
        assert!(kept_reason.contains(reason), "{kept_reason}");
    }
    assert_eq!(folder.query::<i64>("SELECT (SELECT count(*) FROM reading) + (SELECT count(*) FROM journal_range)"), 0);
    edge.publish("readings", good).await;
    edge.committed(JOURNAL, json!([[1, 1]])).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn single_readings_that_are_not_sound_go_and_the_others_stay() {
    let (folder, broker) = (Folder::new(), broker());
    let worker = Running::start(folder.config(&broker, "")).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    let with = |seq: u64, key: &str, value: Value| {
        let mut reading = reading(seq, "T-01", 1.0);
        reading[key] = value;
        reading
    };
    let bad = [
        (with(2, "tank", json!("T-02")), "tank T-02 belongs to rtu-02, not to rtu-01"),
        (with(3, "tank", json!("T-99")), "tank T-99 is not described in site s"),
        (with(4, "level_mm", json!(10_011)), "level_mm 10011 is outside -10 to 10010 of tank T-01"),
        (with(5, "interface_mm", json!(-11)), "interface_mm -11 is outside"),
        (with(6, "temperature_c", json!(-60)), "temperature_c -60 is outside -50 to 150"),
        (with(7, "at", json!(1_500_000_000_000_i64)), "is before 2020-01-01"),
        (with(8, "at", json!(now().get() + 90_000_000)), "is more than a day ahead"),
        (with(9, "quality", json!("ugly")), "is not a quality"),
        (with(10, "quality", json!("bad:crc")), "a bad reading has no values"),
        (with(11, "level_mm", Value::Null), "quality good without a level_mm"),
        (with(12, "level_mm", json!("high")), "is no reading"),
        (with(14, "layer", json!([[3000, 0.6], [3100, 0]])), "layer up to 3100 mm is above the level 1 mm"),
        (with(15, "layer", json!([[0, 1.6], [1, 0]])), "layer: water cut at 0 mm is 1.6, but must be 0 to 1"),
    ];
    let mut readings = vec![reading(1, "T-01", 1.0)];
    readings.extend(bad.iter().map(|(reading, _)| reading.clone()));
    readings.push(json!({"seq": 13, "tank": "T-01", "at": now().get(), "quality": "bad:no-reply"}));
    // Sent twice, as an edge does that has not heard of the commit: one letter each all the same.
    for _ in 0..2 {
        edge.readings(JOURNAL, &readings).await;
        edge.committed(JOURNAL, json!([[1, 15]])).await;
    }
    assert_eq!(folder.query::<String>("SELECT group_concat(seq) FROM reading"), "1,13");
    let connection = rusqlite::Connection::open(folder.database()).unwrap();
    let mut statement = connection.prepare("SELECT reason FROM dead_letter ORDER BY id").unwrap();
    let reasons: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(reasons.len(), bad.len(), "{reasons:?}");
    for ((_, expected), reason) in bad.iter().zip(&reasons) {
        assert!(reason.contains(expected), "{reason} is not: {expected}");
    }
    // A number that JSON can write and a computer cannot read: its sequence number is found all the same.
    let text = format!("{{\"journal\":\"{JOURNAL}\",\"readings\":[{{\"seq\":16,\"tank\":\"T-01\",\"at\":1e999}}]}}");
    edge.publish("readings", text.into_bytes()).await;
    edge.committed(JOURNAL, json!([[1, 16]])).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_bounded() {
    let (folder, broker) = (Folder::new(), broker());
    let mut config = folder.config(&broker, "");
    config.dead_letter_max_rows = 5;
    let worker = Running::start(config).await;
    let edge = Edge::connect(&broker, "rtu-01").await;
    for _ in 0..20 {
        edge.publish("readings", b"x".to_vec()).await;
    }
    station::until("all came", || worker.observer.dead_letters() == 20).await;
    assert_eq!(folder.query::<i64>("SELECT count(*) FROM dead_letter"), 5);
    let (_, page) = station::get(&worker.observer, "/metrics").await;
    assert!(page.contains("tankline_ingest_dead_letters_dropped_total 15\n"), "{page}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn message_that_is_too_large_for_the_broker_or_for_the_worker_stops_nobody_for_long() {
    let strict = tankline_broker::BrokerConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        ..tankline_broker::BrokerConfig::default()
    };
    let strict = tankline_broker::Broker::start(strict).unwrap();
    // One broker refuses 10 MB; the other hands 20 MB on, which is more than the worker lets in.
    for (broker, size) in [(strict, 10_000_000), (broker(), 20_000_000)] {
        let folder = Folder::new();
        let worker = Running::start(folder.config(&broker, "")).await;
        let stranger = Edge::connect(&broker, "stranger").await;
        stranger.publish_to("tankline/v1/s/rtu-01/readings".to_owned(), vec![b'x'; size], false).await;
        let mut edge = Edge::connect(&broker, "rtu-01").await;
        // Sent until it is acknowledged, as an edge does.
        let (mut told, begun) = (Value::Null, now());
        while told["ranges"] != json!([[1, 1]]) {
            assert!(now().millis_since(begun) < 60_000, "not acknowledged");
            edge.readings(JOURNAL, &[reading(1, "T-01", 1.0)]).await;
            if let Some(next) = edge.next_within("/committed", std::time::Duration::from_millis(500)).await {
                told = next;
            }
        }
        assert_eq!(folder.query::<i64>("SELECT count(*) FROM reading"), 1);
        station::until("the worker is connected again", || worker.observer.health().healthy).await;
        worker.stop().await;
    }
}
