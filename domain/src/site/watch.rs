//! What a site says of how its tanks are watched: `[tank.watch]`, and `[tank_defaults.watch]` for all.

use std::time::Duration;

use super::{Site, Tank};
use crate::alarm::watch::{Duty, UnknownDuty, WatchSettings};
use crate::register::{NumberType, Point};
use crate::settings::{Section, Setting};
use crate::units::{Celsius, CubicMetresPerHour, Millimetres};

/// Reads what a tank says, key by key before what is said for all.
pub(super) fn read_watch(tank: &Section<'_>, defaults: &Section<'_>) -> WatchSettings {
    let default = WatchSettings::default();
    // Asked of both, so that neither takes a key for one that nobody knows.
    let sections = [tank.optional_section("watch"), defaults.optional_section("watch")];
    let number = |key: &str, range: std::ops::RangeInclusive<f64>| {
        let [own, all] = sections.each_ref().map(|section| section.as_ref()?.optional_within(key, range.clone()));
        own.or(all)
    };
    let [own, all] = sections.each_ref().map(|section| section.as_ref()?.optional::<Duty>("duty"));
    let settling_h = number("settling_h", 0.0..=240.0);
    let settings = WatchSettings {
        duty: own.or(all).unwrap_or_default(),
        stiction: number("stiction_mm", 0.0..=50.0).map_or(default.stiction, Millimetres::new),
        settling: settling_h.map_or(default.settling, |hours| Duration::from_secs_f64(hours * 3600.0)),
        most_leak: number("most_leak_m3h", 0.001..=100.0).map_or(default.most_leak, CubicMetresPerHour::new),
        least_reverse: number("least_reverse_m3h", 0.0..=1000.0).map_or(default.least_reverse, CubicMetresPerHour::new),
        ..default
    };
    sections.into_iter().flatten().for_each(Section::finish);
    settings
}

impl Setting for Duty {
    fn read(value: &serde_json::Value) -> Result<Self, String> {
        String::read(value)?.parse().map_err(|error: UnknownDuty| error.to_string())
    }
}

impl Site {
    /// Gives how a tank is watched: what it says, with the steps of its gauge, and what the gauge keeps back where it reports
    /// by exception.
    #[must_use]
    pub fn watch_settings(&self, tank: &Tank) -> WatchSettings {
        let mut settings = tank.watch;
        let Some(gauge) = self.gauges().iter().find(|gauge| gauge.tank == tank.name) else { return settings };
        settings.level_step = step(&gauge.registers.level).map_or(settings.level_step, Millimetres::new);
        let temperature = gauge.registers.temperature.as_ref().and_then(step);
        settings.temperature_step = temperature.map_or(settings.temperature_step, Celsius::new);
        if let Some(report) = &gauge.report {
            // What is not reported is as hidden as what does not move the float.
            settings.stiction = Millimetres::new(settings.stiction.get() + report.level_deadband.get());
            let hidden_c = settings.temperature_step.get() + 2.0 * report.temperature_deadband_c;
            settings.temperature_step = Celsius::new(hidden_c);
        }
        settings
    }
}

/// Gives the step in which a point shows its value; none for a point that holds a fraction.
fn step(point: &Point) -> Option<f64> {
    (!matches!(point.number_type, NumberType::F32)).then_some(point.scale.abs())
}
