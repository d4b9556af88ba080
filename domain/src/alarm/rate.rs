use super::guard::Verdict;
use super::sample::Side;
use super::{Condition, Rule};
use crate::flow::FlowMeter;
use crate::units::{CubicMetres, UnixMillis};

const MINUTES_IN_HOUR: f64 = 60.0;

/// How fast a level moves, mm/min, positive upwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    mm_min: f64,
    /// Expanded uncertainty (k = 2).
    uncertainty_mm_min: f64,
}

impl Rate {
    /// Judges whether it is faster than its rule allows, either way, beyond its uncertainty.
    pub(super) fn judge(self, rule: &Rule, present: Condition) -> Verdict {
        let Some(limit) = rule.limit else { return Verdict::Unknown };
        let speed = self.mm_min.abs();
        let is_fast = Side::Above.is_beyond(speed, limit, rule.deadband, present) && speed > self.uncertainty_mm_min;
        Verdict::when(is_fast, Some((self.mm_min * 10.0).round() / 10.0), rule)
    }
}

/// Finds how fast a level moves, with the window that its noise asks for.
///
/// It is the flow meter of a tank of which a millimetre holds a cubic metre.
#[derive(Debug, Clone, Default)]
pub(super) struct RateMeter {
    meter: FlowMeter,
    newest: Option<UnixMillis>,
}

impl RateMeter {
    /// Takes a level; an older one than before, of a clock that was set back, begins anew.
    pub(super) fn push(&mut self, at: UnixMillis, level_mm: f64) -> Option<Rate> {
        if self.newest.is_some_and(|newest| at < newest) {
            self.meter = FlowMeter::default();
        }
        self.newest = Some(at);
        let flow = self.meter.push(at, CubicMetres::new(level_mm), CubicMetres::new(1.0))?;
        let per_minute = |per_hour: f64| per_hour / MINUTES_IN_HOUR;
        Some(Rate { mm_min: per_minute(flow.flow.get()), uncertainty_mm_min: per_minute(flow.uncertainty.get()) })
    }
}
