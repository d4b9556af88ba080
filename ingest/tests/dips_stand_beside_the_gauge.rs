//! Dips on the command line, while a worker commits readings.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use std::process::{Command, Output};

use serde_json::{Value, json};
use station::{Edge, Folder, Running, broker, reading};

const JOURNAL: &str = "9f31c2aa07d15e44";

fn dip(folder: &Folder, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tankline-ingest"));
    command.arg("dip").args(args).args(["--config", "ingest.toml"]).current_dir(folder.0.path());
    command.env_remove("RUST_LOG").output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap() + &String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn dip_is_recorded_listed_and_revoked_while_a_worker_commits() {
    let (folder, broker) = (Folder::new(), broker());
    let report = "[report]\ncompany = \"Lindong\"\nday_begins = \"08:00\"\nutc_offset = \"+08:00\"";
    let worker = Running::start(folder.config(&broker, report)).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    edge.readings(JOURNAL, &[reading(1, "T-01", 5002.0)]).await;
    edge.committed(JOURNAL, json!([[1, 1]])).await;

    let given = ["--tank", "T-01", "--level", "5000", "--interface", "1000", "--temperature", "32.5C"];
    let output = dip(&folder, &[&["add"][..], &given, &["--by", "Li Wei", "--note", "calm"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    let text = said(&output);
    for part in [
        "dip 1 of T-01, s, at 20",
        "(+08:00) by Li Wei",
        "level               5000        5002          +2 mm\n",
        "TOV                5.000       5.002      +0.002 m3  +0.040 %\n",
        "T-01: 1 dip, mean +2.0 mm, worst +2.0 mm, 1 of 1 within 0.2 % of the volume\n",
    ] {
        assert!(text.contains(part), "{part:?} not in\n{text}");
    }
    // The worker goes on.
    edge.readings(JOURNAL, &[reading(2, "T-01", 5003.0)]).await;
    edge.committed(JOURNAL, json!([[1, 2]])).await;

    let listed: Value = serde_json::from_str(&said(&dip(&folder, &["list", "--json"]))).unwrap();
    assert_eq!((&listed[0]["tank"], &listed[0]["dips"][0]["by"]), (&json!("T-01"), &json!("Li Wei")));
    assert_eq!(listed[0]["statistics"]["mean_mm"], 2.0);

    let text = said(&dip(&folder, &["revoke", "--id", "1", "--by", "Zhao"]));
    assert_eq!(text, "dip 1 of T-01 counts no more\n");
    let text = said(&dip(&folder, &["list", "--tank", "T-01"]));
    assert!(text.contains("(revoked by Zhao)\nT-01: no dip to compare with yet\n"), "{text}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_dip_is_refused_with_what_can() {
    let (folder, broker) = (Folder::new(), broker());
    Running::start(folder.config(&broker, "")).await.stop().await;
    for (args, words) in [
        (vec!["--tank", "T-01", "--level", "10001"], "level 10001 mm is outside the tank; give 0 to 10000 mm"),
        (vec!["--tank", "T-09", "--level", "5000"], "no site has a tank T-09; there are T-01, T-02"),
        (vec!["--tank", "T-01", "--level", "5000", "--site", "x"], "there is no site x; there are s"),
        (vec!["--tank", "T-01", "--level", "5000", "--at", "2026-11-23"], "write 2026-11-23T14:05+08:00"),
        (vec!["--tank", "T-01", "--level", "5000", "--at", "2099-11-23T00:00Z"], "lies ahead"),
    ] {
        let output = dip(&folder, &[&["add", "--by", "Li Wei"][..], &args].concat());
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(words), "{}", said(&output));
    }
    assert_eq!(folder.query::<i64>("SELECT count(*) FROM dip"), 0);
    assert!(said(&dip(&folder, &["revoke", "--id", "5", "--by", "Zhao"])).contains("there is no dip 5"));
}
