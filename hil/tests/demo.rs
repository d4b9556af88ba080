//! The demo as a person starts it: the real program, from the gauges to the database.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tankline_broker::{Broker, BrokerConfig};
use tempfile::TempDir;

/// Two tanks, one line.
const SMALL_SITE: &str = r#"
site = "small"
[[product]]
name = "crude"
kind = "crude"
density_20c_kg_m3 = 862.0
standard = "gb-1885-1998"
[[line]]
name = "line-01"
edge = "rtu-01"
port = "/dev/tankline/line-01"
[[tank]]
name = "T-01"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 20.0, height_m = 14.0 }
[[gauge]]
tank = "T-01"
line = "line-01"
unit = 1
poll_interval_ms = 500
[[tank]]
name = "T-02"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 20.0, height_m = 14.0 }
[[gauge]]
tank = "T-02"
line = "line-01"
unit = 2
offset_mm = 50
poll_interval_ms = 500
"#;

/// A folder for one test, with the small site in it.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("site.toml"), SMALL_SITE).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Gives the program, in this folder, untouched by the environment of whoever runs the test.
    fn hil(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tankline-hil"));
        command.args(words).current_dir(self.path()).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the demo to its end and gives what it measured.
    fn measured(&self, words: &[&str]) -> Value {
        let output = self.hil(&[&["demo", "--summary", "s.json"], words].concat()).output().unwrap();
        assert!(output.status.success(), "{}", all(&output));
        serde_json::from_slice(&fs::read(self.path().join("s.json")).unwrap()).unwrap()
    }

    fn database(&self) -> Connection {
        let path = self.path().join("tankline-data/ops.db");
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
    }

    fn count(&self, sql: &str) -> u64 {
        let count: i64 = self.database().query_row(sql, [], |row| row.get(0)).unwrap();
        count.try_into().unwrap()
    }
}

/// A demo that is killed when the test is over, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Waits until the demo has written a line that says this.
    fn wait_for_line(&mut self, part: &str) {
        let mut lines = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains(part)), "the demo ended without saying {part:?}");
    }
}

fn all(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn number(summary: &Value, pointer: &str) -> u64 {
    summary.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {pointer} in {summary:#}"))
}

#[test]
fn station_lives_is_stored_once_and_goes_on_in_the_next_run() {
    let bench = Bench::new();
    let (mut journalled, mut committed) = (0, 0);
    for run in 1..=2 {
        let summary = bench.measured(&["--for", "8s"]);
        assert_eq!(number(&summary, "/gauges"), 28);
        // On a machine that is busy with other things the last replies of some gauges may have been torn.
        assert!(number(&summary, "/gauges_live") >= 1, "{summary:#}");
        assert_eq!(summary["audit"]["clean"], true, "{summary:#}");
        let figure = |key: &str| number(&summary, key);
        assert!(figure("/audit/answered") >= 28 && figure("/replies") >= 28, "{summary:#}");
        let told = ["/audit/stored", "/audit/waiting", "/audit/answered_not_accepted"].map(figure).iter().sum::<u64>();
        assert_eq!(told, figure("/audit/answered"), "{summary:#}");
        assert!(summary["latency_ms"]["p99"].is_u64() && summary["bus_use"]["overall"].as_f64() > Some(0.0));
        journalled += figure("/readings_journalled");
        committed += figure("/readings_committed");
        assert_eq!(bench.count("SELECT count(*) FROM reading"), committed, "run {run}");
        assert_eq!(committed + figure("/journal_depth_at_end"), journalled, "run {run}: {summary:#}");
    }
    assert_eq!(bench.count("SELECT count(DISTINCT tank) FROM reading WHERE quality = 'good'"), 28);
    assert_eq!(bench.count("SELECT count(DISTINCT journal) FROM reading"), 4, "the journals go on");
    let gapless = "SELECT count(*) FROM (SELECT 1 FROM reading GROUP BY journal HAVING max(seq) = count(*))";
    assert_eq!(bench.count(gapless), 4, "numbers go on without a gap");
    assert_eq!(bench.count("SELECT count(*) - count(DISTINCT tank || ' ' || at_ms) FROM reading"), 0);
    assert_eq!(bench.count("SELECT count(*) FROM reading WHERE quality = 'good' AND tov_m3 IS NULL"), 0);
    assert!(bench.path().join("tankline-data/.gitignore").exists());
}

#[test]
fn interrupted_demo_hands_over_what_it_has_and_says_how_it_went() {
    let bench = Bench::new();
    let mut demo = Running(bench.hil(&["demo", "--site", "site.toml", "--summary", "s.json"]).spawn().unwrap());
    demo.wait_for_line("gauges live");
    kill_process(Pid::from_child(&demo.0), Signal::INT).unwrap();
    let mut said = String::new();
    demo.0.stdout.as_mut().unwrap().read_to_string(&mut said).unwrap();
    let status = demo.0.wait().unwrap();
    assert!(status.success(), "{status}\n{said}");
    for part in ["are in the database", "sqlite3", "tankline-ingest status --db"] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    let summary: Value = serde_json::from_slice(&fs::read(bench.path().join("s.json")).unwrap()).unwrap();
    assert_eq!(summary["audit"]["clean"], true);
    assert_eq!(bench.count("SELECT count(*) FROM reading"), number(&summary, "/readings_committed"));
}

#[test]
fn folder_in_use_is_refused_and_left_alone() {
    let bench = Bench::new();
    let mut first = Running(bench.hil(&["demo", "--site", "site.toml"]).spawn().unwrap());
    first.wait_for_line("tankline demo: site small");
    let second = bench.hil(&["demo", "--site", "site.toml", "--for", "1s"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1), "{}", all(&second));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("in use by another demo (process ") && said.contains("--data"), "{said}");
    first.wait_for_line("gauges live");
}

#[test]
fn site_that_makes_no_sense_is_refused_with_all_that_is_wrong() {
    let bench = Bench::new();
    let wrong = SMALL_SITE.replace("unit = 2", "unit = 0").replace("offset_mm", "ofset_mm");
    fs::write(bench.path().join("wrong.toml"), wrong).unwrap();
    let output = bench.hil(&["demo", "--site", "wrong.toml", "--for", "1s"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", all(&output));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("unit = 0") && said.contains("ofset_mm"), "{said}");
}

#[test]
fn broker_of_somebody_else_will_do() {
    let bench = Bench::new();
    let broker = Broker::start(BrokerConfig { listen: ([127, 0, 0, 1], 0).into(), ..BrokerConfig::default() }).unwrap();
    let url = format!("mqtt://{}", broker.address());
    let summary = bench.measured(&["--site", "site.toml", "--for", "4s", "--broker", &url]);
    assert_eq!(summary["audit"]["clean"], true, "{summary:#}");
    assert!(number(&summary, "/audit/stored") >= 1 && number(&summary, "/gauges_live") >= 1, "{summary:#}");
    broker.stop();
}

#[test]
fn readings_wait_in_the_journal_when_there_is_no_broker_and_come_with_the_next_run() {
    let bench = Bench::new();
    // Nothing listens on port 1 of loopback.
    let summary = bench.measured(&["--site", "site.toml", "--for", "4s", "--broker", "mqtt://127.0.0.1:1"]);
    let waiting = number(&summary, "/journal_depth_at_end");
    assert!(waiting >= 1 && waiting == number(&summary, "/readings_journalled"), "{summary:#}");
    assert_eq!((number(&summary, "/readings_committed"), &summary["audit"]["clean"]), (0, &Value::Bool(true)));

    let summary = bench.measured(&["--site", "site.toml", "--for", "6s"]);
    assert_eq!(summary["audit"]["clean"], true, "{summary:#}");
    let (committed, left) = (number(&summary, "/readings_committed"), number(&summary, "/journal_depth_at_end"));
    assert!(committed > waiting, "{summary:#}");
    assert_eq!(committed + left, waiting + number(&summary, "/readings_journalled"), "{summary:#}");
    assert_eq!(bench.count("SELECT count(*) FROM reading"), committed);
}

#[test]
fn bench_counts_what_it_offered_in_the_database() {
    let bench = Bench::new();
    let words = ["bench", "ingest", "--readings", "1000", "--json", "b.json"];
    let output = bench.hil(&words).output().unwrap();
    assert!(output.status.success(), "{}", all(&output));
    let figures: Value = serde_json::from_slice(&fs::read(bench.path().join("b.json")).unwrap()).unwrap();
    for (index, per_message) in [1, 500].into_iter().enumerate() {
        let figure = |key: &str| number(&figures[index], key);
        assert_eq!(figure("/per_message"), per_message);
        assert_eq!(
            (figure("/centre/offered"), figure("/centre/committed"), figure("/relay/offered")),
            (1000, 1000, 1000)
        );
        assert!(figure("/centre/commits") >= 1 && figures[index]["centre"]["readings_per_s"].as_f64() > Some(1.0));
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("single readings") && said.contains("batches of 500"), "{said}");
}
