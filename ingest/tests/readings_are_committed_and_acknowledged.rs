//! The way of a reading from the broker to the database and back to the edge.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use serde_json::json;
use station::{Edge, Folder, Running, broker, now, reading, until};

const JOURNAL: &str = "9f31c2aa07d15e44";

#[tokio::test(flavor = "multi_thread")]
async fn reading_is_stored_with_its_volumes_and_its_edge_hears_of_it() {
    let (folder, broker) = (Folder::new(), broker());
    let worker = Running::start(folder.config(&broker, "")).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    let state = edge.next("centre/state").await;
    assert_eq!(state["state"], "online");
    assert_eq!(state["boot"].as_str().unwrap().len(), 16);
    edge.readings(JOURNAL, &[reading(1, "T-01", 9641.0), reading(2, "T-01", 9642.0)]).await;
    edge.committed(JOURNAL, json!([[1, 2]])).await;
    assert_eq!(worker.observer.committed(), 2);
    assert!(worker.observer.latency_ms(0.99).is_some());
    let row: String = folder.query(
        "SELECT reading.site || ' ' || reading.tank || ' ' || edge || ' ' || journal || ' ' || level_mm || ' ' || interface_mm || ' '
             || temperature_c || ' ' || quality || ' ' || quality_code || ' ' || tov_m3 || ' ' || fw_m3 || ' '
             || round(oil_m3, 3) || ' ' || round(nsv_m3, 6) || ' ' || round(mass_t, 6) || ' ' || edition
         FROM reading JOIN basis ON basis.digest = reading.basis WHERE seq = 1",
    );
    let derived = "9.641 1.0 8.641 8.55164 7.362107 GB/T 1885-1998";
    assert_eq!(row, format!("s T-01 rtu-01 {JOURNAL} 9641.0 1000.0 32.5 good 192 {derived}"));
    worker.stop().await;
    let state = edge.next("centre/state").await;
    assert_eq!(state["state"], "offline");
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_sent_again_is_refused_and_acknowledged_also_after_a_restart() {
    let (folder, broker) = (Folder::new(), broker());
    let worker = Running::start(folder.config(&broker, "")).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    for _ in 0..2 {
        edge.readings(JOURNAL, &[reading(1, "T-01", 1.0), reading(3, "T-01", 3.0), reading(3, "T-01", 33.0)]).await;
        edge.committed(JOURNAL, json!([[1, 1], [3, 3]])).await;
    }
    until("duplicates are counted", || worker.observer.duplicates() == 4).await;
    worker.kill().await;
    let worker = Running::start(folder.config(&broker, "")).await;
    edge.readings(JOURNAL, &[reading(2, "T-01", 2.0), reading(3, "T-01", 3.0), reading(5, "T-01", 5.0)]).await;
    edge.committed(JOURNAL, json!([[1, 3], [5, 5]])).await;
    assert_eq!((worker.observer.committed(), worker.observer.duplicates()), (2, 1));
    assert_eq!(
        folder.query::<String>("SELECT group_concat(seq || '=' || level_mm, ' ') FROM reading ORDER BY seq"),
        "1=1.0 3=3.0 2=2.0 5=5.0"
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edge_that_comes_online_is_told_what_is_committed_of_each_journal_that_it_names() {
    let (folder, broker) = (Folder::new(), broker());
    let worker = Running::start(folder.config(&broker, "")).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    edge.readings(JOURNAL, &[reading(7, "T-01", 1.0)]).await;
    edge.committed(JOURNAL, json!([[7, 7]])).await;
    let unknown = "00000000000000ff";
    let state = json!({"state": "online", "journal": unknown, "journals": [JOURNAL, unknown]});
    edge.publish("state", state.to_string().into_bytes()).await;
    let mut told = [edge.next("/committed").await, edge.next("/committed").await];
    told.sort_by_key(|told| told["journal"].to_string());
    assert_eq!(told[0], json!({"journal": unknown, "ranges": []}));
    assert_eq!(told[1], json!({"journal": JOURNAL, "ranges": [[7, 7]]}));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_the_queue_is_committed_and_acknowledged_before_a_clean_stop() {
    let (folder, broker) = (Folder::new(), broker());
    let worker = Running::start(folder.config(&broker, "")).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    for message in 0..40 {
        let readings: Vec<_> = (1..=500).map(|n| reading(message * 500 + n, "T-01", 5.0)).collect();
        edge.readings(JOURNAL, &readings).await;
    }
    until("some are committed", || worker.observer.committed() > 0).await;
    let observer = worker.observer.clone();
    worker.stop().await;
    let committed = observer.committed();
    assert_eq!(folder.query::<i64>("SELECT count(*) FROM reading").unsigned_abs(), committed);
    edge.committed(JOURNAL, json!([[1, committed]])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_that_an_edge_tells_of_are_known_to_status() {
    let (folder, broker) = (Folder::new(), broker());
    let worker = Running::start(folder.config(&broker, "")).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    let gaps = json!([{"journal": JOURNAL, "ranges": [[3, 4]]}]);
    let health =
        json!({"at": now().get(), "gauges": [], "journal_depth": 0, "gap_readings": 2, "gaps": gaps, "clock": "set"});
    edge.publish("health", health.to_string().into_bytes()).await;
    edge.readings(JOURNAL, &[1, 2, 5, 7].map(|seq| reading(seq, "T-01", 1.0))).await;
    edge.committed(JOURNAL, json!([[1, 2], [5, 5], [7, 7]])).await;
    worker.stop().await;
    let status = tankline_ingest::status_of(&folder.database()).unwrap();
    let journal = &status.journals[0];
    assert_eq!((journal.readings, journal.complete_through, journal.last_seq), (4, Some(5), Some(7)));
    assert_eq!((journal.missing_ranges.ranges(), journal.dropped_at_edge), (&[(6, 6)][..], 2));
}
