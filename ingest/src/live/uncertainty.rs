//! How well the volumes and the mass are known that operators see.

use serde::Serialize;
use tankline_domain::quantity::Basis;
use tankline_domain::units::{Celsius, CubicMetres, Millimetres, Tonnes};

use super::Shown;
use crate::derive::divisions;

/// Expanded uncertainties (k = 2); absent where the quantity is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Uncertainty {
    /// The factor that standard uncertainties are expanded by.
    pub k: u8,
    /// Of the total observed volume.
    pub tov_m3: f64,
    /// Of the room up to the safe fill height.
    pub ullage_m3: f64,
    /// Of all water, free and in the transition layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub water_m3: Option<f64>,
    /// Of the gross observed volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gov_m3: Option<f64>,
    /// Of the gross standard volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gsv_m3: Option<f64>,
    /// Of the net standard volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nsv_m3: Option<f64>,
    /// Of the mass in air.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mass_t: Option<f64>,
}

/// Computes how well the quantities shown are known; nothing where there is no volume.
pub(super) fn uncertainty(basis: &Basis, shown: &Shown) -> Option<Uncertainty> {
    let _ = shown.tov_m3?;
    let (level, interface) = (shown.level_mm.map(Millimetres::new)?, shown.interface_mm.map(Millimetres::new));
    let temperature = shown.temperature_c.map(Celsius::new);
    let mut told = divisions(basis, level, interface, shown.layer.as_ref(), temperature);
    let known = told.find_map(|measured| basis.uncertainty(&measured).ok())?;
    let volume = |of: Option<CubicMetres>| of.map(CubicMetres::get);
    Some(Uncertainty {
        k: 2,
        tov_m3: known.tov.get(),
        ullage_m3: known.ullage.get(),
        water_m3: volume(known.water),
        gov_m3: volume(known.gov),
        gsv_m3: volume(known.gsv),
        nsv_m3: volume(known.nsv),
        mass_t: known.mass.map(Tonnes::get),
    })
}
