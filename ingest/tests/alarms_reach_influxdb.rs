//! What happens to an alarm, as a real InfluxDB tells it to a dashboard.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, Uri};
use serde_json::{Value, json};
use station::{Edge, Folder, OPERATOR, Running, folder_with_alarms, post, reading};
use tankline_runtime::clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const JOURNAL: &str = "9f31c2aa07d15e44";

/// InfluxDB 1.6, which ends when this is dropped.
struct Influxd {
    process: Child,
    port: u16,
}

impl Drop for Influxd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Influxd {
    async fn start(folder: &Folder) -> Self {
        let [port, rpc] = [free_port().await, free_port().await];
        let place = folder.0.path().join("influxd");
        let place = place.display();
        let config = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:{rpc}\"\n[meta]\ndir = \"{place}/meta\"\n\
             [data]\ndir = \"{place}/data\"\nwal-dir = \"{place}/wal\"\n[http]\nbind-address = \"127.0.0.1:{port}\"\n\
             log-enabled = false\n[monitor]\nstore-enabled = false\n"
        );
        let file = folder.0.path().join("influxd.conf");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new("influxd");
        command.arg("-config").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let influxd = Self { process: command.spawn().unwrap(), port };
        let deadline = clock::now() + station::PATIENCE;
        while influxd.query("CREATE DATABASE tanks").await.is_none() {
            assert!(clock::now() < deadline, "influxd does not answer");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        influxd
    }

    /// Asks in InfluxQL; gives the series.
    async fn query(&self, influxql: &str) -> Option<Vec<Value>> {
        let asked: String = influxql.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let (status, body) = send(self.port, &format!("/query?db=tanks&epoch=ms&q={asked}"), b"").await?;
        assert_eq!(status, 200, "{influxql}");
        let answer: Value = serde_json::from_slice(&body).unwrap();
        Some(answer["results"][0]["series"].as_array().cloned().unwrap_or_default())
    }
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Posts to influxd; nothing when it is not there.
async fn send(port: u16, target: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let head = format!("POST {target} HTTP/1.0\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let status = String::from_utf8_lossy(&answer[..end]).split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_off(end + 4)))
}

/// Takes writes as InfluxDB 2 does, and brings them to one of version 1.
async fn relay(influxd: u16) -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let bring = move |uri: Uri, body: Bytes| async move {
        assert!(uri.path() == "/api/v2/write" && uri.query().unwrap().contains("precision=ms"), "{uri}");
        let brought = send(influxd, "/write?db=tanks&precision=ms", &body).await;
        brought.map_or(StatusCode::SERVICE_UNAVAILABLE, |(status, _)| StatusCode::from_u16(status).unwrap())
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, Router::new().fallback(bring)).await.unwrap() });
    (port, tasks)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs influxd"]
async fn influxd_has_each_state_of_an_alarm_with_its_time_and_its_tags() {
    let folder = folder_with_alarms();
    let site = folder.0.path().join("s.toml");
    let delays = "[alarm_defaults.level-hh]\non_delay_s = 0\noff_delay_s = 0\n";
    std::fs::write(&site, std::fs::read_to_string(&site).unwrap() + delays).unwrap();
    let influxd = Influxd::start(&folder).await;
    let (port, _relay) = relay(influxd.port).await;
    let broker = station::broker();
    let more = format!(
        "tokens_file = \"tokens\"\n[influxdb]\nurl = \"http://127.0.0.1:{port}\"\norg = \"company\"\nbucket = \"tanks\"\n"
    );
    let running = Running::start(folder.config(&broker, &more)).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    edge.readings(JOURNAL, &[reading(1, "T-01", 9100.0)]).await;
    edge.committed(JOURNAL, json!([[1, 1]])).await;
    let path = "/api/v1/alarms/s/T-01/level-hh/acknowledge";
    assert_eq!(post(&running.observer, path, Some(OPERATOR), &json!({})).await.0, 200);
    edge.readings(JOURNAL, &[reading(2, "T-01", 8000.0)]).await;
    edge.committed(JOURNAL, json!([[1, 2]])).await;

    // Time, state, value, limit, what happened and who did it: as they are in the database.
    let connection = rusqlite::Connection::open(folder.database()).unwrap();
    let mut rows = connection
        .prepare("SELECT at_ms, state_to, value, limit_value, event, who FROM alarm_transition WHERE alarm = 'level-hh' ORDER BY id")
        .unwrap();
    let code = |state: &str| match state {
        "normal" => 0,
        "unacknowledged" => 1,
        "acknowledged" => 2,
        other => panic!("{other}"),
    };
    let rows = rows.query_map([], |row| {
        let (state, value, limit): (String, Option<f64>, Option<f64>) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let (event, who): (String, Option<String>) = (row.get(4)?, row.get(5)?);
        Ok(json!([row.get::<_, i64>(0)?, code(&state), value, limit, event, who]))
    });
    let wanted: Vec<Value> = rows.unwrap().collect::<Result<_, _>>().unwrap();
    let states: Vec<_> = wanted.iter().map(|row| (row[1].as_i64().unwrap(), row[4].as_str().unwrap())).collect();
    assert_eq!(states, [(1, "raised"), (2, "acknowledged"), (0, "cleared")]);
    assert_eq!((&wanted[0][2], &wanted[0][3], &wanted[1][5]), (&json!(9100.0), &json!(9000.0), &json!("meier")));

    let asked = "SELECT state, value, \"limit\", event, who FROM alarm WHERE alarm = 'level-hh' GROUP BY *";
    let deadline = clock::now() + station::PATIENCE;
    let series = loop {
        let series = influxd.query(asked).await.unwrap();
        let points = series.iter().map(|one| one["values"].as_array().unwrap().len()).sum::<usize>();
        if points >= 3 {
            break series;
        }
        assert!(clock::now() < deadline, "influxd has {points} of 3 points");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(series.len(), 1, "{series:?}");
    let tags = json!({"site": "s", "tank": "T-01", "alarm": "level-hh", "priority": "critical"});
    assert_eq!(series[0]["tags"], tags);
    let numbers = |row: &Value| -> Vec<Value> {
        // influxd writes a whole number without its point.
        row.as_array().unwrap().iter().map(|cell| cell.as_f64().map_or(cell.clone(), |number| json!(number))).collect()
    };
    let found: Vec<_> = series[0]["values"].as_array().unwrap().iter().map(numbers).collect();
    assert_eq!(found, wanted.iter().map(numbers).collect::<Vec<_>>());
    running.stop().await;
}
