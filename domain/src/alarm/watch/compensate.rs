//! Heat and cold taken out of a volume.

use serde::{Deserialize, Serialize};

use super::{Liquid, Seen};

/// By how much a cubic metre of oil grows with a degC, about. Source: crude of 860 kg/m3, GB/T 1885-1998, 8.3e-4, rounded up.
const OIL_PER_C: f64 = 9e-4;

/// The tank at the beginning of a rest, to whose temperature all later volumes are brought.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Anchor {
    total_m3: f64,
    liquid: Liquid,
    temperature_c: Option<f64>,
}

/// A volume at the temperature of the anchor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Compensated {
    /// The volume less that at the anchor, m3.
    pub(super) moved_m3: f64,
    /// What heat has added since the anchor, and is taken out of it, m3.
    pub(super) thermal_m3: f64,
}

impl Anchor {
    pub(super) fn new(seen: &Seen) -> Self {
        Self {
            total_m3: seen.total.get(),
            liquid: seen.liquid,
            temperature_c: seen.temperature.map(crate::units::Celsius::get),
        }
    }

    /// Tells whether heat can be taken out.
    pub(super) const fn is_compensated(&self) -> bool {
        self.temperature_c.is_some() && !matches!(self.liquid, Liquid::Unknown)
    }

    /// Brings a volume back; gives none when it cannot be compared with the anchor.
    ///
    /// Oil and water are divided as they were at the anchor, so that the noise of the interface does not show.
    pub(super) fn compensate(&self, seen: &Seen) -> Option<Compensated> {
        let water_grows = || {
            let (before, now) = (self.temperature_c?, seen.temperature?.get());
            Some(water_density(before) / water_density(now) - 1.0)
        };
        let thermal_m3 = match (self.liquid, seen.liquid) {
            _ if !self.is_compensated() => 0.0,
            (Liquid::Oil { vcf: before, water_m3 }, Liquid::Oil { vcf: now, .. }) => {
                (self.total_m3 - water_m3) * (before / now - 1.0) + water_m3 * water_grows()?
            }
            (Liquid::Water, Liquid::Water) => self.total_m3 * water_grows()?,
            _ => return None,
        };
        Some(Compensated { moved_m3: seen.total.get() - self.total_m3 - thermal_m3, thermal_m3 })
    }

    /// Gives by how much the whole grows with a degC, about, in m3; oil where it is not known.
    pub(super) fn per_c_m3(&self) -> f64 {
        let water_per_c = || {
            let at = self.temperature_c.unwrap_or(20.0);
            (water_density(at) / water_density(at + 1.0) - 1.0).abs()
        };
        match self.liquid {
            Liquid::Oil { water_m3, .. } => (self.total_m3 - water_m3) * OIL_PER_C + water_m3 * water_per_c(),
            Liquid::Water => self.total_m3 * water_per_c(),
            Liquid::Unknown => self.total_m3 * OIL_PER_C,
        }
    }
}

/// Gives the density of pure water in kg/m3; salt changes little of how it grows.
///
/// Source: Kell 1975, J. Chem. Eng. Data 20, 97, equation 16, 0 to 150 degC.
fn water_density(temperature_c: f64) -> f64 {
    let t = temperature_c.clamp(0.0, 150.0);
    let above = 999.839_52
        + t * (16.945_176 + t * (-7.987_040_1e-3 + t * (-46.170_461e-6 + t * (105.563_02e-9 + t * -280.542_53e-12))));
    above / (1.0 + 16.879_850e-3 * t)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Celsius, CubicMetres, UnixMillis};

    fn seen(total: f64, temperature: Option<f64>, liquid: Liquid) -> Seen {
        Seen {
            at: UnixMillis::new(0),
            total: CubicMetres::new(total),
            per_mm: CubicMetres::new(0.2),
            temperature: temperature.map(Celsius::new),
            liquid,
        }
    }

    #[test]
    fn water_has_the_density_of_the_tables() {
        // Source: CRC Handbook of Chemistry and Physics, density of water at 101.325 kPa.
        for (temperature_c, density) in [(0.1, 999.85), (20.0, 998.21), (50.0, 988.04), (80.0, 971.80)] {
            assert!((water_density(temperature_c) - density).abs() < 0.03, "{temperature_c} degC");
        }
    }

    #[test]
    fn heat_does_not_show_and_what_is_lost_does() {
        let oil = |vcf| Liquid::Oil { vcf, water_m3: 200.0 };
        let anchor = Anchor::new(&seen(1000.0, Some(40.0), oil(0.9833)));
        let warmer = 800.0 * 0.9833 / 0.9750 + 200.0 * water_density(40.0) / water_density(50.0);
        let found = anchor.compensate(&seen(warmer, Some(50.0), oil(0.9750))).unwrap();
        assert!(found.moved_m3.abs() < 1e-9 && found.thermal_m3 > 7.0, "{found:?}");
        // Another interface shows nothing.
        let other = Liquid::Oil { vcf: 0.9750, water_m3: 250.0 };
        assert_eq!(anchor.compensate(&seen(warmer, Some(50.0), other)), Some(found));
        let less = anchor.compensate(&seen(warmer - 3.0, Some(50.0), oil(0.9750))).unwrap();
        assert!((less.moved_m3 + 3.0).abs() < 1e-9, "{less:?}");
    }

    #[test]
    fn what_cannot_be_compared_is_not() {
        let anchor = Anchor::new(&seen(1000.0, Some(40.0), Liquid::Water));
        assert_eq!(anchor.compensate(&seen(1000.0, None, Liquid::Water)), None);
        assert_eq!(anchor.compensate(&seen(1000.0, Some(40.0), Liquid::Unknown)), None);
        let bare = Anchor::new(&seen(1000.0, None, Liquid::Unknown));
        assert_eq!(bare.compensate(&seen(999.0, None, Liquid::Unknown)).unwrap().moved_m3, -1.0);
        assert!(!bare.is_compensated());
    }
}
