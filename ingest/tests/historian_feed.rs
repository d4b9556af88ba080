//! The feed against a server that answers what it is told to.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::json;
use station::{Edge, Folder, Running, broker, reading, until};
use tankline_broker::Broker;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const JOURNAL: &str = "9f31c2aa07d15e44";

/// What a server answers to some lines.
type Answer = Box<dyn Fn(&[String]) -> (u16, &'static str) + Send + Sync>;

/// A server for line protocol that counts what it took.
struct Server {
    url: String,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

struct State {
    answer: Mutex<Answer>,
    taken: Mutex<Vec<String>>,
    requests: Mutex<VecDeque<String>>,
}

impl Server {
    async fn start(answer: impl Fn(&[String]) -> (u16, &'static str) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            answer: Mutex::new(Box::new(answer)),
            taken: Mutex::default(),
            requests: Mutex::default(),
        });
        let (mut tasks, shared) = (JoinSet::new(), Arc::clone(&state));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, state, _tasks: tasks }
    }

    fn answer(&self, answer: impl Fn(&[String]) -> (u16, &'static str) + Send + Sync + 'static) {
        *self.state.answer.lock().unwrap() = Box::new(answer);
    }

    /// Gives the distinct lines that were taken, in order.
    fn taken(&self) -> Vec<String> {
        let mut taken = self.state.taken.lock().unwrap().clone();
        taken.sort();
        taken.dedup();
        taken
    }

    fn requests(&self) -> usize {
        self.state.requests.lock().unwrap().len()
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let lines: Vec<String> = String::from_utf8(body).unwrap().lines().map(str::to_owned).collect();
        state.requests.lock().unwrap().push_back(head);
        let (status, words) = (state.answer.lock().unwrap())(&lines);
        if status == 204 {
            state.taken.lock().unwrap().extend(lines);
        }
        let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n{words}", words.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn worker(folder: &Folder, broker: &Broker, server: &Server) -> Running {
    worker_with_figures(folder, broker, server, 0).await
}

async fn worker_with_figures(folder: &Folder, broker: &Broker, server: &Server, interval_s: u64) -> Running {
    std::fs::write(folder.0.path().join("token"), "secret\n").unwrap();
    let more = format!(
        "[influxdb]\nurl = \"{}\"\norg = \"company\"\nbucket = \"tanks\"\ntoken_file = \"token\"\ntimeout_ms = 2000\n\
         batch_lines = 100\nfigures_interval_s = {interval_s}",
        server.url
    );
    Running::start(folder.config(broker, &more)).await
}

/// Sends readings whose levels are their sequence numbers, and waits until they are committed.
async fn commit(edge: &mut Edge, first: u64, last: u64) {
    let readings: Vec<_> = (first..=last)
        .map(|seq| {
            let mut reading = reading(seq, "T-01", seq as f64);
            // One point each: a millisecond of its own.
            reading["at"] = json!(station::now().get() - 1_000_000 + seq as i64);
            reading["interface_mm"] = json!(0);
            reading
        })
        .collect();
    for part in readings.chunks(500) {
        edge.readings(JOURNAL, part).await;
    }
    edge.committed(JOURNAL, json!([[1, last]])).await;
}

fn behind(folder: &Folder) -> u64 {
    let status = tankline_ingest::status_of(&folder.database()).unwrap();
    status.historians.first().map_or(u64::MAX, |feed| feed.lag_readings)
}

fn has_level(line: &str, level: u64) -> bool {
    line.contains(&format!("level_mm={level},"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_again_is_sent_again_while_the_worker_runs() {
    let (folder, broker) = (Folder::new(), broker());
    let server = Server::start(|_| (204, "")).await;
    let running = worker(&folder, &broker, &server).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    commit(&mut edge, 1, 300).await;
    until("everything is there", || server.taken().len() == 300 && behind(&folder) == 0).await;
    let times = |level| server.state.taken.lock().unwrap().iter().filter(|line| has_level(line, level)).count();
    let ask = |from_id| {
        let beside = tankline_ingest::store::open_beside(&folder.database()).unwrap();
        tankline_ingest::store::send_again(&beside, from_id).unwrap();
    };
    ask(201);
    ask(101);
    until("the second two thirds come again", || (101..=300).all(|level| times(level) >= 2)).await;
    assert!((1..=100).all(|level| times(level) == 1), "and nothing before them");
    until("that is done", || behind(&folder) == 0).await;
    assert_eq!(folder.query::<i64>("SELECT count(*) FROM historian_cursor WHERE target LIKE 'again%'"), 0);
    // Of a worker that does not run it is known at its next start.
    running.stop().await;
    ask(299);
    let before = times(300);
    let running = worker(&folder, &broker, &server).await;
    until("the last two come again", || times(299) >= 2 && times(300) > before).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_committed_reading_arrives_with_times_in_milliseconds() {
    let (folder, broker) = (Folder::new(), broker());
    let server = Server::start(|_| (204, "")).await;
    let worker = worker(&folder, &broker, &server).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    commit(&mut edge, 1, 1234).await;
    let bad = json!({"seq": 1235, "tank": "T-01", "at": 1_795_400_000_123_i64, "quality": "bad:no-reply"});
    let layered = json!({"seq": 1236, "tank": "T-01", "at": 1_795_400_000_124_i64, "level_mm": 5000, "interface_mm": 2000,
                         "layer": [[2000, 0.75], [2500, 0.25]], "quality": "good"});
    edge.readings(JOURNAL, &[bad, layered]).await;
    until("everything is there", || server.taken().len() == 1236 && behind(&folder) == 0).await;
    let head = server.state.requests.lock().unwrap()[0].clone();
    assert!(head.starts_with("POST /api/v2/write?bucket=tanks&org=company&precision=ms "), "{head}");
    assert!(head.to_lowercase().contains("authorization: token secret"), "{head}");
    let taken = server.taken();
    let expected = "tank,site=s,tank=T-01 quality_code=1i,quality=\"bad:no-reply\" 1795400000123";
    assert!(taken.iter().any(|line| line == expected), "{:?}", taken.last());
    let expected = "tank,site=s,tank=T-01 level_mm=5000,interface_mm=2000,layer_bottom_mm=2000,layer_top_mm=2500,\
                    tov_m3=5,fw_m3=2,oil_m3=2.75,emulsion_m3=0.5,emulsion_water_m3=0.25,gov_m3=2.75,";
    assert!(
        taken.iter().any(|line| line.starts_with(expected) && line.ends_with("1795400000124")),
        "{:?}",
        taken.last()
    );
    let good = taken.iter().find(|line| has_level(line, 1000)).unwrap();
    let fields = "level_mm=1000,interface_mm=0,temperature_c=32.5,tov_m3=1,fw_m3=0,oil_m3=1,gov_m3=1,gsv_m3=0.9896";
    assert!(good.contains(fields) && good.contains(",ullage_m3=9,") && good.contains("quality_code=192i"), "{good}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_that_is_down_delays_nothing_and_gets_everything_afterwards() {
    let (folder, broker) = (Folder::new(), broker());
    let server = Server::start(|_| (503, "starting")).await;
    let running = worker(&folder, &broker, &server).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    commit(&mut edge, 1, 300).await;
    until("the trouble is seen", || running.observer.health().historian_trouble.is_some()).await;
    assert!(running.observer.health().healthy);
    running.stop().await;
    server.answer(|_| (204, ""));
    let running = worker(&folder, &broker, &server).await;
    until("everything is there", || server.taken().len() == 300 && behind(&folder) == 0).await;
    // What it has is not sent again after another start.
    let requests = server.requests();
    running.stop().await;
    let running = worker(&folder, &broker, &server).await;
    commit(&mut edge, 301, 301).await;
    until("the new one is there", || server.taken().len() == 301 && behind(&folder) == 0).await;
    assert_eq!(server.requests(), requests + 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_that_the_server_refuses_is_a_dead_letter_with_its_words() {
    let (folder, broker) = (Folder::new(), broker());
    let refuse = |status| {
        move |lines: &[String]| {
            let poison = lines.iter().any(|line| has_level(line, 77) || has_level(line, 250));
            if poison { (status, "partial write: field type conflict") } else { (204, "") }
        }
    };
    for status in [400, 422] {
        let server = Server::start(refuse(status)).await;
        let folder = if status == 400 { &folder } else { &Folder::new() };
        let worker = worker(folder, &broker, &server).await;
        let mut edge = Edge::connect(&broker, "rtu-01").await;
        commit(&mut edge, 1, 300).await;
        until("the rest is there", || server.taken().len() == 298 && behind(folder) == 0).await;
        let sql = "SELECT group_concat(reason || ' ' || substr(payload, 1, 31), ';') FROM dead_letter";
        let said = format!("status {status}: partial write: field type conflict tank,site=s,tank=T-01 level_mm=");
        assert_eq!(folder.query::<String>(sql), format!("{said};{said}"));
        let sql = "SELECT group_concat(CAST(payload AS TEXT)) FROM dead_letter";
        let payloads: String = folder.query(sql);
        assert!(has_level(&payloads, 77) && has_level(&payloads, 250), "{payloads}");
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_that_refuses_every_line_is_waited_for_and_no_line_is_given_up() {
    let (folder, broker) = (Folder::new(), broker());
    let server = Server::start(|_| (400, "what is this?")).await;
    let worker = worker(&folder, &broker, &server).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    commit(&mut edge, 1, 100).await;
    until("the trouble is seen", || worker.observer.health().historian_trouble.is_some()).await;
    assert_eq!(worker.observer.dead_letters(), 0);
    server.answer(|_| (204, ""));
    until("everything is there", || server.taken().len() == 100 && behind(&folder) == 0).await;
    assert_eq!(worker.observer.health().historian_trouble, None);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_that_is_too_large_is_halved() {
    let (folder, broker) = (Folder::new(), broker());
    let server = Server::start(|lines| if lines.len() > 30 { (413, "too large") } else { (204, "") }).await;
    let worker = worker(&folder, &broker, &server).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    commit(&mut edge, 1, 200).await;
    until("everything is there", || server.taken().len() == 200 && behind(&folder) == 0).await;
    assert_eq!(worker.observer.dead_letters(), 0);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_token_raises_an_alarm_and_holds_everything_back() {
    let (folder, broker) = (Folder::new(), broker());
    for status in [401, 403, 404] {
        let server = Server::start(move |_| (status, "unauthorized access")).await;
        let worker = worker(&folder, &broker, &server).await;
        let mut edge = Edge::connect(&broker, "rtu-01").await;
        commit(&mut edge, 1, 10).await;
        until("the trouble is seen", || worker.observer.health().historian_trouble.is_some()).await;
        let trouble = worker.observer.health().historian_trouble.unwrap();
        assert_eq!(trouble, format!("status {status}: unauthorized access"));
        let (_, page) = station::get(&worker.observer, "/metrics").await;
        assert!(page.contains("tankline_ingest_historian_up 0\n"), "{page}");
        assert!(page.contains("tankline_ingest_historian_lag_readings 10\n"), "{page}");
        assert_eq!((server.taken().len(), worker.observer.dead_letters()), (0, 0));
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_of_now_that_are_refused_or_hang_delay_no_reading_and_are_dropped() {
    let (folder, broker) = (Folder::new(), broker());
    let is_figure = |lines: &[String]| lines.iter().any(|line| !line.starts_with("tank,"));
    let server = Server::start(move |lines| {
        if is_figure(lines) {
            // As long as the client has patience.
            std::thread::sleep(std::time::Duration::from_secs(3));
            return (503, "overloaded");
        }
        (204, "")
    })
    .await;
    let worker = worker_with_figures(&folder, &broker, &server, 1).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    let dropped = async || {
        let (_, page) = station::get(&worker.observer, "/metrics").await;
        !page.contains("tankline_ingest_historian_figures_dropped_total 0\n")
    };
    commit(&mut edge, 1, 250).await;
    until("all readings are there", || server.taken().len() == 250 && behind(&folder) == 0).await;
    station::until_so("figures are dropped", dropped).await;
    let health = worker.observer.health();
    assert!(health.healthy && health.historian_trouble.is_none(), "{health:?}");
    server.answer(|_| (204, ""));
    let has = |what: &str| server.taken().iter().any(|line| line.starts_with(what));
    until("figures of now arrive", || has("live,site=s,tank=T-01 state=") && has("edge,") && has("limit,")).await;
    worker.stop().await;
}
