//! GB/T 1885-1998, which is ISO 91-2:1991. Density in kg/m3, temperature in degC.

use super::{Commodity, Range};
use crate::solve;

/// Gives the temperatures in degC that the standard's tables take for a commodity.
pub(super) const fn temperature_c(commodity: Commodity) -> Range<f64> {
    let low = if matches!(commodity, Commodity::Lubricating) { -20.0 } else { -18.0 };
    Range { low, high: 150.0 }
}

/// Gives the densities at 15 degC that the standard takes for a commodity, kg/m3.
pub(super) const fn density_15c(commodity: Commodity) -> Range<f64> {
    let (low, high) = match commodity {
        Commodity::Crude => (610.0, 1075.0),
        Commodity::Gasoline => (653.0, 770.5),
        Commodity::Transition => (770.5, 787.5),
        Commodity::Jet => (787.5, 839.0),
        Commodity::FuelOil => (839.0, 1075.0),
        Commodity::Lubricating => (800.0, 1164.0),
    };
    Range { low, high }
}

/// Gives K0, K1 and K2 of `alpha15 = K0 / rho15^2 + K1 / rho15 + K2`.
pub(super) const fn coefficients(commodity: Commodity) -> [f64; 3] {
    match commodity {
        Commodity::Crude => [613.9723, 0.0, 0.0],
        Commodity::Gasoline => [346.4228, 0.4388, 0.0],
        Commodity::Transition => [2680.3206, 0.0, -0.003_363_12],
        Commodity::Jet => [594.5418, 0.0, 0.0],
        Commodity::FuelOil => [186.9696, 0.4862, 0.0],
        Commodity::Lubricating => [0.0, 0.6278, 0.0],
    }
}

/// Gives the factor that takes a glass hydrometer's reading at `temperature_c` to the density there.
pub(super) fn hydrometer_factor(temperature_c: f64) -> f64 {
    let difference = temperature_c - 20.0;
    1.0 - 0.000_023 * difference - 0.000_000_02 * difference * difference
}

/// Gives the temperature at which the standard reads a density from its tables: the nearest quarter of a degree.
///
/// The standard does not interpolate between the temperatures of its density tables (59A, 59B, 59D).
pub(super) fn table_temperature_c(temperature_c: f64) -> f64 {
    (temperature_c * 4.0).round() / 4.0
}

/// A liquid of a commodity with a known density.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Liquid {
    density_15c: f64,
    /// Thermal expansion at 15 degC, 1/degC.
    alpha: f64,
}

impl Liquid {
    /// Takes the density at 15 degC.
    pub(super) fn new(commodity: Commodity, density_15c: f64) -> Self {
        let [k0, k1, k2] = coefficients(commodity);
        let alpha = k0 / (density_15c * density_15c) + k1 / density_15c + k2;
        Self { density_15c, alpha }
    }

    /// Finds the liquid that has a density at a temperature.
    ///
    /// # Errors
    /// The range in which that density can lie, when it is outside.
    pub(super) fn observed(commodity: Commodity, density: f64, temperature_c: f64) -> Result<Self, Range<f64>> {
        let then = |density_15c| Self::new(commodity, density_15c).density(temperature_c);
        let range = density_15c(commodity);
        let possible = Range { low: then(range.low), high: then(range.high) };
        if !possible.holds(density) {
            return Err(possible);
        }
        Ok(Self::new(commodity, solve::rising(density, range.low, range.high, then)))
    }

    /// Gives what the factors come of: the density and the thermal expansion at 15 degC.
    pub(super) const fn inside(&self) -> (f64, f64) {
        (self.density_15c, self.alpha)
    }

    /// Gives the density at a temperature, kg/m3.
    pub(super) fn density(&self, temperature_c: f64) -> f64 {
        self.density_15c * self.vcf15(temperature_c)
    }

    /// Gives the correction for temperature, from 15 degC.
    pub(super) fn vcf15(&self, temperature_c: f64) -> f64 {
        let difference = temperature_c - 15.0;
        (-self.alpha * difference * (1.0 + 0.8 * self.alpha * difference)).exp()
    }

    /// Gives the correction for temperature, from 20 degC.
    pub(super) fn vcf20(&self, temperature_c: f64) -> f64 {
        let difference = temperature_c - 20.0;
        (-self.alpha * difference * (1.0 + 0.8 * self.alpha * difference + 8.0 * self.alpha)).exp()
    }
}
