//! A corrected tank: its stored readings are derived again, and what was there before is kept.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use std::process::{Command, Output};

use serde_json::json;
use station::{Edge, Folder, Running, SITE, broker};

const JOURNAL: &str = "9f31c2aa07d15e44";
const FIRST_MS: i64 = 1_795_400_000_000;

fn recompute(folder: &Folder, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tankline-ingest"));
    let args = ["recompute", "--config", "ingest.toml"];
    command.args(args).args(more).current_dir(folder.0.path()).env_remove("RUST_LOG").output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap() + &String::from_utf8(output.stderr.clone()).unwrap()
}

/// A worker that takes 2500 readings, one a second, and stops.
async fn station_with_history() -> Folder {
    let (folder, broker) = (Folder::new(), broker());
    let worker = Running::start(folder.config(&broker, "")).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    for first in (1..=2500).step_by(500) {
        let reading = |seq: i64| {
            json!({"seq": seq, "tank": "T-01", "at": FIRST_MS + seq * 1000, "level_mm": 5000, "interface_mm": 1000,
                   "temperature_c": 32.5, "layer": [[1000, 0.8], [1200, 0.2]], "quality": "good"})
        };
        let readings: Vec<_> = (first..first + 500).map(reading).collect();
        edge.readings(JOURNAL, &readings).await;
        edge.committed(JOURNAL, json!([[1, first + 499]])).await;
    }
    worker.stop().await;
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn corrected_tank_changes_the_readings_asked_for_and_keeps_what_was_before() {
    let folder = station_with_history().await;
    let before: String = folder.query("SELECT basis FROM reading WHERE seq = 1");
    let corrected = SITE.replacen("width_m = 1.0", "width_m = 1.5", 1);
    std::fs::write(folder.0.path().join("s.toml"), corrected).unwrap();
    // 2026-11-23T02:13:20Z is FIRST_MS; from 500 to 2000 s after it.
    let stretch = ["--tank", "T-01", "--from", "2026-11-23T02:21:40Z", "--to", "2026-11-23T02:46:40Z"];
    let output = recompute(&folder, &stretch);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).starts_with("T-01 of s: 1500 of 1500 readings changed\n"), "{}", said(&output));
    let volumes = |seq: i64| -> String {
        folder.query(&format!(
            "SELECT tov_m3 || ' ' || fw_m3 || ' ' || (basis = '{before}') FROM reading WHERE seq = {seq}"
        ))
    };
    assert_eq!([499, 500, 1999, 2000].map(volumes), ["5.0 1.0 1", "7.5 1.5 0", "7.5 1.5 0", "5.0 1.0 1"]);
    // The layer is of 200 mm, half of it water.
    let layers = |seq: i64| -> String {
        folder.query(&format!(
            "SELECT layer || ' ' || round(emulsion_m3, 9) || ' ' || round(emulsion_water_m3, 9) || ' ' || round(oil_m3, 9)
             FROM reading WHERE seq = {seq}"
        ))
    };
    let points = "[[1000,0.8],[1200,0.2]]";
    assert_eq!([499, 500].map(layers), [format!("{points} 0.2 0.1 3.9"), format!("{points} 0.3 0.15 5.85")]);
    let emulsion: f64 = folder.query("SELECT sum(emulsion_m3) FROM superseded");
    assert!((emulsion - 300.0).abs() < 1e-6, "{emulsion}");
    let kept: String = folder.query(&format!(
        "SELECT count(*) || ' ' || sum(tov_m3) || ' ' || (min(basis) = '{before}') || ' ' || count(DISTINCT reading_id)
         FROM superseded"
    ));
    assert_eq!(kept, "1500 7500.0 1 1500");
    let explained: i64 = folder.query("SELECT count(DISTINCT reading.basis) FROM reading JOIN basis ON digest = basis");
    assert_eq!(explained, 2);
    let again = recompute(&folder, &stretch);
    assert!(said(&again).starts_with("T-01 of s: 0 of 1500 readings changed\n"), "{}", said(&again));

    // The historian gets them again when that is asked for, from the first that changed.
    let connection = rusqlite::Connection::open(folder.database()).unwrap();
    connection.execute("INSERT INTO historian_cursor VALUES ('influx', 2500, 0)", []).unwrap();
    std::fs::write(folder.0.path().join("s.toml"), SITE).unwrap();
    let through = || tankline_ingest::store::cursor(&connection, "influx").unwrap();
    let and = |more: &'static str| [&stretch[..], &[more]].concat();
    assert!(
        recompute(
            &folder,
            &stretch[..2].iter().chain(&["--from", "2026-11-23T02:40:00Z"]).copied().collect::<Vec<_>>()
        )
        .status
        .success()
    );
    assert_eq!(through(), 2500);
    let output = recompute(&folder, &and("--send-again"));
    assert!(said(&output).starts_with("T-01 of s: 1100 of 1500 readings changed\n"), "{}", said(&output));
    assert_eq!(through(), 499);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_refused_and_changes_nothing() {
    let folder = station_with_history().await;
    for (more, words) in [
        (vec!["--tank", "T-09", "--from", "2026-11-23"], "no site of this configuration has a tank T-09"),
        (vec!["--tank", "T-01", "--from", "yesterday"], "\"yesterday\" is no moment: write 2026-11-23"),
    ] {
        let output = recompute(&folder, &more);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(words), "{}", said(&output));
    }
    assert_eq!(folder.query::<i64>("SELECT count(*) FROM superseded"), 0);
}
