//! Wrong configurations, as the binary tells of them.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use std::path::Path;
use std::process::{Command, Output};

use station::SITE;

fn ingest(args: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tankline-ingest"));
    command.args(args).current_dir(folder).env_remove("RUST_LOG").output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.toml"), SITE).unwrap();
    std::fs::write(folder.path().join("ingest.toml"), config).unwrap();
    folder
}

#[test]
fn sound_configuration_is_summed_up() {
    let config = "sites = [\"s.toml\"]\ndatabase = \"ops.db\"\n[broker]\nurl = \"mqtt://broker\"\n\
                  [influxdb]\nurl = \"http://influx:8086\"\norg = \"o\"\nbucket = \"b\"";
    let folder = folder(config);
    let output = ingest(&["check", "--config", "ingest.toml"], folder.path());
    assert!(output.status.success(), "{}", said(&output));
    let words = String::from_utf8(output.stdout).unwrap();
    for line in ["site s: 2 tanks on 2 edges", "broker mqtt://broker:1883", "historian http://influx:8086 o/b"] {
        assert!(words.contains(line), "{words}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_file_key_and_value() {
    let config = "sites = [\"s.toml\", \"none.toml\"]\ndatabas = \"ops.db\"\ndead_letter_max_rows = 0\n\
                  [broker]\nurl = \"broker:1883\"\nuser = \"ingest\"\n\
                  [http]\nlisten = \"localhost\"\n[retention]\nraw_days = 0\n\
                  [influxdb]\nurl = \"http://1.2.3.999\"\ntoken_file = \"token\"\nbatch_lines = 5001";
    let folder = folder(config);
    std::fs::write(folder.path().join("s.toml"), SITE.replace("unit = 1", "unit = 0")).unwrap();
    let output = ingest(&["check", "--config", "ingest.toml"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    let words = said(&output);
    for expected in [
        "ingest.toml: database: is missing",
        "ingest.toml: databas = \"ops.db\": is not a key here; did you mean \"database\"?",
        "ingest.toml: dead_letter_max_rows = 0: must be 1 to 1000000",
        "ingest.toml: broker.url = \"broker:1883\": must begin with mqtt://",
        "ingest.toml: broker.user = \"ingest\": needs a password_file beside it",
        "ingest.toml: http.listen = \"localhost\": ",
        "ingest.toml: retention.raw_days = 0: must be 1 to 36500",
        "ingest.toml: influxdb.url = \"http://1.2.3.999\": must read http://host:port or https://host:port",
        "ingest.toml: influxdb.bucket: is missing",
        "ingest.toml: influxdb.token_file = \"token\": cannot read the secret file token: No such file",
        "ingest.toml: influxdb.batch_lines = 5001: must be 1 to 5000",
        "s.toml: gauge[T-01].unit = 0: must be 1 to 247",
        "none.toml: cannot be read: No such file",
    ] {
        assert!(words.contains(expected), "{expected}\nis not in\n{words}");
    }
}

#[test]
fn port_in_use_and_newer_database_are_failures_that_a_stranger_can_act_on() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let config = format!(
        "sites = [\"s.toml\"]\ndatabase = \"ops.db\"\n[broker]\nurl = \"mqtt://127.0.0.1:1\"\n\
         [http]\nlisten = \"{address}\""
    );
    let folder = folder(&config);
    let output = ingest(&["run", "--config", "ingest.toml"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let words = said(&output);
    assert!(words.contains(&format!("cannot listen on {address} for HTTP")), "{words}");
    let database = rusqlite::Connection::open(folder.path().join("ops.db")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    for args in
        [["run", "--config", "ingest.toml"], ["status", "--config", "ingest.toml"], ["status", "--db", "ops.db"]]
    {
        let output = ingest(&args, folder.path());
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains("schema version 99"), "{}", said(&output));
    }
}

#[test]
fn misuse_is_told_with_exit_code_2() {
    let folder = folder("");
    for args in [&["run"][..], &["status"], &["walk"], &[]] {
        assert_eq!(ingest(args, folder.path()).status.code(), Some(2), "{args:?}");
    }
    let output = ingest(&["status", "--db", "none.db"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("there is no database none.db"), "{}", said(&output));
}
