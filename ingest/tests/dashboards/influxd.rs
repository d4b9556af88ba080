//! InfluxDB 1.6, which takes writes at `/write` alone: a relay brings those of version 2 there.

use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::station::until_so;
use crate::web::{escaped, free_port, relay, send};

/// A process that ends with the test.
pub struct Process(Child);

impl Process {
    pub fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An InfluxDB with an empty database `tanks`.
pub struct Influxd {
    pub port: u16,
    /// Where it takes writes of version 2.
    pub writes: u16,
    /// What is added to a request so that it is known who asks.
    who: &'static str,
    _process: Process,
    _tasks: JoinSet<()>,
    _folder: tempfile::TempDir,
}

impl Influxd {
    pub async fn start() -> Self {
        let influxd = Self::bare(false, "/write?db=tanks&precision=ms", "").await;
        influxd.order("CREATE DATABASE tanks").await;
        influxd
    }

    /// Starts one that wants to know who asks, with nothing in it but its administrator.
    pub async fn guarded(writes_to: &'static str) -> Self {
        let influxd = Self::bare(true, writes_to, "&u=admin&p=secret").await;
        influxd.order("CREATE USER admin WITH PASSWORD 'secret' WITH ALL PRIVILEGES").await;
        influxd
    }

    async fn bare(is_guarded: bool, writes_to: &'static str, who: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, rpc_port) = (free_port(), free_port());
        let at = |name: &str| folder.path().join(name).display().to_string();
        let config = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:{rpc_port}\"\n[meta]\ndir = {:?}\n\
             [data]\ndir = {:?}\nwal-dir = {:?}\n[http]\nbind-address = \"127.0.0.1:{port}\"\nlog-enabled = false\n\
             auth-enabled = {is_guarded}\n[monitor]\nstore-enabled = false\n[continuous_queries]\nrun-interval = \"1s\"\nlog-enabled = false\n",
            at("meta"),
            at("data"),
            at("wal")
        );
        std::fs::write(folder.path().join("influxd.conf"), config).unwrap();
        let process = Process::start(Command::new("influxd").arg("-config").arg(at("influxd.conf")));
        until_so("influxd answers", async || send(port, "GET", "/ping", b"").await.is_some()).await;
        let mut tasks = JoinSet::new();
        let writes = relay(&mut tasks, port, writes_to).await;
        Self { port, writes, who, _process: process, _tasks: tasks, _folder: folder }
    }

    /// Has something done; gives the answer.
    pub async fn order(&self, influxql: &str) -> Value {
        let target = format!("/query?db=tanks&epoch=ms&q={}{}", escaped(influxql), self.who);
        let (status, body) = send(self.port, "POST", &target, b"").await.unwrap();
        assert_eq!(status, 200, "{influxql}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        let wrong = answer["results"].as_array().unwrap().iter().find(|result| !result["error"].is_null());
        assert!(wrong.is_none(), "{influxql}: {answer}");
        answer
    }

    /// Writes lines with times in milliseconds.
    pub async fn write(&self, lines: &str) {
        let (status, body) = send(self.port, "POST", "/write?db=tanks&precision=ms", lines.as_bytes()).await.unwrap();
        assert_eq!(status, 204, "{body}");
    }

    /// Gives the rows of a query, each with its tags among its columns.
    pub async fn rows(&self, influxql: &str) -> Vec<Value> {
        let answer = self.order(influxql).await;
        let series = answer["results"].as_array().unwrap().iter().filter_map(|result| result["series"].as_array());
        series.flatten().flat_map(rows).collect()
    }
}

fn rows(series: &Value) -> Vec<Value> {
    let columns = series["columns"].as_array().unwrap();
    let row = |values: &Value| {
        let mut row = series["tags"].as_object().cloned().unwrap_or_default();
        let named = columns.iter().zip(values.as_array().unwrap());
        row.extend(named.map(|(name, value)| (name.as_str().unwrap().to_owned(), value.clone())));
        Value::Object(row)
    };
    series["values"].as_array().into_iter().flatten().map(row).collect()
}
