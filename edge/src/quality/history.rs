//! What the last readings of one gauge say about the next one.

use std::time::{Duration, Instant};

use tankline_domain::reading::{Quality, Reading, Uncertain};
use tankline_domain::units::{Celsius, Millimetres};

/// A level that leapt is believed when it stays where it is for this many readings.
const BELIEVED_AFTER: u32 = 5;

/// Noise and float movement that are no leap, however short the time, in mm.
const NOISE_MM: f64 = 30.0;

/// The noise of a gauge whose float hangs, in mm: a level that stays within it does not move.
const REST_MM: f64 = 2.0;

/// When a gauge is doubted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Doubt {
    /// Fastest change of level that the tank can have, in mm a second.
    pub max_rate_mm_s: Option<f64>,
    /// Time without any change after which the gauge is stuck, if others move.
    pub stuck_after: Option<Duration>,
    /// Time that the level may rest, within its noise, before its float is stuck, if others move.
    pub level_stuck_after: Option<Duration>,
}

/// The last values of one gauge.
#[derive(Debug, Clone)]
pub struct History {
    doubt: Doubt,
    /// The last level that was believed, and when.
    believed: Option<(Instant, f64)>,
    /// A level that leapt, and how often in a row it was seen about there.
    leapt: Option<(f64, u32)>,
    values: Option<Values>,
    changed_at: Option<Instant>,
    /// Where the level came to rest, and when.
    rested: Option<(Instant, f64)>,
}

type Values = (Option<Millimetres>, Option<Millimetres>, Option<Celsius>);

impl History {
    /// Begins without a past.
    #[must_use]
    pub const fn new(doubt: Doubt) -> Self {
        Self { doubt, believed: None, leapt: None, values: None, changed_at: None, rested: None }
    }

    /// Takes a reading and lowers its quality where the past speaks against it. Tells whether its values changed.
    ///
    /// `others_moved_since` gives whether other gauges of the station changed after a moment: while all stand still, a
    /// gauge that stands still is right.
    pub fn handle_reading(
        &mut self,
        now: Instant,
        reading: &mut Reading,
        others_moved_since: impl Fn(Instant) -> bool,
    ) -> bool {
        let Some(level) = reading.level.map(Millimetres::get) else { return false };
        let values = (reading.level, reading.interface, reading.temperature);
        let changed = self.values.replace(values) != Some(values);
        if changed {
            self.changed_at = Some(now);
        }
        if self.rested.is_none_or(|(_, place)| (level - place).abs() > REST_MM) {
            self.rested = Some((now, level));
        }
        let leaps = self.leaps(now, level);
        let stuck = self.is_stuck(now, others_moved_since);
        // What the reading itself shows says more than what its past does.
        if reading.quality.vouches_for_level() {
            if leaps {
                reading.quality = Quality::Uncertain(Uncertain::Jump);
            } else if stuck {
                reading.quality = Quality::Uncertain(Uncertain::Stuck);
            }
        }
        changed
    }

    fn leaps(&mut self, now: Instant, level: f64) -> bool {
        let Some(max_rate) = self.doubt.max_rate_mm_s else { return false };
        let Some((at, believed)) = self.believed else {
            self.believed = Some((now, level));
            return false;
        };
        let possible = NOISE_MM + max_rate * now.saturating_duration_since(at).as_secs_f64();
        if (level - believed).abs() <= possible {
            self.believed = Some((now, level));
            self.leapt = None;
            return false;
        }
        let seen = match self.leapt {
            Some((place, seen)) if (level - place).abs() <= possible => seen + 1,
            _ => 1,
        };
        if seen >= BELIEVED_AFTER {
            self.believed = Some((now, level));
            self.leapt = None;
            return false;
        }
        self.leapt = Some((level, seen));
        true
    }

    fn is_stuck(&self, now: Instant, others_moved_since: impl Fn(Instant) -> bool) -> bool {
        let is_frozen = |limit: Option<Duration>, since: Option<Instant>| {
            let (Some(limit), Some(since)) = (limit, since) else { return false };
            now.saturating_duration_since(since) >= limit && others_moved_since(since)
        };
        is_frozen(self.doubt.stuck_after, self.changed_at)
            || is_frozen(self.doubt.level_stuck_after, self.rested.map(|(since, _)| since))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any moment serves as the origin of a virtual clock")]
mod tests {
    use tankline_domain::units::UnixMillis;

    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    const NO_DOUBT: Doubt = Doubt { max_rate_mm_s: None, stuck_after: None, level_stuck_after: None };

    fn reading(level: f64) -> Reading {
        Reading {
            tank: "T-01".parse().unwrap(),
            at: UnixMillis::new(0),
            level: Some(Millimetres::new(level)),
            interface: Some(Millimetres::new(100.0)),
            temperature: Some(Celsius::new(40.0)),
            layer: None,
            quality: Quality::Good,
        }
    }

    fn qualities(doubt: Doubt, levels: &[f64], others_move: bool) -> Vec<String> {
        let (start, mut history) = (Instant::now(), History::new(doubt));
        let judged = |(second, level): (u64, &f64)| {
            let mut reading = reading(*level);
            history.handle_reading(start + S(second), &mut reading, |_| others_move);
            reading.quality.to_string()
        };
        (0..).zip(levels).map(judged).collect()
    }

    #[test]
    fn a_leap_is_doubted_until_it_stays() {
        let doubt = Doubt { max_rate_mm_s: Some(5.0), ..NO_DOUBT };
        let seen = qualities(doubt, &[5000.0, 5004.0, 9000.0, 5008.0, 5013.0], true);
        assert_eq!(seen, ["good", "good", "uncertain:jump", "good", "good"], "a single spike");
        let seen = qualities(doubt, &[5000.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], true);
        let jump = "uncertain:jump";
        assert_eq!(seen, ["good", jump, jump, jump, jump, "good", "good"], "a gauge that was moved or restarted");
        let seen = qualities(doubt, &[5000.0, 9000.0, 1000.0, 9000.0, 1000.0, 9000.0, 1000.0, 9000.0], true);
        assert_eq!(seen[1..].iter().filter(|quality| *quality == jump).count(), 7, "wild values are never believed");
        let steady: Vec<f64> = (0..50).map(|second| 5000.0 + 4.9 * f64::from(second)).collect();
        assert!(qualities(doubt, &steady, true).iter().all(|quality| quality == "good"));
    }

    #[test]
    fn a_gauge_that_stands_still_is_stuck_only_while_others_move() {
        let doubt = Doubt { stuck_after: Some(S(3)), ..NO_DOUBT };
        let levels = [5000.0, 5000.0, 5000.0, 5000.0, 5000.0, 5001.0];
        let stuck = "uncertain:stuck";
        assert_eq!(qualities(doubt, &levels, true), ["good", "good", "good", stuck, stuck, "good"]);
        assert!(qualities(doubt, &levels, false).iter().all(|quality| quality == "good"));
    }

    #[test]
    fn a_float_that_hangs_is_stuck_although_the_rest_of_the_gauge_lives() {
        let qualities = |doubt: Doubt| -> Vec<String> {
            let (start, mut history) = (Instant::now(), History::new(doubt));
            let judged = |second: u64| {
                let temperature = Some(Celsius::new(40.0 + second as f64 / 10.0));
                // A float that hangs shows the noise of its rod still.
                let mut reading = Reading { temperature, ..reading(5000.0 + (second % 3) as f64) };
                history.handle_reading(start + S(second), &mut reading, |_| true);
                reading.quality.to_string()
            };
            (0..4).map(judged).collect()
        };
        let stuck = "uncertain:stuck";
        let of_level = Doubt { level_stuck_after: Some(S(2)), ..NO_DOUBT };
        assert_eq!(qualities(of_level), ["good", "good", stuck, stuck]);
        let of_all = Doubt { stuck_after: Some(S(2)), ..NO_DOUBT };
        assert_eq!(qualities(of_all), ["good"; 4], "the gauge as a whole changes");
    }

    #[test]
    fn what_the_reading_itself_shows_is_kept() {
        let mut history = History::new(Doubt { max_rate_mm_s: Some(1.0), ..NO_DOUBT });
        history.handle_reading(Instant::now(), &mut reading(5000.0), |_| true);
        let mut blind = Reading { quality: Quality::Uncertain(Uncertain::BlindZone), ..reading(50.0) };
        history.handle_reading(Instant::now(), &mut blind, |_| true);
        assert_eq!(blind.quality, Quality::Uncertain(Uncertain::BlindZone));
    }
}
