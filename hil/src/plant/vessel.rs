//! The inside of a tank: from level to volume and back.

use tankline_domain::geometry::Geometry;
use tankline_domain::site::Tank;
use tankline_domain::units::Millimetres;

/// Steps into which a tank is divided to begin the search for a level.
const STEPS: usize = 256;

/// A tank's inside. Levels in mm above the tank bottom, volumes in m3.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Vessel {
    geometry: Geometry,
    /// Volumes at equal steps of level from the lowest known level to the top.
    knots: Vec<f64>,
    bottom_mm: f64,
    height_mm: f64,
}

impl Vessel {
    pub(super) fn of(tank: &Tank) -> Self {
        let geometry = tank.geometry.clone();
        let bottom_mm = geometry.bottom().get();
        let height_mm = tank.height.get().min(geometry.height().get());
        let mut vessel = Self { geometry, knots: Vec::new(), bottom_mm, height_mm };
        vessel.knots = (0..=STEPS).map(|step| vessel.volume_in_reach(vessel.level_of_knot(step))).collect();
        vessel
    }

    /// Gives the level at which the tank runs over.
    pub(super) fn height_mm(&self) -> f64 {
        self.height_mm
    }

    /// Gives what the tank holds before it runs over.
    pub(super) fn capacity_m3(&self) -> f64 {
        self.knots[STEPS]
    }

    /// Gives the area of the liquid's surface, averaged over the height, in m2.
    pub(super) fn mean_area_m2(&self) -> f64 {
        1000.0 * self.capacity_m3() / self.height_mm
    }

    /// Gives the volume below a level; a level outside the tank counts as its end.
    pub(super) fn volume_at(&self, level_mm: f64) -> f64 {
        if level_mm >= self.bottom_mm {
            return self.volume_in_reach(level_mm.min(self.height_mm));
        }
        // A strapping table that begins above the bottom: straight down to nothing.
        self.knots[0] * (level_mm / self.bottom_mm).max(0.0)
    }

    /// Gives the level below which there is this volume; a volume that the tank cannot hold counts as its end.
    pub(super) fn level_at(&self, m3: f64) -> f64 {
        self.level_within(m3, 1e-13 * self.capacity_m3())
    }

    /// Gives about that level: as good as a gauge needs, to some hundredths of a millimetre.
    pub(super) fn rough_level_at(&self, m3: f64) -> f64 {
        self.level_within(m3, 2e-6 * self.capacity_m3())
    }

    fn level_within(&self, m3: f64, enough_m3: f64) -> f64 {
        let above = self.knots.partition_point(|&knot| knot < m3);
        if above > STEPS {
            return self.height_mm;
        }
        if above == 0 {
            let lowest = self.knots[0];
            return if lowest > 0.0 { self.bottom_mm * (m3 / lowest).clamp(0.0, 1.0) } else { self.bottom_mm };
        }
        self.between(
            (self.level_of_knot(above - 1), self.knots[above - 1]),
            (self.level_of_knot(above), self.knots[above]),
            m3,
            enough_m3,
        )
    }

    /// Seeks a level between two points by false position, with Illinois' remedy where one end stays.
    fn between(&self, low: (f64, f64), high: (f64, f64), m3: f64, enough_m3: f64) -> f64 {
        let ((mut low, mut under), (mut high, mut over)) = ((low.0, low.1 - m3), (high.0, high.1 - m3));
        let mut level = high;
        for _ in 0..60 {
            if over - under <= enough_m3 {
                return level;
            }
            level = low + (high - low) * (-under / (over - under));
            let off = self.volume_in_reach(level) - m3;
            if off.abs() <= enough_m3 {
                return level;
            }
            if off > 0.0 {
                (high, over) = (level, off);
                under *= 0.5;
            } else {
                (low, under) = (level, off);
                over *= 0.5;
            }
        }
        level
    }

    fn level_of_knot(&self, step: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let share = step as f64 / STEPS as f64;
        if step == STEPS { self.height_mm } else { self.bottom_mm + (self.height_mm - self.bottom_mm) * share }
    }

    fn volume_in_reach(&self, level_mm: f64) -> f64 {
        let level = Millimetres::new(level_mm.clamp(self.bottom_mm, self.height_mm));
        self.geometry.volume_at(level).map_or(0.0, |volume| volume.get())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tankline_domain::geometry::StrappingTable;
    use tankline_domain::site::Limits;

    use super::super::test_site;
    use super::*;

    fn vessels() -> Vec<Vessel> {
        let mut vessels: Vec<_> = test_site::lindong().tanks().iter().map(Vessel::of).collect();
        let table = StrappingTable::from_csv("100,1.5\n1000,10\n1200,10\n3000,60\n").unwrap();
        let height = table.height();
        vessels.push(Vessel::of(&Tank {
            name: "T-99".parse().unwrap(),
            title: String::new(),
            product: "crude".parse().unwrap(),
            geometry: Geometry::Table(table),
            height,
            limits: Limits::default(),
            conditions: Default::default(),
            watch: Default::default(),
            alarms: Default::default(),
        }));
        vessels
    }

    #[test]
    fn a_volume_that_does_not_fit_counts_as_the_end() {
        for vessel in vessels() {
            assert_eq!(vessel.level_at(vessel.capacity_m3() + 1.0), vessel.height_mm());
            assert_eq!(vessel.level_at(vessel.capacity_m3()), vessel.height_mm());
            assert_eq!(vessel.level_at(0.0), 0.0);
            assert_eq!(vessel.level_at(-1.0), 0.0);
            assert_eq!(vessel.volume_at(-1.0), 0.0);
        }
    }

    proptest! {
        #[test]
        fn level_and_volume_are_inverse(share in 0.0..=1.0f64) {
            for vessel in vessels() {
                let m3 = share * vessel.capacity_m3();
                let level_mm = vessel.level_at(m3);
                prop_assert!((0.0..=vessel.height_mm()).contains(&level_mm));
                prop_assert!((vessel.volume_at(level_mm) - m3).abs() <= 1e-12 * vessel.capacity_m3(), "{}", m3);
            }
        }
    }
}
