//! The rights and the means that `deploy/influxdb/influxdb1` makes.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::files::{Asked, asked, dashboard, folder};
use crate::filled::{BAD, Filled, LIVE, STALE, UNCERTAIN, until_so};
use crate::influxd::Influxd;
use crate::influxql::{fill, unanswered};
use crate::web::{escaped, send};

/// Runs the script against a server.
fn set_up(port: u16, folder_of_secrets: &Path) -> Output {
    let netrc = folder_of_secrets.join("netrc");
    std::fs::write(&netrc, "machine 127.0.0.1 login admin password secret\n").unwrap();
    let script = folder().join("../influxdb/influxdb1");
    let mut command = Command::new(script);
    command.arg(format!("http://127.0.0.1:{port}")).arg(netrc).arg(folder_of_secrets.join("made"));
    command.output().unwrap()
}

fn secret(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join("made").join(name)).unwrap()
}

async fn status(port: u16, target: &str, who: &str, body: &[u8]) -> u16 {
    send(port, "POST", &format!("{target}&{who}"), body).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs influxd and curl"]
async fn means_are_of_good_readings_and_each_user_may_do_its_own_part() {
    let influxd = Influxd::guarded("/write?db=tanks&precision=ms&u=admin&p=secret").await;
    let secrets = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let done = set_up(influxd.port, secrets.path());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let filled = Filled::start(influxd.writes, "").await;
    rights_are_least(&influxd, secrets.path()).await;

    // The same queries, which run at once and not each ten minutes.
    for query in influxd.rows("SHOW CONTINUOUS QUERIES").await {
        let (name, text) = (query["name"].as_str().unwrap(), query["query"].as_str().unwrap());
        let soon =
            text.replace(&format!("QUERY {name} "), &format!("QUERY {name}_soon ")).replace("EVERY 10m", "EVERY 1s");
        assert_ne!(soon, text);
        influxd.order(&soon).await;
    }
    let means = "SELECT * FROM \"long\".\"tank\" GROUP BY tank";
    until_so("all of the past is downsampled", async || {
        let rows = influxd.rows(means).await;
        let sum = |tank: &str, field: &str| {
            rows.iter().filter(|row| row["tank"] == tank).filter_map(|row| row[field].as_u64()).sum::<u64>()
        };
        sum(LIVE, "good") >= 120
            && sum(STALE, "good") >= 119
            && sum(BAD, "bad") >= 120
            && sum(UNCERTAIN, "uncertain") >= 80
    })
    .await;
    let rows = influxd.rows(means).await;
    for row in &rows {
        assert_eq!(row["good"].is_null(), row["level_mm"].is_null(), "{row}");
        assert!(row["tank"] != BAD || row["level_mm"].is_null(), "{row}");
    }
    let first = rows.iter().find(|row| row["tank"] == STALE).unwrap();
    assert_eq!(first["level_mm"].as_f64(), Some(mean_of_raw(&influxd, first).await), "{first}");
    assert_eq!(first["level_min_mm"], 5000, "{first}");

    let history = dashboard("influxdb/history.json");
    let all: Vec<Asked> = asked("history.json", &history, "query", &fill(LIVE, "s")).into_iter().map(in_tens).collect();
    until_so("history is shown", async || {
        let left = unanswered(&influxd, &all).await;
        if let Some(first) = left.first() {
            println!("{} unanswered, the first: {first}", left.len());
        }
        left.is_empty()
    })
    .await;
    filled.stop().await;
}

/// Means stand at the beginning of their ten minutes.
fn in_tens(asked: Asked) -> Asked {
    Asked { query: asked.query.replace("time(1s)", "time(10m)").replace("15m", "1h"), ..asked }
}

/// Reckons the mean of the good readings that a row is of.
async fn mean_of_raw(influxd: &Influxd, row: &Value) -> f64 {
    let from = row["time"].as_i64().unwrap();
    let to = from + 600_000;
    let query =
        format!("SELECT level_mm FROM \"raw\".tank WHERE tank = '{STALE}' AND time >= {from}ms AND time < {to}ms");
    let levels: Vec<f64> = influxd.rows(&query).await.iter().map(|row| row["level_mm"].as_f64().unwrap()).collect();
    levels.iter().sum::<f64>() / levels.len() as f64
}

async fn rights_are_least(influxd: &Influxd, secrets: &Path) {
    let port = influxd.port;
    let ingest = format!("u=ingest&p={}", secret(secrets, "influxdb-ingest-password"));
    let grafana = format!("u=grafana&p={}", secret(secrets, "influxdb-grafana-password"));
    let token = secret(secrets, "influxdb-ingest-token");
    assert_eq!(token, format!("ingest:{}", secret(secrets, "influxdb-ingest-password")));
    let write = "/write?db=tanks&precision=ms";
    let query = |text: &str| format!("/query?db=tanks&q={}", escaped(text));
    let read = query("SELECT count(level_mm) FROM tank");
    assert_eq!(status(port, write, &ingest, b"probe x=1").await, 204);
    assert_eq!(status(port, &read, &grafana, b"").await, 200);
    for (target, who) in [
        (write.to_owned(), &grafana),
        (read.clone(), &ingest),
        (query("DROP MEASUREMENT tank"), &grafana),
        (query("DROP MEASUREMENT tank"), &ingest),
        (query("CREATE DATABASE other"), &ingest),
        (query("CREATE DATABASE other"), &grafana),
    ] {
        let answer = status(port, &target, who, b"probe x=1").await;
        assert!([401, 403].contains(&answer), "{target}: {answer}");
    }
    assert_eq!(status(port, write, "u=nobody&p=x", b"probe x=1").await, 401);
}

/// Gives the names that stand between two marks.
fn names<'t>(text: &'t str, before: &str, after: &str) -> Vec<&'t str> {
    let parts = text.split(before).skip(1);
    let mut names: Vec<_> = parts.map(|part| part.split_once(after).unwrap().0).collect();
    names.sort_unstable();
    names
}

#[test]
fn task_of_version_2_makes_what_version_1_does() {
    let (flux, influxql) = (flux(), std::fs::read_to_string(folder().join("../influxdb/influxdb1.influxql")).unwrap());
    let of_tanks = influxql.split("CREATE CONTINUOUS QUERY \"alarm_all\"").next().unwrap();
    assert_eq!(names(&flux, "as: \"", "\""), names(of_tanks, " AS \"", "\""));
    let mut taken = names(&flux, "good(field: \"", "\"");
    taken.extend(vec!["quality_code"; names(&flux, "\nquality(", ")").len()]);
    taken.sort_unstable();
    let functions = ["mean(\"", "min(\"", "max(\"", "count(\""];
    let mut read: Vec<_> = functions.iter().flat_map(|function| names(of_tanks, function, "\"")).collect();
    read.sort_unstable();
    assert_eq!(taken, read);
}

/// A column that no reading has is not there after a pivot, and naming it fails all of a run of the task.
#[test]
fn task_of_version_2_names_no_column_that_may_be_missing() {
    let flux = flux();
    let mut named = 0;
    for after in flux.split("|> pivot(").skip(1) {
        let rest_of_function = after.split("\n\n").next().unwrap();
        assert!(rest_of_function.contains("exists r._value"), "{rest_of_function}");
        for line in rest_of_function.lines() {
            for name in names(line, " r.", " ") {
                let (asked, used) = (line.find(&format!("exists r.{name}")), line.find(&format!(" r.{name}")));
                assert!(asked.is_some_and(|at| at < used.unwrap()), "{name}: {line}");
                named += 1;
            }
        }
    }
    assert!(named >= 2, "{named}");
    assert!(!flux.contains("column: "), "an aggregate names a column other than _value");
}

fn flux() -> String {
    std::fs::read_to_string(folder().join("../influxdb/influxdb2.flux")).unwrap()
}
