//! What the dashboards ask VictoriaMetrics.

use std::process::Command;

use serde_json::Value;

use crate::files::{Asked, asked, dashboards};
use crate::filled::{BAD, Filled, LIVE, STALE, UNCERTAIN, until_so};
use crate::influxd::Process;
use crate::web::{escaped, free_port, send};

fn fill(query: &str) -> String {
    let filled = [("$__interval", "10s"), ("$site", "s"), ("$tank", LIVE)];
    filled.iter().fold(query.to_owned(), |query, (name, value)| query.replace(name, value))
}

/// Gives the series of an expression over the last minute, or the values of a label.
async fn ask(port: u16, query: &str) -> Vec<Value> {
    let target = match query.strip_prefix("label_values(") {
        Some(rest) => {
            let (series, label) = rest.trim_end_matches(')').rsplit_once(", ").unwrap();
            format!("/api/v1/label/{label}/values?match%5B%5D={}", escaped(series))
        }
        None => format!("/api/v1/query?query={}&nocache=1&latency_offset=1ms", escaped(query)),
    };
    let (status, body) = send(port, "GET", &target, b"").await.unwrap();
    assert_eq!(status, 200, "{query}: {body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    let data = &answer["data"];
    data["result"].as_array().or(data.as_array()).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs victoria-metrics"]
async fn every_expression_returns_series_and_none_of_a_stale_tank() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = Command::new("victoria-metrics");
    command.arg(format!("-storageDataPath={}", folder.path().join("data").display()));
    command.arg(format!("-httpListenAddr=127.0.0.1:{port}")).arg("-search.latencyOffset=0s");
    let _server = Process::start(&mut command);
    until_so("the server answers", async || send(port, "GET", "/health", b"").await.is_some()).await;
    let mut filled = Filled::start(port, "text_fields = false\n").await;
    let all: Vec<Asked> = dashboards("victoria-metrics")
        .iter()
        .flat_map(|(name, dashboard)| asked(name, dashboard, "expr", &fill))
        .collect();
    assert!(all.len() > 25, "{}", all.len());
    until_so("every expression returns series", async || {
        filled.tell_now().await;
        send(port, "GET", "/internal/force_flush", b"").await.unwrap();
        let mut left = Vec::new();
        for Asked { place, query } in &all {
            if ask(port, query).await.is_empty() {
                left.push(format!("{place}: {query}"));
            }
        }
        if let Some(first) = left.first() {
            println!("{} unanswered, the first: {first}", left.len());
        }
        left.is_empty()
    })
    .await;
    println!("{} expressions return series", all.len());
    let levels = all.iter().find(|asked| asked.query.contains("live_level_percent")).unwrap();
    let mut tanks: Vec<_> =
        ask(port, &levels.query).await.iter().map(|one| one["metric"]["tank"].to_string()).collect();
    tanks.sort();
    assert_eq!(tanks, [format!("{LIVE:?}"), format!("{UNCERTAIN:?}")], "not {STALE} and {BAD}");
    filled.stop().await;
}
