//! What a site lays down for its alarms: `[alarm_defaults.<alarm>]` for all, `[tank.alarms.<alarm>]` for one tank.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Gauge, Limits, Site, Tank};
use crate::alarm::{AlarmKind, Edition, LEAST_STALE_S, Latch, Priority, Rule, Scope};
use crate::settings::Section;
use crate::units::{CubicMetres, Millimetres};

/// So many readings may be missing before a gauge that is heard of seldom is stale.
const MISSING: f64 = 3.0;
const DAY_S: f64 = 86_400.0;

/// What a description says of one alarm; what it does not say is as it is without.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Said {
    enabled: Option<bool>,
    priority: Option<Priority>,
    latch: Option<Latch>,
    limit: Option<f64>,
    deadband: Option<f64>,
    on_delay: Option<Duration>,
    off_delay: Option<Duration>,
    release: Option<Duration>,
    guidance: Option<Arc<str>>,
    silences: Option<Vec<AlarmKind>>,
}

/// What is said of alarms in one place, by alarm.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SaidOfAlarms(BTreeMap<AlarmKind, Said>);

impl SaidOfAlarms {
    fn apply(&self, rule: &mut Rule) {
        if let Some(said) = self.0.get(&rule.kind) {
            said.apply(rule);
        }
    }

    fn enabled(&self, kind: AlarmKind) -> Option<bool> {
        self.0.get(&kind).and_then(|said| said.enabled)
    }
}

impl Said {
    fn apply(&self, rule: &mut Rule) {
        fn put<T: Clone>(place: &mut T, said: Option<&T>) {
            if let Some(said) = said {
                place.clone_from(said);
            }
        }
        rule.limit = self.limit.or(rule.limit);
        put(&mut rule.priority, self.priority.as_ref());
        put(&mut rule.latch, self.latch.as_ref());
        put(&mut rule.deadband, self.deadband.as_ref());
        put(&mut rule.on_delay, self.on_delay.as_ref());
        put(&mut rule.off_delay, self.off_delay.as_ref());
        put(&mut rule.release, self.release.as_ref());
        put(&mut rule.guidance, self.guidance.as_ref());
        put(&mut rule.silences, self.silences.as_ref());
    }
}

impl Site {
    /// Gives the rules of a tank: of the gauge first, which may speak for others, then of the tank from the most urgent down.
    #[must_use]
    pub fn tank_rules(&self, tank: &Tank) -> Vec<Rule> {
        let gauge = self.gauges().iter().find(|gauge| gauge.tank == tank.name);
        let kinds = AlarmKind::ALL.into_iter().filter(|kind| kind.scope() == Scope::Tank);
        let mut rules: Vec<Rule> =
            kinds.filter_map(|kind| rule(kind, &self.alarm_defaults, Some(tank), gauge)).collect();
        rules.sort_by_key(|rule| rule.silences.is_empty());
        rules
    }

    /// Gives the rules of an edge.
    #[must_use]
    pub fn edge_rules(&self) -> Vec<Rule> {
        self.rules_of(Scope::Edge)
    }

    /// Gives the rules of the site as a whole.
    #[must_use]
    pub fn site_rules(&self) -> Vec<Rule> {
        self.rules_of(Scope::Site)
    }

    fn rules_of(&self, scope: Scope) -> Vec<Rule> {
        let kinds = AlarmKind::ALL.into_iter().filter(|kind| kind.scope() == scope);
        kinds.filter_map(|kind| rule(kind, &self.alarm_defaults, None, None)).collect()
    }

    /// Gives by which edition of API 2350 its alarms are called.
    #[must_use]
    pub const fn alarm_names(&self) -> Edition {
        self.alarm_names
    }
}

/// Puts a rule together; none where nothing can be judged by it, or it is switched off.
fn rule(kind: AlarmKind, defaults: &SaidOfAlarms, tank: Option<&Tank>, gauge: Option<&Gauge>) -> Option<Rule> {
    let of_tank = tank.map(|tank| &tank.alarms);
    let enabled = of_tank.and_then(|said| said.enabled(kind)).or_else(|| defaults.enabled(kind));
    if enabled == Some(false) || (kind.scope() == Scope::Tank && gauge.is_none()) {
        return None;
    }
    let mut rule = Rule::of(kind);
    if kind == AlarmKind::GaugeStale {
        let silence = gauge.map_or(0.0, |gauge| gauge.longest_silence().as_secs_f64() * MISSING);
        rule.limit = Some(silence.max(LEAST_STALE_S));
    }
    if let Some(tank) = tank {
        rule.limit = limit_of_tank(kind, &tank.limits).map(Millimetres::get).or(rule.limit);
    }
    defaults.apply(&mut rule);
    if let Some(said) = of_tank {
        said.apply(&mut rule);
    }
    if let Some((tank, level)) = tank.and_then(|tank| Some((tank, target(kind, &tank.limits)?))) {
        rule.target_m3 = tank.geometry.volume_at(level).ok().map(CubicMetres::get);
    }
    let can_be_judged = match kind {
        AlarmKind::OverfillSoon | AlarmKind::DrySoon => rule.target_m3.is_some(),
        _ => !needs_limit(kind) || rule.limit.is_some(),
    };
    can_be_judged.then_some(rule)
}

/// Tells whether nothing can be judged without a limit.
const fn needs_limit(kind: AlarmKind) -> bool {
    use AlarmKind as K;
    matches!(
        kind,
        K::LevelHighHigh
            | K::LevelHigh
            | K::LevelLow
            | K::LevelLowLow
            | K::InterfaceHigh
            | K::InterfaceLow
            | K::TemperatureHigh
            | K::TemperatureLow
            | K::RateOfChange
    )
}

/// Gives the level that is not to be reached: the limit that comes first.
fn target(kind: AlarmKind, limits: &Limits) -> Option<Millimetres> {
    match kind {
        AlarmKind::OverfillSoon => limits.high.or(limits.high_high),
        AlarmKind::DrySoon => limits.low.or(limits.low_low),
        _ => None,
    }
}

/// Gives the limit that stands among the limits of the tank.
const fn limit_of_tank(kind: AlarmKind, limits: &Limits) -> Option<Millimetres> {
    match kind {
        AlarmKind::LevelHighHigh => limits.high_high,
        AlarmKind::LevelHigh => limits.high,
        AlarmKind::LevelLow => limits.low,
        AlarmKind::LevelLowLow => limits.low_low,
        _ => None,
    }
}

/// Where something is said of alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// For all: `[alarm_defaults]`.
    Defaults,
    /// For one tank: `[tank.alarms]`.
    Tank,
}

/// Reads the tables under `key`, each called by its alarm.
pub(super) fn read_alarms(outer: &Section<'_>, key: &str, place: Place) -> SaidOfAlarms {
    let mut all = SaidOfAlarms::default();
    for (name, section) in outer.named_sections(key) {
        match name.parse::<AlarmKind>() {
            Ok(kind) if kind.scope() != Scope::Tank && place == Place::Tank => {
                let of = if kind.scope() == Scope::Edge { "an edge" } else { "the site" };
                section.problem_here(format!("is an alarm of {of} and not of a tank: write [alarm_defaults.{kind}]"));
            }
            Ok(kind) => {
                let said = read(&section, kind);
                section.finish();
                all.0.insert(kind, said);
            }
            Err(unknown) => section.problem_here(unknown.to_string()),
        }
    }
    all
}

/// Finds two alarms that speak for each other, directly or by others: then neither would be told of.
pub(super) fn circle(defaults: &SaidOfAlarms, tank: &SaidOfAlarms) -> Option<(AlarmKind, AlarmKind)> {
    let silences = |kind: AlarmKind| {
        let mut rule = Rule::of(kind);
        defaults.apply(&mut rule);
        tank.apply(&mut rule);
        rule.silences
    };
    let reached_from = |kind: AlarmKind| {
        let mut reached = silences(kind);
        let mut next = 0;
        while let Some(further) = reached.get(next).map(|kind| silences(*kind)) {
            next += 1;
            let new: Vec<_> = further.into_iter().filter(|kind| !reached.contains(kind)).collect();
            reached.extend(new);
        }
        reached
    };
    AlarmKind::ALL.into_iter().find_map(|kind| {
        let reached = reached_from(kind);
        let other = reached.iter().copied().find(|other| *other != kind && reached_from(*other).contains(&kind));
        other.map(|other| (kind, other))
    })
}

/// Gives the silence that is laid down for a gauge to be stale, in s, when a healthy gauge is silent for as long.
pub(super) fn too_short_a_silence(defaults: &SaidOfAlarms, tank: &SaidOfAlarms, gauge: &Gauge) -> Option<f64> {
    let limit = |said: &SaidOfAlarms| said.0.get(&AlarmKind::GaugeStale).and_then(|said| said.limit);
    limit(tank).or_else(|| limit(defaults)).filter(|limit| *limit <= gauge.longest_silence().as_secs_f64())
}

fn read(section: &Section<'_>, kind: AlarmKind) -> Said {
    let seconds = |key: &str| section.optional_within(key, 0.0..=DAY_S).map(Duration::from_secs_f64);
    let silences = section.optional::<Vec<AlarmKind>>("silences");
    if silences.as_ref().is_some_and(|silences| silences.contains(&kind)) {
        section.problem("silences", "an alarm cannot speak for itself; leave it out");
    }
    let (limit, deadband) = numbers(section, kind);
    Said {
        enabled: section.optional("enabled"),
        priority: section.optional("priority"),
        latch: section.optional("latch").map(|latch: bool| if latch { Latch::UntilReset } else { Latch::None }),
        limit,
        deadband,
        on_delay: seconds("on_delay_s"),
        off_delay: seconds("off_delay_s"),
        release: seconds("release_s"),
        guidance: section.optional::<String>("guidance").map(Arc::from),
        silences,
    }
}

/// Reads limit and deadband, whose keys end in the unit of the alarm.
fn numbers(section: &Section<'_>, kind: AlarmKind) -> (Option<f64>, Option<f64>) {
    use AlarmKind as K;
    const MOST_MM: f64 = 100_000.0;
    let both = |limit: &str, limits, deadband: &str, most| {
        (section.optional_within(limit, limits), section.optional_within(deadband, 0.0..=most))
    };
    match kind {
        K::LevelHighHigh | K::LevelHigh | K::LevelLow | K::LevelLowLow => {
            if section.has("limit_mm") {
                section.problem("limit_mm", "stands in [tank.limits]: ll_mm, l_mm, h_mm and hh_mm");
            }
            (None, section.optional_within("deadband_mm", 0.0..=MOST_MM))
        }
        K::InterfaceHigh | K::InterfaceLow => both("limit_mm", 0.0..=MOST_MM, "deadband_mm", MOST_MM),
        K::TemperatureHigh | K::TemperatureLow => both("limit_c", -60.0..=400.0, "deadband_c", 100.0),
        K::RateOfChange => both("limit_mm_min", 0.1..=MOST_MM, "deadband_mm_min", MOST_MM),
        K::OverfillSoon | K::DrySoon => both("limit_min", 1.0..=1440.0, "deadband_min", 1440.0),
        K::GaugeStale | K::ClockWrong => (section.optional_within("limit_s", 5.0..=DAY_S), None),
        K::Completeness => (section.optional_within("limit_readings", 1.0..=1e9), None),
        _ => (None, None),
    }
}
