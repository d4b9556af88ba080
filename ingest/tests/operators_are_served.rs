//! What HTTP tells of tanks, health and counters.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use serde_json::{Value, json};
use station::{Edge, Folder, Running, broker, get, now, reading, until};
use tankline_broker::Broker;
use tankline_ingest::Observer;

const JOURNAL: &str = "9f31c2aa07d15e44";

async fn tank(observer: &Observer, name: &str) -> Value {
    let (status, body) = get(observer, "/api/v1/tanks").await;
    assert_eq!(status, 200);
    let page: Value = serde_json::from_str(&body).unwrap();
    page["tanks"].as_array().unwrap().iter().find(|tank| tank["tank"] == name).unwrap().clone()
}

async fn start(folder: &Folder) -> (Broker, Running, Edge) {
    let broker = broker();
    let worker = Running::start(folder.config(&broker, "")).await;
    let edge = Edge::connect(&broker, "rtu-01").await;
    (broker, worker, edge)
}

#[tokio::test(flavor = "multi_thread")]
async fn live_values_are_shown_with_quality_and_age() {
    let folder = Folder::new();
    let (_broker, worker, mut edge) = start(&folder).await;
    // A reading from now on, so that a slow machine does not make it stale.
    let mut live = reading(1, "T-01", 9641.0);
    live["at"] = json!(now().get() + 60_000);
    edge.readings(JOURNAL, &[live.clone()]).await;
    edge.committed(JOURNAL, json!([[1, 1]])).await;
    let shown = tank(&worker.observer, "T-01").await;
    for (key, value) in [
        ("title", json!("Crude tank 1")),
        ("product", json!("crude")),
        ("level_mm", json!(9641.0)),
        ("interface_mm", json!(1000.0)),
        ("tov_m3", json!(9.641)),
        ("fw_m3", json!(1.0)),
        ("quality", json!("good")),
        ("at_ms", live["at"].clone()),
    ] {
        assert_eq!(shown[key], value, "{key}");
    }
    assert!(shown["age_s"].as_f64().unwrap() >= 0.0 && shown["at"].as_str().unwrap().ends_with('Z'));
    let never = tank(&worker.observer, "T-02").await;
    assert_eq!((&never["state"], &never["stale"], never.get("level_mm")), (&json!("never"), &json!(true), None));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transition_layer_and_uncertainties_are_shown_also_after_a_restart() {
    let folder = Folder::new();
    let (broker, mut worker, mut edge) = start(&folder).await;
    let mut live = reading(1, "T-01", 5000.0);
    live["layer"] = json!([[1000, 0.75], [1500, 0.25]]);
    edge.readings(JOURNAL, &[live]).await;
    edge.committed(JOURNAL, json!([[1, 1]])).await;
    for _ in 0..2 {
        let shown = tank(&worker.observer, "T-01").await;
        for (key, value) in [
            ("transition", json!("profile")),
            ("layer_bottom_mm", json!(1000.0)),
            ("layer_top_mm", json!(1500.0)),
            ("layer", json!([[1000, 0.75], [1500, 0.25]])),
            ("fw_m3", json!(1.0)),
            ("emulsion_m3", json!(0.5)),
            ("emulsion_water_m3", json!(0.25)),
        ] {
            assert_eq!(shown[key], value, "{key}");
        }
        // 4 mm on 1 m2 and 0.2 % of 5 m3, each for k = 2.
        let known = &shown["uncertainty"];
        let expected = 0.004_f64.hypot(0.01);
        assert!((known["tov_m3"].as_f64().unwrap() - expected).abs() < 1e-6 && known["k"] == 2, "{known}");
        for key in ["ullage_m3", "water_m3", "gov_m3", "gsv_m3", "nsv_m3", "mass_t"] {
            assert!(known[key].as_f64().unwrap() > 0.0, "{key} in {known}");
        }
        worker.kill().await;
        worker = Running::start(folder.config(&broker, "")).await;
    }
    // A layer of which nobody vouches is a step, and so is none.
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    let mut doubted = reading(2, "T-01", 5000.0);
    (doubted["layer"], doubted["quality"]) = (json!([[1000, 0.75], [1500, 0.25]]), json!("uncertain:stuck"));
    for (seq, reading) in [(2, doubted), (3, reading(3, "T-01", 5000.0))] {
        edge.readings(JOURNAL, &[reading]).await;
        edge.committed(JOURNAL, json!([[1, seq]])).await;
        let shown = tank(&worker.observer, "T-01").await;
        assert_eq!((&shown["transition"], shown.get("layer"), shown.get("emulsion_m3")), (&json!("step"), None, None));
        assert_eq!(shown["oil_m3"], json!(4.0));
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_or_bad_value_never_looks_live_also_after_a_restart() {
    let folder = Folder::new();
    let (broker, mut worker, mut edge) = start(&folder).await;
    let mut old = reading(1, "T-01", 5000.0);
    old["at"] = json!(now().get() - 3_600_000);
    edge.readings(JOURNAL, &[old.clone()]).await;
    edge.committed(JOURNAL, json!([[1, 1]])).await;
    let shown = tank(&worker.observer, "T-01").await;
    assert_eq!((&shown["state"], &shown["stale"], &shown["at_ms"]), (&json!("stale"), &json!(true), &old["at"]));
    let bad = json!({"seq": 2, "tank": "T-01", "at": now().get(), "quality": "bad:no-reply"});
    edge.readings(JOURNAL, &[bad]).await;
    edge.committed(JOURNAL, json!([[1, 2]])).await;
    for _ in 0..2 {
        let shown = tank(&worker.observer, "T-01").await;
        assert_eq!((shown.get("level_mm"), &shown["quality"]), (None, &json!("bad:no-reply")));
        assert_ne!(shown["state"], "live");
        assert_eq!((&shown["last_good"]["level_mm"], &shown["last_good"]["at_ms"]), (&json!(5000.0), &old["at"]));
        worker.kill().await;
        worker = Running::start(folder.config(&broker, "")).await;
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tank_of_an_edge_that_is_gone_is_stale() {
    let folder = Folder::new();
    let (_broker, worker, mut edge) = start(&folder).await;
    edge.readings(JOURNAL, &[reading(1, "T-01", 5000.0)]).await;
    edge.committed(JOURNAL, json!([[1, 1]])).await;
    edge.publish("state", b"{\"state\":\"offline\"}".to_vec()).await;
    let gone = async { while tank(&worker.observer, "T-01").await["stale"] != true {} };
    tokio::time::timeout(station::PATIENCE, gone).await.unwrap();
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_what_is_wrong() {
    let folder = Folder::new();
    let (broker, worker, _edge) = start(&folder).await;
    let (status, body) = get(&worker.observer, "/healthz").await;
    assert_eq!(status, 200, "{body}");
    broker.stop();
    until("the loss is seen", || !worker.observer.health().healthy).await;
    let (status, body) = get(&worker.observer, "/healthz").await;
    assert_eq!(status, 503);
    assert!(body.contains("site s has no connection to the broker: "), "{body}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_can_be_read() {
    let folder = Folder::new();
    let (_broker, worker, mut edge) = start(&folder).await;
    edge.readings(JOURNAL, &[reading(1, "T-01", 5000.0)]).await;
    edge.committed(JOURNAL, json!([[1, 1]])).await;
    let health =
        r#"{"at":1,"gauges":[],"journal_depth":0,"gap_readings":0,"clock":"set","certificate_ends":1893456000000}"#;
    edge.publish("health", health.as_bytes().to_vec()).await;
    let end = "tankline_ingest_edge_certificate_not_after_timestamp_seconds{site=\"s\",edge=\"rtu-01\"} 1893456000";
    let known = async { while !get(&worker.observer, "/metrics").await.1.contains(end) {} };
    tokio::time::timeout(station::PATIENCE, known).await.unwrap();
    let (status, page) = get(&worker.observer, "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "tankline_ingest_readings_committed_total 1",
        "tankline_ingest_broker_connected{site=\"s\"} 1",
        "tankline_ingest_gauge_to_commit_seconds_count 1",
        "tankline_ingest_store_up 1",
        "tankline_ingest_tank_stale{site=\"s\",tank=\"T-02\"} 1",
        "# TYPE tankline_ingest_gauge_to_commit_seconds histogram",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
    for stage in ["connection", "parse", "derive", "sort", "watch", "alarms", "commit", "publish"] {
        let name = format!("tankline_ingest_stage_busy_seconds_total{{stage=\"{stage}\"}} ");
        let cost: f64 = page.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap();
        assert!(cost > 0.0, "{stage} costs nothing in\n{page}");
    }
    assert_eq!(get(&worker.observer, "/").await.0, 404);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_detectors_know_is_shown_with_why_it_cannot_be_told() {
    let folder = Folder::new();
    let (_broker, worker, mut edge) = start(&folder).await;
    let mut live = reading(1, "T-01", 9641.0);
    live["at"] = json!(now().get());
    edge.readings(JOURNAL, &[live.clone()]).await;
    edge.committed(JOURNAL, json!([[1, 1]])).await;
    let (status, body) = get(&worker.observer, "/api/v1/watch").await;
    assert_eq!(status, 200);
    let page: Value = serde_json::from_str(&body).unwrap();
    let shown = &page["tanks"][0];
    assert_eq!((&shown["tank"], &shown["leak"]["verdict"]), (&json!("T-01"), &json!("not-testable")), "{page}");
    assert_eq!(shown["reverse_flow"]["why"], "the duty of the tank does not ask for it");
    worker.stop().await;
}
