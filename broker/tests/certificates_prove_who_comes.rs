//! TLS, certificates of clients, hashed passwords, revocation.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rumqttc::{AsyncClient, ConnectReturnCode, ConnectionError};
use support::authority::{Authority, said};
use support::raw::dial;
use support::{DEADLINE, Process, connect, next_message, options, publish, refusal, subscribe};
use tankline_runtime::clock;

const STATE: &str = "tankline/v1/lindong/rtu-01/state";

#[tokio::test]
async fn edge_comes_in_by_its_certificate_and_others_do_not() {
    let authority = Authority::found();
    authority.issue("lindong.rtu-01").issue("lindong.rtu-02");
    let broker = Process::start(&authority.strict(), "");
    let edge = || authority.client(&broker, "lindong.rtu-01", Some("lindong.rtu-01"));
    let (client, mut eventloop) = connect(edge()).await;
    publish(&mut eventloop, &client, STATE, true, b"online").await;

    let thief = authority.client(&broker, "lindong.rtu-01", Some("lindong.rtu-02"));
    let refused = refusal(thief).await;
    assert!(matches!(refused, ConnectionError::ConnectionRefused(ConnectReturnCode::BadClientId)), "{refused}");
    refusal(authority.client(&broker, "lindong.rtu-01", None)).await;
    refusal(options(broker.address, "lindong.rtu-01")).await;

    let other = Authority::found();
    other.issue("lindong.rtu-01");
    std::fs::copy(authority.path("ca/ca.crt"), other.path("ca/ca.crt")).unwrap();
    refusal(other.client(&broker, "lindong.rtu-01", Some("lindong.rtu-01"))).await;
    publish(&mut eventloop, &client, STATE, true, b"undisturbed").await;
}

#[tokio::test]
async fn edge_is_known_by_whichever_name_of_its_certificate_is_its_own() {
    let authority = Authority::found();
    authority.ca(&["issue", "--client", "tankline-ingest"]);
    authority.issue_as("device-4711", &["10-0-0-7.plant.example", "lindong.rtu-01"]);
    authority.issue_as("laptop", &["laptop.office.example"]);
    let config = format!("deny_file = \"denied\"\n{}", authority.strict());
    let broker = Process::start_with(&config, &[("denied", "# nobody\n")]);
    let centre = authority.client(&broker, "tankline-ingest.lindong", Some("tankline-ingest"));
    let (_centre, mut heard) = subscribe(centre, "tankline/v1/+/+/state").await;
    let edge = || authority.client(&broker, "lindong.rtu-01", Some("device-4711"));
    let (client, mut eventloop) = connect(edge()).await;
    publish(&mut eventloop, &client, STATE, false, b"online").await;
    assert_eq!(next_message(&mut heard).await.topic, STATE);

    for client_id in ["laptop", "lindong.rtu-01"] {
        let refused = refusal(authority.client(&broker, client_id, Some("laptop"))).await;
        assert!(
            matches!(refused, ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized)),
            "{client_id}: {refused}"
        );
        let told = broker.line_with("client refused");
        assert!(told.contains("names no edge") && told.contains("laptop.office.example"), "{told}");
    }
    // Any name of a certificate can be denied.
    broker.write("denied", "device-4711\n");
    let cut_off = async { while eventloop.poll().await.is_ok() {} };
    tokio::time::timeout(DEADLINE, cut_off).await.expect("it is inside still");
    refusal(edge()).await;
}

#[tokio::test]
async fn revoked_certificate_is_cut_off_and_stays_out() {
    let authority = Authority::found();
    authority.issue("lindong.rtu-01").issue("lindong.rtu-02");
    let broker = Process::start(&authority.strict(), "");
    let edge = |name: &str| authority.client(&broker, name, Some(name));
    let (_revoked, mut revoked) = connect(edge("lindong.rtu-01")).await;
    let (client, mut stays) = connect(edge("lindong.rtu-02")).await;
    let said = authority.ca(&["revoke", "lindong.rtu-01"]);
    assert!(said.starts_with("1 revoked"), "{said}");
    let cut_off = async { while revoked.poll().await.is_ok() {} };
    tokio::time::timeout(DEADLINE, cut_off).await.expect("it is inside still");
    refusal(edge("lindong.rtu-01")).await;
    publish(&mut stays, &client, "tankline/v1/lindong/rtu-02/state", true, b"here").await;
    let list = authority.ca(&["list"]);
    let line = |name: &str| list.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(line("lindong.rtu-01").ends_with("revoked") && line("lindong.rtu-02").ends_with("holds"), "{list}");
}

#[tokio::test]
async fn client_of_an_authority_that_is_trusted_no_more_is_cut_off() {
    let (authority, other) = (Authority::found(), Authority::found());
    authority.issue("lindong.rtu-01");
    let ca = authority.path("ca/ca.crt");
    let broker = Process::start(&authority.tls(&format!("client_ca = \"{ca}\"\n")), "");
    let edge = authority.client(&broker, "lindong.rtu-01", Some("lindong.rtu-01"));
    let (_client, mut eventloop) = connect(edge.clone()).await;
    std::fs::copy(other.path("ca/ca.crt"), ca).unwrap();
    let cut_off = async { while eventloop.poll().await.is_ok() {} };
    tokio::time::timeout(DEADLINE, cut_off).await.expect("it is inside still");
    refusal(edge).await;
}

#[tokio::test]
async fn client_whose_certificate_ends_is_cut_off_and_takes_up_no_session_of_before() {
    let authority = Authority::found();
    let broker = Process::start(&authority.strict(), "");
    // On a busy machine a certificate may end before its client came in.
    for seconds in [3, 10, 30, 100] {
        let name = format!("lindong.rtu-{seconds}");
        authority.issue_until(&name, &[], clock::unix_ms().get() / 1000 + seconds);
        let (_client, mut eventloop) = AsyncClient::new(authority.client(&broker, &name, Some(&name)), 10);
        if eventloop.poll().await.is_err() {
            continue;
        }
        let cut_off = async { while eventloop.poll().await.is_ok() {} };
        tokio::time::timeout(DEADLINE.max(Duration::from_secs(200)), cut_off).await.expect("it is inside still");
        // Its event loop has kept the session of encryption, and takes it up again.
        let again = tokio::time::timeout(DEADLINE, eventloop.poll()).await.expect("no answer").unwrap_err();
        assert!(matches!(again, ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized)), "{again}");
        return;
    }
    panic!("no client came in before its certificate ended");
}

#[tokio::test]
async fn password_is_held_against_its_hash_and_the_deny_list_before_it() {
    let authority = Authority::found();
    let user = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tankline-broker"));
        command.current_dir(authority.0.path()).args(["user", "add", "--users", "users", name]);
        said(&command.output().unwrap()).trim().rsplit(' ').next().unwrap().to_owned()
    };
    let password = user("lindong.rtu-01");
    let config = format!("users_file = \"{}\"\ndeny_file = \"denied\"\n{}", authority.path("users"), authority.tls(""));
    let broker = Process::start_with(&config, &[("denied", "# nobody\n")]);
    let login = |password: &str| {
        let mut options = authority.client(&broker, "lindong.rtu-01", None);
        options.set_credentials("lindong.rtu-01", password);
        options
    };
    let (_client, mut eventloop) = connect(login(&password)).await;
    let refused = refusal(login("other")).await;
    assert!(matches!(refused, ConnectionError::ConnectionRefused(ConnectReturnCode::BadUserNamePassword)), "{refused}");

    broker.write("denied", "lindong.rtu-01\n");
    let cut_off = async { while eventloop.poll().await.is_ok() {} };
    tokio::time::timeout(DEADLINE, cut_off).await.expect("it is inside still");
    let refused = refusal(login(&password)).await;
    assert!(matches!(refused, ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized)), "{refused}");

    let log = broker.other_lines().concat();
    let users = std::fs::read_to_string(authority.path("users")).unwrap();
    assert!(!log.contains(&password) && !users.contains(&password), "the password stands in the log or the file");
    let mode = std::fs::metadata(authority.path("users")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn user_who_is_removed_is_cut_off_and_the_service_can_still_read_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let users = dir.path().join("users");
    let user = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tankline-broker"));
        said(&command.current_dir(dir.path()).arg("user").args(arguments).output().unwrap())
    };
    let password = user(&["add", "--users", "users", "lindong.rtu-01"]).trim().rsplit(' ').next().unwrap().to_owned();
    user(&["add", "--users", "users", "other"]);
    std::fs::set_permissions(&users, std::fs::Permissions::from_mode(0o640)).unwrap();
    let broker = Process::start(&format!("users_file = \"{}\"", users.display()), "");
    let mut options = options(broker.address, "lindong.rtu-01");
    options.set_credentials("lindong.rtu-01", password);
    let (_client, mut eventloop) = connect(options).await;
    user(&["remove", "--users", "users", "lindong.rtu-01"]);
    assert_eq!(std::fs::metadata(&users).unwrap().permissions().mode() & 0o777, 0o640);
    let cut_off = async { while eventloop.poll().await.is_ok() {} };
    tokio::time::timeout(DEADLINE, cut_off).await.expect("it is inside still");
}

#[tokio::test]
async fn handshake_that_never_comes_ends_and_holds_nobody_up() {
    let authority = Authority::found();
    authority.issue("lindong.rtu-01");
    let broker = Process::start(&format!("connect_timeout_s = 1\n{}", authority.strict()), "");
    let mut idle: Vec<_> = (0..10).map(|_| dial(broker.address)).collect();
    connect(authority.client(&broker, "lindong.rtu-01", Some("lindong.rtu-01"))).await;
    for stream in &mut idle {
        support::raw::until_cut_off(stream);
    }
}

#[test]
fn key_that_everybody_may_read_is_refused() {
    let authority = Authority::found();
    let check = || {
        let (mut command, _dir) = support::command("check", &authority.strict());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(check().0, Some(0));
    let key = authority.path("localhost.key");
    std::fs::set_permissions(Path::new(&key), std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = check();
    assert_eq!(code, Some(2));
    assert!(said.contains(&key) && said.contains("everybody on this machine may read"), "{said}");
}

#[tokio::test]
async fn authority_without_a_revocation_list_is_told_by_check_and_when_a_client_of_it_comes() {
    let (authority, other) = (Authority::found(), Authority::found());
    other.ca(&["init", "--dir", "second", "--name", "second authority"]);
    authority.issue("lindong.rtu-01");
    let crl = other.path("second/ca.crl");
    let config = authority.tls(&format!("client_ca = \"{}\"\ncrl = \"{crl}\"\n", authority.path("ca/ca.crt")));
    let (mut command, _dir) = support::command("check", &config);
    let checked = said(&command.output().unwrap());
    assert!(checked.contains("warning: crl: there is no list") && checked.contains("tankline"), "{checked}");
    let broker = Process::start(&config, "");
    refusal(authority.client(&broker, "lindong.rtu-01", Some("lindong.rtu-01"))).await;
    broker.line_with("no list in crl tells whether its certificate was revoked");
}

#[tokio::test]
async fn end_of_the_certificate_is_in_the_metrics_and_warned_of() {
    let authority = Authority::found();
    authority.ca(&["issue", "--client", "tankline-ingest", "--days", "3"]);
    std::fs::remove_file(authority.path("localhost.crt")).unwrap();
    std::fs::remove_file(authority.path("localhost.key")).unwrap();
    authority.ca(&["issue", "--broker", "localhost", "--broker", "127.0.0.1", "--days", "3"]);
    let broker = Process::start(&format!("{}[http]\nlisten = \"127.0.0.1:0\"", authority.strict()), "");
    let warning = broker.line_with("a certificate ends soon");
    assert!(warning.contains("localhost"), "{warning}");
    let metrics = broker.metrics();
    for file in ["certificate", "client_ca"] {
        let name = format!("tankline_broker_certificate_not_after_timestamp_seconds{{file=\"{file}\"}} ");
        assert!(metrics.contains(&name), "{metrics}");
    }
    let _inside = connect(authority.client(&broker, "tankline-ingest.lindong", Some("tankline-ingest"))).await;
    let warning = broker.line_with("the certificate of a client ends soon");
    assert!(warning.contains("tankline-ingest"), "{warning}");
    assert!(broker.health().contains("\"healthy\":true"));
    let metrics = broker.metrics();
    for line in ["client_certificates_ending_soon 1\n", "client_certificate_not_after_timestamp_seconds 1"] {
        assert!(metrics.contains(&format!("tankline_broker_{line}")), "{metrics}");
    }
}

#[tokio::test]
async fn both_versions_of_tls_are_spoken() {
    let authority = Authority::found();
    authority.issue("lindong.rtu-01");
    let broker = Process::start(&authority.strict(), "");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let edge = authority.client_of(&broker, "lindong.rtu-01", Some("lindong.rtu-01"), &[version]);
        let (client, mut eventloop) = connect(edge).await;
        publish(&mut eventloop, &client, STATE, true, b"online").await;
        refusal(authority.client_of(&broker, "lindong.rtu-01", None, &[version])).await;
    }
}

#[tokio::test]
async fn renewed_certificate_is_shown_to_who_comes_and_cuts_nobody_off() {
    let authority = Authority::found();
    authority.issue("lindong.rtu-01");
    let more = format!("client_ca = \"{}\"\nclients = \"optional\"\n", authority.path("ca/ca.crt"));
    let config = format!("users_file = \"users\"\n{}", authority.tls(&more));
    let broker = Process::start(&config, "lindong.rtu-02:b\n");
    let (client, mut eventloop) = connect(authority.client(&broker, "lindong.rtu-01", Some("lindong.rtu-01"))).await;
    let before = authority.shown(&broker);
    authority.renew_broker(5);
    broker.line_with("they are in use");
    assert_ne!(authority.shown(&broker), before);
    publish(&mut eventloop, &client, STATE, true, b"undisturbed").await;
    connect(authority.client(&broker, "lindong.rtu-01", Some("lindong.rtu-01"))).await;
}
