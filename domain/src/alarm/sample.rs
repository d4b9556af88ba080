use super::guard::Verdict;
use super::{AlarmKind, Condition, Rule};
use crate::reading::{Quality, Reading, Uncertain};
use crate::units::UnixMillis;

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
        }
    }

    /// Judges a condition that a single reading shows.
    ///
    /// What is bad or uncertain says nothing of levels, interfaces and temperatures. An uncertain reading is an answer of
    /// the gauge all the same, so that a gauge which was bad is so no longer.
    pub(super) fn judge(&self, rule: &Rule, present: Condition) -> Verdict {
        match rule.kind {
            AlarmKind::GaugeBad => Verdict::when(self.quality.is_bad(), None),
            AlarmKind::GaugeFrozen if self.quality.is_bad() => Verdict::Unknown,
            AlarmKind::GaugeFrozen => {
                Verdict::when(*self.quality == Quality::Uncertain(Uncertain::Stuck), self.level_mm)
            }
            AlarmKind::GaugeStale => Verdict::when(false, None),
            _ => self.against_limit(rule, present),
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
        match (value, rule.limit) {
            (Some(value), Some(limit)) if self.quality.is_good() => {
                Verdict::when(side.is_beyond(value, limit, rule.deadband, present), Some(value))
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
