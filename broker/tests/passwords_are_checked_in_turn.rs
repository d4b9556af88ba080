//! A flood of wrong passwords keeps nobody out: neither who was there before, nor who comes anew.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::io::Write;

use support::raw::{dial, dial_from, login_packet};
use support::{DEADLINE, Process, connect, options};
use tankline_broker::users;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One address' connections, each of which takes a hash.
const FLOOD: usize = 300;

fn metric(broker: &Process, name: &str) -> usize {
    let page = broker.metrics();
    let line = page.lines().find_map(|line| line.strip_prefix(&format!("tankline_broker_{name} ")));
    line.unwrap_or_else(|| panic!("{name} is not in {page}")).parse().unwrap()
}

#[tokio::test]
async fn flood_of_wrong_passwords_holds_up_neither_who_was_there_nor_who_is_new() {
    let config = "users_file = \"users\"\nconnect_timeout_s = 3600\n[http]\nlisten = \"127.0.0.1:0\"";
    let hash = users::hash(b"secret").unwrap();
    let broker = Process::start(config, &format!("edge:{hash}\nnew:{hash}\n"));
    let known = || {
        let mut options = options(broker.address, "known");
        options.set_credentials("edge", "secret");
        options
    };
    drop(connect(known()).await);
    let flood: Vec<_> = (0..FLOOD)
        .map(|number| {
            let mut stream = dial(broker.address);
            stream.write_all(&login_packet(&format!("flood-{number}"), "edge", "wrong")).unwrap();
            stream
        })
        .collect();
    let is_over = || metric(&broker, "refused_clients_total{reason=\"credentials\"}") == FLOOD;

    // From the very address of the flood.
    connect(known()).await;
    assert!(!is_over(), "a client that has logged in before waits behind the flood");

    let mut new = dial_from(2, broker.address).await;
    new.write_all(&login_packet("new", "new", "secret")).await.unwrap();
    let mut answer = [0; 4];
    tokio::time::timeout(DEADLINE, new.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, [0x20, 2, 0, 0]);
    assert!(!is_over(), "a new client from another address waits behind the flood");
    assert!(metric(&broker, "password_checks_total") > 1);
    drop(flood);
}
