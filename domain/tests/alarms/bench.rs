//! A station with seven tanks on one edge, and a clock that goes when it is told to.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tankline_domain::alarm::{
    Action, AlarmKey, AlarmKind, By, ClockShown, Event, Moment, Reach, Refusal, Sample, SiteAlarms, State, TankPlace,
    Transition,
};
use tankline_domain::message::Presence;
use tankline_domain::reading::Reading;
use tankline_domain::settings::Document;
use tankline_domain::site::{Site, parse};
use tankline_domain::units::{Celsius, Millimetres, UnixMillis};

/// Gives the description: limits 500, 1000, 11000 and 11500 mm, a reading each second.
pub fn description() -> Value {
    let tank = |number: usize| {
        json!({
            "name": format!("T-0{number}"),
            "product": "crude",
            "geometry": {"shape": "vertical-cylinder", "diameter_m": 23.7, "height_m": 12.0},
            "limits": {"ll_mm": 500, "l_mm": 1000, "h_mm": 11000, "hh_mm": 11500},
        })
    };
    let gauge = |number: usize| json!({"tank": format!("T-0{number}"), "line": "line-01", "unit": number});
    json!({
        "site": "lindong",
        "product": [{"name": "crude", "kind": "crude", "density_20c_kg_m3": 862.0, "standard": "gb-1885-1998"}],
        "line": [{"name": "line-01", "edge": "rtu-01", "port": "/dev/ttyS1"}],
        "tank": (1..=7).map(tank).collect::<Vec<_>>(),
        "gauge": (1..=7).map(gauge).collect::<Vec<_>>(),
    })
}

pub fn site(root: Value) -> Site {
    let document = Document { origin: "site.toml".into(), root, from_environment: BTreeMap::new() };
    let no_table = |_: &Path| Err("no such file".to_owned());
    parse(&document, &no_table).unwrap_or_else(|problems| panic!("{problems}"))
}

pub struct Bench {
    pub site: Site,
    pub alarms: SiteAlarms,
    pub now: Moment,
    /// All that happened.
    pub told: Vec<Transition>,
    /// What is kept, by alarm.
    kept: BTreeMap<AlarmKey, String>,
}

impl Bench {
    pub fn new() -> Self {
        Self::of(description())
    }

    pub fn of(root: Value) -> Self {
        #[expect(clippy::disallowed_methods, reason = "virtual time needs some monotonic time to begin with")]
        let monotonic = Instant::now();
        let now = Moment { monotonic, unix: UnixMillis::new(1_795_400_000_000) };
        let site = site(root);
        let mut alarms = SiteAlarms::new(&site, now);
        alarms.begin(now);
        Self { site, alarms, now, told: Vec::new(), kept: BTreeMap::new() }
    }

    /// Keeps what changed, as a database does.
    fn keep(&mut self) {
        self.told.extend(self.alarms.take_transitions());
        for key in self.alarms.take_changed() {
            let entry = self.alarms.find(&key).unwrap();
            if entry.alarm.is_blank() {
                self.kept.remove(&key);
            } else {
                self.kept.insert(key, serde_json::to_string(entry.alarm).unwrap());
            }
        }
    }

    /// Stops, and starts again `away` later with what was kept.
    pub fn restart(&mut self, away: Duration) {
        self.now = self.now.after(away);
        self.alarms = SiteAlarms::new(&self.site, self.now);
        for body in self.kept.values() {
            self.alarms.restore(body).unwrap();
        }
        self.alarms.begin(self.now);
        self.keep();
    }

    /// Describes the site anew, and starts again with what was kept.
    pub fn describe(&mut self, root: Value) {
        self.site = site(root);
        self.restart(Duration::ZERO);
    }

    /// Lets time pass; each deadline is met when it is due.
    pub fn wait(&mut self, time: Duration) {
        let end = self.now.after(time);
        while let Some(due) = self.alarms.poll_timeout().filter(|due| *due <= end.monotonic) {
            self.now = self.now.after(due.saturating_duration_since(self.now.monotonic));
            self.alarms.handle_time(self.now);
            self.keep();
        }
        self.now = end;
    }

    /// Sets the time of day.
    pub fn step(&mut self, millis: i64) {
        self.now.unix = UnixMillis::new(self.now.unix.get() + millis);
    }

    pub fn reading(&self, tank: &str, level: f64, quality: &str) -> Reading {
        let has_value = !quality.starts_with("bad");
        Reading {
            tank: tank.parse().unwrap(),
            at: self.now.unix,
            level: has_value.then_some(Millimetres::new(level)),
            interface: has_value.then_some(Millimetres::new(300.0)),
            temperature: has_value.then_some(Celsius::new(20.0)),
            layer: None,
            quality: quality.parse().unwrap(),
        }
    }

    pub fn place(&self, tank: &str) -> TankPlace {
        self.alarms.place_of(&tank.parse().unwrap()).unwrap()
    }

    /// A reading that comes at once.
    pub fn live(&mut self, tank: &str, level: f64, quality: &str) {
        let reading = self.reading(tank, level, quality);
        self.alarms.handle_live(self.now, self.place(tank), &Sample::of(&reading));
        self.keep();
    }

    /// A second passes, then a reading comes.
    pub fn second(&mut self, tank: &str, level: f64) {
        self.wait(Duration::from_secs(1));
        self.live(tank, level, "good");
    }

    /// A good reading comes that was measured so long ago.
    pub fn late(&mut self, tank: &str, level: f64, age: Duration) {
        self.late_of_quality(tank, level, age, "good");
    }

    pub fn late_of_quality(&mut self, tank: &str, level: f64, age: Duration, quality: &str) {
        let mut reading = self.reading(tank, level, quality);
        reading.at = UnixMillis::new(self.now.unix.get() - i64::try_from(age.as_millis()).unwrap());
        self.alarms.handle_backlog(self.place(tank), &Sample::of(&reading));
        self.keep();
    }

    pub fn presence(&mut self, presence: Presence) {
        self.alarms.handle_presence(self.now, &"rtu-01".parse().unwrap(), presence);
        self.keep();
    }

    pub fn reach(&mut self, reach: Reach) {
        self.alarms.handle_reach(self.now, reach);
        self.keep();
    }

    pub fn clock(&mut self, clock: ClockShown) {
        self.alarms.handle_clock(self.now, &"rtu-01".parse().unwrap(), clock);
        self.keep();
    }

    pub fn gap(&mut self, readings: u64) {
        self.alarms.handle_gap(self.now, &"rtu-01".parse().unwrap(), readings);
        self.keep();
    }

    pub fn act(&mut self, source: &str, kind: AlarmKind, action: Action) -> Result<State, Refusal> {
        let done = self.alarms.act(self.now, &key(source, kind), action, By { who: "li", note: "valve stuck" });
        self.keep();
        done
    }

    pub fn state(&self, source: &str, kind: AlarmKind) -> State {
        self.alarms.find(&key(source, kind)).unwrap().alarm.state()
    }

    /// Gives what was told aloud since the last call: `source kind`.
    pub fn heard(&mut self) -> Vec<String> {
        let told = std::mem::take(&mut self.told);
        let aloud = told.iter().filter(|told| told.annunciates());
        aloud.map(|told| format!("{} {}", told.key.source, told.key.kind)).collect()
    }

    /// Gives all that happened to one alarm since the last call to [`Self::heard`].
    pub fn events(&self, source: &str, kind: AlarmKind) -> Vec<Event> {
        let key = key(source, kind);
        self.told.iter().filter(|told| told.key == key).map(|told| told.event).collect()
    }
}

pub fn key(source: &str, kind: AlarmKind) -> AlarmKey {
    AlarmKey { site: "lindong".parse().unwrap(), source: source.parse().unwrap(), kind }
}
