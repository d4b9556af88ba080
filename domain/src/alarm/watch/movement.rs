//! Movement in a tank that is to be idle: a CUSUM.

use serde::{Deserialize, Serialize};

use super::Finding;

/// What a mean of a minute must be beyond the limit to count, and the sum at which it is a movement, in deviations.
///
/// Under normal noise that lies at the very limit the time between false alarms, both ways together, is
/// `exp(2 k b) / (4 k^2)`, `b = h + 1.166`: 1.4 million minutes, 2.7 years.
/// Source: Siegmund 1985, Sequential Analysis, section 2.6.
const SLACK: f64 = 0.5;
const ENOUGH: f64 = 13.0;
/// In this many minutes the level that counts as still follows the tank.
const FOLLOWS: f64 = 12.0 * 60.0;
/// A movement is over when the means of so many minutes differ by no more than the limit and so many deviations.
const OVER: u32 = 60;
const NOISE: f64 = 6.0;

/// The volume from which a tank must not move, and what speaks for its having done so.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Movement {
    still: Option<Still>,
    up: f64,
    down: f64,
    found: Option<Finding>,
    calm: Calm,
}

/// Since when a tank that moved may stand still again, in minutes, and between which volumes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Calm {
    minutes: u32,
    low: f64,
    high: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Still {
    moved_m3: f64,
    thermal_m3: f64,
}

impl Movement {
    /// Takes the mean of a minute with what heat added to it; `limit` gives what is no movement, in m3, from the change of the
    /// latter. `deviation` is that of a mean in m3.
    pub(super) fn push(
        &mut self,
        moved_m3: f64,
        thermal_m3: f64,
        deviation: f64,
        limit: impl Fn(f64) -> f64,
    ) -> Option<Finding> {
        let still = self.still.get_or_insert(Still { moved_m3, thermal_m3 });
        let off = moved_m3 - still.moved_m3;
        let limit = limit(thermal_m3 - still.thermal_m3);
        let deviation = deviation.max(0.02 * limit).max(f64::MIN_POSITIVE);
        let step = |sum: f64, way: f64| (sum + (way - limit) / deviation - SLACK).clamp(0.0, 2.0 * ENOUGH);
        (self.up, self.down) = (step(self.up, off), step(self.down, -off));
        let sum = self.up.max(self.down);
        if self.found.is_some() || sum > ENOUGH {
            self.found = Some(Finding { value: off, limit });
            if self.calm.is_over(moved_m3, limit + NOISE * deviation) {
                self.restart();
            }
        } else if sum <= 0.0 {
            still.moved_m3 += off / FOLLOWS;
            still.thermal_m3 += (thermal_m3 - still.thermal_m3) / FOLLOWS;
        }
        self.found
    }

    /// Begins anew.
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }
}

impl Calm {
    fn is_over(&mut self, moved_m3: f64, limit: f64) -> bool {
        let (low, high) = (self.low.min(moved_m3), self.high.max(moved_m3));
        *self = if self.minutes == 0 || high - low > limit {
            Self { minutes: 1, low: moved_m3, high: moved_m3 }
        } else {
            Self { minutes: self.minutes + 1, low, high }
        };
        self.minutes >= OVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes_until_found(m3_h: f64) -> Option<u32> {
        let mut movement = Movement::default();
        (0..2000).find(|minute| {
            let moved = f64::from(*minute) * m3_h / 60.0;
            movement.push(moved, 0.0, 0.04, |_| 0.44).is_some()
        })
    }

    #[test]
    fn movement_is_found_both_ways_and_sooner_when_it_is_faster() {
        let found = [50.0, 5.0, 1.0, 0.1].map(|flow| minutes_until_found(flow).unwrap());
        assert_eq!(found, [50.0, 5.0, 1.0, 0.1].map(|flow: f64| minutes_until_found(-flow).unwrap()));
        assert!(found[0] <= 2 && found[1] <= 11 && found[2] <= 40 && found[3] < 500, "{found:?}");
        assert_eq!(minutes_until_found(0.0), None);
    }

    #[test]
    fn what_stands_still_again_is_over_within_hours() {
        let mut movement = Movement::default();
        let mut found = |moved: f64| movement.push(moved, 0.0, 0.04, |_| 0.44).is_some();
        assert!(!(0..60).any(|_| found(0.0)));
        assert!((0..5).any(|_| found(-2.0)));
        assert!(found(-2.0));
        assert!((0..61).any(|_| !found(-2.0)));
        assert!(!(0..3000).any(|_| found(-2.0)));
    }

    #[test]
    fn heat_widens_the_limit() {
        let mut movement = Movement::default();
        movement.push(0.0, 0.0, 0.04, |thermal: f64| 0.44 + 0.1 * thermal.abs());
        assert!((0..500).all(|_| movement.push(0.6, 5.0, 0.04, |thermal| 0.44 + 0.1 * thermal.abs()).is_none()));
    }
}
