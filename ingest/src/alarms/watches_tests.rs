//! Tests of the detectors behind the alarms: an idle tank, in simulated time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tankline_domain::alarm::{AlarmKind, Event, Moment};
use tankline_domain::reading::{Quality, Reading};
use tankline_domain::settings::Document;
use tankline_domain::site::{Site, parse};
use tankline_domain::units::{Celsius, Millimetres, UnixMillis};

use super::super::{Engine, Kept};
use crate::derive::Deriver;
use crate::intake::{Accepted, Batch};
use crate::stations::Stations;
use crate::store::{AlarmChanges, AlarmRow, WatchRow};
use crate::testing;

const BEGUN: UnixMillis = UnixMillis::new(1_795_400_000_000);

/// A site whose tank T-01, a box of 5 m by this width, is idle.
fn site(width_m: f64) -> Site {
    let geometry = json!({"shape": "box", "length_m": 5.0, "width_m": width_m, "height_m": 10.0});
    let root = json!({
        "site": "s",
        "product": [{"name": "sewage", "kind": "water", "density_20c_kg_m3": 1002.0}],
        "line": [{"name": "line-01", "edge": "rtu-01", "port": "/dev/line-01"}],
        "tank": [{"name": "T-01", "product": "sewage", "geometry": geometry, "watch": {"duty": "idle"}}],
        "gauge": [{"tank": "T-01", "line": "line-01", "unit": 1}],
    });
    let document = Document { origin: "s.toml".into(), root, from_environment: BTreeMap::new() };
    parse(&document, &|_| Err("there are no tables".to_owned())).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The alarms of a site, read each ten seconds, and what is kept of them.
struct Desk {
    engine: Engine,
    stations: Arc<Stations>,
    deriver: Deriver,
    started: Instant,
    second: i64,
    alarms: BTreeMap<AlarmKind, AlarmRow>,
    watches: Vec<WatchRow>,
}

impl Desk {
    fn new(site: &Site, kept: Kept, second: i64) -> Self {
        let stations = Arc::new(Stations::new(std::slice::from_ref(site)));
        let started = testing::instant();
        let now = Moment { monotonic: started, unix: UnixMillis::new(BEGUN.get() + second * 1000) };
        let alarms = kept.alarms.iter().map(|row| (row.standing.alarm, row.clone())).collect();
        let watches = kept.watches.clone();
        let engine = Engine::new(std::slice::from_ref(site), Arc::clone(&stations), kept, now);
        Self { engine, stations, deriver: Deriver::default(), started, second, alarms, watches }
    }

    /// Does what a new start does.
    fn restarted(self, site: &Site) -> Self {
        let alarms = self.alarms.into_values().filter(|row| row.kept.is_some()).collect();
        Self::new(site, Kept { alarms, watches: self.watches }, self.second)
    }

    /// Reads a level that trembles; gives what happened to the alarm of movement.
    fn read(&mut self, level_mm: f64) -> Vec<Event> {
        self.second += 10;
        let tremble = [0.0, 1.0, 0.0, -1.0, 1.0, -1.0][usize::try_from(self.second / 10 % 6).unwrap()];
        let at = UnixMillis::new(BEGUN.get() + self.second * 1000);
        let reading = Reading {
            tank: "T-01".parse().unwrap(),
            at,
            level: Some(Millimetres::new(level_mm + tremble)),
            interface: None,
            temperature: Some(Celsius::new(30.0 + 0.1 * tremble)),
            layer: None,
            quality: Quality::Good,
        };
        let (id, tank) = self.stations.tanks().next().unwrap();
        let accepted = Accepted {
            seq: 1,
            tank: id,
            at,
            level_mm: reading.level.map(Millimetres::get),
            interface_mm: None,
            temperature_c: reading.temperature.map(Celsius::get),
            layer: None,
            quality: Quality::Good,
            derived: self.deriver.derive(&tank.basis, &reading),
        };
        let batch = Batch { journal: None, received: at, readings: vec![accepted], refused: Vec::new() };
        let seconds = Duration::from_secs(u64::try_from(self.second).unwrap());
        let now = Moment { monotonic: self.started + seconds, unix: at };
        let found = self.engine.watch(std::slice::from_ref(&batch));
        self.engine.handle_batch(now, &batch, &mut found.into_iter());
        self.engine.handle_time(now);
        let AlarmChanges { happened, rows, watches, .. } = self.engine.take_changes();
        self.alarms.extend(rows.into_iter().map(|row| (row.standing.alarm, row)));
        for row in watches {
            self.watches = vec![row];
        }
        let of_movement = happened.into_iter().filter(|it| it.transition.key.kind == AlarmKind::Movement);
        of_movement.map(|it| it.transition.event).collect()
    }

    fn run(&mut self, readings: usize, level_mm: f64) -> Vec<Event> {
        (0..readings).flat_map(|_| self.read(level_mm)).collect()
    }
}

#[test]
fn movement_of_an_idle_tank_calls_once_however_often_the_centre_is_restarted() {
    let site = site(2.0);
    let mut desk = Desk::new(&site, Kept::default(), 0);
    assert_eq!(desk.run(360, 5000.0), []);
    let mut desk = desk.restarted(&site);
    assert_eq!(desk.run(30, 5000.0), []);
    assert_eq!(desk.run(30, 4990.0), [Event::Raised]);
    // What was found is kept at once, so that no restart takes it for over.
    assert!(desk.watches[0].body.contains(r#""movement":{"found""#), "{}", desk.watches[0].body);
    for _ in 0..5 {
        desk = desk.restarted(&site);
        assert_eq!(desk.run(30, 4990.0), []);
    }
    // It is over when the tank has been still again for long enough.
    assert_eq!(desk.run(720, 4990.0), [Event::Cleared]);
}

#[test]
fn corrected_table_is_no_movement() {
    let mut desk = Desk::new(&site(2.0), Kept::default(), 0);
    assert_eq!(desk.run(360, 5000.0), []);
    assert_eq!(desk.watches.len(), 1);
    // The same level, and half the volume.
    let mut narrower = desk.restarted(&site(1.0));
    assert_eq!(narrower.run(360, 5000.0), []);
    assert_eq!(narrower.run(30, 4980.0), [Event::Raised]);
}
