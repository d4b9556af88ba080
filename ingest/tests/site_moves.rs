//! A site moves from one worker to another: real workers, an edge each of two sites, kills in between.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use station::{Folder, OPERATOR, SITE, broker, now, until};
use tankline_broker::Broker;
use tankline_runtime::mqtt::{BrokerSettings, Outgoing, Qos, SessionEvent, SessionOptions, session};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tankline-ingest");
const JOURNAL: &str = "9f31c2aa07d15e44";
const HOUR_MS: i64 = 3_600_000;

/// A worker with a folder of its own.
struct Worker {
    folder: Folder,
    port: u16,
    child: Option<Child>,
}

impl Worker {
    fn new(broker: &Broker, sites: &[&str]) -> Self {
        let folder = Folder::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        for site in ["a", "b"] {
            let limits = "height_m = 10.0 }\n[tank.limits]\nll_mm = 500\nl_mm = 1000\nh_mm = 8000\nhh_mm = 9000\n";
            let text =
                SITE.replace("site = \"s\"", &format!("site = \"{site}\"")).replace("height_m = 10.0 }\n", limits);
            let text = text
                .replace("edge = \"rtu-02\"\nport = \"/dev/ttyUSB0\"", "edge = \"rtu-01\"\nport = \"/dev/ttyUSB1\"");
            fs::write(folder.0.path().join(format!("{site}.toml")), text).unwrap();
        }
        let tokens = folder.0.path().join("tokens");
        fs::write(&tokens, format!("meier operator {OPERATOR}\n")).unwrap();
        fs::write(folder.0.path().join("mine"), format!("{OPERATOR}\n")).unwrap();
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&tokens, fs::Permissions::from_mode(0o600)).unwrap();
        let worker = Self { folder, port, child: None };
        worker.serve(broker, sites);
        worker
    }

    /// Writes which sites it serves.
    fn serve(&self, broker: &Broker, sites: &[&str]) {
        let sites: Vec<_> = sites.iter().map(|site| format!("{site}.toml")).collect();
        let text = format!(
            "sites = {sites:?}\ndatabase = \"ops.db\"\n[broker]\nurl = \"mqtt://{}\"\n\
             [http]\nlisten = \"127.0.0.1:{}\"\ntokens_file = \"tokens\"\n",
            broker.address(),
            self.port
        );
        fs::write(self.place("ingest.toml"), text).unwrap();
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.0.path().join(name)
    }

    fn start(&mut self) {
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--config"]).arg(self.place("ingest.toml")).stdout(Stdio::null());
        command.stderr(fs::File::create(self.place("log")).unwrap());
        self.child = Some(command.spawn().unwrap());
    }

    fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Runs a command beside the worker; gives whether it went well, and what was said.
    fn command(&self, args: &[&str]) -> (bool, String) {
        let Output { status, stdout, stderr } =
            Command::new(PROGRAM).args(args).current_dir(self.folder.0.path()).output().unwrap();
        (status.success(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
    }

    fn rows<T>(&self, sql: &str, read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
        let connection = Connection::open(self.folder.database()).unwrap();
        connection.busy_timeout(station::PATIENCE).unwrap();
        let Ok(mut statement) = connection.prepare(sql) else { return Vec::new() };
        statement.query_map([], read).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn seqs(&self, site: &str) -> Vec<u64> {
        let sql = format!("SELECT seq FROM reading WHERE site = '{site}' ORDER BY seq");
        self.rows(&sql, |row| row.get::<_, i64>(0).map(i64::unsigned_abs))
    }

    /// How the high-high alarms of a site stand: tank, state, since when.
    fn alarms(&self, site: &str) -> Vec<(String, String, i64)> {
        let sql = format!(
            "SELECT source, state, body ->> '$.shown.since' FROM alarm WHERE site = '{site}' AND alarm = 'level-hh' ORDER BY source"
        );
        self.rows(&sql, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    }

    /// What happened to the high-high alarms of a site, but for what came late and called nobody.
    fn happened(&self, site: &str) -> Vec<(String, String)> {
        let sql = format!(
            "SELECT source, event FROM alarm_transition WHERE site = '{site}' AND alarm = 'level-hh'
             AND event <> 'found-in-backlog' ORDER BY at_ms, id"
        );
        self.rows(&sql, |row| Ok((row.get(0)?, row.get(1)?)))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An edge with a journal: what is in it is sent again until it is committed.
struct PlayedEdge {
    kept: Arc<Mutex<Kept>>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Kept {
    readings: BTreeMap<u64, Value>,
    last: u64,
    is_polling: bool,
}

impl PlayedEdge {
    fn start(broker: &Broker, site: &'static str) -> Self {
        let options = SessionOptions {
            broker: BrokerSettings::new(broker.address().into()),
            client_id: format!("plays-{site}"),
            subscriptions: vec![format!("tankline/v1/{site}/rtu-01/committed")],
            will: None,
            max_packet_bytes: 1024 * 1024,
        };
        let (publisher, mut events, driver) = session(options, 64);
        let kept = Arc::new(Mutex::new(Kept { is_polling: true, ..Kept::default() }));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { drop(driver.run(CancellationToken::new()).await) });
        let hearing = Arc::clone(&kept);
        tasks.spawn(async move {
            while let Some(event) = events.recv().await {
                if let SessionEvent::Message { payload, .. } = event {
                    let told: Value = serde_json::from_slice(&payload).unwrap();
                    let ranges: Vec<(u64, u64)> = serde_json::from_value(told["ranges"].clone()).unwrap();
                    let committed = |seq: &u64| ranges.iter().any(|(first, last)| (first..=last).contains(&seq));
                    hearing.lock().unwrap().readings.retain(|seq, _| !committed(seq));
                }
            }
        });
        let polling = Arc::clone(&kept);
        tasks.spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(100));
            for tick in 0_u32.. {
                ticks.tick().await;
                let readings = polling.lock().unwrap().tick(tick);
                for part in readings.chunks(500) {
                    let payload = json!({"journal": JOURNAL, "readings": part}).to_string().into_bytes();
                    let topic = format!("tankline/v1/{site}/rtu-01/readings");
                    // What does not go out now goes out again later.
                    let _ = publisher.publish(Outgoing { topic, payload, retain: false, qos: Qos::AtLeastOnce }).await;
                }
            }
        });
        Self { kept, _tasks: tasks }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// Ends polling, and waits until all is committed; gives the number of readings.
    async fn settle(&self) -> u64 {
        self.kept().is_polling = false;
        until("all is committed", || self.kept().readings.is_empty()).await;
        self.kept().last
    }
}

impl Kept {
    fn append(&mut self, tank: &str, at: i64, level_mm: f64) -> Value {
        self.last += 1;
        let reading = json!({"seq": self.last, "tank": tank, "at": at, "level_mm": level_mm, "interface_mm": 1000,
                             "temperature_c": 32.5, "quality": "good"});
        self.readings.insert(self.last, reading.clone());
        reading
    }

    /// Polls; gives what is to be sent: what is new, and each second all that is not committed.
    fn tick(&mut self, tick: u32) -> Vec<Value> {
        let at = now().get();
        let polled: Vec<_> = ["T-01", "T-02"].into_iter().filter(|_| self.is_polling).collect();
        let new: Vec<_> = polled.into_iter().map(|tank| self.append(tank, at, 9100.0)).collect();
        if tick.is_multiple_of(10) { self.readings.values().cloned().collect() } else { new }
    }
}

/// Gives the numbers of a journal without a gap.
fn whole(last: u64) -> Vec<u64> {
    (1..=last).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn site_moves_with_its_backlog_and_alarms_and_nobody_is_called_again() {
    let broker = broker();
    let (mut stays, mut goes) = (Worker::new(&broker, &["a"]), Worker::new(&broker, &["b"]));
    stays.start();
    goes.start();
    let (of_a, of_b) = (PlayedEdge::start(&broker, "a"), PlayedEdge::start(&broker, "b"));

    // Of each site one alarm that nobody has acknowledged, and one that is shelved.
    let both = |alarms: Vec<(String, String, i64)>| alarms.len() == 2;
    until("both tanks of both sites call", || both(stays.alarms("a")) && both(goes.alarms("b"))).await;
    for (worker, site) in [(&stays, "a"), (&goes, "b")] {
        let (url, alarm) = (format!("http://127.0.0.1:{}", worker.port), format!("{site}/T-02/level-hh"));
        let at = ["--url", &url, "--token-file", "mine"];
        let shelve = ["alarms", "shelve", &alarm, "--minutes", "60", "--reason", "float is changed"];
        let (done, said) = worker.command(&[&shelve[..], &at[..]].concat());
        assert!(done, "{said}");
    }

    // A backlog of an hour ago is on its way when its worker is killed.
    let from = now().get() - HOUR_MS;
    (0..6000).for_each(|index| drop(of_b.kept().append("T-01", from + index * 10, 2000.0)));
    let of_backlog = "SELECT count(*) FROM reading WHERE level_mm = 2000.0";
    until("some of the backlog is committed", || goes.rows(of_backlog, |row| row.get::<_, i64>(0))[0] > 0).await;
    let export = ["site", "export", "--site", "b", "--config", "ingest.toml", "--to", "b.site"];
    let (done, said) = goes.command(&export);
    assert!(!done && said.contains("in use by tankline-ingest run, process"), "{said}");
    goes.kill();

    let (done, said) = goes.command(&export);
    assert!(done && said.contains("site b is handed over"), "{said}");
    let (before, had, then) = (goes.alarms("b"), goes.seqs("b").len(), goes.happened("b"));
    assert_eq!(before, [], "what goes on elsewhere is not here");
    assert!(!goes.command(&export).0, "it is gone");
    let (runs, said) = goes.command(&["run", "--config", "ingest.toml"]);
    assert!(!runs && said.contains("site b was handed over"), "{said}");

    let file = goes.place("b.site").display().to_string();
    let import = ["site", "import", "--config", "ingest.toml", "--from", &file];
    let (done, said) = stays.command(&import);
    assert!(!done && said.contains("in use by tankline-ingest run, process"), "{said}");
    stays.kill();
    let states_of_a = stays.alarms("a");
    let (done, said) = stays.command(&import);
    assert!(done && said.contains("site b is taken in") && said.contains("Add the description of b"), "{said}");
    let (done, said) = stays.command(&import);
    assert!(!done && said.contains("was taken in at"), "{said}");
    assert_eq!((stays.seqs("b").len(), stays.happened("b")), (had, then.clone()));
    stays.serve(&broker, &["a", "b"]);
    stays.start();

    let (last_a, last_b) = (of_a.settle().await, of_b.settle().await);
    assert_eq!((stays.seqs("a"), stays.seqs("b")), (whole(last_a), whole(last_b)), "each is there once");
    assert_eq!(goes.seqs("b").len(), had, "and nothing came to the other after it");
    let states: Vec<_> = stays.alarms("b").into_iter().map(|(tank, state, _)| (tank, state)).collect();
    let state = |tank: &str, state: &str| (tank.to_owned(), state.to_owned());
    assert_eq!(states, [state("T-01", "unacknowledged"), state("T-02", "shelved")]);
    assert_eq!(stays.alarms("a"), states_of_a);
    assert_eq!(stays.happened("b"), then, "nothing has happened to the alarms since");
    assert_eq!(then.iter().filter(|(_, event)| event == "raised").count(), 2, "{then:?}");

    // And back again, to where its history is already.
    stays.kill();
    let (done, said) =
        stays.command(&["site", "export", "--site", "b", "--config", "ingest.toml", "--to", "back.site"]);
    assert!(done, "{said}");
    let (done, said) = goes.command(&["site", "import", "--config", "ingest.toml", "--from", &file]);
    assert!(!done && said.contains("was taken in at"), "{said}");
    let file = stays.place("back.site").display().to_string();
    let (done, said) = goes.command(&["site", "import", "--config", "ingest.toml", "--from", &file]);
    assert!(done, "{said}");
    assert_eq!((goes.seqs("b"), goes.happened("b")), (whole(last_b), then));
}
