//! A database that takes no commits.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use serde_json::json;
use station::{Edge, Folder, Running, broker, get, reading, until};

const JOURNAL: &str = "9f31c2aa07d15e44";

#[tokio::test(flavor = "multi_thread")]
async fn locked_database_is_waited_for_and_nothing_is_acknowledged_meanwhile() {
    let (folder, broker) = (Folder::new(), broker());
    let worker = Running::start(folder.config(&broker, "")).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    let other = rusqlite::Connection::open(folder.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    edge.readings(JOURNAL, &[reading(1, "T-01", 1.0)]).await;
    until("the trouble is seen", || !worker.observer.health().healthy).await;
    let (status, body) = get(&worker.observer, "/healthz").await;
    assert!(status == 503 && body.contains("the database takes no readings: database is locked"), "{body}");
    // Who listens is told too: no alarm is, that cannot be recorded.
    let trouble = loop {
        let state = edge.next("/centre/state").await;
        if let Some(trouble) = state["trouble"].as_str() {
            assert_eq!(state["state"], "online");
            break trouble.to_owned();
        }
    };
    assert_eq!(trouble, "database is locked");
    // Asked now, the centre says that it has nothing.
    edge.publish("state", json!({"state": "online", "journal": JOURNAL}).to_string().into_bytes()).await;
    edge.committed(JOURNAL, json!([])).await;
    assert_eq!(worker.observer.committed(), 0);
    other.execute_batch("ROLLBACK").unwrap();
    while !edge.next("/centre/state").await["trouble"].is_null() {}
    edge.committed(JOURNAL, json!([[1, 1]])).await;
    assert!(worker.observer.health().healthy);
    worker.stop().await;
}
