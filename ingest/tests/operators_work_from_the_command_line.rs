//! The commands `alarms …` against a worker that is a process of its own, and is killed.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use station::{Edge, PATIENCE, broker, folder_with_alarms, reading};
use tankline_runtime::clock;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tankline-ingest");

/// A worker; killed with SIGKILL when it goes.
struct Worker(Child);

impl Worker {
    fn start(config: &Path) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--config"]).arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn ask(args: &[&str]) -> Output {
    Command::new(PROGRAM).arg("alarms").args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn alarm_is_seen_acknowledged_and_still_so_after_a_kill() {
    let (folder, broker) = (folder_with_alarms(), broker());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = |name: &str| folder.0.path().join(name).display().to_string();
    let (config, database) = (place("run.toml"), place("ops.db"));
    let text = format!(
        "sites = [\"s.toml\"]\ndatabase = \"ops.db\"\n[broker]\nurl = \"mqtt://{}\"\n\
         [http]\nlisten = \"127.0.0.1:{port}\"\ntokens_file = \"tokens\"\n",
        broker.address()
    );
    std::fs::write(&config, text).unwrap();
    std::fs::write(place("mine"), format!("{}\n", station::OPERATOR)).unwrap();
    std::fs::set_permissions(place("mine"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let (mine, url) = (place("mine"), format!("http://127.0.0.1:{port}"));
    let at = ["--url", &url, "--token-file", &mine];
    let alarm = "s/T-01/level-hh";

    let nobody = ask(&["list", "--url", &url]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(said(&nobody).contains("no worker answers at http://127.0.0.1:"), "{}", said(&nobody));

    let worker = Worker::start(Path::new(&config));
    let edge = Edge::connect(&broker, "rtu-01").await;
    let (deadline, mut seq) = (clock::now() + PATIENCE, 0);
    loop {
        seq += 1;
        edge.readings("9f31c2aa07d15e44", &[reading(seq, "T-01", 9100.0)]).await;
        let listed = ask(&[&["list"], &at[..]].concat());
        if said(&listed).contains("T-01: ") && said(&listed).contains(alarm) {
            assert!(said(&listed).contains("9100 mm, limit 9000 mm"), "{}", said(&listed));
            break;
        }
        assert!(clock::now() < deadline, "no alarm: {}", said(&listed));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let stranger = ask(&["ack", alarm, "--url", &url]);
    assert_eq!(stranger.status.code(), Some(1));
    assert!(said(&stranger).contains("no token came with the request"), "{}", said(&stranger));
    let acknowledged = ask(&[&["ack", alarm, "--reason", "on my way"], &at[..]].concat());
    assert_eq!(said(&acknowledged), "s/T-01/level-hh is acknowledged (recorded of meier)\n");
    drop(worker);

    let _worker = Worker::start(Path::new(&config));
    let listed = loop {
        let listed = ask(&[&["list", "--json"], &at[..]].concat());
        if listed.status.success() {
            break listed;
        }
        assert!(clock::now() < deadline, "{}", said(&listed));
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let page: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let found = page["alarms"].as_array().unwrap().iter().find(|one| one["alarm"] == "level-hh").unwrap();
    assert_eq!((&found["state"], &found["acknowledged_by"]), (&"acknowledged".into(), &"meier".into()));
    // The database tells the same, beside the worker.
    let history = said(&ask(&["history", "--db", &database, "--source", "T-01"]));
    let of_alarm: Vec<&str> = history.lines().filter(|line| line.contains("s/T-01 level-hh")).collect();
    assert!(
        matches!(of_alarm[..], [raised, taken] if raised.contains("raised") && taken.contains("acknowledged")),
        "{history}"
    );
    assert!(said(&ask(&["list", "--db", &database])).contains("acknowledged by meier"));
}
