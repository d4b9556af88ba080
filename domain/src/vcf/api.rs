//! API MPMS chapter 11.1-2004, with the unrounded factors of Addendum 2.
//!
//! Density in kg/m3, temperature in degF, pressure in psi above that of the atmosphere. Step numbers are those of section
//! 11.1.6.1 of the standard.

use super::{Commodity, Range};
use crate::solve;

/// 60 degF of ITS-90 on IPTS-68, the scale of the coefficients.
const BASE_F: f64 = 60.006_874_9;
/// The shift of the base that belongs to it.
const DELTA_60: f64 = 0.013_749_795_47;

/// What the standard takes: temperature in degF.
pub(super) const TEMPERATURE_F: Range<f64> = Range { low: -58.0, high: 302.0 };
/// What the standard takes: pressure in psi.
pub(super) const PRESSURE_PSI: Range<f64> = Range { low: 0.0, high: 1500.0 };

/// Gives K0, K1 and K2 of `alpha60 = (K0 / rho + K1) / rho + K2`.
pub(super) const fn coefficients(commodity: Commodity) -> [f64; 3] {
    match commodity {
        Commodity::Crude => [341.0957, 0.0, 0.0],
        Commodity::FuelOil => [103.8720, 0.2701, 0.0],
        Commodity::Jet => [330.3010, 0.0, 0.0],
        Commodity::Transition => [1489.0670, 0.0, -0.001_868_40],
        Commodity::Gasoline => [192.4571, 0.2438, 0.0],
        Commodity::Lubricating => [0.0, 0.348_78, 0.0],
    }
}

/// Gives the densities at 60 degF that the standard takes for a commodity, kg/m3.
pub(super) const fn density_60f(commodity: Commodity) -> Range<f64> {
    let (low, high) = match commodity {
        Commodity::Crude => (610.6, 1163.5),
        Commodity::FuelOil => (838.3127, 1163.5),
        Commodity::Jet => (787.5195, 838.3127),
        Commodity::Transition => (770.352, 787.5195),
        Commodity::Gasoline => (610.6, 770.352),
        Commodity::Lubricating => (800.9, 1163.5),
    };
    Range { low, high }
}

/// Brings a temperature from ITS-90 to IPTS-68, both degF (step 3).
fn to_ipts_68(temperature_f: f64) -> f64 {
    const A: [f64; 8] = [-0.148_759, -0.267_408, 1.080_760, 1.269_056, -4.089_591, -1.871_251, 7.438_081, -3.536_296];
    let celsius = (temperature_f - 32.0) / 1.8;
    let tau = celsius / 630.0;
    let shift = A.iter().rev().fold(0.0, |sum, a| (sum + a) * tau);
    1.8 * (celsius - shift) + 32.0
}

/// A liquid of a commodity with a known density.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Liquid {
    /// Density at 60 degF, kg/m3.
    density_60f: f64,
    /// The same at the base of IPTS-68.
    density_star: f64,
    /// Thermal expansion at 60 degF, 1/degF.
    alpha: f64,
}

impl Liquid {
    /// Takes the density at 60 degF (steps 4 and 5).
    pub(super) fn new(commodity: Commodity, density_60f: f64) -> Self {
        let [k0, k1, k2] = coefficients(commodity);
        let rho = density_60f;
        let a = DELTA_60 / 2.0 * ((k0 / rho + k1) / rho + k2);
        let b = (2.0 * k0 + k1 * rho) / (k0 + (k1 + k2 * rho) * rho);
        let density_star = rho * (1.0 + ((a * (1.0 + 0.8 * a)).exp() - 1.0) / (1.0 + a * (1.0 + 1.6 * a) * b));
        let alpha = (k0 / density_star + k1) / density_star + k2;
        Self { density_60f, density_star, alpha }
    }

    /// Finds the liquid that has a density at a temperature and pressure.
    ///
    /// # Errors
    /// The range in which that density can lie, when it is outside.
    pub(super) fn observed(
        commodity: Commodity,
        density: f64,
        temperature_f: f64,
        psi: f64,
    ) -> Result<Self, Range<f64>> {
        let then = |density_60f| Self::new(commodity, density_60f).density(temperature_f, psi);
        let range = density_60f(commodity);
        let possible = Range { low: then(range.low), high: then(range.high) };
        if !possible.holds(density) {
            return Err(possible);
        }
        Ok(Self::new(commodity, solve::rising(density, range.low, range.high, then)))
    }

    /// Gives what the factors at a temperature come of: rho*, alpha60 and D.
    pub(super) fn inside(&self, temperature_f: f64) -> (f64, f64, f64) {
        (self.density_star, self.alpha, to_ipts_68(temperature_f) - BASE_F)
    }

    /// Gives the density at 60 degF, kg/m3.
    pub(super) const fn density_60f(&self) -> f64 {
        self.density_60f
    }

    /// Gives the density at a temperature and pressure, kg/m3.
    pub(super) fn density(&self, temperature_f: f64, psi: f64) -> f64 {
        self.density_60f * self.ctl(temperature_f) * self.cpl(temperature_f, psi)
    }

    /// Gives the correction for temperature, from 60 degF (step 6).
    pub(super) fn ctl(&self, temperature_f: f64) -> f64 {
        let difference = to_ipts_68(temperature_f) - BASE_F;
        (-self.alpha * difference * (1.0 + 0.8 * self.alpha * (difference + DELTA_60))).exp()
    }

    /// Gives the correction for pressure; a vacuum counts as 0 (steps 7 and 8).
    pub(super) fn cpl(&self, temperature_f: f64, psi: f64) -> f64 {
        let star = to_ipts_68(temperature_f);
        let squared = self.density_star * self.density_star;
        let compressibility = (-1.9947 + 0.000_134_27 * star + (793_920.0 + 2326.0 * star) / squared).exp();
        1.0 / (1.0 - 1e-5 * compressibility * psi.max(0.0))
    }
}
