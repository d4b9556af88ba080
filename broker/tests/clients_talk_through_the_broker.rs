//! What one client publishes, the others get.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use rumqttc::{LastWill, QoS};
use support::{Process, connect, next_message, options, publish, subscribe};

const READINGS: &str = "tankline/v1/lindong/rtu-01/readings";
const STATE: &str = "tankline/v1/lindong/rtu-01/state";

#[tokio::test]
async fn subscriber_gets_what_is_published_in_order_and_whole() {
    let broker = Process::start("", "");
    let (_taker, mut taken) = subscribe(options(broker.address, "taker"), "tankline/v1/+/+/readings").await;
    let (client, mut eventloop) = connect(options(broker.address, "giver")).await;
    let large = vec![b'x'; 500_000];
    for payload in [&b"1"[..], b"", &large, b"4"] {
        publish(&mut eventloop, &client, READINGS, false, payload).await;
        let message = next_message(&mut taken).await;
        assert_eq!((message.topic.as_str(), message.payload.len()), (READINGS, payload.len()));
        assert!(message.payload == payload, "the payload was changed");
    }
}

#[tokio::test]
async fn retained_message_awaits_who_subscribes_later_until_it_is_emptied() {
    let broker = Process::start("", "");
    let (client, mut eventloop) = connect(options(broker.address, "giver")).await;
    publish(&mut eventloop, &client, STATE, true, b"online").await;
    let (_early, mut early) = subscribe(options(broker.address, "early"), "tankline/v1/#").await;
    let message = next_message(&mut early).await;
    assert_eq!((&message.payload[..], message.retain), (&b"online"[..], true));

    publish(&mut eventloop, &client, STATE, true, b"").await;
    publish(&mut eventloop, &client, "tankline/v1/lindong/rtu-02/state", true, b"other").await;
    let (_late, mut late) = subscribe(options(broker.address, "late"), "tankline/v1/#").await;
    assert_eq!(&next_message(&mut late).await.payload[..], b"other");
}

#[tokio::test]
async fn last_will_of_a_client_that_is_gone_without_a_word_is_published() {
    let broker = Process::start("", "");
    let (_taker, mut taken) = subscribe(options(broker.address, "taker"), STATE).await;
    let mut mortal = options(broker.address, "mortal");
    mortal.set_last_will(LastWill::new(STATE, "offline", QoS::AtLeastOnce, true));
    drop(connect(mortal).await);
    assert_eq!(&next_message(&mut taken).await.payload[..], b"offline");
    let (_late, mut late) = subscribe(options(broker.address, "late"), STATE).await;
    assert_eq!(&next_message(&mut late).await.payload[..], b"offline");
}

#[tokio::test]
async fn last_will_of_a_client_that_takes_its_leave_is_not_published() {
    let broker = Process::start("", "");
    let (_taker, mut taken) = subscribe(options(broker.address, "taker"), "tankline/v1/#").await;
    let mut polite = options(broker.address, "polite");
    polite.set_last_will(LastWill::new(STATE, "offline", QoS::AtLeastOnce, true));
    let (client, mut eventloop) = connect(polite).await;
    client.disconnect().await.unwrap();
    while eventloop.poll().await.is_ok() {}
    let (client, mut eventloop) = connect(options(broker.address, "giver")).await;
    publish(&mut eventloop, &client, READINGS, false, b"next").await;
    assert_eq!(&next_message(&mut taken).await.payload[..], b"next");
}

#[tokio::test]
async fn client_that_takes_over_its_own_id_leaves_the_old_will_and_keeps_its_own() {
    let broker = Process::start("", "");
    let (_taker, mut taken) = subscribe(options(broker.address, "taker"), STATE).await;
    let with_will = |will: String| {
        let mut options = options(broker.address, "lindong.rtu-01");
        options.set_last_will(LastWill::new(STATE, will, QoS::AtLeastOnce, true));
        options
    };
    let mut standing = connect(with_will("will 0".to_owned())).await;
    for round in 1..=10 {
        // The one before is still there, as a client behind a dead line is.
        let (client, mut eventloop) = connect(with_will(format!("will {round}"))).await;
        publish(&mut eventloop, &client, STATE, true, b"online").await;
        assert_eq!(next_message(&mut taken).await.payload, format!("will {}", round - 1).as_bytes());
        assert_eq!(&next_message(&mut taken).await.payload[..], b"online");
        standing = (client, eventloop);
    }
    drop(standing);
    assert_eq!(&next_message(&mut taken).await.payload[..], b"will 10");
}
