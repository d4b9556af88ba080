//! Who may not come in is told why, and does no harm to the others.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;

use rumqttc::{AsyncClient, ConnectReturnCode, ConnectionError, MqttOptions};
use support::{DEADLINE, Process, connect, options, refusal};

fn with_password(broker: &Process, user: &str, password: &str) -> MqttOptions {
    let mut options = options(broker.address, "lindong.rtu-01");
    options.set_credentials(user, password);
    options
}

fn return_code(error: &ConnectionError) -> ConnectReturnCode {
    match error {
        ConnectionError::ConnectionRefused(code) => *code,
        other => panic!("refused without a reason: {other}"),
    }
}

#[tokio::test]
async fn wrong_password_is_refused_with_the_reason_and_the_right_one_admitted() {
    let broker = Process::start("users_file = \"users\"", "edge:secret\n");
    for options in [
        with_password(&broker, "edge", "wrong"),
        with_password(&broker, "nobody", "secret"),
        options(broker.address, "lindong.rtu-01"),
    ] {
        assert_eq!(return_code(&refusal(options).await), ConnectReturnCode::BadUserNamePassword);
    }
    connect(with_password(&broker, "edge", "secret")).await;
}

#[tokio::test]
async fn invalid_client_ids_are_refused_and_others_connect_as_before() {
    let broker = Process::start("", "");
    for _ in 0..3 {
        let error = refusal(options(broker.address, "a/b")).await;
        assert_eq!(return_code(&error), ConnectReturnCode::BadClientId);
    }
    connect(options(broker.address, "lindong.rtu-01")).await;
}

#[tokio::test]
async fn clients_that_hang_up_at_once_leave_the_broker_whole() {
    // Protocol MQTT, level 4, clean session, keep-alive 10 s, client id "hasty".
    const CONNECT: &[u8] = b"\x10\x11\0\x04MQTT\x04\x02\0\x0A\0\x05hasty";
    let broker = Process::start("", "");
    for _ in 0..50 {
        TcpStream::connect(broker.address).unwrap().write_all(CONNECT).unwrap();
    }
    admitted_at_last(options(broker.address, "hasty")).await;
    connect(options(broker.address, "lindong.rtu-01")).await;
}

#[tokio::test]
async fn client_without_keep_alive_is_admitted() {
    let broker = Process::start("", "");
    let mut options = options(broker.address, "silent");
    options.set_keep_alive(std::time::Duration::ZERO);
    connect(options).await;
}

#[tokio::test]
async fn idle_connections_and_gibberish_hold_nobody_up() {
    let broker = Process::start("", "");
    let _idle: Vec<_> = (0..20).map(|_| TcpStream::connect(broker.address).unwrap()).collect();
    let mut gibberish = TcpStream::connect(broker.address).unwrap();
    gibberish.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    gibberish.set_read_timeout(Some(DEADLINE)).unwrap();
    assert_eq!(gibberish.read(&mut [0; 16]).unwrap_or(0), 0, "gibberish was answered");
    connect(options(broker.address, "lindong.rtu-01")).await;
}

#[tokio::test]
async fn clients_beyond_the_limit_are_turned_away_until_others_leave() {
    let broker = Process::start("max_connections = 2", "");
    let first = connect(options(broker.address, "first")).await;
    let _second = connect(options(broker.address, "second")).await;
    for _ in 0..3 {
        refusal(options(broker.address, "third")).await;
    }
    drop(first);
    admitted_at_last(options(broker.address, "third")).await;
}

/// Tries until the client is let in.
async fn admitted_at_last(options: MqttOptions) {
    let admitted = async {
        loop {
            let (_client, mut eventloop) = AsyncClient::new(options.clone(), 10);
            if eventloop.poll().await.is_ok() {
                return;
            }
        }
    };
    tokio::time::timeout(DEADLINE, admitted).await.expect("the client was not let in");
}
