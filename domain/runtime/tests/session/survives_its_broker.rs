//! What happens to messages and events while connections come and go.

use std::time::Duration;

use tankline_runtime::clock;
use tankline_runtime::mqtt::{BrokerUrl, NotConnected, SessionEvent};
use tokio::time::timeout;

use crate::support::{CONNECT, DEADLINE, DISCONNECT, PUBLISH, Peer, SUBSCRIBE, Session, message};

/// A retained message on a topic of one letter, at QoS 0.
const RETAINED: &[u8] = b"\x31\x04\0\x01sx";

#[tokio::test]
async fn broker_that_cannot_be_reached_is_told_in_words() {
    let mut session = Session::with(BrokerUrl::new("127.0.0.1", 1).unwrap());
    assert_eq!(session.next_disconnection().await, "connection refused: nothing listens on port 1 of 127.0.0.1");
    let mut session = Session::with(BrokerUrl::new("no-such-host.invalid", 1883).unwrap());
    let reason = session.next_disconnection().await;
    assert!(reason.starts_with("the name no-such-host.invalid cannot be resolved"), "{reason}");
}

#[tokio::test]
async fn refused_subscription_is_a_reason_to_disconnect() {
    let (mut session, listener) = Session::with_listener().await;
    let mut peer = Peer::accept(&listener).await;
    peer.packet().await;
    peer.send(&[0x20, 2, 0, 0]).await;
    let (_, body) = peer.packet().await;
    peer.send(&[0x90, 3, body[0], body[1], 0x80]).await;
    let reason = session.next_disconnection().await;
    assert!(reason.contains("refused to subscribe this client to tankline/v1/lindong/rtu-01/committed"), "{reason}");
    peer.hang_up().await;
}

#[tokio::test]
async fn session_is_connected_only_when_its_subscription_is_acknowledged_and_messages_come_after_that() {
    let (mut session, listener) = Session::with_listener().await;
    let mut peer = Peer::accept(&listener).await;
    assert_eq!(peer.packet().await.0, CONNECT);
    peer.send(&[0x20, 2, 0, 0]).await;
    let (kind, body) = peer.packet().await;
    assert_eq!(kind, SUBSCRIBE);
    peer.send(RETAINED).await;
    assert_eq!(session.publisher.publish(message("1")).await, Err(NotConnected));
    assert!(session.events.try_recv().is_err());
    peer.send(&[0x90, 3, body[0], body[1], 1]).await;
    assert_eq!(session.next().await, SessionEvent::Connected);
    assert!(session.publisher.is_connected());
    assert!(
        matches!(session.next().await, SessionEvent::Message { topic, payload } if topic == "s" && &payload[..] == b"x")
    );
}

#[tokio::test]
async fn cut_connection_is_followed_by_a_fresh_one_without_anything_of_the_old() {
    let (mut session, listener) = Session::with_listener().await;
    let mut peer = Peer::welcome(&listener).await;
    assert_eq!(session.next().await, SessionEvent::Connected);
    session.publisher.publish(message("lost")).await.unwrap();
    assert_eq!(peer.packet().await.0, PUBLISH);
    drop(peer);
    session.next_disconnection().await;
    assert_eq!(session.publisher.publish(message("refused")).await, Err(NotConnected));

    let mut peer = Peer::welcome(&listener).await;
    assert_eq!(session.next().await, SessionEvent::Connected);
    session.publisher.publish(message("fresh")).await.unwrap();
    let (kind, body) = peer.packet().await;
    assert_eq!(kind, PUBLISH);
    assert!(body.ends_with(b"fresh"), "a publish of the old connection came again");
}

#[tokio::test]
async fn stop_waits_for_the_acknowledgement_of_what_was_handed_over_then_disconnects() {
    let (mut session, listener) = Session::with_listener().await;
    let mut peer = Peer::welcome(&listener).await;
    assert_eq!(session.next().await, SessionEvent::Connected);
    for payload in ["1", "2", "3"] {
        session.publisher.publish(message(payload)).await.unwrap();
    }
    session.ask_to_stop();
    for payload in ["1", "2", "3"] {
        let (kind, body) = peer.packet().await;
        assert_eq!(kind, PUBLISH);
        assert!(body.ends_with(payload.as_bytes()));
        // The packet identifier follows the topic and its length.
        let at = 2 + usize::from(body[1]);
        peer.send(&[0x40, 2, body[at], body[at + 1]]).await;
    }
    assert_eq!(peer.packet().await.0, DISCONNECT);
    session.stopped().await;
}

#[tokio::test]
async fn stop_does_not_wait_for_a_broker_that_acknowledges_nothing() {
    let (mut session, listener) = Session::with_listener().await;
    let mut peer = Peer::welcome(&listener).await;
    assert_eq!(session.next().await, SessionEvent::Connected);
    session.publisher.publish(message("1")).await.unwrap();
    let asked = clock::now();
    session.ask_to_stop();
    assert_eq!(peer.packet().await.0, PUBLISH);
    assert_eq!(peer.packet().await.0, DISCONNECT);
    session.stopped().await;
    assert!(clock::now().duration_since(asked) >= Duration::from_secs(2), "it did not wait at all");
}

#[tokio::test]
async fn stop_while_nothing_answers_is_immediate() {
    let (session, listener) = Session::with_listener().await;
    let mut silent = Peer::accept(&listener).await;
    session.ask_to_stop();
    session.stopped().await;
    silent.hang_up().await;
}

#[tokio::test]
async fn events_that_nobody_takes_do_not_hold_a_stop_up() {
    let (session, listener) = Session::with_listener().await;
    let mut peer = Peer::welcome(&listener).await;
    for _ in 0..100 {
        peer.send(RETAINED).await;
    }
    session.ask_to_stop();
    session.stopped().await;
    peer.hang_up().await;
}

#[tokio::test]
async fn publisher_does_not_wait_on_when_a_full_connection_ends() {
    let (mut session, listener) = Session::with_listener().await;
    let mut peer = Peer::welcome(&listener).await;
    assert_eq!(session.next().await, SessionEvent::Connected);
    let publisher = session.publisher.clone();
    let mut publishing = tokio::task::JoinSet::new();
    // Nothing is acknowledged, so that at last the connection takes no more.
    publishing.spawn(async move { while publisher.publish(message("x")).await.is_ok() {} });
    for _ in 0..100 {
        peer.packet().await;
    }
    drop(peer);
    session.next_disconnection().await;
    timeout(DEADLINE, publishing.join_next()).await.expect("it waits for a connection that is gone");
}
