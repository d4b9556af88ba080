//! Reading an `[[expect]]` table.

use std::ops::RangeInclusive;
use std::time::Duration;

use tankline_domain::alarm::{AlarmKind, Scope};
use tankline_domain::names::TankName;
use tankline_domain::settings::Section;
use tankline_domain::site::Site;

use super::expectation::{AlarmWish, Bounds, Counter, Expected, Limit, Percentile, QualityIs, Quantity, Window, Wrong};
use super::{Time, in_words};
use crate::scenario::command::Role;

/// What an expectation can be about: the key that says so.
const KINDS: [&str; 15] = [
    "level",
    "interface",
    "temperature",
    "quality",
    "never_quality",
    "alarm",
    "alarms_in_order",
    "alarms",
    "nothing",
    "latency",
    "fresh_within_polls",
    "log",
    "counted",
    "gap_readings",
    "dead_letters",
];

const INFLUXDB: &str = "influxdb";

const POLLS: RangeInclusive<u32> = 1..=1_000_000;

/// Reads a table; `None` after reporting what is wrong.
pub(super) fn read_expectation(section: Section<'_>, site: Option<&Site>, lasts: Duration) -> Option<Expected> {
    let kinds: Vec<_> = KINDS.into_iter().chain([INFLUXDB]).filter(|kind| section.has(kind)).collect();
    let is_of_values = |kind: &&str| matches!(*kind, "level" | "interface" | "temperature");
    let reading = Reading { section: &section, site, lasts };
    let expected = match kinds.as_slice() {
        [] => {
            let known: Vec<_> = KINDS.into_iter().chain([INFLUXDB]).collect();
            section.problem_here(format!("says nothing that is expected; write one of {}", known.join(", ")));
            None
        }
        values if values.iter().all(is_of_values) => reading.values(),
        [kind] => reading.one(kind),
        several => {
            section
                .problem_here(format!("expects several things ({}); give each its own [[expect]]", several.join(", ")));
            None
        }
    };
    section.finish();
    expected
}

struct Reading<'s, 'r> {
    section: &'s Section<'r>,
    site: Option<&'s Site>,
    lasts: Duration,
}

impl Reading<'_, '_> {
    fn one(&self, kind: &str) -> Option<Expected> {
        match kind {
            "quality" => self.quality(),
            "never_quality" => self.throughout("never_quality", false),
            "alarm" => self.alarm(),
            "alarms_in_order" => self.alarms_in_order(),
            "alarms" => {
                let table = self.section.section("alarms");
                let bounds = self.bounds(&table);
                table.finish();
                Some(Expected::Alarms { bounds: bounds?, window: self.window()? })
            }
            "nothing" => self.nothing(),
            "latency" => self.latency(),
            "fresh_within_polls" => {
                let polls = self.section.required_within("fresh_within_polls", POLLS);
                let (tanks, window) = (self.tanks(), self.window());
                Some(Expected::Fresh { tanks: tanks?, polls: polls?, window: window? })
            }
            "log" => self.log(),
            "counted" => self.counted(),
            "gap_readings" => self.bounds(&self.section.section("gap_readings")).map(Expected::GapReadings),
            "dead_letters" => self.bounds(&self.section.section("dead_letters")).map(Expected::DeadLetters),
            _ => self.section.choice(INFLUXDB, &[("complete", Expected::InfluxdbComplete)]),
        }
    }

    fn values(&self) -> Option<Expected> {
        let quantities = [
            ("level", "within_mm", Quantity::Level),
            ("interface", "within_mm", Quantity::Interface),
            ("temperature", "within_c", Quantity::Temperature),
        ];
        let mut within = Vec::new();
        for (key, error, quantity) in quantities {
            if let Some(section) = self.section.optional_section(key) {
                within.extend(section.required_within(error, 0.0..=1e6).map(|error| (quantity, error)));
                section.finish();
            }
        }
        let (tanks, window) = (self.tanks(), self.window());
        Some(Expected::Values { tanks: tanks?, within, window: window? })
    }

    fn quality(&self) -> Option<Expected> {
        if !self.section.has("within_polls") {
            return self.throughout("quality", true);
        }
        let polls = self.section.required_within("within_polls", POLLS);
        let after = self.section.required::<Time>("after").and_then(|time| self.in_story("after", time));
        let until = self.section.optional::<Time>("until").and_then(|time| self.in_story("until", time));
        let (tanks, quality) = (self.tanks(), self.quality_of("quality"));
        Some(Expected::QualityWithin { tanks: tanks?, quality: quality?, after: after?, polls: polls?, until })
    }

    fn throughout(&self, key: &str, wanted: bool) -> Option<Expected> {
        let (tanks, quality, window) = (self.tanks(), self.quality_of(key), self.window());
        Some(Expected::QualityThroughout { tanks: tanks?, quality: quality?, wanted, window: window? })
    }

    fn quality_of(&self, key: &str) -> Option<QualityIs> {
        let text = self.section.required::<String>(key)?;
        let is_one =
            matches!(text.as_str(), "bad" | "uncertain") || text.parse::<tankline_domain::reading::Quality>().is_ok();
        if !is_one {
            self.section
                .problem(key, "must be a quality: good, uncertain, bad, or one with its reason such as bad:no-reply");
        }
        is_one.then_some(QualityIs(text))
    }

    fn alarm(&self) -> Option<Expected> {
        let text = self.section.required::<String>("alarm")?;
        let (raised, cleared) =
            (self.section.optional::<Time>("raised_by"), self.section.optional::<Time>("cleared_by"));
        let never = self.section.optional::<bool>("never").unwrap_or(false);
        let found = self.section.optional::<bool>("found_in_backlog").unwrap_or(false);
        let slack_ms = self.section.optional_within("raised_within_ms", 0..=600_000_u64);
        let times =
            self.section.optional::<u64>("raised_times").map(|times| Bounds { at_least: times, at_most: times });
        let (named, window) = (self.alarm_named("alarm", &text), self.window());
        let ((source, alarm), window) = (named?, window?);
        let from = window.from;
        let wish = match (raised, cleared, never, found, slack_ms, times) {
            (Some(by), None, false, false, None, None) => AlarmWish::Raised { from, by: by.0 },
            (None, Some(by), false, false, None, None) => AlarmWish::Cleared { from, by: by.0 },
            (None, None, true, false, None, None) => AlarmWish::Never(window),
            (None, None, false, true, None, None) => AlarmWish::FoundInBacklog(window),
            (None, None, false, false, Some(ms), None) => {
                self.follows(&source, alarm, Duration::from_millis(ms), window)?
            }
            (None, None, false, false, None, Some(bounds)) => AlarmWish::Times { bounds, window },
            _ => {
                self.section.problem(
                    "alarm",
                    "needs one of raised_by = \"TIME\", raised_within_ms = N, raised_times = N, cleared_by = \"TIME\", \
                     never = true, found_in_backlog = true",
                );
                return None;
            }
        };
        Some(Expected::Alarm { source, alarm: alarm.to_string(), wish })
    }

    /// Finds what is laid down for an alarm of a level.
    fn follows(&self, source: &TankName, kind: AlarmKind, slack: Duration, window: Window) -> Option<AlarmWish> {
        let site = self.site?;
        let rules = site.tank(source).map(|tank| site.tank_rules(tank)).unwrap_or_default();
        let rule = rules.into_iter().find(|rule| rule.kind == kind);
        let limit = rule.as_ref().and_then(|rule| rule.limit).and_then(|limit| match kind {
            AlarmKind::LevelHighHigh | AlarmKind::LevelHigh => Some(Limit::Above(limit)),
            AlarmKind::LevelLow | AlarmKind::LevelLowLow => Some(Limit::Below(limit)),
            _ => None,
        });
        let poll = site.gauges().iter().find(|gauge| gauge.tank == *source).map(|gauge| gauge.poll_interval);
        let (Some(rule), Some(limit), Some(poll)) = (rule, limit, poll) else {
            self.section.problem("raised_within_ms", "is for level alarms of a tank that has the limit");
            return None;
        };
        Some(AlarmWish::Follows { limit, poll, on_delay: rule.on_delay, slack, window })
    }

    fn alarms_in_order(&self) -> Option<Expected> {
        let texts = self.section.required::<Vec<String>>("alarms_in_order")?;
        let named = |text: &String| self.alarm_named("alarms_in_order", text);
        let alarms: Option<Vec<_>> = texts.iter().map(named).collect();
        let (alarms, window) = (alarms?, self.window()?);
        if alarms.len() < 2 {
            self.section.problem("alarms_in_order", "must be a list of two or more, such as \"T-01 level-h\"");
            return None;
        }
        let alarms = alarms.into_iter().map(|(source, kind)| (source, kind.to_string())).collect();
        Some(Expected::AlarmsInOrder { alarms, window })
    }

    /// Reads a source and its alarm, such as `T-01 level-hh` or `rtu-01 edge-offline`.
    fn alarm_named(&self, key: &str, text: &str) -> Option<(TankName, AlarmKind)> {
        let Some((source, alarm)) = text.split_once(' ') else {
            self.section.problem(key, "must name a tank and its alarm, such as \"T-01 level-hh\"");
            return None;
        };
        let kind =
            alarm.trim().parse::<AlarmKind>().map_err(|wrong| self.section.problem(key, wrong.to_string())).ok()?;
        if kind.scope() == Scope::Tank {
            return Some((self.tank_named(key, source)?, kind));
        }
        if kind.scope() == Scope::Site {
            let name = self.site.map_or(source, |site| site.name().as_str());
            if name != source {
                self.section.problem(key, format!("is an alarm of the site: write \"{name} {kind}\""));
            }
            return Some((source.parse().ok()?, kind));
        }
        let edges = self.site.map(Site::edges).unwrap_or_default();
        if self.site.is_some() && !edges.iter().any(|edge| edge.as_str() == source) {
            let known: Vec<_> = edges.iter().map(|edge| edge.as_str()).collect();
            self.section.problem(key, format!("there is no edge {source:?}; there are {}", known.join(", ")));
            return None;
        }
        Some((source.parse().ok()?, kind))
    }

    fn nothing(&self) -> Option<Expected> {
        let words = match self.section.text("nothing") {
            Some(word) => vec![word],
            None => self.section.required::<Vec<String>>("nothing")?,
        };
        let wrong = |word: &String| match word.as_str() {
            "lost" => Some(Wrong::Lost),
            "twice" => Some(Wrong::Twice),
            "invented" => Some(Wrong::Invented),
            _ => None,
        };
        let wrongs: Option<Vec<_>> = words.iter().map(wrong).collect();
        if wrongs.is_none() || words.is_empty() {
            self.section.problem("nothing", "must be a list of \"lost\", \"twice\", \"invented\"");
            return None;
        }
        wrongs.map(Expected::Nothing)
    }

    fn latency(&self) -> Option<Expected> {
        let table = self.section.section("latency");
        let keys = [("p50_ms", 500), ("p90_ms", 900), ("p99_ms", 990), ("max_ms", 1000)];
        let bound = |(key, share): (&str, u16)| table.optional_within(key, 0.0..=1e9).map(|ms| (Percentile(share), ms));
        let bounds: Vec<_> = keys.into_iter().filter_map(bound).collect();
        if bounds.is_empty() {
            table.problem_here("needs one of p50_ms, p90_ms, p99_ms, max_ms");
        }
        table.finish();
        let (tanks, window) = (self.tanks(), self.window());
        Some(Expected::Latency { tanks: tanks?, bounds, window: window? })
    }

    fn log(&self) -> Option<Expected> {
        let table = self.section.section("log");
        let of = table.required::<String>("of").and_then(|of| match (of.parse::<Role>(), self.site) {
            (Ok(Role::Edge(edge)), Some(site)) if !site.edges().contains(&&edge) => {
                let edges: Vec<_> = site.edges().iter().map(|edge| edge.as_str()).collect();
                table.problem("of", format!("must be broker, ingest or an edge: {}", edges.join(", ")));
                None
            }
            (Ok(role), _) => Some(role),
            (Err(wrong), _) => {
                table.problem("of", wrong);
                None
            }
        });
        let contains = table.required::<String>("contains");
        let bounds = self.bounds_or(&table, Bounds { at_least: 1, at_most: u64::MAX });
        table.finish();
        let window = self.window();
        Some(Expected::Log { of: of?, contains: contains?, window: window?, bounds: bounds? })
    }

    fn counted(&self) -> Option<Expected> {
        let choices = Counter::ALL.map(|counter| (counter.name, counter));
        let counter = self.section.choice("counted", &choices);
        let (tanks, bounds) = (self.tanks(), self.bounds(self.section));
        Some(Expected::Counter { tanks: tanks?, counter: counter?, bounds: bounds? })
    }

    /// Reads `at_least` and `at_most`, of which one must be there.
    fn bounds(&self, table: &Section<'_>) -> Option<Bounds> {
        if !table.has("at_least") && !table.has("at_most") {
            table.problem_here("needs at_least, at_most or both");
            return None;
        }
        self.bounds_or(table, Bounds { at_least: 0, at_most: u64::MAX })
    }

    fn bounds_or(&self, table: &Section<'_>, usual: Bounds) -> Option<Bounds> {
        let (least, most) = (table.optional::<u64>("at_least"), table.optional::<u64>("at_most"));
        if least.is_none() && most.is_none() {
            return Some(usual);
        }
        let bounds = Bounds { at_least: least.unwrap_or(0), at_most: most.unwrap_or(u64::MAX) };
        if bounds.at_least > bounds.at_most {
            table.problem("at_least", format!("must not be above at_most = {}", bounds.at_most));
            return None;
        }
        Some(bounds)
    }

    /// Reads `tank`, or `tanks` as a list or "all"; all gauged tanks without either.
    fn tanks(&self) -> Option<Vec<TankName>> {
        if self.section.has("tank") && self.section.has("tanks") {
            self.section.problem("tanks", "stands beside tank; write one of them");
            return None;
        }
        let named = |key, names: Vec<String>| names.iter().map(|name| self.tank_named(key, name)).collect();
        if self.section.has("tank") {
            return named("tank", vec![self.section.required::<String>("tank")?]);
        }
        match self.section.text("tanks").as_deref() {
            Some("all") => Some(self.all_tanks()),
            Some(_) => {
                self.section.problem("tanks", "must be a list of tanks, or \"all\"");
                None
            }
            None if self.section.has("tanks") => named("tanks", self.section.required::<Vec<String>>("tanks")?),
            None => Some(self.all_tanks()),
        }
    }

    fn all_tanks(&self) -> Vec<TankName> {
        let gauges = self.site.into_iter().flat_map(|site| site.gauges());
        gauges.map(|gauge| gauge.tank.clone()).collect()
    }

    fn tank_named(&self, key: &str, name: &str) -> Option<TankName> {
        let tanks = self.site.map(|site| site.gauges().iter().map(|gauge| &gauge.tank).collect::<Vec<_>>());
        let tanks = tanks.unwrap_or_default();
        let found = tanks.iter().find(|tank| tank.as_str() == name).map(|tank| (*tank).clone());
        if found.is_none() && self.site.is_some() {
            let known: Vec<_> = tanks.iter().map(|tank| tank.as_str()).collect();
            self.section.problem(key, format!("there is no gauge on a tank {name:?}; there are {}", known.join(", ")));
        }
        found
    }

    /// Reads `from` and `until`; the whole story without them.
    fn window(&self) -> Option<Window> {
        let from = self.section.or("from", Time(Duration::ZERO));
        let until = self.section.or("until", Time(self.lasts));
        let (from, until) = (self.in_story("from", from)?, self.in_story("until", until)?);
        if from >= until {
            self.section.problem("from", format!("must be before the end, {}", in_words(until)));
            return None;
        }
        Some(Window { from, until })
    }

    fn in_story(&self, key: &str, time: Time) -> Option<Duration> {
        if time.0 > self.lasts {
            self.section.problem(key, format!("is after the end of the story, which lasts {}", in_words(self.lasts)));
            return None;
        }
        Some(time.0)
    }
}
