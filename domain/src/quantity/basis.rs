//! All of a tank that stays the same from reading to reading.

use super::{Conditions, Insulation};
use std::fmt::Write;

use crate::geometry::digest::digest;
use crate::geometry::{Geometry, OutsideTank};
use crate::site::{Product, Tank};
use crate::units::{CubicMetres, KilogramsPerCubicMetre, Millimetres};
use crate::vcf::{Base, Correction, CorrectionError};

/// A tank and its product, ready to turn readings into quantities.
///
/// Made once per tank, asked for each reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    pub(super) geometry: Geometry,
    pub(super) conditions: Conditions,
    pub(super) density_20c: KilogramsPerCubicMetre,
    /// Absent for water, which no standard of petroleum measurement corrects.
    pub(super) corrections: Option<Corrections>,
    pub(super) s_and_w: f64,
    pub(super) safe_fill: Filled,
    pub(super) least_fill: Filled,
    description: String,
    digest: String,
}

/// The correction by the product's density, and by densities one standard uncertainty below and above.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Corrections {
    pub(super) nominal: Correction,
    pub(super) lighter: Correction,
    pub(super) denser: Correction,
}

/// A level with its volume.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Filled {
    pub(super) level: Millimetres,
    pub(super) volume: CubicMetres,
}

impl Basis {
    /// Takes a tank and the product in it.
    ///
    /// # Errors
    /// [`CorrectionError`] when the product's standard does not take its density.
    pub fn new(tank: &Tank, product: &Product) -> Result<Self, CorrectionError> {
        let conditions = tank.conditions;
        let correction = |density| {
            let commodity = product.kind.commodity();
            commodity.map(|it| Correction::of_base_density(product.standard, it, Base::C20, density)).transpose()
        };
        let spread = conditions.uncertainties.density.get() / 2.0;
        let beside = |by: f64| correction(KilogramsPerCubicMetre::new(product.density_20c.get() + by));
        let corrections = correction(product.density_20c)?.map(|nominal| {
            // At the very end of a standard's range there is nothing beyond: there the one side stands for both.
            let or_nominal = |other: Result<Option<Correction>, _>| other.ok().flatten().unwrap_or(nominal);
            Corrections { nominal, lighter: or_nominal(beside(-spread)), denser: or_nominal(beside(spread)) }
        });
        let geometry = &tank.geometry;
        let safe_fill = conditions.safe_fill.or(tank.limits.high_high).unwrap_or(geometry.height());
        let least_fill = conditions.least_fill.or(tank.limits.low_low).unwrap_or(geometry.bottom());
        let s_and_w = conditions.s_and_w.unwrap_or(product.s_and_w);
        let (safe_fill, least_fill) = (filled(geometry, safe_fill), filled(geometry, least_fill));
        let description = describe(tank, product, s_and_w, safe_fill.level, least_fill.level);
        Ok(Self {
            digest: digest(&description),
            description,
            geometry: geometry.clone(),
            conditions,
            density_20c: product.density_20c,
            corrections,
            s_and_w,
            safe_fill,
            least_fill,
        })
    }

    /// Gives the level up to which the tank may be filled, with the volume below it.
    #[must_use]
    pub const fn safe_fill(&self) -> (Millimetres, CubicMetres) {
        (self.safe_fill.level, self.safe_fill.volume)
    }

    /// Gives the level down to which the tank may be drawn, with the volume below it.
    #[must_use]
    pub const fn least_fill(&self) -> (Millimetres, CubicMetres) {
        (self.least_fill.level, self.least_fill.volume)
    }

    /// Gives what can be worked with: the volume between the two.
    #[must_use]
    pub fn working_capacity(&self) -> CubicMetres {
        CubicMetres::new(self.safe_fill.volume.get() - self.least_fill.volume.get())
    }

    /// Gives 16 hexadecimal digits that change with anything that changes a quantity.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Gives the edition of the standard of its volume correction; none for water.
    #[must_use]
    pub fn edition(&self) -> Option<&'static str> {
        self.corrections.as_ref().map(|corrections| corrections.nominal.standard().edition())
    }

    /// Says in one line all that quantities come of beside the reading: geometry, product, standard, shell, roof, limits.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Gives the geometry, whose digest belongs to every figure that comes of it.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Gives the conditions of the tank.
    #[must_use]
    pub const fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Gives how much the volume changes with the level there, m3 a millimetre.
    ///
    /// # Errors
    /// [`OutsideTank`] when the tank does not reach to the level.
    pub fn volume_per_mm(&self, level: Millimetres) -> Result<f64, OutsideTank> {
        self.geometry.volume_at(level)?;
        let within = |at: f64| at.clamp(self.geometry.bottom().get(), self.geometry.height().get());
        let (below, above) = (within(level.get() - 0.5), within(level.get() + 0.5));
        let at = |level_mm| self.geometry.volume_at(Millimetres::new(level_mm)).map(CubicMetres::get);
        Ok((at(above)? - at(below)?) / (above - below))
    }
}

/// The text that the digest covers; a change here changes every digest.
fn describe(tank: &Tank, product: &Product, s_and_w: f64, safe: Millimetres, least: Millimetres) -> String {
    let conditions = &tank.conditions;
    let kind = product.kind.commodity().map_or("water", |commodity| commodity.word());
    let mut text = format!(
        "geometry={} kind={kind} density_20c_kg_m3={} standard={} s_and_w={s_and_w} safe_fill_mm={} least_fill_mm={}",
        tank.geometry.digest(),
        product.density_20c.get(),
        product.standard,
        safe.get(),
        least.get(),
    );
    let mut add = |part: std::fmt::Arguments<'_>| text.write_fmt(part).expect("a text takes what is written to it");
    if let Some(shell) = &conditions.shell {
        let ambient = match shell.insulation {
            Insulation::Insulated => "insulated".to_owned(),
            Insulation::Bare { ambient } => format!("ambient_c={}", ambient.get()),
        };
        add(format_args!(" shell={ambient},{:e},{}", shell.expansion_per_c, shell.reference.get()));
    }
    if let Some(roof) = &conditions.roof {
        let table = roof.table_density.map_or(0.0, KilogramsPerCubicMetre::get);
        let (landed, afloat) = (roof.landed.get(), roof.afloat.get());
        add(format_args!(" roof={},{landed},{afloat},{table}", roof.mass_kg));
    }
    text
}

/// Gives the volume at a level, or at the end of the tank that is nearest to it.
fn filled(geometry: &Geometry, level: Millimetres) -> Filled {
    let level = Millimetres::new(level.get().clamp(geometry.bottom().get(), geometry.height().get()));
    Filled { level, volume: geometry.volume_at(level).expect("a level between bottom and height is in the tank") }
}
