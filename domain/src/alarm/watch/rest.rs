//! Whether a tank is at rest.

use serde::{Deserialize, Serialize};

use crate::units::UnixMillis;

/// How long the volume stays before a tank counts as at rest.
const CALM_MS: i64 = 30 * 60_000;
/// What the volume now is held against: a mean over this time, that was closed before.
const BESIDE_MS: i64 = 10 * 60_000;

/// Whether a tank rests, by the means of minutes. Volumes in m3 at the temperature of its anchor.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) enum Rest {
    /// Nothing is known.
    #[default]
    Unknown,
    /// It may be at rest since then.
    Seeking { since: UnixMillis, low: f64, high: f64 },
    /// It is at rest since then.
    Resting { since: UnixMillis, beside: Beside },
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Beside {
    begun: UnixMillis,
    sum: f64,
    count: f64,
    closed: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It goes on as it was.
    Same,
    /// It is at rest from now on.
    Began,
    /// It moves.
    Moves,
}

impl Rest {
    /// Takes the mean of a minute. What differs by less than `band` is no movement, nor, in a tank at rest, is what goes on
    /// at no more than `slow` m3/h.
    pub(super) fn push(&mut self, at: UnixMillis, moved_m3: f64, band: f64, slow: f64) -> Change {
        match self {
            Self::Unknown => *self = Self::Seeking { since: at, low: moved_m3, high: moved_m3 },
            Self::Seeking { since, low, high } => {
                (*low, *high) = (low.min(moved_m3), high.max(moved_m3));
                if *high - *low > band {
                    *self = Self::Unknown;
                    return Change::Moves;
                }
                if at.millis_since(*since) >= CALM_MS {
                    let beside = Beside { begun: at, sum: 0.0, count: 0.0, closed: moved_m3 };
                    *self = Self::Resting { since: *since, beside };
                    return Change::Began;
                }
            }
            Self::Resting { beside, .. } => {
                // The closed mean is 5 to 15 min old, in the middle of its time.
                if (moved_m3 - beside.closed).abs() > band + slow / 4.0 {
                    *self = Self::Unknown;
                    return Change::Moves;
                }
                beside.hear(at, moved_m3);
            }
        }
        Change::Same
    }

    /// Gives since when the tank is at rest.
    pub(super) const fn resting_since(&self) -> Option<UnixMillis> {
        match *self {
            Self::Resting { since, .. } => Some(since),
            Self::Unknown | Self::Seeking { .. } => None,
        }
    }
}

impl Beside {
    fn hear(&mut self, at: UnixMillis, moved_m3: f64) {
        self.sum += moved_m3;
        self.count += 1.0;
        if at.millis_since(self.begun) >= BESIDE_MS {
            *self = Self { begun: at, sum: 0.0, count: 0.0, closed: self.sum / self.count };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rest: &mut Rest, minutes: std::ops::Range<i32>, m3_h: f64) -> Vec<(i32, Change)> {
        let push = |minute: i32| {
            let moved = f64::from(minute) * m3_h / 60.0;
            (minute, rest.push(UnixMillis::new(i64::from(minute) * 60_000), moved, 0.5, 1.0))
        };
        minutes.map(push).filter(|(_, change)| *change != Change::Same).collect()
    }

    #[test]
    fn tank_is_at_rest_after_half_an_hour_and_until_it_moves() {
        let mut rest = Rest::default();
        assert_eq!(run(&mut rest, 0..100, 0.0), [(30, Change::Began)]);
        let found = run(&mut rest, 100..200, 0.9);
        assert_eq!(found.first().map(|found| found.1), Some(Change::Moves), "{found:?}");
    }

    #[test]
    fn slow_loss_leaves_it_at_rest_and_a_flow_does_not() {
        let moves = |m3_h: f64| {
            let mut rest = Rest::default();
            let mut push =
                |minute: i32, moved: f64| rest.push(UnixMillis::new(i64::from(minute) * 60_000), moved, 0.05, 1.0);
            (0..60).for_each(|minute| assert_ne!(push(minute, 0.0), Change::Moves));
            (60..200).any(|minute| push(minute, f64::from(minute - 60) * m3_h / 60.0) == Change::Moves)
        };
        assert!(!moves(-0.9) && moves(-2.0));
        assert!(run(&mut Rest::default(), 0..600, -6.0).iter().all(|(_, change)| *change == Change::Moves));
    }
}
