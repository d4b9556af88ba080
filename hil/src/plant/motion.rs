use std::f64::consts::TAU;

/// A storage tank's round: fill, stand, be drawn from, stand. Volumes in m3, flows in m3/h, times in hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cycle {
    /// Least volume.
    pub least_m3: f64,
    /// Greatest volume.
    pub greatest_m3: f64,
    /// Flow while it fills.
    pub inflow_m3h: f64,
    /// Flow while it is drawn from.
    pub outflow_m3h: f64,
    /// How long it stands after each.
    pub stand_h: f64,
    /// Where in the round it is at time 0, from 0 to 1.
    pub phase: f64,
}

impl Cycle {
    /// Gives the volume at a time.
    #[must_use]
    pub fn volume_at(&self, hours: f64) -> f64 {
        let range = self.greatest_m3 - self.least_m3;
        let (fill_h, draw_h) = (range / self.inflow_m3h, range / self.outflow_m3h);
        let round_h = fill_h + draw_h + 2.0 * self.stand_h;
        let into = (hours / round_h + self.phase).rem_euclid(1.0) * round_h;
        let drawing = into - fill_h - self.stand_h;
        if drawing < 0.0 {
            self.greatest_m3.min(self.least_m3 + into * self.inflow_m3h)
        } else {
            self.least_m3.max(self.greatest_m3 - drawing * self.outflow_m3h)
        }
    }
}

/// A vessel whose level a controller holds: it hunts around its set point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hold {
    /// Set point in mm.
    pub level_mm: f64,
    /// Greatest distance from it in mm.
    pub swing_mm: f64,
    /// From one crest to the next, in hours.
    pub period_h: f64,
    /// Where in the swing it is at time 0, from 0 to 1.
    pub phase: f64,
}

impl Hold {
    /// Gives the level at a time.
    #[must_use]
    pub fn level_at(&self, hours: f64) -> f64 {
        let turn = TAU * (hours / self.period_h + self.phase);
        // The second swing keeps the curve from looking drawn with a ruler; 2.3 has no small common multiple with 1.
        self.level_mm + self.swing_mm * (0.7 * turn.sin() + 0.3 * (turn * 2.3).sin())
    }
}

/// Gives a slow swing between -1 and 1.
pub(super) fn drift(hours: f64, period_h: f64, phase: f64) -> f64 {
    (TAU * (hours / period_h + phase)).sin()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CYCLE: Cycle =
        Cycle { least_m3: 100.0, greatest_m3: 300.0, inflow_m3h: 20.0, outflow_m3h: 50.0, stand_h: 2.0, phase: 0.0 };

    #[test]
    fn tank_fills_stands_empties_and_stands() {
        // A round is 10 h filling, 2 h standing, 4 h drawing, 2 h standing.
        for (hours, volume) in [
            (0.0, 100.0),
            (5.0, 200.0),
            (10.0, 300.0),
            (11.9, 300.0),
            (14.0, 200.0),
            (16.0, 100.0),
            (17.9, 100.0),
            (23.0, 200.0),
        ] {
            assert!((CYCLE.volume_at(hours) - volume).abs() < 1e-9, "{hours} h: {}", CYCLE.volume_at(hours));
        }
    }

    #[test]
    fn held_level_stays_within_its_swing() {
        let hold = Hold { level_mm: 1500.0, swing_mm: 60.0, period_h: 0.5, phase: 0.3 };
        for minute in 0..600 {
            let level = hold.level_at(f64::from(minute) / 60.0);
            assert!((level - 1500.0).abs() <= 60.0, "{level}");
        }
    }
}
