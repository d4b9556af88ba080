//! Base temperatures, and densities given as API gravity.

use std::fmt;
use std::str::FromStr;

use crate::units::{Celsius, KilogramsPerCubicMetre};

/// Temperature to which a volume or density is brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// 60 degF.
    F60,
    /// 15 degC.
    C15,
    /// 20 degC.
    C20,
}

impl Base {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F60, Self::C15, Self::C20];

    /// Gives the base temperature.
    #[must_use]
    pub const fn temperature(self) -> Celsius {
        Celsius::new(match self {
            Self::F60 => (60.0 - 32.0) / 1.8,
            Self::C15 => 15.0,
            Self::C20 => 20.0,
        })
    }

    /// Gives the word that commands use: `60F`, `15C`, `20C`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::F60 => "60F",
            Self::C15 => "15C",
            Self::C20 => "20C",
        }
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Base {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|base| base.word().eq_ignore_ascii_case(text));
        known.ok_or_else(|| format!("{text:?} is no base temperature: write 60F, 15C or 20C"))
    }
}

/// Density of water at 60 degF in kg/m3, API MPMS 11.1-2004.
const WATER_60F_KG_M3: f64 = 999.016;

/// Gives the density that an API gravity stands for: `141.5 / (API + 131.5) * 999.016`.
///
/// Not a number of any use, but still a number, for gravities below -131.5, which no liquid has.
#[must_use]
pub fn density_of_api_gravity(gravity: f64) -> KilogramsPerCubicMetre {
    KilogramsPerCubicMetre::new(141.5 / (gravity + 131.5) * WATER_60F_KG_M3)
}
