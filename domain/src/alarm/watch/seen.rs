use serde::{Deserialize, Serialize};

use crate::quantity::{Missing, Quantities};
use crate::units::{Celsius, CubicMetres, UnixMillis};

/// What one good live reading tells of the volume in a tank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// When it was read.
    pub at: UnixMillis,
    /// All liquid, at the temperature that it has, in a shell at the temperature that it has.
    pub total: CubicMetres,
    /// By how much it changes with a millimetre of level there.
    pub per_mm: CubicMetres,
    /// Temperature at the gauge's fixed point.
    pub temperature: Option<Celsius>,
    /// How it expands.
    pub liquid: Liquid,
}

/// What expands with heat, and how.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Liquid {
    /// Oil, with water below it.
    Oil {
        /// Volume correction of the oil to 20 degC.
        vcf: f64,
        /// The water in m3, at the temperature that it has.
        water_m3: f64,
    },
    /// Water, as good as all.
    Water,
    /// That is not known.
    Unknown,
}

impl Seen {
    /// Takes the quantities of a reading. `per_mm` is what a millimetre of level is there, in m3.
    #[must_use]
    pub fn new(at: UnixMillis, found: &Quantities, temperature: Option<Celsius>, per_mm: CubicMetres) -> Self {
        let ctsh = found.gross.map_or(1.0, |gross| gross.ctsh);
        let water = found.layers.map(|layers| layers.water.get() * ctsh);
        let liquid = match (&found.net, water) {
            (Ok(net), Some(water_m3)) => Liquid::Oil { vcf: net.factors.ctpl, water_m3 },
            (Err(Missing::Standard), _) => Liquid::Water,
            _ => Liquid::Unknown,
        };
        Self { at, total: CubicMetres::new(found.tov.get() * ctsh), per_mm, temperature, liquid }
    }
}
