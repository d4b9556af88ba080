//! Brokers that refuse, hang up or speak something else: told once, tried again ever more slowly, and forgotten.

use std::time::Duration;

use tankline_runtime::clock;
use tankline_runtime::mqtt::{BrokerSettings, BrokerUrl, SessionEvent};
use tokio::net::TcpListener;

use crate::support::log::Log;
use crate::support::{DEADLINE, Peer, Session, knock};

/// Attempts that fail before the broker is well again.
const FAILURES: usize = 2;

/// What a broker does when a client comes.
#[derive(Clone, Copy)]
enum Fault {
    /// Hangs up at once.
    HangsUp,
    /// Reads the CONNECT and hangs up.
    HangsUpUnasked,
    /// Says nothing.
    Silent,
    /// Answers the CONNECT with these bytes.
    Answers(&'static [u8]),
}

impl Fault {
    async fn befalls(self, listener: &TcpListener) {
        match self {
            Self::HangsUp => drop(knock(listener).await),
            Self::HangsUpUnasked => drop(Peer::accept(listener).await.packet().await),
            Self::Silent => Peer::accept(listener).await.hang_up().await,
            Self::Answers(bytes) => {
                let mut peer = Peer::accept(listener).await;
                peer.packet().await;
                peer.send(bytes).await;
                peer.hang_up().await;
            }
        }
    }
}

async fn assert_told_once(fault: Fault, words: &str) {
    let log = Log::take();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = BrokerUrl::from(listener.local_addr().unwrap());
    let keep_alive = Duration::from_secs(1);
    let mut session = Session::with_settings(BrokerSettings { keep_alive, ..BrokerSettings::new(url) });
    for _ in 0..FAILURES {
        fault.befalls(&listener).await;
    }
    let _well = Peer::welcome(&listener).await;
    let reason = session.next_disconnection().await;
    assert!(reason.contains(words), "{reason}");
    assert_eq!(session.next().await, SessionEvent::Connected);
    let told = log.with("no connection to the broker");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(&words.replace('"', "\\\"")), "{told:?}");
    assert_eq!(log.with("connected to the broker").len(), 1);
}

#[tokio::test]
async fn broker_that_hangs_up_at_once() {
    assert_told_once(Fault::HangsUp, "").await;
}

#[tokio::test]
async fn broker_that_hangs_up_during_the_login() {
    let words = "closed the connection during the login; some do so when they refuse the user or password";
    assert_told_once(Fault::HangsUpUnasked, words).await;
}

#[tokio::test]
async fn broker_that_says_nothing() {
    assert_told_once(Fault::Silent, "no answer on port").await;
}

#[tokio::test]
async fn broker_that_wants_another_protocol_version() {
    assert_told_once(Fault::Answers(&[0x20, 2, 0, 1]), "does not speak MQTT 3.1.1").await;
}

#[tokio::test]
async fn broker_that_refuses_the_client_id() {
    assert_told_once(Fault::Answers(&[0x20, 2, 0, 2]), "refused the client id \"lindong.rtu-01\"").await;
}

#[tokio::test]
async fn broker_that_is_unavailable() {
    assert_told_once(Fault::Answers(&[0x20, 2, 0, 3]), "says that it is unavailable").await;
}

#[tokio::test]
async fn broker_that_refuses_the_password() {
    assert_told_once(Fault::Answers(&[0x20, 2, 0, 4]), "refused the user or password").await;
}

#[tokio::test]
async fn broker_that_does_not_authorise() {
    assert_told_once(Fault::Answers(&[0x20, 2, 0, 5]), "does not authorise this client").await;
}

#[tokio::test]
async fn broker_that_refuses_without_a_known_reason() {
    assert_told_once(Fault::Answers(&[0x20, 2, 0, 6]), "does not speak MQTT 3.1.1 as it should").await;
}

#[tokio::test]
async fn server_of_web_pages() {
    const PAGE: &[u8] = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Type: text/html\r\n\
        Connection: close\r\n\r\n<html><head><title>400 Bad Request</title></head></html>";
    assert_told_once(Fault::Answers(PAGE), "does not speak MQTT 3.1.1 as it should").await;
}

#[tokio::test]
async fn server_that_wants_encryption() {
    // The alert that a TLS server sends to what is not TLS.
    assert_told_once(Fault::Answers(&[21, 3, 1, 0, 2, 2, 70]), "write mqtts://").await;
}

#[tokio::test]
async fn two_faults_that_take_turns_are_told_once_each_and_tried_ever_more_slowly() {
    let log = Log::take();
    let (mut session, listener) = Session::with_listener().await;
    let first = clock::now();
    for code in [4, 5, 4, 5] {
        let mut peer = Peer::accept(&listener).await;
        peer.packet().await;
        peer.send(&[0x20, 2, 0, code]).await;
        peer.hang_up().await;
    }
    // The first waits are at most 0.5 s, 1 s and 2 s, and each is shortened by half at most.
    let tried = clock::now().duration_since(first);
    assert!(tried >= Duration::from_millis(250 + 500 + 1000), "4 attempts within {tried:?}");
    let _well = Peer::welcome(&listener).await;
    session.next_disconnection().await;
    assert_eq!(session.next().await, SessionEvent::Connected);
    assert_eq!(log.with("no connection to the broker").len(), 2, "{:?}", log.with(""));
}

#[tokio::test]
async fn broker_that_lets_in_and_hangs_up_is_told_once_and_tried_ever_more_slowly_until_it_stays() {
    let log = Log::take();
    let (mut session, listener) = Session::with_listener().await;
    let mut first = None;
    for _ in 0..4 {
        let peer = Peer::welcome(&listener).await;
        first.get_or_insert_with(clock::now);
        assert_eq!(session.next().await, SessionEvent::Connected);
        drop(peer);
        let reason = session.next_disconnection().await;
        assert!(reason.contains("another client with the id"), "{reason}");
    }
    // The waits between are at most 0.5 s, 1 s and 2 s, and each is shortened by half at most.
    let tried = clock::now().duration_since(first.unwrap());
    assert!(tried >= Duration::from_millis(250 + 500 + 1000), "4 connections within {tried:?}");
    let _stays = Peer::welcome(&listener).await;
    assert_eq!(session.next().await, SessionEvent::Connected);
    let said = || (log.with("no connection to the broker").len(), log.with("connected to the broker").len());
    assert_eq!(said(), (1, 1), "{:?}", log.with(""));
    let deadline = clock::now() + DEADLINE;
    while said() != (1, 2) {
        assert!(clock::now() < deadline, "nobody says that it stands: {:?}", log.with(""));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
