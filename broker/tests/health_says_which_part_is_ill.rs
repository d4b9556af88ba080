//! `/healthz` says whether the broker does its work, and which part of it does not.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::net::TcpStream;

use support::authority::Authority;
use support::{DEADLINE, Process, connect, options};
use tankline_runtime::clock;

const HTTP: &str = "[http]\nlisten = \"127.0.0.1:0\"\n";

/// Asks until the answer holds this; gives it.
fn health_with(broker: &Process, part: &str) -> String {
    let until = clock::now() + DEADLINE;
    loop {
        let said = broker.health();
        if said.contains(part) {
            return said;
        }
        assert!(clock::now() < until, "no {part:?} in {said}");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn broker_that_works_is_healthy_and_counts_its_clients() {
    let broker = Process::start(HTTP, "");
    let _client = connect(options(broker.address, "lindong.rtu-01")).await;
    let said = health_with(&broker, "\"connections\":1");
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("\"healthy\":true"), "{said}");
}

#[test]
fn changed_file_that_cannot_be_used_makes_it_ill_until_it_is_mended() {
    let broker = Process::start(&format!("users_file = \"users\"\n{HTTP}"), "edge:secret-of-the-edge\n");
    assert!(broker.health().starts_with("HTTP/1.1 200"));
    broker.write("users", "edge secret-of-the-edge\n");
    let said = health_with(&broker, "\"healthy\":false");
    assert!(said.starts_with("HTTP/1.1 503"), "{said}");
    assert!(said.contains("files: ") && said.contains("line 1: must read user:password"), "{said}");
    assert!(!said.contains("secret-of-the-edge"), "{said}");
    broker.write("users", "edge:secret-of-the-edge\n");
    health_with(&broker, "\"healthy\":true");
}

#[test]
fn certificate_that_has_ended_makes_it_ill() {
    let authority = Authority::found();
    authority.renew_broker(-1);
    let broker = Process::start(&format!("{}{HTTP}", authority.tls("")), "");
    let said = health_with(&broker, "certificate: localhost ended");
    assert!(said.starts_with("HTTP/1.1 503"), "{said}");
}

#[test]
fn broker_without_file_handles_lets_nobody_in_and_says_so() {
    let broker = Process::start(HTTP, "");
    // Its own connection is there before there are no handles left.
    let mut asking = broker.dial_http();
    broker.limit_open_files();
    let _one_more = TcpStream::connect(broker.address).unwrap();
    let until = clock::now() + DEADLINE;
    let said = loop {
        let said = broker.ask(&mut asking, "/healthz");
        if said.contains("\"healthy\":false") {
            break said;
        }
        assert!(clock::now() < until, "{said}");
    };
    assert!(said.starts_with("HTTP/1.1 503") && said.contains("door: lets nobody in"), "{said}");
}
