//! The steps from level, interface and temperature to net volume and mass.

use thiserror::Error;

use super::basis::Filled;
use super::{Basis, Displaced};
use crate::geometry::{Layers, VolumeError, Volumes, WaterCutProfile, volumes, volumes_by_profile};
use crate::units::{Celsius, CubicMetres, KilogramsPerCubicMetre, Kilopascals, Millimetres, Tonnes};
use crate::vcf::{CorrectionError, Factors};

/// Density of air that weighing in air leaves out, kg/m3. Source: GB/T 1885-1998.
pub(super) const AIR_KG_M3: f64 = 1.1;
/// Density of water for the hydrostatic load, kg/m3.
const WATER_KG_M3: f64 = 1000.0;

/// What is read at a tank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured<'p> {
    /// Liquid level above the tank bottom.
    pub level: Millimetres,
    /// Where the water ends.
    pub water: Water<'p>,
    /// Mean temperature of the liquid.
    pub temperature: Option<Celsius>,
}

/// What is known of the water in a tank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Water<'p> {
    /// Nothing: then no volume of oil is known either.
    Unknown,
    /// The interface, above the tank bottom; the transition layer is taken for a step there.
    Interface(Millimetres),
    /// The water cut of the transition layer.
    Profile(&'p WaterCutProfile),
}

/// What is in a tank. Each stage has what it comes of, or says what it lacks.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Quantities {
    /// Total observed volume (TOV): all below the level, at the temperature that it has.
    pub tov: CubicMetres,
    /// What of it is there because the liquid's weight widens the shell; 0 where the table does not say.
    pub hydrostatic: CubicMetres,
    /// How it divides into water and oil.
    pub layers: Option<Layers>,
    /// Room up to the safe fill height, at the temperature that it has; below 0 when the tank is fuller than that.
    pub ullage: CubicMetres,
    /// What can be drawn down to the least fill level; below 0 when there is less than that.
    pub available: CubicMetres,
    /// The oil at the temperature that it has.
    pub gross: Result<Gross, Missing>,
    /// The oil at 20 degC.
    pub net: Result<Net, Missing>,
}

/// Oil at the temperature that it has.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gross {
    /// Correction for the temperature of the shell (CTSh); 1 where the tank has none described.
    pub ctsh: f64,
    /// Temperature of the shell.
    pub shell_temperature: Option<Celsius>,
    /// What the floating roof displaces.
    pub roof: Option<Displaced>,
    /// Gross observed volume (GOV): `(TOV - FW - water in the transition layer) CTSh - roof`.
    pub gov: CubicMetres,
}

/// Oil at 20 degC.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Net {
    /// Volume correction, with the standard that it is from.
    pub factors: Factors,
    /// Density at 20 degC, free of water.
    pub density_20c: KilogramsPerCubicMetre,
    /// Gross standard volume (GSV): `GOV x VCF`.
    pub gsv: CubicMetres,
    /// Sediment and water, as a part of the volume, 0 to 1.
    pub s_and_w: f64,
    /// Net standard volume (NSV): `GSV (1 - S&W)`.
    pub nsv: CubicMetres,
    /// Mass in air: `NSV (rho20 - 1.1) / 1000`.
    pub mass: Tonnes,
}

/// Says what a stage of the chain lacks.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Missing {
    /// Where the water ends.
    #[error("the interface is not known")]
    Interface,
    /// The temperature.
    #[error("the temperature is not known")]
    Temperature,
    /// A standard for the product.
    #[error("the product is water, which the standards of petroleum measurement do not correct")]
    Standard,
    /// A factor of the standard.
    #[error(transparent)]
    Factor(#[from] CorrectionError),
    /// Oil for the roof to float in.
    #[error("the roof displaces {roof} but there is only {oil} of oil for it to float in")]
    OilUnderRoof {
        /// What the roof displaces in oil.
        roof: CubicMetres,
        /// The oil between interface and level.
        oil: CubicMetres,
    },
}

/// By how much the inputs are moved, to see what comes of it. The nominal chain is moved by nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moved {
    /// Of every volume of the table, relative.
    pub(super) table: f64,
    pub(super) density: MovedDensity,
    pub(super) s_and_w: f64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum MovedDensity {
    #[default]
    Nominal,
    Lighter,
    Denser,
}

impl Basis {
    /// Computes what is in the tank.
    ///
    /// # Errors
    /// [`VolumeError`] when level or interface is outside the tank or the interface is above the level.
    pub fn quantities(&self, measured: &Measured<'_>) -> Result<Quantities, VolumeError> {
        self.moved(measured, Moved::default())
    }

    pub(super) fn moved(&self, measured: &Measured<'_>, moved: Moved) -> Result<Quantities, VolumeError> {
        let found = match measured.water {
            Water::Unknown => volumes(&self.geometry, measured.level, None),
            Water::Interface(interface) => volumes(&self.geometry, measured.level, Some(interface)),
            Water::Profile(profile) => volumes_by_profile(&self.geometry, measured.level, profile),
        }?;
        let scale = 1.0 + moved.table;
        let found = found.scaled(scale);
        let hydrostatic = self.hydrostatic(measured)?;
        let tov = found.total.get() + hydrostatic;
        let factors = self.factors(measured, moved);
        let gross = self.gross(measured, &found, hydrostatic, &factors);
        let net = gross.and_then(|gross| self.net(gross, factors, moved));
        let room = |filled: Filled| filled.volume.get() * scale;
        Ok(Quantities {
            tov: CubicMetres::new(tov),
            hydrostatic: CubicMetres::new(hydrostatic),
            layers: found.layers,
            ullage: CubicMetres::new(room(self.safe_fill) - tov),
            available: CubicMetres::new(tov - room(self.least_fill)),
            gross,
            net,
        })
    }

    /// Gives what the shell holds more under the weight of water and oil.
    fn hydrostatic(&self, measured: &Measured<'_>) -> Result<f64, VolumeError> {
        let level_mm = measured.level.get();
        let water_mm = match measured.water {
            Water::Interface(interface) => interface.get(),
            Water::Profile(profile) => f64::midpoint(profile.bottom().get(), profile.top().get()),
            Water::Unknown => 0.0,
        };
        let part = if level_mm > 0.0 { (water_mm / level_mm).clamp(0.0, 1.0) } else { 0.0 };
        let density = part * WATER_KG_M3 + (1.0 - part) * self.density_20c.get();
        let held = self.geometry.hydrostatic_at(measured.level, KilogramsPerCubicMetre::new(density));
        held.map(CubicMetres::get).map_err(VolumeError::LevelOutside)
    }

    fn factors(&self, measured: &Measured<'_>, moved: Moved) -> Result<(Factors, KilogramsPerCubicMetre), Missing> {
        let corrections = self.corrections.as_ref().ok_or(Missing::Standard)?;
        let correction = match moved.density {
            MovedDensity::Nominal => &corrections.nominal,
            MovedDensity::Lighter => &corrections.lighter,
            MovedDensity::Denser => &corrections.denser,
        };
        let temperature = measured.temperature.ok_or(Missing::Temperature)?;
        Ok((correction.at(temperature, Kilopascals::new(0.0))?, correction.base_density()))
    }

    fn gross(
        &self,
        measured: &Measured<'_>,
        found: &Volumes,
        hydrostatic: f64,
        factors: &Result<(Factors, KilogramsPerCubicMetre), Missing>,
    ) -> Result<Gross, Missing> {
        let layers = found.layers.ok_or(Missing::Interface)?;
        let (ctsh, shell_temperature) = match (&self.conditions.shell, measured.temperature) {
            (None, _) => (1.0, None),
            (Some(_), None) => return Err(Missing::Temperature),
            (Some(shell), Some(liquid)) => (shell.factor(liquid), Some(shell.temperature(liquid))),
        };
        let oil = (layers.oil.get() + hydrostatic) * ctsh;
        let roof = match &self.conditions.roof {
            None => None,
            Some(roof) => {
                // Water has no standard to correct it by; its density changes little.
                let density = match *factors {
                    Ok((factors, density)) => KilogramsPerCubicMetre::new(density.get() * factors.ctpl),
                    Err(Missing::Standard) => self.density_20c,
                    Err(missing) => return Err(missing),
                };
                let displaced = roof.displaced(measured.level, density);
                if displaced.volume.get() > oil {
                    let oil = CubicMetres::new(oil);
                    return Err(Missing::OilUnderRoof { roof: displaced.volume, oil });
                }
                Some(displaced)
            }
        };
        let gov = CubicMetres::new(oil - roof.map_or(0.0, |roof| roof.volume.get()));
        Ok(Gross { ctsh, shell_temperature, roof, gov })
    }

    fn net(
        &self,
        gross: Gross,
        factors: Result<(Factors, KilogramsPerCubicMetre), Missing>,
        moved: Moved,
    ) -> Result<Net, Missing> {
        let (factors, density_20c) = factors?;
        let s_and_w = self.s_and_w + moved.s_and_w;
        let gsv = gross.gov.get() * factors.ctpl;
        let nsv = gsv * (1.0 - s_and_w);
        let mass = nsv * (density_20c.get() - AIR_KG_M3) / 1000.0;
        Ok(Net {
            factors,
            density_20c,
            gsv: CubicMetres::new(gsv),
            s_and_w,
            nsv: CubicMetres::new(nsv),
            mass: Tonnes::new(mass),
        })
    }
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
