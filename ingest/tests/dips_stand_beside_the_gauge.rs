//! Dips on the command line, while a worker commits readings.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use std::process::{Command, Output};

use serde_json::{Value, json};
use station::{Edge, Folder, Running, broker, get, post, reading};

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

#[tokio::test(flavor = "multi_thread")]
async fn dips_and_reports_are_served_to_those_who_may() {
    use std::os::unix::fs::PermissionsExt;

    const OPERATOR: &str = "operators-token-of-this-test-0001";
    const VIEWER: &str = "viewers-token-of-this-test-0000001";
    let (folder, broker) = (Folder::new(), broker());
    let tokens = folder.0.path().join("tokens");
    std::fs::write(&tokens, format!("meier operator {OPERATOR}\nguest viewer {VIEWER}\n")).unwrap();
    std::fs::set_permissions(&tokens, std::fs::Permissions::from_mode(0o600)).unwrap();
    let worker = Running::start(folder.config(&broker, "tokens_file = \"tokens\"\n")).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    edge.readings(JOURNAL, &[reading(1, "T-01", 5002.0)]).await;
    edge.committed(JOURNAL, json!([[1, 1]])).await;

    let path = "/api/v1/dips";
    let dip = json!({"tank": "T-01", "level_mm": 5000, "who": "Li Wei", "note": "calm"});
    assert_eq!(post(&worker.observer, path, None, &dip).await.0, 401);
    assert_eq!(post(&worker.observer, path, Some(VIEWER), &dip).await.0, 403);
    let (status, said) = post(&worker.observer, path, Some(OPERATOR), &dip).await;
    assert_eq!((status, &said["by"], &said["gauge"]["level_mm"]), (201, &json!("meier (Li Wei)"), &json!(5002.0)));
    for (body, words) in [
        (json!({"tank": "T-01", "level_mm": 10_001}), "level 10001 mm is outside the tank"),
        (json!({"tank": "T-09", "level_mm": 1}), "there is no tank T-09"),
        (json!({"tank": "T-01", "level_mm": 1, "at": "noon"}), "is no moment"),
        (json!({"tank": "T-01", "level": 1}), "unknown field `level`"),
    ] {
        let (status, said) = post(&worker.observer, path, Some(OPERATOR), &body).await;
        assert_eq!(status, 422, "{said}");
        assert!(said["why"].as_str().unwrap().contains(words), "{said}");
    }
    let revoke = "/api/v1/dips/1/revoke";
    assert_eq!(post(&worker.observer, revoke, Some(VIEWER), &json!({})).await.0, 403);
    assert_eq!(post(&worker.observer, revoke, Some(OPERATOR), &json!({})).await.0, 200);
    assert_eq!(post(&worker.observer, revoke, Some(OPERATOR), &json!({})).await.0, 409);
    assert_eq!(post(&worker.observer, "/api/v1/dips/7/revoke", Some(OPERATOR), &json!({})).await.0, 404);
    assert_eq!(get(&worker.observer, path).await.0, 401);
    assert_eq!(get(&worker.observer, "/api/v1/reports/day?date=2026-11-22").await.0, 401);
    worker.stop().await;

    // Without tokens everybody may read.
    let worker = Running::start(folder.config(&broker, "")).await;
    let (status, said) = get(&worker.observer, "/api/v1/dips?tank=T-01").await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, &said["tanks"][0]["dips"][0]["revoked_by"]), (200, &json!("meier")));
    assert_eq!(said["tanks"][0]["statistics"]["count"], 0);
    let today = &station::now().to_string()[..10];
    let (status, page) = get(&worker.observer, &format!("/api/v1/reports/day?date={today}")).await;
    assert!(status == 200 && page.contains("<h2>Stocks by tank</h2>"), "{status} {page}");
    let (status, page) = get(&worker.observer, &format!("/api/v1/reports/day?date={today}&format=csv&lang=zh")).await;
    assert!(status == 200 && page.contains("储罐日报表"), "{status} {page}");
    for (query, words) in [
        ("date=2099-01-01", "begins at 2099-01-01"),
        ("date=today", "is no date: write 2026-11-23"),
        ("date=2026-11-22&format=doc", "unknown variant `doc`"),
        ("date=2026-11-22&site=other", "there is no such site"),
        ("date=2026-11-22&format=pdf&lang=zh", "the standard font of PDF has no"),
    ] {
        let (status, said) = get(&worker.observer, &format!("/api/v1/reports/day?{query}")).await;
        assert!(status == 422 && said.contains(words), "{status} {said}");
    }
    worker.stop().await;
}
