//! The flow into or out of one tank, from its volumes as they come.

use std::time::Duration;

use super::scale::Scale;
use super::slope::{Grain, Point, Slope, median};
use crate::units::{CubicMetres, CubicMetresPerHour, UnixMillis};

/// Windows: the finest of twelve points of 5 s, each next twice as long. The longest is two hours.
const SCALES: usize = 8;
/// Readings of a point of the finest window, at most.
const BLOCK_READINGS: usize = 8;
/// Time that a point of the finest window takes in, at most.
const BLOCK_MS: i64 = 5000;
/// How far from the median of its block a reading may be, in steps of the gauge or deviations of its noise.
const NEAR_STEPS: f64 = 3.0;
const NEAR_DEVIATIONS: f64 = 5.0;
/// How far apart flows of two windows may be and still pass for the same, in standard uncertainties of each.
const AGREE: f64 = 2.5;
const SECONDS_IN_HOUR: f64 = 3600.0;

/// A flow, positive into the tank.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Flow {
    /// The flow.
    pub flow: CubicMetresPerHour,
    /// Its expanded uncertainty (k = 2).
    pub uncertainty: CubicMetresPerHour,
    /// The window that it is from.
    pub window: Duration,
    /// The newest reading that it has heard of.
    pub at: UnixMillis,
}

impl Flow {
    /// Tells whether the tank surely fills or empties: the flow is beyond its uncertainty.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.flow.get().abs() > self.uncertainty.get()
    }
}

/// Follows the volume of one tank.
///
/// Each reading costs a few comparisons, each fifth or so a handful of robust slopes; nothing is allocated. Single wild
/// readings do not show: points are means of readings near their median, slopes medians of the slopes between points.
#[derive(Clone, Debug, Default)]
pub struct FlowMeter {
    first: Option<UnixMillis>,
    newest: Option<UnixMillis>,
    block: Block,
    scales: [Scale; SCALES],
    noise: Noise,
    chosen: Option<Slope>,
}

impl FlowMeter {
    /// Takes a volume. `resolution` is by how much it changes with one step of the gauge, a millimetre of level.
    ///
    /// Gives the flow with it. A reading that is not newer than the one before changes nothing, and has none.
    pub fn push(&mut self, at: UnixMillis, volume: CubicMetres, resolution: CubicMetres) -> Option<Flow> {
        let known = volume.get().is_finite() && resolution.get().is_finite();
        if !known || self.newest.is_some_and(|newest| at <= newest) {
            return None;
        }
        self.newest = Some(at);
        let first = *self.first.get_or_insert(at);
        if self.block.is_due(at) {
            self.close_block(resolution.get());
        }
        self.noise.hear(volume.get(), resolution.get());
        self.block.push(at, first, volume.get());
        self.flow()
    }

    /// Gives the flow; none until there are readings for half a minute or so.
    #[must_use]
    pub fn flow(&self) -> Option<Flow> {
        let chosen = self.chosen?;
        Some(Flow {
            flow: CubicMetresPerHour::new(chosen.m3_s * SECONDS_IN_HOUR),
            uncertainty: CubicMetresPerHour::new(2.0 * chosen.uncertainty_m3_s * SECONDS_IN_HOUR),
            window: Duration::from_secs_f64(chosen.span_s),
            at: self.newest?,
        })
    }

    fn close_block(&mut self, resolution_m3: f64) {
        let deviation = self.noise.deviation();
        let readings = self.block.len();
        let near = (NEAR_STEPS * resolution_m3).max(NEAR_DEVIATIONS * deviation);
        let mut next = self.block.close(near);
        let mut grain = Grain {
            step_m3: resolution_m3 * (1.0 - self.noise.dithered(resolution_m3)),
            noise_m3: deviation / readings.sqrt(),
        };
        for scale in &mut self.scales {
            let Some(point) = next else { break };
            next = scale.push(point, grain);
            grain.noise_m3 /= std::f64::consts::SQRT_2;
        }
        self.chosen = choose(self.scales.iter().filter_map(Scale::slope));
    }
}

/// Chooses among the windows, from the shortest: as long as their flows agree the flow was the same, and of those the one
/// that knows it best is taken. The first that contradicts reaches back to another flow, and ends it.
///
/// Source: the intersection of confidence intervals, Goldenshluger and Nemirovski 1997.
fn choose(slopes: impl Iterator<Item = Slope>) -> Option<Slope> {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut best: Option<Slope> = None;
    for slope in slopes {
        low = low.max(slope.m3_s - AGREE * slope.uncertainty_m3_s);
        high = high.min(slope.m3_s + AGREE * slope.uncertainty_m3_s);
        if low > high {
            break;
        }
        if best.is_none_or(|best| slope.uncertainty_m3_s < best.uncertainty_m3_s) {
            best = Some(slope);
        }
    }
    best
}

/// Readings that become one point: the mean of those near their median.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    begun: Option<UnixMillis>,
    readings: [Point; BLOCK_READINGS],
    len: usize,
}

impl Block {
    /// Tells whether a reading at this time belongs to the next block.
    fn is_due(&self, at: UnixMillis) -> bool {
        self.len == BLOCK_READINGS || self.begun.is_some_and(|begun| at.millis_since(begun) >= BLOCK_MS)
    }

    fn push(&mut self, at: UnixMillis, first: UnixMillis, volume_m3: f64) {
        self.begun.get_or_insert(at);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53 ms")]
        let at_s = at.millis_since(first) as f64 / 1000.0;
        self.readings[self.len] = Point { at_s, volume_m3 };
        self.len += 1;
    }

    fn len(&self) -> f64 {
        self.readings[..self.len].iter().map(|_| 1.0).sum()
    }

    /// Gives the mean of the readings that are no further than `near_m3` from their median, and begins anew.
    ///
    /// A mean, because a median of rounded numbers is as rounded as they are.
    fn close(&mut self, near_m3: f64) -> Option<Point> {
        let mut volumes = self.readings.map(|reading| reading.volume_m3);
        let middle = median(&mut volumes[..self.len])?;
        let (mut sum, mut count) = (Point::default(), 0.0);
        for reading in &self.readings[..self.len] {
            if (reading.volume_m3 - middle).abs() <= near_m3 {
                sum.at_s += reading.at_s;
                sum.volume_m3 += reading.volume_m3;
                count += 1.0;
            }
        }
        let whole = if count > 0.0 {
            Point { at_s: sum.at_s / count, volume_m3: sum.volume_m3 / count }
        } else {
            Point { at_s: self.readings[self.len / 2].at_s, volume_m3: middle }
        };
        self.len = 0;
        self.begun = None;
        Some(whole)
    }
}

/// How noisy the readings are, from one to the next.
#[derive(Clone, Copy, Debug, Default)]
struct Noise {
    before: Option<f64>,
    /// Mean of the differences, m3.
    drift: f64,
    /// Mean square of the differences, m6.
    square: f64,
}

impl Noise {
    /// Weight of the newest difference.
    const WEIGHT: f64 = 1.0 / 64.0;
    /// A difference counts as no more than so many steps, or so many times the usual one: a jump is no noise.
    const MOST_STEPS: f64 = 2.0;
    const MOST_TIMES: f64 = 2.5;

    fn hear(&mut self, volume_m3: f64, resolution_m3: f64) {
        if let Some(before) = self.before.replace(volume_m3) {
            let most = (Self::MOST_STEPS * resolution_m3).max(Self::MOST_TIMES * self.square.sqrt());
            let difference = (volume_m3 - before).clamp(-most, most);
            self.drift += Self::WEIGHT * (difference - self.drift);
            self.square += Self::WEIGHT * (difference * difference - self.square);
        }
    }

    /// Gives the standard deviation of a reading, its rounding included.
    fn deviation(&self) -> f64 {
        // Two readings make a difference, so it varies twice as much.
        ((self.square - self.drift * self.drift).max(0.0) / 2.0).sqrt()
    }

    /// Gives the part, 0 to 1, to which noise smooths the steps of the gauge away.
    ///
    /// The mean of a rounded number is off by up to `exp(-2 (pi s)^2) / pi` steps under normal noise of `s` steps (Widrow).
    fn dithered(&self, resolution_m3: f64) -> f64 {
        if resolution_m3 <= 0.0 {
            return 1.0;
        }
        // A twelfth of a step squared is the rounding itself.
        let variance = ((self.deviation() / resolution_m3).powi(2) - 1.0 / 12.0).max(0.0);
        1.0 - (-2.0 * std::f64::consts::PI.powi(2) * variance).exp()
    }
}

#[cfg(test)]
#[path = "meter_tests.rs"]
mod tests;
