//! Encrypted sessions: what they carry, and what keeps them from coming about.

use std::sync::Arc;
use std::time::Duration;

use rcgen::ExtendedKeyUsagePurpose;
use serde_json::json;
use tankline_runtime::mqtt::{BrokerSettings, BrokerUrl, Protection, SessionEvent, SessionOptions, session};
use tokio::net::TcpListener;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ALL_VERSIONS, ServerConfig, SupportedProtocolVersion};
use tokio_util::sync::CancellationToken;

use crate::support::authority::{Authority, Clients, Identity, LONG_AGO, NOW, SOME_DAY};
use crate::support::log::Log;
use crate::support::{PUBLISH, Peer, Session, message};

/// A port, an authority that the client trusts, and a broker that it signed.
struct Scene {
    listener: TcpListener,
    authority: Authority,
    broker: Identity,
}

impl Scene {
    async fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = Authority::new();
        let broker = authority.broker("127.0.0.1", NOW);
        Self { listener, authority, broker }
    }

    fn url(&self) -> String {
        format!("mqtts://{}", self.listener.local_addr().unwrap())
    }

    fn settings(&self) -> BrokerSettings {
        self.authority.read(json!({"url": self.url(), "ca_file": "ca.pem"})).unwrap()
    }

    fn good(&self) -> Arc<ServerConfig> {
        self.authority.served(&self.broker, Clients::Anybody, ALL_VERSIONS)
    }

    /// Lets the client meet a faulty broker a few times and then a good one.
    async fn assert_told_once(&self, faulty: &Arc<ServerConfig>, words: &[&str]) {
        let log = Log::take();
        let mut session = Session::with_settings(self.settings());
        for _ in 0..2 {
            if let Some(mut peer) = Peer::accept_encrypted(&self.listener, faulty).await {
                peer.hang_up().await;
            }
        }
        let reason = session.next_disconnection().await;
        for words in words {
            assert!(reason.contains(words), "{words:?} is not in {reason}");
        }
        let mut peer = Peer::accept_encrypted(&self.listener, &self.good()).await.expect("the good broker is refused");
        peer.log_in().await;
        assert_eq!(session.next().await, SessionEvent::Connected);
        assert_eq!(log.with("no connection to the broker").len(), 1, "{:?}", log.with(""));
    }
}

async fn assert_carries(versions: &[&'static SupportedProtocolVersion]) {
    let scene = Scene::set().await;
    let config = scene.authority.served(&scene.broker, Clients::Anybody, versions);
    let mut session = Session::with_settings(scene.settings());
    for round in ["1", "2"] {
        let mut peer = Peer::accept_encrypted(&scene.listener, &config).await.expect("the client hung up");
        peer.log_in().await;
        assert_eq!(session.next().await, SessionEvent::Connected);
        session.publisher.publish(message(round)).await.unwrap();
        let (kind, body) = peer.packet().await;
        assert_eq!(kind, PUBLISH);
        assert!(body.ends_with(round.as_bytes()));
        drop(peer);
        let reason = session.next_disconnection().await;
        assert!(reason.starts_with("the broker closed the connection"), "{reason}");
    }
}

#[tokio::test]
async fn messages_go_through_tls_1_3() {
    assert_carries(&[&TLS13]).await;
}

#[tokio::test]
async fn messages_go_through_tls_1_2() {
    assert_carries(&[&TLS12]).await;
}

#[tokio::test]
async fn broker_of_another_authority_is_not_trusted() {
    let scene = Scene::set().await;
    let other = Authority::new();
    let faulty = other.served(&other.broker("127.0.0.1", NOW), Clients::Anybody, ALL_VERSIONS);
    let words = ["the certificate of 127.0.0.1 is not of an authority trusted here", "ca_file"];
    scene.assert_told_once(&faulty, &words).await;
}

#[tokio::test]
async fn certificate_that_has_expired_is_told_with_its_day() {
    let scene = Scene::set().await;
    let expired = scene.authority.broker("127.0.0.1", LONG_AGO);
    let faulty = scene.authority.served(&expired, Clients::Anybody, ALL_VERSIONS);
    scene.assert_told_once(&faulty, &["expired on 2001-01-01", "clock of this machine"]).await;
}

#[tokio::test]
async fn certificate_of_the_future_makes_the_clock_doubtful() {
    let scene = Scene::set().await;
    let early = scene.authority.broker("127.0.0.1", SOME_DAY);
    let faulty = scene.authority.served(&early, Clients::Anybody, ALL_VERSIONS);
    scene.assert_told_once(&faulty, &["holds only from 2999-01-01", "clock of this machine"]).await;
}

#[tokio::test]
async fn certificate_for_another_name_is_told_with_the_names_that_it_has() {
    let scene = Scene::set().await;
    for (name, told) in [("broker.example", "for broker.example and"), ("10.0.0.7", "for 10.0.0.7 and")] {
        let other = scene.authority.broker(name, NOW);
        let faulty = scene.authority.served(&other, Clients::Anybody, ALL_VERSIONS);
        scene.assert_told_once(&faulty, &[told, "not for 127.0.0.1"]).await;
    }
}

#[tokio::test]
async fn certificate_for_clients_does_not_serve_a_broker() {
    let scene = Scene::set().await;
    let client = scene.authority.identity("127.0.0.1", NOW, ExtendedKeyUsagePurpose::ClientAuth);
    let faulty = scene.authority.served(&client, Clients::Anybody, ALL_VERSIONS);
    scene.assert_told_once(&faulty, &["is not one for servers"]).await;
}

#[tokio::test]
async fn broker_that_wants_a_certificate_gets_it_or_is_told_as_wanting_it() {
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let scene = Scene::set().await;
        let strict = scene.authority.served(&scene.broker, Clients::WithCertificate, versions);
        let mut session = Session::with_settings(scene.settings());
        assert!(Peer::accept_encrypted(&scene.listener, &strict).await.is_none());
        let reason = session.next_disconnection().await;
        assert!(reason.contains("client_certificate_file and client_key_file"), "{reason}");

        let identity = scene.authority.identity("lindong.rtu-01", NOW, ExtendedKeyUsagePurpose::ClientAuth);
        scene.authority.file("rtu.pem", &identity.certificate, 0o644);
        scene.authority.file("rtu.key", &identity.key, 0o600);
        let table = json!({
            "url": scene.url(), "ca_file": "ca.pem", "client_certificate_file": "rtu.pem", "client_key_file": "rtu.key"
        });
        drop(session);
        let mut session = Session::with_settings(scene.authority.read(table).unwrap());
        // The session before may have come once more.
        let mut peer = loop {
            if let Some(peer) = Peer::accept_encrypted(&scene.listener, &strict).await {
                break peer;
            }
        };
        peer.log_in().await;
        assert_eq!(session.next().await, SessionEvent::Connected);
    }
}

#[tokio::test]
async fn broker_that_does_not_encrypt_is_told_as_such() {
    let scene = Scene::set().await;
    let mut session = Session::with_settings(scene.settings());
    // It cannot make sense of what it gets, and hangs up.
    drop(Peer::accept(&scene.listener).await);
    let reason = session.next_disconnection().await;
    assert!(reason.contains("127.0.0.1 closed the connection instead of encrypting it"), "{reason}");

    let mut session = Session::with_settings(scene.settings());
    let mut peer = Peer::accept(&scene.listener).await;
    peer.send(&[0x20, 2, 0, 0, 0, 0, 0, 0]).await;
    let reason = session.next_disconnection().await;
    assert!(reason.contains("does not speak TLS"), "{reason}");
}

#[tokio::test]
async fn broker_that_hangs_in_the_handshake_is_given_up() {
    let scene = Scene::set().await;
    let keep_alive = Duration::from_secs(1);
    let mut session = Session::with_settings(BrokerSettings { keep_alive, ..scene.settings() });
    let mut silent = Peer::accept(&scene.listener).await;
    let reason = session.next_disconnection().await;
    assert!(reason.starts_with("no answer on port"), "{reason}");
    silent.hang_up().await;
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear_that_was_to_be_encrypted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = BrokerUrl::from(listener.local_addr().unwrap()).protected(Protection::Tls);
    let options = SessionOptions {
        broker: BrokerSettings::new(url),
        client_id: "lindong.rtu-01".to_owned(),
        subscriptions: Vec::new(),
        will: None,
        max_packet_bytes: 1024,
    };
    let (_publisher, _events, driver) = session(options, 1);
    let error = driver.run(CancellationToken::new()).await.unwrap_err().to_string();
    assert!(error.contains("does not fit the settings of its encryption"), "{error}");
}
