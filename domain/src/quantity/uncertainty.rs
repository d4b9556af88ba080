//! How well the quantities are known.

use super::chain::{Moved, MovedDensity};
use super::{Basis, Measured, Net, Quantities, Water};
use crate::geometry::{VolumeError, WaterCutProfile};
use crate::units::{Celsius, CubicMetres, KilogramsPerCubicMetre, Millimetres, Tonnes};

/// Expanded uncertainties (k = 2) of what the quantities come of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uncertainties {
    /// Of the level.
    pub level: Millimetres,
    /// Of the interface.
    pub interface: Millimetres,
    /// Of the mean temperature, as a difference in degC.
    pub temperature_c: f64,
    /// Of every volume of the strapping table or the dimensions, relative.
    pub table: f64,
    /// Of the density at 20 degC.
    pub density: KilogramsPerCubicMetre,
    /// Of the sediment and water, as a part of the volume.
    pub s_and_w: f64,
}

impl Default for Uncertainties {
    /// Level 4 mm, interface 10 mm, temperature 0.5 degC, table 0.2 %, density 0.5 kg/m3, sediment and water 0.1 %.
    ///
    /// What a gauge for inventory (API MPMS 3.1B), one temperature point, a table by ISO 7507 and a laboratory commonly
    /// give. A tank's own certificates know better.
    fn default() -> Self {
        Self {
            level: Millimetres::new(4.0),
            interface: Millimetres::new(10.0),
            temperature_c: 0.5,
            table: 0.002,
            density: KilogramsPerCubicMetre::new(0.5),
            s_and_w: 0.001,
        }
    }
}

/// Expanded uncertainties (k = 2) of the quantities; absent where the quantity is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Expanded {
    /// Of TOV.
    pub tov: CubicMetres,
    /// Of the ullage.
    pub ullage: CubicMetres,
    /// Of all water, free and in the transition layer.
    pub water: Option<CubicMetres>,
    /// Of GOV.
    pub gov: Option<CubicMetres>,
    /// Of GSV.
    pub gsv: Option<CubicMetres>,
    /// Of NSV.
    pub nsv: Option<CubicMetres>,
    /// Of the mass in air.
    pub mass: Option<Tonnes>,
}

impl Basis {
    /// Computes how well the quantities are known, by the law of propagation of uncertainty (GUM 5.1.2).
    ///
    /// Each input is moved by its standard uncertainty down and up, and what that does to each quantity is half of the
    /// difference (GUM 5.1.3, note 2): so a quantity feels the table once, through total and water alike. Where there is
    /// no room to move one way, at the top of the tank for instance, the other way counts for both. The chain is
    /// computed thirteen times over.
    ///
    /// # Errors
    /// [`VolumeError`] when level or interface is outside the tank or the interface is above the level.
    pub fn uncertainty(&self, measured: &Measured<'_>) -> Result<Expanded, VolumeError> {
        let nominal = self.quantities(measured)?;
        let given = self.conditions.uncertainties;
        let mut sum = Sum::default();
        self.add_level(measured, given.level.get() / 2.0, &mut sum);
        self.add_water(measured, given.interface.get() / 2.0, &mut sum);
        if let Some(temperature) = measured.temperature {
            let by = given.temperature_c / 2.0;
            let at = |by: f64| Measured { temperature: Some(Celsius::new(temperature.get() + by)), ..*measured };
            sum.add(self.moved(&at(-by), Moved::default()), self.moved(&at(by), Moved::default()), 1.0);
        }
        let moved = |moved| self.moved(measured, moved);
        let table = given.table / 2.0;
        sum.add(moved(Moved { table: -table, ..Moved::default() }), moved(Moved { table, ..Moved::default() }), 1.0);
        let density = |density| moved(Moved { density, ..Moved::default() });
        sum.add(density(MovedDensity::Lighter), density(MovedDensity::Denser), 1.0);
        let s_and_w = given.s_and_w / 2.0;
        let cut = |s_and_w| moved(Moved { s_and_w, ..Moved::default() });
        sum.add(cut(-s_and_w), cut(s_and_w), 1.0);
        Ok(sum.expanded(&nominal))
    }

    fn add_level(&self, measured: &Measured<'_>, by: f64, sum: &mut Sum) {
        let level = measured.level.get();
        let floor = match measured.water {
            Water::Unknown => self.geometry.bottom(),
            Water::Interface(interface) => interface,
            Water::Profile(profile) => profile.bottom(),
        };
        let (lower, upper) = ((level - by).max(floor.get()), (level + by).min(self.geometry.height().get()));
        let at = |level| self.moved(&Measured { level: Millimetres::new(level), ..*measured }, Moved::default());
        sum.add(at(lower.min(level)), at(upper.max(level)), stretch(by, upper.max(level) - lower.min(level)));
    }

    fn add_water(&self, measured: &Measured<'_>, by: f64, sum: &mut Sum) {
        match measured.water {
            Water::Unknown => {}
            Water::Interface(interface) => {
                let interface = interface.get();
                let lower = (interface - by).max(self.geometry.bottom().get());
                let upper = (interface + by).min(measured.level.get());
                let at = |height| Measured { water: Water::Interface(Millimetres::new(height)), ..*measured };
                let stretch = stretch(by, upper - lower);
                sum.add(self.quantities(&at(lower)), self.quantities(&at(upper)), stretch);
            }
            Water::Profile(profile) => {
                let upper = by.min(measured.level.get() - profile.bottom().get());
                let (lower, raised) = (shifted(profile, -by), shifted(profile, upper));
                let at = |profile| self.quantities(&Measured { water: Water::Profile(profile), ..*measured });
                sum.add(at(&lower), at(&raised), stretch(by, by + upper));
            }
        }
    }
}

/// Gives what a difference over `moved` has to be multiplied by to be one over both sides of `by`.
fn stretch(by: f64, moved: f64) -> f64 {
    if moved > 0.0 { 2.0 * by / moved } else { 0.0 }
}

fn shifted(profile: &WaterCutProfile, by: f64) -> WaterCutProfile {
    let points = profile.points().iter().map(|(height, cut)| (Millimetres::new(height.get() + by), *cut)).collect();
    // Points that lie so close that they fall together when moved are left where they are: nobody measures that.
    WaterCutProfile::new(points).unwrap_or_else(|_| profile.clone())
}

/// The quantities with an uncertainty, in the order of [`Expanded`].
type Outputs = [Option<f64>; 7];

fn outputs(of: &Quantities) -> Outputs {
    let net = |value: fn(&Net) -> f64| of.net.as_ref().ok().map(value);
    [
        Some(of.tov.get()),
        Some(of.ullage.get()),
        of.layers.map(|layers| layers.water.get()),
        of.gross.as_ref().ok().map(|gross| gross.gov.get()),
        net(|net| net.gsv.get()),
        net(|net| net.nsv.get()),
        net(|net| net.mass.get()),
    ]
}

/// Sum of the squares of what each input contributes.
#[derive(Default)]
struct Sum {
    squares: [f64; 7],
}

impl Sum {
    /// Adds an input by the quantities at its two sides. Where one cannot be had, the input adds nothing.
    fn add(&mut self, below: Result<Quantities, VolumeError>, above: Result<Quantities, VolumeError>, stretch: f64) {
        let (Ok(below), Ok(above)) = (below, above) else { return };
        for ((square, below), above) in self.squares.iter_mut().zip(outputs(&below)).zip(outputs(&above)) {
            if let (Some(below), Some(above)) = (below, above) {
                let contribution = (above - below) / 2.0 * stretch;
                *square += contribution * contribution;
            }
        }
    }

    fn expanded(&self, nominal: &Quantities) -> Expanded {
        let known = outputs(nominal);
        let of = |index: usize| known[index].map(|_| 2.0 * self.squares[index].sqrt());
        let volume = |index| of(index).map(CubicMetres::new);
        let always = |index: usize| CubicMetres::new(2.0 * self.squares[index].sqrt());
        Expanded {
            tov: always(0),
            ullage: always(1),
            water: volume(2),
            gov: volume(3),
            gsv: volume(4),
            nsv: volume(5),
            mass: of(6).map(Tonnes::new),
        }
    }
}

#[cfg(test)]
#[path = "uncertainty_tests.rs"]
mod tests;
