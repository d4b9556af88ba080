//! What the temperature of the steel does to a tank's volumes.

use crate::units::Celsius;

/// The steel around the liquid, and the temperature at which its table or dimensions hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shell {
    /// What stands between the steel and the weather.
    pub insulation: Insulation,
    /// Linear expansion of the steel, 1/degC.
    pub expansion_per_c: f64,
    /// Temperature at which the strapping table or the dimensions hold.
    pub reference: Celsius,
}

/// What stands between a tank's steel and the weather.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Insulation {
    /// Insulated: the steel is as warm as the liquid.
    Insulated,
    /// Bare steel, which takes a part of the weather's temperature.
    Bare {
        /// Temperature of the air around the tank.
        ambient: Celsius,
    },
}

impl Shell {
    /// Linear expansion of carbon steel, 1/degC. Source: API MPMS 12.1.1.
    pub const CARBON_STEEL_PER_C: f64 = 1.12e-5;
    /// Temperature at which strapping tables hold in China, and everywhere where the base is 20 degC.
    pub const REFERENCE: Celsius = Celsius::new(20.0);

    /// Gives the temperature of the steel: the liquid's, or `(7 T_liquid + T_ambient) / 8` where it is bare.
    ///
    /// Source: API MPMS 12.1.1.
    #[must_use]
    pub fn temperature(&self, liquid: Celsius) -> Celsius {
        match self.insulation {
            Insulation::Insulated => liquid,
            Insulation::Bare { ambient } => Celsius::new((7.0 * liquid.get() + ambient.get()) / 8.0),
        }
    }

    /// Gives the factor by which the tank holds more at that temperature: `CTSh = 1 + 2 a dT + a^2 dT^2`.
    ///
    /// Source: API MPMS 12.1.1.
    #[must_use]
    pub fn factor(&self, liquid: Celsius) -> f64 {
        let difference = self.temperature(liquid).get() - self.reference.get();
        let strain = self.expansion_per_c * difference;
        1.0 + 2.0 * strain + strain * strain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_steel_takes_an_eighth_of_the_weather() {
        let shell =
            |insulation| Shell { insulation, expansion_per_c: Shell::CARBON_STEEL_PER_C, reference: Shell::REFERENCE };
        let bare = shell(Insulation::Bare { ambient: Celsius::new(-20.0) });
        assert_eq!(bare.temperature(Celsius::new(60.0)), Celsius::new(50.0));
        // 1.12e-5 * 30 = 3.36e-4; 1 + 6.72e-4 + 1.128 96e-7.
        assert!((bare.factor(Celsius::new(60.0)) - 1.000_672_112_896).abs() < 1e-15);
        let insulated = shell(Insulation::Insulated);
        assert_eq!(insulated.temperature(Celsius::new(60.0)), Celsius::new(60.0));
        assert_eq!(insulated.factor(Celsius::new(20.0)), 1.0);
    }
}
