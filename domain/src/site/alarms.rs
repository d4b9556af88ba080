//! What a site lays down for its alarms.

use super::{Site, Tank};
use crate::alarm::{AlarmKind, LEAST_STALE_S, Rule};
use crate::units::Millimetres;

/// So many readings may be missing before a gauge that is heard of seldom is stale.
const MISSING: f64 = 3.0;

impl Site {
    /// Gives the rules of a tank, the most urgent first.
    #[must_use]
    pub fn tank_rules(&self, tank: &Tank) -> Vec<Rule> {
        let mut rules = Vec::new();
        if let Some(gauge) = self.gauges().iter().find(|gauge| gauge.tank == tank.name) {
            let silence = gauge.longest_silence().as_secs_f64() * MISSING;
            let stale = Rule { limit: Some(silence.max(LEAST_STALE_S)), ..Rule::of(AlarmKind::GaugeStale) };
            rules.extend([Rule::of(AlarmKind::GaugeBad), stale, Rule::of(AlarmKind::GaugeFrozen)]);
        }
        let level =
            |kind, limit: Option<Millimetres>| limit.map(|limit| Rule { limit: Some(limit.get()), ..Rule::of(kind) });
        rules.extend(level(AlarmKind::LevelHighHigh, tank.limits.high_high));
        rules.extend(level(AlarmKind::LevelHigh, tank.limits.high));
        rules.extend(level(AlarmKind::LevelLow, tank.limits.low));
        rules.extend(level(AlarmKind::LevelLowLow, tank.limits.low_low));
        rules
    }

    /// Gives the rules of an edge.
    #[must_use]
    pub fn edge_rules(&self) -> Vec<Rule> {
        vec![Rule::of(AlarmKind::EdgeOffline)]
    }
}
