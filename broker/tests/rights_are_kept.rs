//! An identity reaches its own topics and nothing else.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use rumqttc::{
    ConnectReturnCode, ConnectionError, LastWill, MqttOptions, Packet, QoS, SubscribeFilter, SubscribeReasonCode,
};
use support::{DEADLINE, Process, connect, next_message, options, publish, refusal, subscribe, until};

const OWN: &str = "tankline/v1/lindong/rtu-01/readings";
const OTHER: &str = "tankline/v1/lindong/rtu-02/readings";
const USERS: &str = "lindong.rtu-01:a\nlindong.rtu-02:b\ntankline-ingest:c\ncontrol-room:d\n";

fn broker() -> Process {
    Process::start("users_file = \"users\"", USERS)
}

fn user(broker: &Process, client_id: &str, user: &str, password: &str) -> MqttOptions {
    let mut options = options(broker.address, client_id);
    options.set_credentials(user, password);
    options
}

fn edge(broker: &Process) -> MqttOptions {
    user(broker, "lindong.rtu-01", "lindong.rtu-01", "a")
}

async fn answered(options: MqttOptions, filters: &[&str]) -> Vec<bool> {
    let (client, mut eventloop) = connect(options).await;
    let filters = filters.iter().map(|filter| SubscribeFilter::new((*filter).to_owned(), QoS::AtLeastOnce));
    client.subscribe_many(filters).await.unwrap();
    let codes =
        until(&mut eventloop, |packet| if let Packet::SubAck(ack) = packet { Some(ack.return_codes) } else { None });
    codes.await.iter().map(|code| matches!(code, SubscribeReasonCode::Success(_))).collect()
}

#[tokio::test]
async fn message_to_the_topic_of_another_is_acknowledged_and_goes_nowhere_and_is_told_once() {
    let broker = broker();
    let (_centre, mut heard) =
        subscribe(user(&broker, "tankline-ingest.lindong", "tankline-ingest", "c"), "tankline/v1/+/+/readings").await;
    let (client, mut eventloop) = connect(edge(&broker)).await;
    for topic in [OTHER, "tankline/v1/lindong/alarms/T-01/level-hh", OTHER] {
        publish(&mut eventloop, &client, topic, true, b"false").await;
    }
    publish(&mut eventloop, &client, OWN, false, b"true").await;
    let message = next_message(&mut heard).await;
    assert_eq!((message.topic.as_str(), &message.payload[..]), (OWN, &b"true"[..]));

    let told = broker.line_with("refused to a client");
    assert!(told.contains("lindong.rtu-01") && told.contains(OTHER), "{told}");
    assert_eq!(broker.other_lines().iter().filter(|line| line.contains("refused to a client")).count(), 0);
    let (_late, mut late) = subscribe(user(&broker, "x", "control-room", "d"), "tankline/v1/#").await;
    publish(&mut eventloop, &client, OWN, false, b"next").await;
    assert_eq!(&next_message(&mut late).await.payload[..], b"next", "what was refused was not retained either");
}

#[tokio::test]
async fn subscriptions_are_answered_one_by_one() {
    let broker = broker();
    let own = ["tankline/v1/lindong/rtu-01/committed", "tankline/v1/lindong/centre/state"];
    assert_eq!(answered(edge(&broker), &own).await, [true, true]);
    let filters = ["#", own[0], OTHER, "tankline/v1/lindong/+/committed", own[1], "$share/g/#"];
    assert_eq!(answered(edge(&broker), &filters).await, [false, true, false, false, true, false]);
    assert_eq!(answered(edge(&broker), &["tankline/v1/#"]).await, [false]);
    let viewer = || user(&broker, "desk", "control-room", "d");
    assert_eq!(answered(viewer(), &["tankline/v1/#", "#", "$SYS/#"]).await, [true, false, false]);
}

#[tokio::test]
async fn will_of_another_and_client_id_of_another_are_refused_with_the_reason() {
    let broker = broker();
    let mut with_will = edge(&broker);
    with_will.set_last_will(LastWill::new("tankline/v1/lindong/rtu-02/state", "offline", QoS::AtLeastOnce, true));
    let thief = user(&broker, "lindong.rtu-02", "lindong.rtu-01", "a");
    for (options, code) in [(with_will, ConnectReturnCode::NotAuthorized), (thief, ConnectReturnCode::BadClientId)] {
        match refusal(options).await {
            ConnectionError::ConnectionRefused(refused) => assert_eq!(refused, code),
            other => panic!("refused without a reason: {other}"),
        }
    }
}

#[tokio::test]
async fn viewer_under_the_client_id_of_an_edge_does_not_push_it_out() {
    let broker = broker();
    let (client, mut eventloop) = connect(edge(&broker)).await;
    let (_viewer, mut heard) = subscribe(user(&broker, "lindong.rtu-01", "control-room", "d"), "tankline/v1/#").await;
    publish(&mut eventloop, &client, OWN, false, b"still here").await;
    assert_eq!(&next_message(&mut heard).await.payload[..], b"still here");
}

#[tokio::test]
async fn changed_rights_and_users_are_in_use_and_wrong_ones_are_not() {
    let config = "users_file = \"users\"\nrights_file = \"rights.toml\"";
    let desk = |role: &str| format!("[[identity]]\nname = \"control-room\"\nrole = \"{role}\"\n");
    let broker = Process::start_with(config, &[("users", USERS), ("rights.toml", &desk("viewer"))]);
    let viewer = || user(&broker, "desk", "control-room", "d");
    let (_desk, mut at_desk) = connect(viewer()).await;
    let (client, mut eventloop) = connect(edge(&broker)).await;

    broker.write("rights.toml", &desk("emperor"));
    broker.line_with("emperor");
    assert_eq!(answered(viewer(), &["tankline/v1/#"]).await, [true], "the rights before stay");
    let (_desk, mut at_desk_again) = connect(viewer()).await;
    drop(at_desk.poll().await);

    broker.write("rights.toml", &desk("anyone"));
    let cut_off = async { while at_desk_again.poll().await.is_ok() {} };
    tokio::time::timeout(DEADLINE, cut_off).await.expect("the viewer has its old rights still");
    assert_eq!(answered(viewer(), &["#"]).await, [true]);

    broker.write("users", &USERS.replace("control-room:d\n", ""));
    broker.line_with("they are in use");
    broker.line_with("they are in use");
    assert!(matches!(
        refusal(viewer()).await,
        ConnectionError::ConnectionRefused(ConnectReturnCode::BadUserNamePassword)
    ));
    publish(&mut eventloop, &client, OWN, false, b"whose rights are the same stays").await;
}

#[tokio::test]
async fn without_users_the_client_id_makes_an_edge_and_the_rest_of_the_machine_is_free() {
    let broker = Process::start("", "");
    let (_free, mut heard) = subscribe(options(broker.address, "free"), "#").await;
    let (client, mut eventloop) = connect(options(broker.address, "lindong.rtu-01")).await;
    publish(&mut eventloop, &client, OTHER, false, b"false").await;
    publish(&mut eventloop, &client, OWN, false, b"true").await;
    assert_eq!(&next_message(&mut heard).await.payload[..], b"true");
    let (client, mut eventloop) = connect(options(broker.address, "giver")).await;
    publish(&mut eventloop, &client, "any/thing", false, b"free").await;
    assert_eq!(&next_message(&mut heard).await.payload[..], b"free");
}

#[tokio::test]
async fn unsubscribing_is_acknowledged_whatever_was_subscribed() {
    let broker = Process::start("", "");
    let (client, mut eventloop) = subscribe(options(broker.address, "a"), "x/#").await;
    for filter in ["never/was", "x/#", "x/#"] {
        client.unsubscribe(filter).await.unwrap();
        until(&mut eventloop, |packet| matches!(packet, Packet::UnsubAck(_)).then_some(())).await;
    }
    publish(&mut eventloop, &client, "x/1", false, b"unheard").await;
}
