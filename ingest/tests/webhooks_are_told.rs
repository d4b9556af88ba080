//! Webhooks: signed, in order, again and again until taken, and nothing lost.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod receivers;
mod station;

use std::process::{Command, Stdio};
use std::time::Duration;

use receivers::web::{Answer, Web};
use receivers::{Authority, Teller, put, transition};
use sha2::{Digest, Sha256};
use station::{SITE, until};
use tankline_ingest::config;
use tankline_ingest::notify::{Keep, Notifier, Selection, Target, Way, WebhookConfig};
use tankline_runtime::mqtt::Tls;
use tankline_runtime::secret::Secret;
use tokio::net::TcpListener;

const SECRET: &str = "a secret of the control room";

fn target(url: String, tls: Option<Tls>) -> Target {
    Target {
        name: "control-room".to_owned(),
        selection: Selection::default(),
        keep: Keep::default(),
        timeout: Duration::from_millis(1500),
        way: Way::Webhook(WebhookConfig { url: url.parse().unwrap(), secret: Secret::new(SECRET), tls }),
    }
}

fn plain(web: &Web) -> Target {
    target(format!("http://{}/hook?room=1", web.address), None)
}

/// HMAC as RFC 2104 section 2 writes it down, apart from the code under test.
fn hmac(key: &[u8], text: &[u8]) -> String {
    assert!(key.len() <= 64);
    let padded =
        |with: u8| -> Vec<u8> { (0..64).map(|place| key.get(place).copied().unwrap_or_default() ^ with).collect() };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    let outer = Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Gives the number of the transition that each id begins with.
fn numbers(ids: &[String]) -> Vec<i64> {
    ids.iter().map(|id| id.split('-').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn each_request_is_signed_and_says_it_all() {
    let web = Web::start(&[]).await;
    let teller = Teller::start(plain(&web));
    teller.put(7);
    until("the message has come", || !web.seen().is_empty()).await;
    let request = web.seen()[0].clone();
    assert_eq!(request.line, "POST /hook?room=1 HTTP/1.1\r\n");
    assert_eq!(request.headers["host"], web.address.to_string());
    assert_eq!(request.headers["content-type"], "application/json");
    let signed = format!("{}.{}", request.headers["x-tankline-timestamp"], request.body);
    let wanted = format!("sha256={}", hmac(SECRET.as_bytes(), signed.as_bytes()));
    assert_eq!(request.headers["x-tankline-signature"], wanted);
    let told: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(told["id"], request.headers["x-tankline-id"]);
    for (key, value) in [
        ("site", "s"),
        ("source", "T-07"),
        ("alarm", "level-hh"),
        ("title", "液位高高"),
        ("guidance", "Stop the transfer."),
        ("priority", "critical"),
        ("event", "raised"),
        ("from", "normal"),
        ("to", "unacknowledged"),
        ("unit", "mm"),
    ] {
        assert_eq!(told[key], value, "{key}");
    }
    assert_eq!((told["value"].as_f64(), told["limit"].as_f64()), (Some(15_204.0), Some(15_200.0)));
    until("it is noted", || teller.count("delivered_ms IS NOT NULL") == 1).await;
}

#[tokio::test]
async fn refusals_cuts_and_silence_are_outlasted_and_the_order_is_kept() {
    let answers = [Answer::Status(500), Answer::Cut, Answer::Hang, Answer::Status(204), Answer::Status(503)];
    let web = Web::start(&answers).await;
    let teller = Teller::start(plain(&web));
    for id in 1..=4 {
        teller.put(id);
    }
    until("all have come", || web.taken().len() == 4).await;
    assert_eq!(numbers(&web.taken()), [1, 2, 3, 4]);
    until("all are noted", || teller.count("delivered_ms IS NOT NULL") == 4).await;
    assert_eq!(web.seen().len(), 8);
    assert!(teller.tally().trouble().is_none());
    // The same id whenever it is tried, so that the receiver can tell repeats.
    let ids: Vec<_> = web.seen()[..4].iter().map(|request| request.headers["x-tankline-id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn a_receiver_that_is_not_there_gets_everything_when_it_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let teller = Teller::start(target(format!("http://{address}/"), None));
    for id in 1..=3 {
        teller.put(id);
    }
    until("it was tried", || teller.tally().trouble().is_some_and(|words| words.contains("cannot connect"))).await;
    let web = Web::listen(TcpListener::bind(address).await.unwrap(), &[], None);
    until("all have come", || web.taken().len() == 3).await;
    assert_eq!(numbers(&web.taken()), [1, 2, 3]);
}

#[tokio::test]
async fn a_certificate_of_a_stranger_gets_nothing() {
    let (own, stranger) = (Authority::new(), Authority::new());
    let (trusted, foreign) = (Web::encrypted(own.acceptor).await, Web::encrypted(stranger.acceptor).await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, own.pem).unwrap();
    let encrypted = |web: &Web| {
        let url = format!("https://localhost:{}/", web.address.port());
        Teller::start(target(url, Some(Tls::load(Some(&path), None).unwrap())))
    };
    let (told, not_told) = (encrypted(&trusted), encrypted(&foreign));
    told.put(1);
    not_told.put(1);
    until("the message has come", || trusted.taken().len() == 1).await;
    until("it was tried", || not_told.tally().trouble().is_some_and(|words| words.contains("certificate"))).await;
    assert!(foreign.seen().is_empty());
}

#[tokio::test]
async fn what_is_refused_again_and_again_is_given_up_and_the_next_goes_on() {
    let web = Web::start(&[Answer::Status(422)]).await;
    let mut target = plain(&web);
    target.keep.max_rows = 3;
    let folder = Teller::start(target.clone()).kill().await;
    let before = Notifier::new(std::slice::from_ref(&target));
    let database = folder.path().join("ops.db");
    for id in 1..=5 {
        put(&database, &before, id, &transition(id));
    }
    // As if it had been refused nine times before.
    tankline_ingest::store::open(&database).unwrap().execute("UPDATE notification SET attempts = 9", []).unwrap();
    let teller = Teller::start_in(folder, target);
    until("the others have come", || web.taken().len() == 2).await;
    assert_eq!(numbers(&web.taken()), [4, 5]);
    assert_eq!(teller.count("given_up_ms IS NOT NULL AND trouble LIKE 'too many%'"), 2);
    assert_eq!(teller.count("given_up_ms IS NOT NULL AND trouble LIKE 'the receiver does not accept it: %422%'"), 1);
    assert_eq!(teller.tally().given_up.load(std::sync::atomic::Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_killed_process_tells_the_rest_after_its_restart_and_its_log_keeps_secrets() {
    let web = Web::start(&[Answer::Status(204), Answer::Hang]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ingest.toml");
    std::fs::write(folder.path().join("s.toml"), SITE).unwrap();
    std::fs::write(folder.path().join("secret"), SECRET).unwrap();
    std::fs::set_permissions(folder.path().join("secret"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let text = format!(
        "sites = [\"s.toml\"]\ndatabase = \"ops.db\"\n[broker]\nurl = \"mqtt://127.0.0.1:1\"\n[http]\nenabled = false\n\
         [[webhook]]\nname = \"control-room\"\nurl = \"http://{}/hook-nobody-may-know\"\nsecret_file = \"secret\"",
        web.address
    );
    std::fs::write(&path, text).unwrap();
    let config = config::load(&path).unwrap_or_else(|problems| panic!("{problems}"));
    let notifier = Notifier::new(&config.targets);
    for id in 1..=4 {
        put(&config.database, &notifier, id, &transition(id));
    }
    let run = || {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.path().join("log")).unwrap();
        Command::new(env!("CARGO_BIN_EXE_tankline-ingest"))
            .args(["run", "--config"])
            .arg(&path)
            .env("RUST_LOG", "trace")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    };
    let mut process = run();
    until("the second is under way", || web.seen().len() == 2).await;
    process.kill().unwrap();
    process.wait().unwrap();
    let mut process = run();
    until("all have come", || web.taken().len() >= 4).await;
    process.kill().unwrap();
    process.wait().unwrap();
    let mut told = numbers(&web.taken());
    assert!(told.is_sorted(), "{told:?}");
    told.dedup();
    assert_eq!(told, [1, 2, 3, 4]);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("starting"), "{log}");
    for secret in [SECRET, "nobody-may-know"] {
        assert!(!log.contains(secret), "{log}");
    }
}
