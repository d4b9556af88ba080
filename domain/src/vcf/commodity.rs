//! The groups of liquids that have correction factors of their own.

use std::fmt;
use std::str::FromStr;

/// Group of liquids with its own coefficients of thermal expansion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commodity {
    /// Crude oil.
    Crude,
    /// Gasolines and naphthas.
    Gasoline,
    /// Between gasoline and jet fuel.
    Transition,
    /// Jet fuels, kerosenes and solvents.
    Jet,
    /// Diesel, heating and fuel oils.
    FuelOil,
    /// Lubricating oils.
    Lubricating,
}

impl Commodity {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Crude, Self::Gasoline, Self::Transition, Self::Jet, Self::FuelOil, Self::Lubricating];

    /// Gives the word that commands use, such as `fuel-oil`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Crude => "crude",
            Self::Gasoline => "gasoline",
            Self::Transition => "transition",
            Self::Jet => "jet",
            Self::FuelOil => "fuel-oil",
            Self::Lubricating => "lubricating",
        }
    }
}

impl fmt::Display for Commodity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Commodity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|commodity| commodity.word() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::word).join(", ");
            format!("{text:?} is no commodity: write one of {words}")
        })
    }
}
