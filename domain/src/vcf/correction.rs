//! A liquid's corrections by either standard.

use super::{Base, Commodity, CorrectionError, Range, Standard, api, gb};
use crate::units::{Celsius, KilogramsPerCubicMetre, Kilopascals};

/// A liquid whose density is known, ready to give its factors.
///
/// Made once per liquid, asked for each reading: what depends on the density alone is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    commodity: Commodity,
    pub(super) base: Base,
    pub(super) liquid: Liquid,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Liquid {
    Api { liquid: api::Liquid, ctl_of_base: f64 },
    Gb(gb::Liquid),
}

/// What a volume at a temperature and pressure is multiplied by to be that at the base temperature and no pressure.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Factors {
    /// Correction for temperature.
    pub ctl: f64,
    /// Correction for pressure.
    pub cpl: f64,
    /// Both: `ctl * cpl`.
    pub ctpl: f64,
    /// The standard, whose edition belongs to every figure that comes of these.
    pub standard: Standard,
}

/// A density as it was found at a temperature and pressure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observed {
    /// The density, or the hydrometer's reading.
    pub density: KilogramsPerCubicMetre,
    /// Temperature of the sample.
    pub temperature: Celsius,
    /// Pressure of the sample, above that of the atmosphere.
    pub pressure: Kilopascals,
    /// What it was taken with.
    pub taken: Taken,
}

/// What a density was taken with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A densimeter or a pycnometer: the density itself.
    Densimeter,
    /// A glass hydrometer made for 20 degC, whose reading has the glass's own expansion in it.
    ///
    /// GB/T 1885-1998 corrects for it, at the nearest quarter of a degree as its density tables are read.
    Hydrometer,
}

impl Observed {
    /// Gives the density that the liquid had and the temperature that it counts for, after the glass's correction.
    #[must_use]
    pub fn corrected(&self) -> (KilogramsPerCubicMetre, Celsius) {
        match self.taken {
            Taken::Densimeter => (self.density, self.temperature),
            Taken::Hydrometer => {
                let temperature = gb::table_temperature_c(self.temperature.get());
                let density = self.density.get() * gb::hydrometer_factor(temperature);
                (KilogramsPerCubicMetre::new(density), Celsius::new(temperature))
            }
        }
    }
}

impl Correction {
    /// Takes the density at the base temperature.
    ///
    /// # Errors
    /// [`CorrectionError`] when the standard does not take this density or base.
    pub fn of_base_density(
        standard: Standard,
        commodity: Commodity,
        base: Base,
        density: KilogramsPerCubicMetre,
    ) -> Result<Self, CorrectionError> {
        let quantity = match base {
            Base::F60 => "density at 60 degF",
            Base::C15 => "density at 15 degC",
            Base::C20 => "density at 20 degC",
        };
        let (value, at) = (density.get(), base.temperature());
        let outside = |range| CorrectionError::Density { quantity, value, range, commodity, standard };
        let liquid = match standard {
            Standard::Api11_1_2004 if base == Base::F60 => {
                let range = api::density_60f(commodity);
                let liquid = range.holds(value).then(|| api::Liquid::new(commodity, value));
                Liquid::api(liquid.ok_or_else(|| outside(range))?, base)
            }
            Standard::Api11_1_2004 => {
                let liquid = api::Liquid::observed(commodity, value, at.to_fahrenheit(), 0.0);
                Liquid::api(liquid.map_err(outside)?, base)
            }
            Standard::Gb1885_1998 => {
                check_gb_base(base)?;
                Liquid::Gb(gb::Liquid::observed(commodity, value, at.get()).map_err(outside)?)
            }
        };
        Ok(Self { commodity, base, liquid })
    }

    /// Finds the liquid that has a density at another temperature and pressure.
    ///
    /// # Errors
    /// [`CorrectionError`] when the standard does not take the density, temperature, pressure or base.
    pub fn of_observed(
        standard: Standard,
        commodity: Commodity,
        base: Base,
        observed: &Observed,
    ) -> Result<Self, CorrectionError> {
        let (temperature, pressure) = (observed.temperature, observed.pressure);
        check(standard, commodity, temperature, pressure)?;
        let value = observed.density.get();
        let quantity = "observed density";
        let outside = |range| CorrectionError::Density { quantity, value, range, commodity, standard };
        let liquid = match standard {
            Standard::Api11_1_2004 => {
                if observed.taken == Taken::Hydrometer {
                    return Err(CorrectionError::Hydrometer { standard });
                }
                let (fahrenheit, psi) = (temperature.to_fahrenheit(), pressure.to_psi());
                let liquid = api::Liquid::observed(commodity, value, fahrenheit, psi).map_err(outside)?;
                Liquid::api(liquid, base)
            }
            Standard::Gb1885_1998 => {
                check_gb_base(base)?;
                let (density, temperature) = observed.corrected();
                let factor = density.get() / value;
                let liquid = gb::Liquid::observed(commodity, density.get(), temperature.get());
                let as_read = |range: Range<f64>| Range { low: range.low / factor, high: range.high / factor };
                Liquid::Gb(liquid.map_err(as_read).map_err(outside)?)
            }
        };
        Ok(Self { commodity, base, liquid })
    }

    /// Gives the factors at a temperature and pressure. A vacuum counts as no pressure.
    ///
    /// # Errors
    /// [`CorrectionError`] when the standard does not take the temperature or pressure.
    pub fn at(&self, temperature: Celsius, pressure: Kilopascals) -> Result<Factors, CorrectionError> {
        let standard = self.standard();
        check(standard, self.commodity, temperature, pressure)?;
        let (ctl, cpl) = match &self.liquid {
            Liquid::Api { liquid, ctl_of_base } => {
                let fahrenheit = temperature.to_fahrenheit();
                (liquid.ctl(fahrenheit) / ctl_of_base, liquid.cpl(fahrenheit, pressure.to_psi()))
            }
            Liquid::Gb(liquid) if self.base == Base::C20 => (liquid.vcf20(temperature.get()), 1.0),
            Liquid::Gb(liquid) => (liquid.vcf15(temperature.get()), 1.0),
        };
        Ok(Factors { ctl, cpl, ctpl: ctl * cpl, standard })
    }

    /// Gives the density at the base temperature.
    #[must_use]
    pub fn base_density(&self) -> KilogramsPerCubicMetre {
        let density = match &self.liquid {
            Liquid::Api { liquid, ctl_of_base } => liquid.density_60f() * ctl_of_base,
            Liquid::Gb(liquid) => liquid.density(self.base.temperature().get()),
        };
        KilogramsPerCubicMetre::new(density)
    }

    /// Gives the base temperature.
    #[must_use]
    pub const fn base(&self) -> Base {
        self.base
    }

    /// Gives the commodity.
    #[must_use]
    pub const fn commodity(&self) -> Commodity {
        self.commodity
    }

    /// Gives the standard.
    #[must_use]
    pub const fn standard(&self) -> Standard {
        match self.liquid {
            Liquid::Api { .. } => Standard::Api11_1_2004,
            Liquid::Gb(_) => Standard::Gb1885_1998,
        }
    }
}

impl Liquid {
    fn api(liquid: api::Liquid, base: Base) -> Self {
        // 60 degF is the formula's own base, where its factor is 1 but for the rounding of the scale's constants.
        let ctl_of_base = if base == Base::F60 { 1.0 } else { liquid.ctl(base.temperature().to_fahrenheit()) };
        Self::Api { liquid, ctl_of_base }
    }
}

fn check_gb_base(base: Base) -> Result<(), CorrectionError> {
    match base {
        Base::C15 | Base::C20 => Ok(()),
        Base::F60 => Err(CorrectionError::Base { base, standard: Standard::Gb1885_1998 }),
    }
}

fn check(
    standard: Standard,
    commodity: Commodity,
    temperature: Celsius,
    pressure: Kilopascals,
) -> Result<(), CorrectionError> {
    let outside = |low, high| CorrectionError::Temperature { value: temperature, range: Range { low, high }, standard };
    match standard {
        Standard::Api11_1_2004 => {
            let Range { low, high } = api::TEMPERATURE_F;
            if !api::TEMPERATURE_F.holds(temperature.to_fahrenheit()) {
                return Err(outside(Celsius::from_fahrenheit(low), Celsius::from_fahrenheit(high)));
            }
            let Range { low, high } = api::PRESSURE_PSI;
            if pressure.get().is_nan() || pressure.to_psi() > 0.0 && !api::PRESSURE_PSI.holds(pressure.to_psi()) {
                let range = Range { low: Kilopascals::from_psi(low), high: Kilopascals::from_psi(high) };
                return Err(CorrectionError::Pressure { value: pressure, range, standard });
            }
        }
        Standard::Gb1885_1998 => {
            let range = gb::temperature_c(commodity);
            if !range.holds(temperature.get()) {
                return Err(outside(Celsius::new(range.low), Celsius::new(range.high)));
            }
            if pressure.get().is_nan() || pressure.get() > 0.0 {
                return Err(CorrectionError::PressureNotCovered { value: pressure, standard });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "correction_tests.rs"]
mod tests;
