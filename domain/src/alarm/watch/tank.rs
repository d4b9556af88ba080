use serde::{Deserialize, Serialize};

use super::compensate::Anchor;
use super::leak::{Against, Leak};
use super::movement::Movement;
use super::rest::{Change, Rest};
use super::reverse;
use super::spread::{Spread, left_of_step};
use super::{Duty, Finding, Findings, Seen, Verdict, WatchSettings, WhyNot};
use crate::flow::Flow;
use crate::units::UnixMillis;

/// Readings of this time become one mean.
const MINUTE_MS: i64 = 60_000;
/// After a longer gap nothing is known of what moved meanwhile.
const GAP_MS: i64 = 2 * 3_600_000;
/// A reading so much older than the newest is of a clock that was set back.
const SET_BACK_MS: i64 = 3_600_000;
/// An idle tank must have come to rest within this time.
const RESTLESS_MS: i64 = 3_600_000;
/// Readings and minutes that the noise is learned from.
const READINGS: u32 = 256;
const MINUTES: u32 = 240;
/// Means that a block of the leak test is of, where there are readings in each minute.
const MINUTES_OF_BLOCK: f64 = 30.0;
/// Deviations by which the means of two minutes at rest may differ.
const DEVIATIONS: f64 = 6.0;
/// Share of what heat did that is not known: the thermometer stands for the whole tank, and expansion is that of a standard.
const THERMAL_SHARE: f64 = 0.1;
/// What heat may do unseen where there is no temperature, in degC.
const UNSEEN_C: f64 = 1.0;

/// Follows one tank and tells whether it moves, loses or flows as it should not.
///
/// Its state is some kilobytes, can be stored and loaded, and holds for these settings and any others.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Watch {
    newest: Option<UnixMillis>,
    anchor: Option<Anchor>,
    minute: Option<Minute>,
    before: Option<Before>,
    /// Noise of a reading of level in mm and of temperature in degC, as they are shown.
    level: Spread,
    temperature: Spread,
    /// Noise of the mean of a minute, in mm.
    minutes: Spread,
    rest: Rest,
    movement: Movement,
    leak: Leak,
    restless: Option<Restless>,
    findings: Findings,
}

/// The reading before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Before {
    total_m3: f64,
    temperature_c: Option<f64>,
}

/// Readings that become one mean, at the temperature of the anchor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Minute {
    begun: UnixMillis,
    moved_m3: f64,
    thermal_m3: f64,
    count: f64,
    /// Mean of the minute before.
    before_m3: Option<f64>,
}

/// Since when an idle tank has not come to rest, and what it held then.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Restless {
    since: UnixMillis,
    total_m3: f64,
    is_told: bool,
}

impl Watch {
    /// Takes a good live reading, with the flow that is known with it; gives what is known now.
    ///
    /// Bad and uncertain readings are not to be given: they tell nothing. One that is not newer than the newest changes
    /// nothing, unless it is so old that a clock was set back; then, and after a gap of two hours, the tank must come to rest
    /// anew. What was learned of its noise stays.
    pub fn push(&mut self, settings: &WatchSettings, seen: &Seen, flow: Option<&Flow>) -> Findings {
        if !seen.total.get().is_finite() || seen.per_mm.get() <= 0.0 || !self.follows(seen.at) {
            return self.findings;
        }
        self.learn(seen);
        self.findings.reverse_flow = reverse::judge(settings, flow, seen.per_mm);
        let anchor = *self.anchor.get_or_insert_with(|| Anchor::new(seen));
        let Some(now) = anchor.compensate(seen) else {
            self.restart();
            return self.findings;
        };
        let due = self.minute.filter(|minute| seen.at.millis_since(minute.begun) >= MINUTE_MS);
        if let Some(minute) = due {
            self.close(settings, seen, &anchor, &minute);
            if self.anchor.is_none() {
                return self.findings;
            }
        }
        let begun = Minute { begun: seen.at, moved_m3: 0.0, thermal_m3: 0.0, count: 0.0, before_m3: None };
        let before_m3 = due.map(|due| due.moved_m3 / due.count);
        let minute = match due {
            Some(_) => self.minute.insert(Minute { before_m3, ..begun }),
            None => self.minute.get_or_insert(begun),
        };
        minute.moved_m3 += now.moved_m3;
        minute.thermal_m3 += now.thermal_m3;
        minute.count += 1.0;
        self.findings
    }

    /// Gives the time of the newest reading that it has heard of.
    #[must_use]
    pub const fn newest(&self) -> Option<UnixMillis> {
        self.newest
    }

    /// Gives what is known now.
    #[must_use]
    pub const fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Tells whether a reading at this time is to be heard; begins anew where it cannot be compared with those before.
    fn follows(&mut self, at: UnixMillis) -> bool {
        if let Some(newest) = self.newest {
            let since = at.millis_since(newest);
            if (-SET_BACK_MS..=0).contains(&since) {
                return false;
            }
            if !(0..=GAP_MS).contains(&since) {
                self.restart();
                self.restless = None;
            }
        }
        self.newest = Some(at);
        true
    }

    fn learn(&mut self, seen: &Seen) {
        let now =
            Before { total_m3: seen.total.get(), temperature_c: seen.temperature.map(crate::units::Celsius::get) };
        let Some(before) = self.before.replace(now) else { return };
        let half = std::f64::consts::FRAC_1_SQRT_2;
        self.level.hear((now.total_m3 - before.total_m3) / seen.per_mm.get() * half, READINGS, 1.0);
        if let (Some(before), Some(now)) = (before.temperature_c, now.temperature_c) {
            self.temperature.hear((now - before) * half, READINGS, 0.1);
        }
    }

    fn close(&mut self, settings: &WatchSettings, seen: &Seen, anchor: &Anchor, minute: &Minute) {
        let (at, per_mm) = (seen.at, seen.per_mm.get());
        let (moved_m3, thermal_m3) = (minute.moved_m3 / minute.count, minute.thermal_m3 / minute.count);
        if let Some(before_m3) = minute.before_m3 {
            let half = std::f64::consts::FRAC_1_SQRT_2;
            self.minutes.hear((moved_m3 - before_m3) / per_mm * half, MINUTES, 0.5);
        }
        let left_m3 = self.left_m3(settings, anchor, per_mm);
        let still_m3 = 2.0 * settings.stiction.get() * per_mm + left_m3;
        let deviation_m3 = self.minutes.deviation() * per_mm;
        let band = still_m3 + DEVIATIONS * std::f64::consts::SQRT_2 * deviation_m3;
        let change = self.rest.push(at, moved_m3, band, settings.most_leak.get());
        let rests = self.rest.resting_since();
        if settings.duty == Duty::Idle {
            let limit = |heat: f64| still_m3 + THERMAL_SHARE * heat.abs();
            self.findings.movement = match (change, rests) {
                (Change::Moves, _) => self.moves(seen, moved_m3, band),
                (_, None) => self.restless(seen, band),
                (_, Some(_)) => {
                    self.restless = None;
                    let found = self.movement.push(moved_m3, thermal_m3, deviation_m3, limit);
                    found.map_or(Verdict::Clear, Verdict::Found)
                }
            };
        } else {
            self.movement.restart();
            self.restless = None;
            self.findings.movement = Verdict::NotTestable(WhyNot::NotAsked);
        }
        if change == Change::Moves {
            self.restart();
            return;
        }
        let against = Against {
            per_mm,
            stiction_mm: settings.stiction.get(),
            noise_mm: self.minutes.deviation() / MINUTES_OF_BLOCK.sqrt(),
            left_m3,
            thermal_share: THERMAL_SHARE,
            most_m3h: settings.most_leak.get(),
        };
        let settled = rests.is_some_and(|since| at.millis_since(since) >= millis(settings.settling));
        if settled && anchor.is_compensated() {
            self.leak.push(at, moved_m3, thermal_m3, &against);
        }
        let not = |why| Verdict::NotTestable(why);
        self.findings.leak = match (rests, settled, self.leak.verdict()) {
            (None, _, _) => not(WhyNot::Moving),
            (Some(_), false, _) => not(WhyNot::Settling),
            (Some(_), true, _) if !anchor.is_compensated() => not(WhyNot::NoTemperature),
            (Some(_), true, None) => not(WhyNot::TooFewReadings),
            (Some(_), true, Some(found)) => found.map_or(Verdict::Clear, Verdict::Found),
        };
    }

    /// Gives what the steps of gauge and thermometer leave, or the want of one, in m3.
    fn left_m3(&self, settings: &WatchSettings, anchor: &Anchor, per_mm: f64) -> f64 {
        let level_mm = left_of_step(settings.level_step.get(), self.level.deviation());
        let unknown_c = if anchor.is_compensated() {
            left_of_step(settings.temperature_step.get(), self.temperature.deviation())
        } else {
            UNSEEN_C
        };
        level_mm * per_mm + unknown_c * anchor.per_c_m3()
    }

    /// Tells of an idle tank that has left its rest, or moves while it seeks one.
    fn moves(&mut self, seen: &Seen, moved_m3: f64, limit: f64) -> Verdict {
        let total_m3 = seen.total.get();
        match &mut self.restless {
            Some(_) => self.restless(seen, limit),
            None => {
                // It was at rest, or nothing was known before: then it may still be on its way to rest.
                let was_at_rest = !matches!(self.findings.movement, Verdict::NotTestable(_));
                let from_m3 = if was_at_rest { total_m3 - moved_m3 } else { total_m3 };
                self.restless = Some(Restless { since: seen.at, total_m3: from_m3, is_told: was_at_rest });
                self.restless(seen, limit)
            }
        }
    }

    /// Tells of an idle tank that is not at rest.
    fn restless(&mut self, seen: &Seen, limit: f64) -> Verdict {
        let total_m3 = seen.total.get();
        let restless = self.restless.get_or_insert(Restless { since: seen.at, total_m3, is_told: false });
        restless.is_told |= seen.at.millis_since(restless.since) >= RESTLESS_MS;
        if restless.is_told {
            Verdict::Found(Finding { value: total_m3 - restless.total_m3, limit })
        } else {
            Verdict::NotTestable(WhyNot::Moving)
        }
    }

    /// Waits for the tank to come to rest; what was learned of its noise stays.
    fn restart(&mut self) {
        (self.anchor, self.minute) = (None, None);
        self.rest = Rest::default();
        self.movement.restart();
        self.leak.restart();
        self.findings.leak = Verdict::NotTestable(WhyNot::Moving);
    }
}

fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "tank_tests.rs"]
mod tests;
