use super::leak::{BLOCK_MS, BLOCKS, still_mm};
use super::spread::left_of_step;
use crate::units::{Millimetres, SquareMetres};

/// What a float hides of a loss, in stictions, in 95 % of cases.
///
/// It may stand anywhere within its stiction above or below when the loss begins, and above when it is told: the difference
/// `s (a + b)`, a uniform in 0..1, b in -1..1, is below 1.55 s in 95 % of cases.
const HIDDEN: f64 = 1.55;

/// What the detection of a leak rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeakTest {
    /// Surface of the liquid.
    pub surface: SquareMetres,
    /// Standard deviation of a reading of level.
    pub noise: Millimetres,
    /// Stiction of the float.
    pub stiction: Millimetres,
    /// Step in which the gauge shows the level.
    pub level_step: Millimetres,
    /// What thermometer and expansion leave unknown: a tenth of what heat does meanwhile, for one.
    pub thermal: Millimetres,
    /// Good readings in an hour.
    pub readings_per_hour: f64,
}

impl LeakTest {
    /// Gives the smallest leak in L/h that is found with a power of 95 % within so many hours of its beginning, in a tank
    /// that has been at rest, settled, before; `None` where the time is too short for any.
    ///
    /// The loss must reach the limit of a quiet tank and what the float hides of it. It has for that the hours less half a
    /// block, the block that is open when it begins, and the one that confirms it. That the best of many pairs of half
    /// hours is taken makes up for their noise, and more: simulated tanks find 99 of 100 leaks of the stated size.
    #[must_use]
    pub fn detection(&self, hours: f64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let (block_h, most_h) = (BLOCK_MS as f64 / 3_600_000.0, (BLOCKS - 1) as f64 * BLOCK_MS as f64 / 3_600_000.0);
        let counts_h = (hours - 2.5 * block_h).min(most_h);
        if counts_h < 2.0 * block_h {
            return None;
        }
        let noise_mm = self.noise.get() / (self.readings_per_hour * block_h).sqrt();
        let still_mm = still_mm(self.stiction.get(), noise_mm, noise_mm);
        let shown_mm = self.noise.get().hypot(self.level_step.get() / 12.0_f64.sqrt());
        let left_mm = left_of_step(self.level_step.get(), shown_mm) + self.thermal.get();
        let loss_mm = still_mm + left_mm + HIDDEN * self.stiction.get();
        // A millimetre on a square metre is a litre.
        Some(self.surface.get() * loss_mm / counts_h)
    }
}

#[cfg(test)]
#[path = "detection_tests.rs"]
mod tests;
