//! Alarms from a reading to the retained message, acknowledged over HTTP, over restarts.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use std::time::Duration;

use serde_json::{Value, json};
use station::{
    ENGINEER, Edge, Folder, OPERATOR, PATIENCE, Running, broker, folder_with_alarms, now, post, reading, until,
};
use tankline_broker::Broker;
use tankline_runtime::mqtt::{BrokerSettings, Driver, SessionEvent, SessionOptions, session};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const JOURNAL: &str = "9f31c2aa07d15e44";
const LEVEL_HH: &str = "tankline/v1/s/alarms/T-01/level-hh";

async fn worker(folder: &Folder, broker: &Broker) -> Running {
    Running::start(folder.config(broker, "tokens_file = \"tokens\"\n")).await
}

/// Somebody who listens to all alarms of the site.
struct Listener {
    events: mpsc::Receiver<SessionEvent>,
    _driver: JoinSet<anyhow::Result<()>>,
}

impl Listener {
    async fn connect(broker: &Broker, name: &str) -> Self {
        let options = SessionOptions {
            broker: BrokerSettings::new(broker.address().into()),
            client_id: name.to_owned(),
            subscriptions: vec!["tankline/v1/s/alarms/+/+".to_owned()],
            will: None,
            max_packet_bytes: 1024 * 1024,
        };
        let (_, mut events, driver): (_, _, Driver) = session(options, 64);
        let mut tasks = JoinSet::new();
        tasks.spawn(driver.run(CancellationToken::new()));
        assert_eq!(timeout(PATIENCE, events.recv()).await.unwrap(), Some(SessionEvent::Connected));
        Self { events, _driver: tasks }
    }

    /// Gives the next message on a topic; absent when its body is empty.
    async fn next(&mut self, wanted: &str) -> Option<Value> {
        let next = async {
            loop {
                if let Some(SessionEvent::Message { topic, payload }) = self.events.recv().await
                    && topic == wanted
                {
                    return (!payload.is_empty()).then(|| serde_json::from_slice(&payload).unwrap());
                }
            }
        };
        timeout(PATIENCE, next).await.unwrap_or_else(|_| panic!("nothing on {wanted}"))
    }

    async fn until(&mut self, wanted: &str, state: &str) -> Value {
        loop {
            match self.next(wanted).await {
                Some(alarm) if alarm["state"] == state => return alarm,
                _ => (),
            }
        }
    }

    async fn until_normal(&mut self, wanted: &str) {
        while self.next(wanted).await.is_some() {}
    }
}

/// Sends a level of T-01 each 100 ms from now on.
struct Level {
    edge: Edge,
    seq: u64,
}

impl Level {
    async fn hold<T>(&mut self, level_mm: f64, while_waiting_for: impl Future<Output = T>) -> T {
        tokio::pin!(while_waiting_for);
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        loop {
            tokio::select! {
                done = &mut while_waiting_for => return done,
                _ = ticks.tick() => {
                    self.seq += 1;
                    self.edge.readings(JOURNAL, &[reading(self.seq, "T-01", level_mm)]).await;
                }
            }
        }
    }
}

fn count(folder: &Folder, event: &str) -> i64 {
    folder.query(&format!("SELECT count(*) FROM alarm_transition WHERE alarm = 'level-hh' AND event = '{event}'"))
}

#[tokio::test(flavor = "multi_thread")]
async fn overfill_calls_once_is_acknowledged_and_outlives_a_kill() {
    let folder = folder_with_alarms();
    let broker = broker();
    let running = worker(&folder, &broker).await;
    let mut level = Level { edge: Edge::connect(&broker, "rtu-01").await, seq: 0 };
    let mut listener = Listener::connect(&broker, "listener").await;

    let began = now().get();
    let alarm = level.hold(9100.0, listener.until(LEVEL_HH, "unacknowledged")).await;
    assert_eq!(
        (&alarm["priority"], &alarm["value"], &alarm["limit"]),
        (&json!("critical"), &json!(9100.0), &json!(9000.0))
    );
    assert_eq!((&alarm["site"], &alarm["source"], &alarm["alarm"]), (&json!("s"), &json!("T-01"), &json!("level-hh")));
    assert!(alarm["since"].as_i64().unwrap() >= began && !alarm["guidance"].as_str().unwrap().is_empty());

    // Killed between the commit and the acknowledgement: the same state, and nobody is called again.
    running.kill().await;
    let running = worker(&folder, &broker).await;
    let again = level.hold(9100.0, listener.until(LEVEL_HH, "unacknowledged")).await;
    assert_eq!(again["since"], alarm["since"]);

    let page = level.hold(9120.0, station::get_with(&running.observer, "/api/v1/alarms", OPERATOR)).await.1;
    let page: Value = serde_json::from_str(&page).unwrap();
    let first = &page["alarms"][0];
    assert_eq!(
        (&first["alarm"], &first["value"], &first["limit"]),
        (&json!("level-hh"), &json!(9100.0), &json!(9000.0))
    );

    let path = "/api/v1/alarms/s/T-01/level-hh/acknowledge";
    let (status, body) = post(&running.observer, path, Some(OPERATOR), &json!({"reason": "on my way"})).await;
    assert_eq!((status, &body["who"], &body["state"]), (200, &json!("meier"), &json!("acknowledged")));
    let alarm = level.hold(9100.0, listener.until(LEVEL_HH, "acknowledged")).await;
    assert_eq!(alarm["acknowledged_by"], "meier");
    let (status, body) = post(&running.observer, path, Some(OPERATOR), &json!({})).await;
    assert_eq!(status, 409, "{body}");

    running.kill().await;
    let running = worker(&folder, &broker).await;
    let alarm = level.hold(9100.0, listener.until(LEVEL_HH, "acknowledged")).await;
    assert_eq!(alarm["acknowledged_by"], "meier");
    assert_eq!((count(&folder, "raised"), count(&folder, "acknowledged"), count(&folder, "cleared")), (1, 1, 0));

    level.hold(8500.0, listener.until_normal(LEVEL_HH)).await;
    assert_eq!((count(&folder, "raised"), count(&folder, "cleared")), (1, 1));
    // Nothing is retained of it.
    let mut later = Listener::connect(&broker, "later").await;
    let high = later.next("tankline/v1/s/alarms/T-01/level-h").await.unwrap();
    assert_eq!(high["state"], "unacknowledged");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alarm_that_became_normal_unsaid_is_taken_away() {
    let folder = folder_with_alarms();
    let broker = broker();
    let mut listener = Listener::connect(&broker, "listener").await;
    let edge = Edge::connect(&broker, "rtu-01").await;
    edge.publish_to(LEVEL_HH.to_owned(), b"{\"state\":\"unacknowledged\"}".to_vec(), true).await;
    assert!(listener.next(LEVEL_HH).await.is_some());
    let running = worker(&folder, &broker).await;
    listener.until_normal(LEVEL_HH).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backlog_calls_nobody_and_is_found_in_the_history() {
    let folder = folder_with_alarms();
    let broker = broker();
    let running = worker(&folder, &broker).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    let late = |seq: u64, level: f64| {
        let mut late = reading(seq, "T-01", level);
        late["at"] = json!(now().get() - 3_600_000 + 1000 * i64::try_from(seq).unwrap());
        late
    };
    let levels: Vec<_> = (1..=60).map(|seq| late(seq, if seq < 40 { 9500.0 } else { 5000.0 })).collect();
    edge.readings(JOURNAL, &levels).await;
    edge.committed(JOURNAL, json!([[1, 60]])).await;
    assert_eq!((count(&folder, "raised"), count(&folder, "found-in-backlog")), (0, 1));
    assert!(running.observer.alarms().iter().all(|alarm| alarm.alarm.name() != "level-hh"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transaction_that_is_tried_again_neither_loses_nor_doubles_an_alarm() {
    let (folder, broker) = (folder_with_alarms(), broker());
    let site = folder.0.path().join("s.toml");
    let text = std::fs::read_to_string(&site).unwrap();
    std::fs::write(&site, text + "[alarm_defaults.level-hh]\non_delay_s = 0\n").unwrap();
    let running = worker(&folder, &broker).await;
    let edge = Edge::connect(&broker, "rtu-01").await;
    let mut listener = Listener::connect(&broker, "listener").await;
    let other = rusqlite::Connection::open(folder.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    edge.readings(JOURNAL, &[reading(1, "T-01", 9100.0)]).await;
    until("the trouble is seen", || !running.observer.health().healthy).await;
    assert_eq!(running.observer.alarms(), []);
    other.execute_batch("ROLLBACK").unwrap();
    listener.until(LEVEL_HH, "unacknowledged").await;
    assert_eq!(count(&folder, "raised"), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_does_something() {
    let folder = folder_with_alarms();
    let broker = broker();
    let running = worker(&folder, &broker).await;
    let alarm = "/api/v1/alarms/s/T-01/level-hh";
    let work = json!({"work_order": "W-17"});
    for (path, token, body, status) in [
        ("acknowledge", None, json!({}), 401),
        ("acknowledge", Some("0123456789abcdef-nobody"), json!({}), 401),
        ("acknowledge", Some(OPERATOR), json!({}), 409),
        ("out-of-service", Some(OPERATOR), work.clone(), 403),
        ("out-of-service", Some(ENGINEER), json!({}), 422),
        ("out-of-service", Some(ENGINEER), json!({"work": 1}), 422),
        ("shelve", Some(OPERATOR), json!({"reason": "x"}), 422),
        ("shelve", Some(OPERATOR), json!({"minutes": 10}), 422),
        ("shelve", Some(OPERATOR), json!({"minutes": 100_000, "reason": "x"}), 422),
        ("forget", Some(ENGINEER), json!({}), 404),
    ] {
        let (found, said) = post(&running.observer, &format!("{alarm}/{path}"), token, &body).await;
        assert_eq!(found, status, "{path} {body} {said}");
        let whole = ["what", "why", "right"].iter().all(|key| said[key].as_str().is_some_and(|text| !text.is_empty()));
        assert!(whole, "{said}");
    }
    let unknown = "/api/v1/alarms/s/T-09/level-hh/acknowledge";
    assert_eq!(post(&running.observer, unknown, Some(OPERATOR), &json!({})).await.0, 404);
    let (status, said) = post(&running.observer, &format!("{alarm}/out-of-service"), Some(ENGINEER), &work).await;
    assert_eq!((status, &said["state"], &said["alarm"]["note"]), (200, &json!("out-of-service"), &json!("W-17")));
    let (status, said) =
        post(&running.observer, &format!("{alarm}/return-to-service"), Some(ENGINEER), &json!({})).await;
    assert_eq!((status, &said["state"]), (200, &json!("normal")));
    assert_eq!(station::get(&running.observer, "/api/v1/alarms").await.0, 401);
    running.stop().await;
    // Without tokens everybody may read, and nobody may do anything.
    let running = Running::start(folder.config(&broker, "")).await;
    let (status, page) = station::get(&running.observer, "/api/v1/alarms").await;
    assert!(status == 200 && page.contains("independent overfill protection"), "{page}");
    let (status, said) = post(&running.observer, &format!("{alarm}/acknowledge"), Some(OPERATOR), &json!({})).await;
    assert!(status == 403 && said["right"].as_str().unwrap().contains("tokens_file"), "{said}");
    let (status, page) = station::get(&running.observer, "/api/v1/alarms/history?source=T-01").await;
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!((status, page["transitions"].as_array().unwrap().len()), (200, 2));
    assert_eq!(page["transitions"][0]["event"], "taken-out");
    assert_eq!(station::get(&running.observer, "/api/v1/alarms/history?from=yesterday").await.0, 422);
    running.stop().await;
}
