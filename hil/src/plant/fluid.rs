//! How dense oil and water are, and how much heat they hold.

use tankline_domain::site::{Product, ProductKind};

/// Heat that a kilogram of crude oil takes up for each degC, in J/(kg K).
///
/// Source: a usual value for crude of 860 kg/m3 between 20 and 60 degC (Watson and Nelson's correlation gives 1900 to 2100).
const OIL_J_KG_K: f64 = 2000.0;
/// The same for water.
const WATER_J_KG_K: f64 = 4186.0;
/// Produced water holds some grams of salt in a litre.
const WATER_DENSITY_20C: f64 = 1003.0;
/// Oil that drifts on sewage, where the site does not say otherwise.
const SLOP_DENSITY_20C: f64 = 885.0;
/// Constant of crude oil in GB/T 1885-1998, by which its expansion follows from its density.
const K0: f64 = 613.9723;

/// The oil and the water of one tank. Densities in kg/m3, temperatures in degC.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fluids {
    oil_density_20c: f64,
    oil_alpha_15c: f64,
    water_density_20c: f64,
}

impl Fluids {
    /// Takes what the tank holds; the part that the site does not describe is the usual.
    pub(super) fn of(product: Option<&Product>) -> Self {
        let described = product.map(|product| (product.kind, product.density_20c.get()));
        let (oil, water) = match described {
            Some((ProductKind::Water, density)) => (SLOP_DENSITY_20C, density),
            Some((_, density)) => (density, WATER_DENSITY_20C),
            None => (SLOP_DENSITY_20C, WATER_DENSITY_20C),
        };
        // The density at 15 degC is sought from that at 20; four rounds leave less than a gram.
        let mut alpha = K0 / (oil * oil);
        for _ in 0..4 {
            let density_15c = oil * (alpha * 5.0).exp();
            alpha = K0 / (density_15c * density_15c);
        }
        Self { oil_density_20c: oil, oil_alpha_15c: alpha, water_density_20c: water }
    }

    /// Gives the density of oil.
    ///
    /// Source: GB/T 1885-1998, `VCF20 = exp[-alpha15 E (1 + 0.8 alpha15 E + 8 alpha15)]`, E = t - 20.
    pub(super) fn oil_density(&self, temperature_c: f64) -> f64 {
        let (alpha, e) = (self.oil_alpha_15c, temperature_c.clamp(-50.0, 150.0) - 20.0);
        self.oil_density_20c * (-alpha * e * (1.0 + 0.8 * alpha * e + 8.0 * alpha)).exp()
    }

    /// Gives the density of water.
    ///
    /// Source: a parabola through the densities of pure water at 20, 50 and 80 degC (998.2, 988.0, 971.8 kg/m3), to 0.5 kg/m3.
    pub(super) fn water_density(&self, temperature_c: f64) -> f64 {
        let e = temperature_c.clamp(-50.0, 150.0) - 20.0;
        self.water_density_20c * (1.0 - 2.41e-4 * e - 3.34e-6 * e * e)
    }

    /// Gives the density of oil at 20 degC.
    pub(super) fn oil_density_20c(&self) -> f64 {
        self.oil_density_20c
    }
}

/// Gives the heat capacity, in J/K, of masses of oil and water in kg.
pub(super) fn heat_capacity(oil_kg: f64, water_kg: f64) -> f64 {
    oil_kg * OIL_J_KG_K + water_kg * WATER_J_KG_K
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oil_expands_as_the_standard_says() {
        let fluids = Fluids { oil_density_20c: 860.0, ..Fluids::of(None) };
        let fluids = Fluids { oil_alpha_15c: K0 / (863.51f64 * 863.51), ..fluids };
        // Source: VCF20 of crude of 860 kg/m3 by GB/T 1885-1998.
        for (temperature_c, factor) in [(0.0, 1.0165), (20.0, 1.0), (30.0, 0.9917), (40.0, 0.9833)] {
            let found = fluids.oil_density(temperature_c) / 860.0;
            assert!((found - factor).abs() < 5e-5, "{temperature_c} degC: {found}");
        }
    }

    #[test]
    fn water_expands_as_pure_water_does() {
        let fluids = Fluids { water_density_20c: 998.2, ..Fluids::of(None) };
        for (temperature_c, density) in [(4.0, 1000.0), (20.0, 998.2), (50.0, 988.0), (80.0, 971.8)] {
            let found = fluids.water_density(temperature_c);
            assert!((found - density).abs() < 2.0, "{temperature_c} degC: {found}");
        }
    }
}
