//! What the window around the jump tells, with what was learnt of the rod.

use super::jump::{Before, Expected, Jump, Seen};
use super::{Curve, Rod};
use crate::units::UnixMillis;

/// Noise of a point in parts of the impedance of oil, and of its own.
const NOISE_OF_OIL: f64 = 0.0006;
const NOISE_OF_VALUE: f64 = 0.001;
/// By how much a layer differs from one whose cut falls evenly, in parts of the impedance of oil, and from where on that
/// matters, mm above the jump.
const UNEVEN_LAYER: f64 = 0.004;
const NEAR_MM: f64 = 40.0;
/// By how much a point above the window may differ from one in it: its deposit is another.
const ELSEWHERE: f64 = 0.015;
/// How well oil is known where there is some that is dry, and where there is not; how well water is.
const OIL_SEEN: f64 = 0.03;
const OIL_REMEMBERED: f64 = 0.1;
const WATER_KNOWN: f64 = 0.3;
/// By how much more than a clean rod one may blur the jump of which nothing is known, mm.
const UNKNOWN_BLUR_MM: f64 = 8.0;
/// By how much a deposit changes the blur in a day, mm: some tenths of a millimetre of it in a week.
const BLUR_A_DAY_MM: f64 = 0.3;
/// How well the blur can be known, mm.
const LEAST_BLUR_DEVIATION_MM: f64 = 0.1;
/// A blur that is further from what was learnt, in deviations, is another one: the rod was cleaned.
const ANOTHER: f64 = 3.5;
/// A blur that leaves what was learnt by more than so many deviations is looked at without it.
const PULLED: f64 = 1.5;
/// Misfit up to which the blur is learnt from.
const LEARNT_UP_TO: f64 = 4.0;
const DAY_MS: f64 = 86_400_000.0;

/// What is learnt of the jump on a rod.
#[derive(Clone, Debug, Default)]
pub(super) struct Learnt {
    blur: Option<(Expected, UnixMillis)>,
    like: Option<Jump>,
}

/// What the whole rod tells of water and oil.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coarse<'c> {
    pub(super) water: f64,
    /// Dry oil right above the layer, where there is some.
    pub(super) dry: Option<f64>,
    /// What is remembered of oil.
    pub(super) oil: f64,
    /// Points of the rod above the jump, as they would measure at the height of the jump.
    pub(super) above: &'c [(f64, f64)],
}

impl Learnt {
    /// Finds the jump in the window of a curve, and learns from it; nothing when the window does not have it.
    pub(super) fn find(&mut self, curve: &Curve<'_>, rod: &Rod, coarse: &Coarse<'_>) -> Option<Jump> {
        let window = curve.window.as_ref().filter(|window| window.spacing.get() > 0.0)?;
        let oil = coarse.dry.unwrap_or(coarse.oil);
        let fine: Vec<(f64, f64)> = window.in_liquid(curve.level, rod).collect();
        let jump_mm = crossing(&fine, coarse.water, oil)?;
        let highest = fine.last()?.0;
        let seen = |&(height_mm, value): &(f64, f64)| {
            let uneven = if height_mm > jump_mm + NEAR_MM { UNEVEN_LAYER } else { 0.0 };
            Seen { height_mm, value, deviation: (NOISE_OF_OIL + uneven).mul_add(oil, NOISE_OF_VALUE * value) }
        };
        let far = |&(height_mm, value): &(f64, f64)| Seen { height_mm, value, deviation: ELSEWHERE * value };
        let above = coarse.above.iter().filter(|(height, _)| *height > highest).map(far);
        let points: Vec<Seen> = fine.iter().map(seen).chain(above).collect();
        let within = |value: f64, part: f64| Expected { value, deviation: part * value };
        let unknown = Expected { value: rod.blur_mm() + UNKNOWN_BLUR_MM / 2.0, deviation: UNKNOWN_BLUR_MM };
        let known = self.blur.map(|(blur, learnt)| Expected {
            deviation: blur.deviation.hypot(BLUR_A_DAY_MM * days(learnt, curve.at)).min(UNKNOWN_BLUR_MM),
            ..blur
        });
        let before = Before {
            water: within(coarse.water, WATER_KNOWN),
            oil: within(oil, if coarse.dry.is_some() { OIL_SEEN } else { OIL_REMEMBERED }),
            blur: known.unwrap_or(unknown),
            jump_mm,
        };
        let fit = |before: &Before| Jump::fit(&points, before, rod, self.like.as_ref());
        let mut found = fit(&before)?;
        let is_pulled = |known: Expected| (found.blur.value - known.value).abs() > PULLED * known.deviation;
        if let Some(known) = known.filter(|known| is_pulled(*known) || found.misfit > LEARNT_UP_TO)
            && let Some(anew) = fit(&Before { blur: unknown, ..before })
            && (anew.blur.value - known.value).abs() > ANOTHER * anew.blur.deviation.hypot(known.deviation)
        {
            found = anew;
        }
        if found.misfit < LEARNT_UP_TO {
            let deviation = found.blur.deviation.max(LEAST_BLUR_DEVIATION_MM);
            self.blur = Some((Expected { deviation, ..found.blur }, curve.at));
        }
        self.like = Some(found);
        Some(found)
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53 ms")]
fn days(from: UnixMillis, to: UnixMillis) -> f64 {
    to.millis_since(from).max(0) as f64 / DAY_MS
}

/// Finds the lowest height at which the impedance is half way from water to oil, if water is seen below and oil above.
fn crossing(points: &[(f64, f64)], water: f64, oil: f64) -> Option<f64> {
    let highest = points.iter().map(|point| point.1).fold(0.0, f64::max).min(oil);
    let half = f64::midpoint(water, highest);
    let is_jump = highest > 2.0 * water && points.first()?.1 < half;
    let pair = points.windows(2).find(|pair| pair[1].1 >= half).filter(|_| is_jump)?;
    let part = (half - pair[0].1) / (pair[1].1 - pair[0].1);
    Some(pair[0].0 + part * (pair[1].0 - pair[0].0))
}

#[cfg(test)]
#[path = "refine_tests.rs"]
mod tests;
