//! InfluxDB 1.6 takes writes at `/write` alone; a relay brings those of version 2 there.

use std::process::Command;

use serde_json::Value;

use super::{FIELDS, Points, expected, historian, run_for_a_while};
use crate::support::http::{Request, Server, escaped, send};
use crate::support::{DEADLINE, Folder, Process, System, free_port, wait_until};

struct Influxd {
    port: u16,
    _process: Process,
}

impl Influxd {
    fn start(folder: &Folder) -> Self {
        let (port, rpc_port) = (free_port(), free_port());
        let config = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:{rpc_port}\"\n\
             [meta]\ndir = \"influxd/meta\"\n[data]\ndir = \"influxd/data\"\nwal-dir = \"influxd/wal\"\n\
             [http]\nbind-address = \"127.0.0.1:{port}\"\nlog-enabled = false\n[monitor]\nstore-enabled = false\n"
        );
        let config = folder.write("influxd.conf", &config);
        let process = Process::start(folder, "influxd", Command::new("influxd").arg("-config").arg(config));
        wait_until("influxd answers", DEADLINE, || send(port, "GET", "/ping", b"").is_ok());
        let create = format!("/query?q={}", escaped("CREATE DATABASE tanks"));
        assert_eq!(send(port, "POST", &create, b"").unwrap().0, 200);
        Self { port, _process: process }
    }

    /// Takes writes as InfluxDB 2 does.
    fn relay(&self, port: u16) -> Server {
        let influxd = self.port;
        Server::start(port, move |request: &Request| {
            if !request.target.starts_with("/api/v2/write?") || !request.target.contains("precision=ms") {
                return (404, request.target.clone().into_bytes());
            }
            send(influxd, "POST", "/write?db=tanks&precision=ms", &request.body)
                .unwrap_or_else(|error| (503, error.to_string().into_bytes()))
        })
    }

    fn query(&self, influxql: &str) -> Vec<Value> {
        let target = format!("/query?db=tanks&epoch=ms&q={}", escaped(influxql));
        let (status, body) = send(self.port, "GET", &target, b"").unwrap();
        assert_eq!(status, 200, "{influxql}");
        let answer: Value = serde_json::from_slice(&body).unwrap();
        answer["results"][0]["series"].as_array().cloned().unwrap_or_default()
    }

    fn points(&self) -> Points {
        let series = self.query(&format!("SELECT {} FROM tank GROUP BY tank", FIELDS.join(", ")));
        let points = series.iter().flat_map(|series| {
            let tank = series["tags"]["tank"].as_str().unwrap();
            series["values"].as_array().unwrap().iter().map(move |row| {
                ((tank.to_owned(), row[0].as_i64().unwrap()), [1, 2, 3, 4].map(|column| row[column].as_f64()))
            })
        });
        points.collect()
    }

    /// Counts the levels as an operator's dashboard would.
    fn levels(&self) -> u64 {
        let series = self.query("SELECT count(level_mm) FROM tank");
        series.first().and_then(|series| series["values"][0][1].as_u64()).unwrap_or_default()
    }

    #[track_caller]
    fn assert_has_everything(&self, system: &System) {
        let expected = expected(system);
        wait_until("influxd has everything", DEADLINE, || self.points().len() >= expected.len());
        assert_eq!(self.points(), expected);
        let levels = expected.values().filter(|fields| fields[0].is_some()).count();
        assert_eq!(self.levels(), u64::try_from(levels).unwrap());
        println!("{} points, {levels} levels", expected.len());
    }
}

#[test]
#[ignore = "needs influxdb"]
fn influxd_gets_every_reading_once_and_influxql_returns_it() {
    let port = free_port();
    let mut system = System::prepare(&historian(port, ""));
    let influxd = Influxd::start(&system.folder);
    let _relay = influxd.relay(port);
    system.run_all();
    run_for_a_while(&mut system);
    influxd.assert_has_everything(&system);
}

#[test]
#[ignore = "needs influxdb"]
fn influxd_that_comes_late_gets_everything() {
    let port = free_port();
    let mut system = System::start(&historian(port, ""));
    run_for_a_while(&mut system);
    let influxd = Influxd::start(&system.folder);
    let _relay = influxd.relay(port);
    influxd.assert_has_everything(&system);
}
