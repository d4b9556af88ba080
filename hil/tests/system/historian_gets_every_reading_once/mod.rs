//! The historian gets what is committed, each reading once, and nothing waits for it.

mod influxd;
mod victoria_metrics;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::support::http::{Request, Response, Server};
use crate::support::{DEADLINE, Plan, System, free_port, wait_until};

/// Replies of all gauges together that make a run.
const REPLIES: usize = 120;

/// Level, interface, temperature and quality code of each reading, by its tank and its time in ms.
type Points = BTreeMap<(String, i64), [Option<f64>; 4]>;

const FIELDS: [&str; 4] = ["level_mm", "interface_mm", "temperature_c", "quality_code"];

/// Gives the points that the committed readings are to become.
fn expected(system: &System) -> Points {
    let sql = format!("SELECT tank, at_ms, {} FROM reading", FIELDS.join(", "));
    let points = system
        .database
        .query(&sql, |row| Ok(((row.get(0)?, row.get(1)?), [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?])));
    let count = points.len();
    let points: Points = points.into_iter().collect();
    assert_eq!(points.len(), count, "no tank has two readings of one time");
    points
}

fn historian(port: u16, more: &str) -> Plan {
    let influxdb = format!("[influxdb]\nurl = \"http://127.0.0.1:{port}\"\norg = \"station\"\nbucket = \"tanks\"\n");
    Plan { influxdb: influxdb + more, ..Plan::default() }
}

/// Lets the system run for [`REPLIES`], and ends polling when all is committed.
fn run_for_a_while(system: &mut System) {
    let served = system.station.served().len();
    wait_until("the gauges have replied for a while", DEADLINE, || system.station.served().len() >= served + REPLIES);
    system.settle().assert_whole();
}

/// A server that takes the writes of InfluxDB 2 and keeps the lines.
struct Influx {
    lines: Arc<Mutex<Vec<String>>>,
    _server: Server,
}

impl Influx {
    fn start(port: u16) -> Self {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let kept = lines.clone();
        let answer = move |request: &Request| -> Response {
            let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
            let wanted = ["org=station", "bucket=tanks", "precision=ms"];
            if (request.method.as_str(), path) != ("POST", "/api/v2/write") {
                return (404, Vec::new());
            }
            if !wanted.iter().all(|part| query.split('&').any(|given| given == *part)) || request.body.is_empty() {
                return (400, format!("unexpected {query:?}").into_bytes());
            }
            let body = String::from_utf8(request.body.clone()).unwrap();
            kept.lock().unwrap().extend(body.lines().map(str::to_owned));
            (204, Vec::new())
        };
        Self { lines, _server: Server::start(port, answer) }
    }

    /// Gives the lines that are readings; the others say what is true now.
    fn readings(&self) -> Vec<String> {
        self.lines.lock().unwrap().iter().filter(|line| line.starts_with("tank,")).cloned().collect()
    }

    fn points(&self) -> Points {
        self.readings().iter().map(|line| point(line)).collect()
    }
}

/// Reads a line of ours: names and tags have nothing in them that is escaped, and no text has a space or comma.
fn point(line: &str) -> ((String, i64), [Option<f64>; 4]) {
    let mut parts = line.split(' ');
    let (series, fields, at) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let tank = series.strip_prefix("tank,site=bench,tank=").unwrap_or_else(|| panic!("{line}"));
    let fields: BTreeMap<_, _> = fields.split(',').filter_map(|field| field.split_once('=')).collect();
    let number = |name: &str| fields.get(name).map(|text| text.trim_end_matches('i').parse().unwrap());
    ((tank.to_owned(), at.parse().unwrap()), FIELDS.map(number))
}

#[test]
fn influxdb_that_is_away_delays_nothing_and_then_gets_everything() {
    let port = free_port();
    let mut system = System::start(&historian(port, ""));
    // All of it is committed and acknowledged while nobody listens on that port.
    run_for_a_while(&mut system);

    let influx = Influx::start(port);
    let expected = expected(&system);
    wait_until("the historian has everything", DEADLINE, || influx.points().len() >= expected.len());
    assert_eq!(influx.points(), expected);
    assert_eq!(influx.readings().len(), expected.len(), "no reading was written twice");
}
