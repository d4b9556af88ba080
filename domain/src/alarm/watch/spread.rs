//! How much a tank's own values scatter.

use serde::{Deserialize, Serialize};

/// A mean square that is learned, the newest counting with a fixed weight once enough was heard.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Spread {
    square: f64,
    heard: u32,
}

impl Spread {
    /// A value counts as no more than so many deviations: a jump is no noise.
    const MOST: f64 = 4.0;

    /// Begins with a deviation that is as good as so many values.
    pub(super) fn known(deviation: f64, heard: u32) -> Self {
        Self { square: deviation * deviation, heard }
    }

    /// Takes a value whose mean is 0; `memory` is how many values it remembers, `least` what always counts in full.
    pub(super) fn hear(&mut self, value: f64, memory: u32, least: f64) {
        let most = least.max(Self::MOST * self.deviation());
        let value = value.clamp(-most, most);
        self.heard = self.heard.saturating_add(1).min(memory);
        self.square += (value * value - self.square) / f64::from(self.heard);
    }

    pub(super) fn deviation(&self) -> f64 {
        self.square.sqrt()
    }
}

/// Gives what is left of a step of an instrument, when values that scatter by a deviation are averaged.
///
/// Source: Widrow: the mean of rounded numbers under normal noise is off by up to `exp(-2 (pi s)^2)/pi` steps each way; a
/// step and no more is left when nothing scatters.
pub(super) fn left_of_step(step: f64, shown_deviation: f64) -> f64 {
    if step <= 0.0 {
        return 0.0;
    }
    // A twelfth of a step squared is the rounding itself.
    let variance = ((shown_deviation / step).powi(2) - 1.0 / 12.0).max(0.0);
    step * (-2.0 * std::f64::consts::PI.powi(2) * variance).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviation_is_learned_and_a_jump_hardly_counts() {
        let mut spread = Spread::default();
        for index in 0..1000 {
            spread.hear(if index % 2 == 0 { 0.5 } else { -0.5 }, 256, 1.0);
        }
        assert!((spread.deviation() - 0.5).abs() < 1e-9);
        spread.hear(1e6, 256, 1.0);
        assert!(spread.deviation() < 0.6, "{}", spread.deviation());
    }

    #[test]
    fn noise_smooths_steps_away() {
        assert_eq!(left_of_step(1.0, 0.0), 1.0);
        assert!(left_of_step(1.0, 0.76) < 1e-4);
        assert!((left_of_step(0.1, 0.05) - 0.1 * (-3.29_f64).exp()).abs() < 1e-4);
        assert_eq!(left_of_step(0.0, 0.0), 0.0);
    }
}
