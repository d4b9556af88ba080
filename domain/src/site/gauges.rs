//! The gauges of a site, from its description.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::parse::Declared;
use super::{Gauge, Report, Tank};
use crate::names::{LineName, RegisterMapName, TankName};
use crate::reading::Mounting;
use crate::register::RegisterMap;
use crate::settings::{Section, Setting};
use crate::units::Millimetres;

const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(1);
const DEFAULT_HEARTBEAT_S: u64 = 60;
const DAY_MS: u64 = 86_400_000;
const DAY_S: u64 = 86_400;

/// A gauge's table, with `[gauge_defaults]` behind it for the keys that it has not.
struct GaugeSection<'r> {
    own: Section<'r>,
    defaults: &'r Section<'r>,
}

impl<'r> GaugeSection<'r> {
    fn within<T>(&self, key: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: Setting + PartialOrd + Clone + std::fmt::Display + std::fmt::Debug,
    {
        let own = self.own.optional_within(key, range.clone());
        if self.own.has(key) { own } else { self.defaults.optional_within(key, range) }
    }

    fn millimetres(&self, key: &str, range: RangeInclusive<f64>) -> Option<Millimetres> {
        self.within(key, range).map(Millimetres::new)
    }

    fn duration_ms(&self, key: &str) -> Option<Duration> {
        self.within(key, 50..=DAY_MS).map(Duration::from_millis)
    }
}

/// Reads every `[[gauge]]`; `[gauge_defaults]` gives the keys that one has not.
pub(super) fn read_gauges(
    root: &Section<'_>,
    tanks: &[Tank],
    maps: &BTreeMap<String, RegisterMap>,
    declared: &Declared,
) -> Vec<Gauge> {
    let defaults = root.section("gauge_defaults");
    let mut places = Places::default();
    let mut gauges = Vec::new();
    for own in root.list("gauge") {
        let section = GaugeSection { own, defaults: &defaults };
        gauges.extend(gauge(&section, tanks, maps, declared, &mut places));
        section.own.finish();
    }
    if gauges.is_empty() {
        // Their keys are known only from reading gauges; without any they are not to blame.
        return gauges;
    }
    defaults.finish();
    gauges
}

/// What is taken: units on lines, and tanks.
#[derive(Default)]
struct Places {
    units: HashMap<(String, u8), String>,
    tanks: HashSet<TankName>,
}

fn gauge(
    section: &GaugeSection<'_>,
    tanks: &[Tank],
    maps: &BTreeMap<String, RegisterMap>,
    declared: &Declared,
    places: &mut Places,
) -> Option<Gauge> {
    let own = &section.own;
    let tank = own.required::<TankName>("tank");
    let line = own.required::<LineName>("line");
    let unit = own.required_within::<u8>("unit", 1..=247);
    if let Some(tank) = &tank {
        declared.check(own, "tank", tank.as_str(), &declared.tanks, "tank");
        if !places.tanks.insert(tank.clone()) {
            own.problem("tank", "has two gauges; each tank has one");
        }
    }
    if let Some(line) = &line {
        declared.check(own, "line", line.as_str(), &declared.lines, "line");
    }
    if let (Some(tank), Some(line), Some(unit)) = (&tank, &line, unit)
        && let Some(other) = places.units.insert((line.to_string(), unit), tank.to_string())
    {
        let message = format!("is the unit of the gauge of {other} on {line} too; units on a line must differ");
        own.problem("unit", message);
    }
    let registers = registers(section, maps, declared);
    let height = tank.as_ref().and_then(|tank| tanks.iter().find(|other| other.name == *tank)).map(|tank| tank.height);
    let mounting = mounting(section, height);
    let poll_interval = section.duration_ms("poll_interval_ms").unwrap_or(DEFAULT_POLL_INTERVAL);
    let alarm_poll_interval = section.duration_ms("alarm_poll_interval_ms");
    if alarm_poll_interval.is_some_and(|interval| interval > poll_interval) {
        own.problem("alarm_poll_interval_ms", "must not be longer than poll_interval_ms");
    }
    let max_rate_mm_s = section.within("max_rate_mm_s", 0.001..=10_000.0);
    let stuck_after = section.within("stuck_after_s", 1..=30 * DAY_S).map(Duration::from_secs);
    let level_stuck_after = section.within("level_stuck_after_s", 1..=30 * DAY_S).map(Duration::from_secs);
    let report = report(section);
    Some(Gauge {
        tank: tank?,
        line: line?,
        unit: unit?,
        poll_interval,
        alarm_poll_interval,
        mounting: mounting?,
        registers: registers?,
        max_rate_mm_s,
        stuck_after,
        level_stuck_after,
        report,
    })
}

fn registers(
    section: &GaugeSection<'_>,
    maps: &BTreeMap<String, RegisterMap>,
    declared: &Declared,
) -> Option<RegisterMap> {
    let place = if section.own.has("register_map") { &section.own } else { section.defaults };
    let Some(name) = place.optional::<RegisterMapName>("register_map") else {
        return (!place.has("register_map")).then(RegisterMap::published);
    };
    if name.as_str() == "published" {
        return Some(RegisterMap::published());
    }
    declared.check(place, "register_map", name.as_str(), &declared.maps, "register_map");
    maps.get(name.as_str()).cloned()
}

fn mounting(section: &GaugeSection<'_>, tank_height: Option<Millimetres>) -> Option<Mounting> {
    let nothing = Millimetres::new(0.0);
    let zone = |key| section.millimetres(key, 0.0..=100_000.0).unwrap_or(nothing);
    let (bottom_blind_zone, top_blind_zone) = (zone("bottom_blind_zone_mm"), zone("top_blind_zone_mm"));
    let offset = section.millimetres("offset_mm", -10_000.0..=10_000.0).unwrap_or(nothing);
    let end = |key| section.millimetres(key, -10_000.0..=100_000.0);
    let sensor_range = match (end("sensor_min_mm"), end("sensor_max_mm")) {
        (None, None) => None,
        (lowest, highest) => {
            let lowest = lowest.unwrap_or(Millimetres::new(f64::MIN));
            Some((lowest, highest.unwrap_or(Millimetres::new(f64::MAX))))
        }
    };
    if sensor_range.is_some_and(|(lowest, highest)| lowest >= highest) {
        section.own.problem("sensor_min_mm", "must be below sensor_max_mm");
    }
    let tank_height = tank_height?;
    let blind = bottom_blind_zone.get() + top_blind_zone.get();
    if blind >= tank_height.get() {
        let height = tank_height.get();
        let message = format!("the blind zones ({blind} mm) leave nothing of the tank's height ({height} mm)");
        section.own.problem_here(message);
    }
    Some(Mounting { tank_height, offset, bottom_blind_zone, top_blind_zone, sensor_range })
}

fn report(section: &GaugeSection<'_>) -> Option<Report> {
    let place = if section.own.has("report") { &section.own } else { section.defaults };
    let table = place.optional_section("report")?;
    let deadband = |key| Millimetres::new(table.within(key, 0.0..=10_000.0, 0.0));
    let report = Report {
        level_deadband: deadband("level_deadband_mm"),
        interface_deadband: deadband("interface_deadband_mm"),
        temperature_deadband_c: table.within("temperature_deadband_c", 0.0..=100.0, 0.0),
        heartbeat: Duration::from_secs(table.within("heartbeat_s", 1..=DAY_S, DEFAULT_HEARTBEAT_S)),
    };
    table.finish();
    Some(report)
}
