//! A small station for tests: a broker, a worker, and an edge that says what it is told to.
#![allow(dead_code, reason = "each test takes its part of it")]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
#![allow(missing_docs, reason = "nobody but tests uses it")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use tankline_broker::{Broker, BrokerConfig};
use tankline_domain::units::UnixMillis;
use tankline_ingest::{Config, Ingest, Observer, config};
use tankline_runtime::clock;
use tankline_runtime::mqtt::{BrokerSettings, Driver, Outgoing, Publisher, Qos, SessionEvent, SessionOptions, session};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long anything is waited for.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Two edges; each tank is a box of 1 m2 and 10 m height.
pub const SITE: &str = r#"
site = "s"
[[product]]
name = "crude"
kind = "crude"
density_20c_kg_m3 = 862.0
standard = "gb-1885-1998"
[[line]]
name = "line-01"
edge = "rtu-01"
port = "/dev/ttyUSB0"
[[line]]
name = "line-02"
edge = "rtu-02"
port = "/dev/ttyUSB0"
[[tank]]
name = "T-01"
title = "Crude tank 1"
product = "crude"
geometry = { shape = "box", length_m = 1.0, width_m = 1.0, height_m = 10.0 }
[[tank]]
name = "T-02"
product = "crude"
geometry = { shape = "box", length_m = 1.0, width_m = 1.0, height_m = 10.0 }
[[gauge]]
tank = "T-01"
line = "line-01"
unit = 1
[[gauge]]
tank = "T-02"
line = "line-02"
unit = 1
"#;

/// A folder with a site description and a database.
pub struct Folder(pub tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("s.toml"), SITE).unwrap();
        Self(folder)
    }

    pub fn database(&self) -> PathBuf {
        self.0.path().join("ops.db")
    }

    /// Writes and loads a configuration; `more` is added to it.
    pub fn config(&self, broker: &Broker, more: &str) -> Config {
        let path = self.0.path().join("ingest.toml");
        let text = format!(
            "sites = [\"s.toml\"]\ndatabase = \"ops.db\"\n[broker]\nurl = \"mqtt://{}\"\n\
             [http]\nlisten = \"127.0.0.1:0\"\n{more}",
            broker.address()
        );
        std::fs::write(&path, text).unwrap();
        config::load(&path).unwrap_or_else(|problems| panic!("{problems}"))
    }

    pub fn query<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        open(&self.database()).query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

/// Tokens of the folder with alarms.
pub const OPERATOR: &str = "0123456789abcdef-operator";
pub const ENGINEER: &str = "0123456789abcdef-engineer";

/// A folder with a site whose tank T-01 has limits, and with tokens.
pub fn folder_with_alarms() -> Folder {
    let folder = Folder::new();
    let limits = "height_m = 10.0 }\n[tank.limits]\nll_mm = 500\nl_mm = 1000\nh_mm = 8000\nhh_mm = 9000\n[[tank]]\nname = \"T-02\"";
    let site = SITE.replacen("height_m = 10.0 }\n[[tank]]\nname = \"T-02\"", limits, 1);
    assert_ne!(site, SITE);
    std::fs::write(folder.0.path().join("s.toml"), site).unwrap();
    let tokens = folder.0.path().join("tokens");
    std::fs::write(&tokens, format!("meier operator {OPERATOR}\nwang engineer {ENGINEER}\n")).unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&tokens, std::fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(PATIENCE).unwrap();
    connection
}

/// Starts a broker that takes packets larger than the contract has.
pub fn broker() -> Broker {
    let listen = "127.0.0.1:0".parse().unwrap();
    Broker::start(BrokerConfig { listen, max_packet_bytes: 32 * 1024 * 1024, ..BrokerConfig::default() }).unwrap()
}

/// A worker that runs.
pub struct Running {
    pub observer: Observer,
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Running {
    /// Starts a worker and waits until it is connected.
    pub async fn start(config: Config) -> Self {
        let ingest = Ingest::open(config).unwrap();
        let (observer, stop) = (ingest.observer(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(ingest.run(stop.clone()));
        let running = Self { observer, stop, tasks };
        until("the worker is connected", || running.observer.health().healthy).await;
        running
    }

    /// Stops it and expects that to be clean.
    pub async fn stop(mut self) {
        self.stop.cancel();
        timeout(PATIENCE, self.tasks.join_next()).await.unwrap().unwrap().unwrap().unwrap();
    }

    /// Cuts it off, as a kill would.
    pub async fn kill(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Waits until something is true.
pub async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = clock::now() + PATIENCE;
    while !is() {
        assert!(clock::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until something that has to be asked for is true.
pub async fn until_so(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let deadline = clock::now() + PATIENCE;
    while !is().await {
        assert!(clock::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A client that plays an edge.
pub struct Edge {
    name: String,
    publisher: Publisher,
    events: mpsc::Receiver<SessionEvent>,
    _driver: JoinSet<anyhow::Result<()>>,
}

impl Edge {
    pub async fn connect(broker: &Broker, name: &str) -> Self {
        let filters = [format!("tankline/v1/s/{name}/committed"), "tankline/v1/s/centre/state".to_owned()];
        let options = SessionOptions {
            broker: BrokerSettings::new(broker.address().into()),
            // Not `s.{name}`: as that, the broker would let it speak for itself alone.
            client_id: format!("plays-{name}"),
            subscriptions: filters.to_vec(),
            will: None,
            max_packet_bytes: 32 * 1024 * 1024,
        };
        let (publisher, mut events, driver): (_, _, Driver) = session(options, 64);
        let mut tasks = JoinSet::new();
        tasks.spawn(driver.run(CancellationToken::new()));
        let first = timeout(PATIENCE, events.recv()).await.unwrap();
        assert_eq!(first, Some(SessionEvent::Connected));
        Self { name: name.to_owned(), publisher, events, _driver: tasks }
    }

    pub async fn readings(&self, journal: &str, readings: &[Value]) {
        self.publish("readings", json!({"journal": journal, "readings": readings}).to_string().into_bytes()).await;
    }

    pub async fn publish(&self, leaf: &str, payload: Vec<u8>) {
        self.publish_to(format!("tankline/v1/s/{}/{leaf}", self.name), payload, leaf == "state").await;
    }

    pub async fn publish_to(&self, topic: String, payload: Vec<u8>, retain: bool) {
        self.publisher.publish(Outgoing { topic, payload, retain, qos: Qos::AtLeastOnce }).await.unwrap();
    }

    /// Gives the next message on a topic that ends so.
    pub async fn next(&mut self, leaf: &str) -> Value {
        self.next_within(leaf, PATIENCE).await.unwrap_or_else(|| panic!("no {leaf}"))
    }

    /// Gives the next message on a topic that ends so, if it comes in time.
    pub async fn next_within(&mut self, leaf: &str, patience: Duration) -> Option<Value> {
        let next = async {
            loop {
                match self.events.recv().await {
                    Some(SessionEvent::Message { topic, payload }) if topic.ends_with(leaf) => {
                        return serde_json::from_slice(&payload).unwrap();
                    }
                    Some(_) => (),
                    None => panic!("the session ended"),
                }
            }
        };
        timeout(patience, next).await.ok()
    }

    /// Waits until so many ranges are told as committed.
    pub async fn committed(&mut self, journal: &str, ranges: Value) {
        loop {
            let told = self.next("/committed").await;
            if told["journal"] == journal && told["ranges"] == ranges {
                return;
            }
        }
    }
}

pub fn now() -> UnixMillis {
    clock::unix_ms()
}

/// A good reading of now.
pub fn reading(seq: u64, tank: &str, level_mm: f64) -> Value {
    json!({"seq": seq, "tank": tank, "at": now().get(), "level_mm": level_mm, "interface_mm": 1000, "temperature_c": 32.5,
           "quality": "good"})
}

/// Asks over HTTP; gives the status and the body.
pub async fn get(observer: &Observer, path: &str) -> (u16, String) {
    ask(observer, format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
}

/// Asks over HTTP with a token; gives the status and the body.
pub async fn get_with(observer: &Observer, path: &str, token: &str) -> (u16, String) {
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n");
    ask(observer, head).await
}

/// Sends JSON over HTTP; gives the status and the answer.
pub async fn post(observer: &Observer, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
    let (body, token) = (body.to_string(), token.map(|token| format!("Authorization: Bearer {token}\r\n")));
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    let (status, answer) = ask(observer, format!("{head}{}\r\n{body}", token.unwrap_or_default())).await;
    (status, serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}")))
}

async fn ask(observer: &Observer, request: String) -> (u16, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(observer.http().unwrap()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
