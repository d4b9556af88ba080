//! Connections that are dead and do not look so.

use std::time::Duration;

use tankline_runtime::mqtt::{BrokerSettings, BrokerUrl, Outgoing, Qos, SessionEvent};
use tokio::net::TcpListener;

use crate::support::{PINGREQ, Peer, Session};

/// A test that is held up for longer is taken for a silent broker.
const KEEP_ALIVE: Duration = Duration::from_secs(3);
const PINGRESP: &[u8] = &[0xD0, 0];

async fn session() -> (Session, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = BrokerUrl::from(listener.local_addr().unwrap());
    (Session::with_settings(BrokerSettings { keep_alive: KEEP_ALIVE, ..BrokerSettings::new(url) }), listener)
}

#[tokio::test]
async fn broker_that_falls_silent_is_given_up_within_two_keep_alives() {
    let (mut session, listener) = session().await;
    let mut peer = Peer::welcome(&listener).await;
    assert_eq!(session.next().await, SessionEvent::Connected);
    for _ in 0..2 {
        assert_eq!(peer.packet().await.0, PINGREQ);
        peer.send(PINGRESP).await;
    }
    // The connection stays open all the while. It pings once a keep-alive.
    assert_eq!(session.next_disconnection().await, "the broker does not answer");
    assert!(!session.publisher.is_connected());
    let unanswered = peer.until_hung_up().await;
    assert!(unanswered.len() <= 1, "it pinged again and again: {unanswered:?}");

    let _back = Peer::welcome(&listener).await;
    assert_eq!(session.next().await, SessionEvent::Connected);
}

#[tokio::test]
async fn broker_that_takes_nothing_more_is_given_up() {
    let (mut session, listener) = session().await;
    let _deaf = Peer::welcome(&listener).await;
    assert_eq!(session.next().await, SessionEvent::Connected);
    let publisher = session.publisher.clone();
    let mut publishing = tokio::task::JoinSet::new();
    publishing.spawn(async move {
        let topic = "tankline/v1/lindong/rtu-01/readings".to_owned();
        let message = Outgoing { topic, payload: vec![0; 60_000], retain: false, qos: Qos::AtMostOnce };
        while publisher.publish(message.clone()).await.is_ok() {}
    });
    let reason = session.next_disconnection().await;
    assert!(reason == "the broker takes nothing more" || reason == "the broker does not answer", "{reason}");
}

#[tokio::test]
async fn broker_that_answers_pings_is_kept_however_little_there_is_to_say() {
    let (mut session, listener) = session().await;
    let mut peer = Peer::welcome(&listener).await;
    assert_eq!(session.next().await, SessionEvent::Connected);
    for _ in 0..4 {
        assert_eq!(peer.packet().await.0, PINGREQ);
        peer.send(PINGRESP).await;
    }
    assert!(session.publisher.is_connected() && session.events.try_recv().is_err());
}
