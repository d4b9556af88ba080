//! A station with a tank of each kind, whose pipeline fills a historian.

use std::time::Duration;

use serde_json::{Value, json};
use tankline_broker::Broker;

pub use crate::station::until_so;
use crate::station::{Edge, Folder, OPERATOR, Running, broker, folder_with_alarms, now, post};

const FIRST: &str = "9f31c2aa07d15e44";
const SECOND: &str = "00000000000000ff";

/// What of each tank is known now.
pub const LIVE: &str = "T-01";
pub const STALE: &str = "T-02";
pub const BAD: &str = "T-03";
pub const UNCERTAIN: &str = "T-04";
pub const NEVER: &str = "T-05";

/// A station whose tanks are each in another state.
pub struct Filled {
    running: Running,
    edge: Edge,
    seq: u64,
    health: u64,
    away: Edge,
    broker: Broker,
    folder: Folder,
}

fn folder() -> Folder {
    let folder = folder_with_alarms();
    let path = folder.0.path().join("s.toml");
    let mut site = std::fs::read_to_string(&path).unwrap();
    let more = "hh_mm = 9000\n[tank.alarms]\nlevel-hh = { on_delay_s = 0 }\ninterface-h = { limit_mm = 4000 }\n\
                interface-l = { limit_mm = 100 }\ntemperature-h = { limit_c = 60 }\ntemperature-l = { limit_c = 5 }\n";
    assert!(site.contains("hh_mm = 9000\n"));
    site = site.replacen("hh_mm = 9000\n", more, 1);
    for tank in [BAD, UNCERTAIN, NEVER] {
        let unit = &tank[3..].parse::<u8>().unwrap();
        site += &format!(
            "[[tank]]\nname = \"{tank}\"\nproduct = \"crude\"\n\
             geometry = {{ shape = \"box\", length_m = 1.0, width_m = 1.0, height_m = 10.0 }}\n\
             [[gauge]]\ntank = \"{tank}\"\nline = \"line-01\"\nunit = {unit}\n"
        );
    }
    // Stale is what is older than three of these: a machine that is slow to ask makes nothing stale meanwhile.
    site += "[gauge_defaults]\npoll_interval_ms = 20000\n";
    std::fs::write(path, site).unwrap();
    folder
}

impl Filled {
    /// Fills a historian at a port; `more` is added to its configuration.
    pub async fn start(port: u16, more: &str) -> Self {
        let (folder, broker) = (folder(), broker());
        let historian = format!(
            "tokens_file = \"tokens\"\n[influxdb]\nurl = \"http://127.0.0.1:{port}\"\nbucket = \"tanks\"\n\
             figures_interval_s = 1\n{more}"
        );
        let running = Running::start(folder.config(&broker, &historian)).await;
        let edge = Edge::connect(&broker, "rtu-01").await;
        let away = Edge::connect(&broker, "rtu-02").await;
        let mut filled = Self { running, edge, seq: 0, health: 0, away, broker, folder };
        filled.past().await;
        filled.alarm_is_acknowledged().await;
        // What is counted of alarms is written with a start.
        let Self { running, edge, seq, health, away, broker, folder } = filled;
        running.stop().await;
        let running = Running::start(folder.config(&broker, &historian)).await;
        let filled = Self { running, edge, seq, health, away, broker, folder };
        filled.tell_state().await;
        filled
    }

    /// Sends the last ten minutes of all tanks but one; that of the stale tank ends a minute ago.
    async fn past(&mut self) {
        let start = now().get() - 600_000;
        let mut readings = Vec::new();
        let mut stale = Vec::new();
        for step in 0..120_i64 {
            let at = start + step * 4500;
            let level = 5000.0 + step as f64;
            let good = |tank: &str| json!({"tank": tank, "at": at, "level_mm": level, "interface_mm": 1000, "temperature_c": 32.5, "quality": "good"});
            let mut uncertain = good(UNCERTAIN);
            uncertain["quality"] = json!(if step % 3 == 0 { "good" } else { "uncertain:blind-zone" });
            let bad = json!({"tank": BAD, "at": at, "quality": "bad:no-reply"});
            let mut layered = good(LIVE);
            layered["layer"] = json!([[950, 0.6], [1100, 0.05]]);
            readings.extend([layered, uncertain, bad]);
            let mut doubted = good(LIVE);
            doubted["at"] = json!(at + 100);
            doubted["quality"] = json!("uncertain:jump");
            let missed = json!({"tank": LIVE, "at": at + 200, "quality": "bad:crc"});
            readings.extend([doubted, missed].into_iter().filter(|_| step % 60 == 0));
            stale.push(good(STALE));
        }
        self.send(readings).await;
        for (reading, seq) in stale.iter_mut().zip(1_u64..) {
            reading["seq"] = json!(seq);
        }
        // One is missing.
        stale.remove(7);
        self.away.readings(SECOND, &stale).await;
    }

    async fn send(&mut self, readings: Vec<Value>) {
        let mut numbered = readings;
        for reading in &mut numbered {
            self.seq += 1;
            reading["seq"] = json!(self.seq);
        }
        for part in numbered.chunks(500) {
            self.edge.readings(FIRST, part).await;
        }
    }

    /// Sends what the tanks that are not stale show now, and what the edge says of itself.
    pub async fn tell_now(&mut self) {
        let (at, level) = (now().get(), 9500.0);
        let good = |tank: &str| json!({"tank": tank, "at": at, "level_mm": level, "interface_mm": 2000, "temperature_c": 33.5, "quality": "good"});
        let mut uncertain = good(UNCERTAIN);
        uncertain["quality"] = json!("uncertain:blind-zone");
        let bad = json!({"tank": BAD, "at": at, "quality": "bad:no-reply"});
        let mut layered = good(LIVE);
        layered["layer"] = json!([[1950, 0.6], [2100, 0.05]]);
        self.send(vec![layered, uncertain, bad]).await;
        // What the centre said meanwhile is of no interest, but has to be taken.
        let _ = self.edge.next_within("/none", Duration::from_millis(1)).await;
        self.health += 1;
        let gauge = |tank: &str, unit: u8| {
            json!({"line": "line-01", "tank": tank, "unit": unit, "polls": 100 * self.health, "replies": 90 * self.health,
                   "timeouts": 7 * self.health, "crc_errors": 2 * self.health, "late": self.health, "exceptions": self.health,
                   "foreign": self.health, "skipped": self.health, "reply_ms_p50": 41.5, "reply_ms_p99": 80.0,
                   "timeout_ms": 150.0, "quality": if tank == BAD { "bad:no-reply" } else { "good" }})
        };
        let gauges = [gauge(LIVE, 1), gauge(BAD, 3), gauge(UNCERTAIN, 4)];
        let health = json!({"at": at, "gauges": gauges, "journal_depth": 17, "journal_oldest_s": 3.5, "gap_readings": 0,
                            "held": 2, "time_unknown": 1, "clock": "set"});
        self.edge.publish("health", health.to_string().into_bytes()).await;
    }

    async fn alarm_is_acknowledged(&mut self) {
        let key = |one: &tankline_ingest::alarms::Standing| one.alarm.name() == "level-hh";
        while !self.running.observer.alarms().iter().any(key) {
            self.tell_now().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let (status, answer) =
            post(&self.running.observer, "/api/v1/alarms/s/T-01/level-hh/acknowledge", Some(OPERATOR), &json!({}))
                .await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Stops it and expects that to be clean.
    pub async fn stop(self) {
        self.running.stop().await;
    }

    async fn tell_state(&self) {
        let state = |state: &str, journal: &str| json!({"state": state, "journal": journal, "journals": [journal]});
        self.edge.publish("state", state("online", FIRST).to_string().into_bytes()).await;
        self.away.publish("state", state("offline", SECOND).to_string().into_bytes()).await;
    }
}
