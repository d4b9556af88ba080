//! The log says who was refused and why, once, and is not flooded by it.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::io::Write;

use rumqttc::MqttOptions;
use support::authority::Authority;
use support::raw::{dial, login_packet, until_cut_off};
use support::{DEADLINE, Process, options, refusal};
use tankline_broker::authority::{Authority as Library, Holder};
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;

const HTTP: &str = "[http]\nlisten = \"127.0.0.1:0\"\n";

fn with_password(broker: &Process, client_id: &str, user: &str, password: &str) -> MqttOptions {
    let mut options = options(broker.address, client_id);
    options.set_credentials(user, password);
    options
}

/// Gives the refusals that are told before one that is made to end the list.
async fn refusals_told(broker: &Process) -> Vec<String> {
    let mut last = dial(broker.address);
    last.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    until_cut_off(&mut last);
    let mut lines = broker.lines_until("did not begin with a CONNECT");
    lines.pop();
    lines.retain(|line| line.contains("WARN"));
    lines
}

#[tokio::test]
async fn client_with_a_wrong_password_is_told_once_with_its_names_and_without_the_password() {
    let broker = Process::start("users_file = \"users\"", "desk:secret\n");
    for _ in 0..3 {
        refusal(with_password(&broker, "lindong.rtu-01", "desk", "hunter2")).await;
    }
    refusal(options(broker.address, "lindong.rtu-02")).await;
    let told = refusals_told(&broker).await;
    let [first, second] = told.as_slice() else { panic!("{told:#?}") };
    for part in ["\"client_id\":\"lindong.rtu-01\"", "\"user\":\"desk\"", "wrong user or password", "127.0.0.1:"] {
        assert!(first.contains(part), "{part} in {first}");
    }
    assert!(second.contains("\"client_id\":\"lindong.rtu-02\"") && !second.contains("\"user\""), "{second}");
    assert!(!told.concat().contains("hunter2"), "{told:#?}");
}

#[tokio::test]
async fn name_that_is_long_or_holds_control_characters_is_told_shortly_on_one_line() {
    let broker = Process::start("users_file = \"users\"", "desk:secret\n");
    let mut stream = dial(broker.address);
    let (long, wicked) = ("x".repeat(200), "desk\n\u{1b}[2JERROR\tall is lost");
    stream.write_all(&login_packet(&long, wicked, "wrong")).unwrap();
    until_cut_off(&mut stream);
    let told = refusals_told(&broker).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("desk??[2JERROR?all is lost"), "{told:#?}");
    assert!(told[0].contains(&format!("\"{}…\"", "x".repeat(100))), "{told:#?}");
}

#[tokio::test]
async fn probe_that_says_nothing_is_counted_and_no_warning() {
    let authority = Authority::found();
    let encrypted = Process::start(&format!("{HTTP}{}", authority.strict()), "");
    for broker in [Process::start(HTTP, ""), encrypted] {
        for _ in 0..3 {
            drop(dial(broker.address));
        }
        let until = clock::now() + DEADLINE;
        while !broker.metrics().contains("refused_clients_total{reason=\"probe\"} 3\n") {
            assert!(clock::now() < until, "{}", broker.metrics());
        }
        let told: Vec<_> = broker.other_lines().into_iter().filter(|line| line.contains("WARN")).collect();
        assert!(told.is_empty(), "{told:#?}");
    }
}

#[tokio::test]
async fn cause_for_which_encryption_fails_is_told_with_the_name_in_the_certificate() {
    let authority = Authority::found();
    authority.issue("lindong.rtu-01").issue("lindong.rtu-03");
    let long_ago = clock::unix_ms().get() - 30 * 24 * 3600 * 1000;
    let library = Library::open(&authority.0.path().join("ca"));
    let ended = Holder::client("lindong.rtu-02").unwrap();
    library.issue(&ended, authority.0.path(), UnixMillis::new(long_ago), 10).unwrap();
    authority.ca(&["revoke", "lindong.rtu-01"]);
    let other = Authority::found();
    other.issue("lindong.rtu-04");
    std::fs::copy(authority.path("ca/ca.crt"), other.path("ca/ca.crt")).unwrap();

    let broker = Process::start(&authority.strict(), "");
    let ended_on = UnixMillis::new(long_ago + 10 * 24 * 3600 * 1000).to_string();
    let ended_on = ended_on.get(..10).unwrap();
    for (authority, name, parts) in [
        (&authority, Some("lindong.rtu-01"), ["was revoked", "lindong.rtu-01"]),
        (&authority, Some("lindong.rtu-02"), [ended_on, "lindong.rtu-02"]),
        (&other, Some("lindong.rtu-04"), ["an authority that is not in client_ca", "lindong.rtu-04"]),
        (&authority, None, ["it has no certificate", "127.0.0.1"]),
    ] {
        refusal(authority.client(&broker, name.unwrap_or("nobody"), name)).await;
        let line = broker.line_with("client refused");
        for part in parts {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
    refusal(options(broker.address, "lindong.rtu-03")).await;
    let line = broker.line_with("client refused");
    assert!(line.contains("it does not speak TLS"), "{line}");
    // One that proves its name and comes under another's.
    refusal(authority.client(&broker, "lindong.rtu-05", Some("lindong.rtu-03"))).await;
    let line = broker.line_with("client refused");
    for part in ["\"certificate\":\"lindong.rtu-03\"", "\"client_id\":\"lindong.rtu-05\"", "not its own"] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[tokio::test]
async fn client_that_begins_encryption_where_there_is_none_is_told_so() {
    let (authority, broker) = (Authority::found(), Process::start("", ""));
    refusal(authority.client(&broker, "lindong.rtu-01", None)).await;
    let line = broker.line_with("client refused");
    assert!(line.contains("begins encryption, and there is none here"), "{line}");
}

#[tokio::test]
async fn nothing_is_said_in_clear_to_who_is_turned_away_where_all_is_encrypted() {
    let authority = Authority::found();
    for (config, said) in [(authority.tls(""), &[][..]), (String::new(), &[0x20, 2, 0, 3])] {
        let config = format!("max_connections = 1\nallow_anonymous = true\n{config}");
        let broker = Process::start(&config, "");
        let _place = dial(broker.address);
        let mut turned_away = dial(broker.address);
        assert_eq!(until_cut_off(&mut turned_away), said);
    }
}
