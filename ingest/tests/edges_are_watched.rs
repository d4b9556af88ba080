//! Alarms of edges and of the centre itself: the broker that is lost, readings that are missing, clocks that are wrong.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use serde_json::{Value, json};
use station::{Edge, Folder, Running, folder_with_alarms, get, now, reading, until};
use tankline_broker::{Broker, BrokerConfig};
use tankline_domain::alarm::State;

const JOURNAL: &str = "9f31c2aa07d15e44";

/// Delays short enough to wait for; the centre's alarm speaks for those of edges until they are back.
const DELAYS: &str = "
[alarm_defaults.edge-offline]
on_delay_s = 0.2
off_delay_s = 0.2
[alarm_defaults.broker-lost]
on_delay_s = 0.5
off_delay_s = 0.2
release_s = 5
[alarm_defaults.completeness]
off_delay_s = 0.2
limit_readings = 10
[alarm_defaults.clock-wrong]
on_delay_s = 0.2
off_delay_s = 0.2
";

fn folder() -> Folder {
    let folder = folder_with_alarms();
    let site = folder.0.path().join("s.toml");
    let text = std::fs::read_to_string(&site).unwrap();
    std::fs::write(site, text + DELAYS).unwrap();
    folder
}

fn broker_at(listen: std::net::SocketAddr) -> Broker {
    Broker::start(BrokerConfig { listen, ..BrokerConfig::default() }).unwrap()
}

/// Gives the state of an alarm; normal when it is not among those that are not.
fn state(running: &Running, source: &str, kind: &str) -> State {
    let found =
        running.observer.alarms().into_iter().find(|one| one.source.as_str() == source && one.alarm.name() == kind);
    found.map_or(State::Normal, |one| one.state)
}

/// Counts how often an alarm called for somebody.
fn calls(folder: &Folder, kind: &str) -> i64 {
    folder
        .query(&format!("SELECT count(*) FROM alarm_transition WHERE alarm = '{kind}' AND state_to = 'unacknowledged'"))
}

/// Gives the edges that the metrics show as being there.
async fn online_edges(running: &Running) -> Vec<&'static str> {
    let (_, page) = get(&running.observer, "/metrics").await;
    let is_shown = |edge: &&str| page.contains(&format!("edge_online{{site=\"s\",edge=\"{edge}\"}} 1\n"));
    ["rtu-01", "rtu-02"].into_iter().filter(is_shown).collect()
}

async fn online(edge: &Edge) {
    edge.publish("state", json!({"state": "online", "journal": JOURNAL}).to_string().into_bytes()).await;
}

fn health(gaps: &Value, at: i64, clock: &str) -> Vec<u8> {
    let count = |range: &Value| range[1].as_u64().unwrap() - range[0].as_u64().unwrap() + 1;
    let lost: u64 = gaps.as_array().unwrap().iter().map(count).sum();
    let gaps = json!([{"journal": JOURNAL, "ranges": gaps}]);
    json!({"at": at, "gauges": [], "journal_depth": 0, "gap_readings": lost, "gaps": gaps, "clock": clock})
        .to_string()
        .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_broker_is_one_alarm_that_speaks_for_all_edges_and_an_edge_that_stays_away_has_its_own_afterwards() {
    let folder = folder();
    let broker = broker_at("127.0.0.1:0".parse().unwrap());
    let address = broker.address();
    let running = Running::start(folder.config(&broker, "")).await;
    for (name, tank) in [("rtu-01", "T-01"), ("rtu-02", "T-02")] {
        let mut edge = Edge::connect(&broker, name).await;
        online(&edge).await;
        edge.readings(JOURNAL, &[reading(1, tank, 5000.0)]).await;
        edge.committed(JOURNAL, json!([[1, 1]])).await;
    }
    assert_eq!(online_edges(&running).await, ["rtu-01", "rtu-02"]);
    broker.stop();

    until("the loss is an alarm", || state(&running, "s", "broker-lost") == State::Unacknowledged).await;
    let hidden = |edge: &str| state(&running, edge, "edge-offline") == State::SuppressedByDesign;
    until("it speaks for the edges", || hidden("rtu-01") && hidden("rtu-02")).await;
    until("their condition is followed", || {
        let raised = "SELECT count(*) FROM alarm_transition WHERE alarm = 'edge-offline' AND event = 'raised'";
        folder.query::<i64>(raised) == 2
    })
    .await;
    assert_eq!((calls(&folder, "broker-lost"), calls(&folder, "edge-offline")), (1, 0));
    assert_eq!(online_edges(&running).await, [""; 0], "whether they are there is not known");

    let broker = broker_at(address);
    let first = Edge::connect(&broker, "rtu-01").await;
    online(&first).await;
    until("the loss is over", || state(&running, "s", "broker-lost") == State::ReturnedUnacknowledged).await;
    // The edge that did not come back is told of when the others had their time.
    until("the other edge has its own alarm", || state(&running, "rtu-02", "edge-offline") == State::Unacknowledged)
        .await;
    assert_eq!(state(&running, "rtu-01", "edge-offline"), State::Normal);
    // The new broker has nothing of what the other one retained.
    assert_eq!(online_edges(&running).await, ["rtu-01"]);
    assert_eq!((calls(&folder, "broker-lost"), calls(&folder, "edge-offline")), (1, 1));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gap_in_a_journal_is_told_once_and_is_over_by_itself() {
    let folder = folder();
    let broker = station::broker();
    let running = Running::start(folder.config(&broker, "")).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    edge.publish("health", health(&json!([[1, 9]]), now().get(), "set")).await;
    let rows = |event: &str| {
        let sql = "SELECT count(*) FROM alarm_transition WHERE alarm = 'completeness' AND event = ";
        folder.query::<i64>(&format!("{sql}'{event}'"))
    };
    // Twelve more; the same again; and one that is not worth an alarm.
    for gaps in [json!([[1, 21]]), json!([[1, 21]]), json!([[1, 22]])] {
        edge.publish("health", health(&gaps, now().get(), "set")).await;
    }
    until("it is told and over", || rows("raised") == 1 && rows("cleared") == 1).await;
    // What comes after the gap is taken as ever, and tells of no other one.
    edge.readings(JOURNAL, &[reading(23, "T-01", 5000.0)]).await;
    edge.committed(JOURNAL, json!([[23, 23]])).await;
    assert_eq!((rows("raised"), rows("cleared")), (1, 1));
    let (value, limit) = (
        folder.query::<f64>("SELECT value FROM alarm_transition WHERE alarm = 'completeness' AND event = 'raised'"),
        folder
            .query::<f64>("SELECT limit_value FROM alarm_transition WHERE alarm = 'completeness' AND event = 'raised'"),
    );
    assert!((value - 12.0).abs() < f64::EPSILON && (limit - 10.0).abs() < f64::EPSILON, "{value} {limit}");
    assert_eq!(state(&running, "rtu-01", "completeness"), State::ReturnedUnacknowledged);
    assert_eq!(folder.query::<i64>("SELECT sum(last_seq - first_seq + 1) FROM journal_gap"), 22);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_clock_of_an_edge_is_an_alarm_that_says_what_is_blind() {
    let folder = folder();
    let broker = station::broker();
    let running = Running::start(folder.config(&broker, "")).await;
    let edge = Edge::connect(&broker, "rtu-01").await;
    let none = json!([]);
    edge.publish("health", health(&none, now().get() - 9_000, "set")).await;
    edge.publish("health", health(&none, now().get() - 60_000, "set")).await;
    until("it is raised", || state(&running, "rtu-01", "clock-wrong") == State::Unacknowledged).await;
    let said = running.observer.alarms().into_iter().find(|one| one.alarm.name() == "clock-wrong").unwrap();
    assert!(said.guidance.contains("blind") && said.unit == "s", "{said:?}");
    assert!(said.value.is_some_and(|value| (60.0..200.0).contains(&value)), "{said:?}");
    edge.publish("health", health(&none, now().get(), "set")).await;
    until("it is over", || state(&running, "rtu-01", "clock-wrong") == State::ReturnedUnacknowledged).await;
    edge.publish("health", health(&none, 5000, "unset")).await;
    until("a clock that is not set is as wrong", || state(&running, "rtu-01", "clock-wrong") == State::Unacknowledged)
        .await;
    let why = "SELECT note FROM alarm_transition WHERE alarm = 'clock-wrong' AND event = 'raised' ORDER BY id DESC";
    assert_eq!(folder.query::<String>(why), "the clock is not set");
    running.stop().await;
}
