//! The process starts, stops and fails in ways that a person and a service manager understand.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::net::TcpListener;
use std::process::{Command, Output};

use support::{Process, command, connect, options};

fn end_of(subcommand: &str, config: &str) -> (Option<i32>, String, String) {
    let (mut command, _dir) = command(subcommand, config);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[tokio::test]
async fn asked_to_stop_it_stops_within_its_grace_and_with_success_whoever_is_connected() {
    let broker = Process::start("", "");
    let _client = connect(options(broker.address, "lindong.rtu-01")).await;
    // What does not stop within the grace is a failure.
    assert_eq!(broker.terminate().code(), Some(0));
}

#[test]
fn port_in_use_is_a_failure_that_says_what_to_do() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let (code, _, said) = end_of("run", &format!("listen = \"{address}\""));
    assert_eq!(code, Some(1), "{said}");
    for part in [&format!("cannot listen on {address}"), "another program has this port", "key `listen`", "in use"] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
}

#[test]
fn misconfigured_broker_does_not_start_and_all_problems_are_told() {
    let config = "listen = \"0.0.0.0:1883\"\nusers_fiel = \"users\"\nmax_packet_bytes = 0\n";
    for subcommand in ["run", "check"] {
        let (code, _, said) = end_of(subcommand, config);
        assert_eq!(code, Some(2), "{said}");
        for part in ["broker.toml", "everybody may connect", "did you mean \"users_file\"?", "max_packet_bytes = 0"] {
            assert!(said.contains(part), "{part:?} in {said}");
        }
    }
}

#[test]
fn sound_configuration_is_said_to_be_one() {
    let (code, said, _) = end_of("check", "");
    assert_eq!(code, Some(0));
    assert!(said.contains("can be used; listens on 127.0.0.1:1883 for everybody"), "{said}");
}

#[test]
fn help_and_version_tell_a_person_how_to_go_on() {
    let said = |argument: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tankline-broker"));
        let output = command.arg(argument).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let help = said("--help");
    for part in ["run", "check", "users_file", "TANKLINE_BROKER__LISTEN", "Exit code"] {
        assert!(help.contains(part), "{part:?} in {help}");
    }
    assert!(said("--version").contains(env!("CARGO_PKG_VERSION")));
}
