use std::time::Duration;

use super::guard::Verdict;
use super::rate::Rate;
use super::watch::{self, Findings, WhyNot};
use super::{AlarmKind, Condition, Rule};
use crate::flow::{Flow, Towards, time_to_limit};
use crate::reading::{Quality, Reading, Uncertain};
use crate::units::{CubicMetres, CubicMetresPerHour, UnixMillis};

/// What a reading brings to the alarms: values, how far to trust them, and what was derived from them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// When it was measured, by the edge.
    pub at: UnixMillis,
    /// Level above the tank bottom, mm.
    pub level_mm: Option<f64>,
    /// Interface above the tank bottom, mm.
    pub interface_mm: Option<f64>,
    /// Temperature, degC.
    pub temperature_c: Option<f64>,
    /// How far to trust these.
    pub quality: &'a Quality,
    /// Total observed volume, m3.
    pub tov_m3: Option<f64>,
    /// Net standard volume, m3.
    pub nsv_m3: Option<f64>,
    /// Flow of the total observed volume, m3/h, positive into the tank.
    pub tov_flow_m3h: Option<f64>,
    /// Its expanded uncertainty (k = 2), m3/h.
    pub tov_flow_uncertainty_m3h: Option<f64>,
    /// What the detectors know of the tank with this reading.
    pub findings: Option<&'a Findings>,
}

impl<'a> Sample<'a> {
    /// Takes what is measured, without anything derived.
    #[must_use]
    pub fn of(reading: &'a Reading) -> Self {
        Self {
            at: reading.at,
            level_mm: reading.level.map(|level| level.get()),
            interface_mm: reading.interface.map(|interface| interface.get()),
            temperature_c: reading.temperature.map(|temperature| temperature.get()),
            quality: &reading.quality,
            tov_m3: None,
            nsv_m3: None,
            tov_flow_m3h: None,
            tov_flow_uncertainty_m3h: None,
            findings: None,
        }
    }

    /// Judges a condition that a reading shows, `rate` being how fast the level moves.
    ///
    /// What is bad or uncertain says nothing of levels, interfaces and temperatures; where only the interface is not
    /// confirmed, it says nothing of that alone. An uncertain reading is an answer of
    /// the gauge all the same, so that a gauge which was bad is so no longer.
    pub(super) fn judge(&self, rule: &Rule, present: Condition, rate: Option<Rate>) -> Verdict {
        match rule.kind {
            AlarmKind::GaugeBad => Verdict::when(self.quality.is_bad(), None, rule),
            AlarmKind::GaugeFrozen if self.quality.is_bad() => Verdict::Unknown,
            AlarmKind::GaugeFrozen => {
                Verdict::when(*self.quality == Quality::Uncertain(Uncertain::Stuck), self.level_mm, rule)
            }
            AlarmKind::GaugeStale => Verdict::when(false, None, rule),
            _ if !self.quality.vouches_for_level() => Verdict::Unknown,
            AlarmKind::RateOfChange => rate.map_or(Verdict::Unknown, |rate| rate.judge(rule, present)),
            AlarmKind::OverfillSoon => self.soon(rule, present, Towards::Full),
            AlarmKind::DrySoon => self.soon(rule, present, Towards::Empty),
            AlarmKind::Movement => self.found(|findings| &findings.movement),
            AlarmKind::Leak => self.found(|findings| &findings.leak),
            AlarmKind::ReverseFlow => self.found(|findings| &findings.reverse_flow),
            _ => self.against_limit(rule, present),
        }
    }

    /// Judges how soon the present flow reaches a limit; a tank that does not surely move that way never does.
    fn soon(&self, rule: &Rule, present: Condition, towards: Towards) -> Verdict {
        let (Some(tov), Some(flow), Some(uncertainty), Some(target), Some(limit)) =
            (self.tov_m3, self.tov_flow_m3h, self.tov_flow_uncertainty_m3h, rule.target_m3, rule.limit)
        else {
            return Verdict::Unknown;
        };
        let flow = Flow {
            flow: CubicMetresPerHour::new(flow),
            uncertainty: CubicMetresPerHour::new(uncertainty),
            window: Duration::ZERO,
            at: self.at,
        };
        let left = time_to_limit(&flow, CubicMetres::new(tov), CubicMetres::new(target), towards);
        let minutes = left.map(|left| (left.expected.as_secs_f64() / 6.0).round() / 10.0);
        let is_soon = minutes.is_some_and(|minutes| Side::Below.is_beyond(minutes, limit, rule.deadband, present));
        Verdict::when(is_soon, minutes, rule)
    }

    /// Judges by what a detector found. What cannot be tested changes nothing, unless nobody asks for it any more.
    fn found(&self, question: impl FnOnce(&Findings) -> &watch::Verdict) -> Verdict {
        match self.findings.map(question) {
            None => Verdict::Unknown,
            Some(watch::Verdict::Found(found)) => {
                Verdict::Known(Condition::Present, Some(found.value), Some(found.limit))
            }
            Some(watch::Verdict::Clear | watch::Verdict::NotTestable(WhyNot::NotAsked)) => {
                Verdict::Known(Condition::Absent, None, None)
            }
            Some(watch::Verdict::NotTestable(_)) => Verdict::Unknown,
        }
    }

    /// Judges a value that is held against a limit.
    ///
    /// The condition is there from the limit on, the limit included; it is over when the value is back by more than the
    /// deadband.
    pub(super) fn against_limit(&self, rule: &Rule, present: Condition) -> Verdict {
        let (value, side) = match rule.kind {
            AlarmKind::LevelHighHigh | AlarmKind::LevelHigh => (self.level_mm, Side::Above),
            AlarmKind::LevelLow | AlarmKind::LevelLowLow => (self.level_mm, Side::Below),
            AlarmKind::InterfaceHigh => (self.interface_mm, Side::Above),
            AlarmKind::InterfaceLow => (self.interface_mm, Side::Below),
            AlarmKind::TemperatureHigh => (self.temperature_c, Side::Above),
            AlarmKind::TemperatureLow => (self.temperature_c, Side::Below),
            _ => return Verdict::Unknown,
        };
        let is_trusted = match rule.kind {
            AlarmKind::InterfaceHigh | AlarmKind::InterfaceLow => self.quality.is_good(),
            _ => self.quality.vouches_for_level(),
        };
        match (value, rule.limit) {
            (Some(value), Some(limit)) if is_trusted => {
                Verdict::when(side.is_beyond(value, limit, rule.deadband, present), Some(value), rule)
            }
            _ => Verdict::Unknown,
        }
    }
}

/// On which side of a limit the condition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Above,
    Below,
}

impl Side {
    pub(super) fn is_beyond(self, value: f64, limit: f64, deadband: f64, present: Condition) -> bool {
        let back = if present == Condition::Present { deadband } else { 0.0 };
        match self {
            Self::Above => value >= limit - back,
            Self::Below => value <= limit + back,
        }
    }
}
