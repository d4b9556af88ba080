//! A session of tankline's own client, through a broker that goes and comes back.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use support::{DEADLINE, next_message, options, subscribe};
use tankline_broker::{Broker, BrokerConfig};
use tankline_runtime::mqtt::{
    BrokerSettings, NotConnected, Outgoing, Publisher, Qos, SessionEvent, SessionOptions, session,
};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

fn broker_on(listen: SocketAddr) -> Broker {
    Broker::start(BrokerConfig { listen, ..BrokerConfig::default() }).unwrap()
}

fn message(number: usize) -> Outgoing {
    let topic = "tankline/v1/lindong/rtu-01/readings".to_owned();
    Outgoing { topic, payload: number.to_string().into_bytes(), retain: false, qos: Qos::AtLeastOnce }
}

struct Session {
    publisher: Publisher,
    events: Receiver<SessionEvent>,
    stop: CancellationToken,
    driving: JoinSet<anyhow::Result<()>>,
}

impl Session {
    fn with(address: SocketAddr) -> Self {
        let options = SessionOptions {
            broker: BrokerSettings { keep_alive: Duration::from_secs(10), ..BrokerSettings::new(address.into()) },
            client_id: "session".to_owned(),
            subscriptions: vec![
                "tankline/v1/lindong/rtu-01/#".to_owned(),
                "tankline/v1/lindong/centre/state".to_owned(),
            ],
            will: None,
            max_packet_bytes: 1024 * 1024,
        };
        let (publisher, events, driver) = session(options, 10);
        let stop = CancellationToken::new();
        let mut driving = JoinSet::new();
        driving.spawn(driver.run(stop.clone()));
        Self { publisher, events, stop, driving }
    }

    async fn next(&mut self) -> SessionEvent {
        tokio::time::timeout(DEADLINE, self.events.recv()).await.expect("no event came").expect("the driver ended")
    }

    async fn stop(mut self) {
        self.stop.cancel();
        self.driving.join_next().await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn session_connects_again_when_the_broker_is_back_and_is_subscribed_again() {
    let broker = broker_on("127.0.0.1:0".parse().unwrap());
    let address = broker.address();
    let mut session = Session::with(address);
    assert_eq!(session.next().await, SessionEvent::Connected);
    broker.stop();
    assert!(matches!(session.next().await, SessionEvent::Disconnected { .. }));
    assert!(!session.publisher.is_connected());
    assert_eq!(session.publisher.publish(message(0)).await, Err(NotConnected));

    let broker = broker_on(address);
    assert_eq!(session.next().await, SessionEvent::Connected);
    session.publisher.publish(message(1)).await.unwrap();
    let SessionEvent::Message { payload, .. } = session.next().await else { panic!("not the message") };
    assert_eq!(&payload[..], b"1");
    session.stop().await;
    broker.stop();
}

#[tokio::test]
async fn what_was_handed_over_before_the_stop_arrives() {
    const MESSAGES: usize = 90;
    let broker = broker_on("127.0.0.1:0".parse().unwrap());
    let (_taker, mut taken) = subscribe(options(broker.address(), "taker"), "tankline/v1/+/+/readings").await;
    let mut session = Session::with(broker.address());
    assert_eq!(session.next().await, SessionEvent::Connected);
    for number in 0..MESSAGES {
        session.publisher.publish(message(number)).await.unwrap();
    }
    session.stop().await;
    for number in 0..MESSAGES {
        assert_eq!(next_message(&mut taken).await.payload, number.to_string().as_bytes());
    }
    broker.stop();
}

#[tokio::test]
async fn stopped_broker_frees_its_port_at_once() {
    let first = broker_on("127.0.0.1:0".parse().unwrap());
    let address = first.address();
    first.stop();
    broker_on(address).stop();
}
