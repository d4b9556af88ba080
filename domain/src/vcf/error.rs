//! Why a standard gives no factor.

use std::fmt;

use thiserror::Error;

use super::{Base, Commodity, Standard};
use crate::units::{Celsius, Kilopascals};

/// Says what lies outside the range of a standard, by quantity, value and range.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum CorrectionError {
    /// A temperature.
    #[error("temperature {} is outside {} to {} of {}", Both(*value), Both(range.low), Both(range.high), standard.edition())]
    Temperature {
        /// What was given.
        value: Celsius,
        /// What the standard takes.
        range: Range<Celsius>,
        /// The standard.
        standard: Standard,
    },
    /// A pressure.
    #[error("pressure {} is outside {} to {} of {}", Both(*value), Both(range.low), Both(range.high), standard.edition())]
    Pressure {
        /// What was given, above that of the atmosphere.
        value: Kilopascals,
        /// What the standard takes.
        range: Range<Kilopascals>,
        /// The standard.
        standard: Standard,
    },
    /// A density, at the base temperature or as observed.
    #[error(
        "{quantity} {} kg/m3 is outside {} to {} kg/m3 of {commodity} by {}",
        Short(*value), Short(range.low), Short(range.high), standard.edition()
    )]
    Density {
        /// Which density, such as `density at 15 degC`.
        quantity: &'static str,
        /// What was given, kg/m3.
        value: f64,
        /// What the standard takes of this density for the commodity, kg/m3.
        range: Range<f64>,
        /// The commodity.
        commodity: Commodity,
        /// The standard.
        standard: Standard,
    },
    /// A base temperature that the standard does not know.
    #[error("base {base} is none of {}, which knows 15C and 20C", standard.edition())]
    Base {
        /// What was asked for.
        base: Base,
        /// The standard.
        standard: Standard,
    },
    /// A pressure where the standard corrects for temperature alone.
    #[error("pressure {} is not corrected for by {}, which takes 0 kPa only", Both(*value), standard.edition())]
    PressureNotCovered {
        /// What was given, above that of the atmosphere.
        value: Kilopascals,
        /// The standard.
        standard: Standard,
    },
    /// A hydrometer reading where the standard has no correction for the glass.
    #[error("hydrometer readings are not corrected by {}; give the density itself", standard.edition())]
    Hydrometer {
        /// The standard.
        standard: Standard,
    },
}

/// A closed range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range<T> {
    /// The least value.
    pub low: T,
    /// The greatest value.
    pub high: T,
}

/// By how much of itself a bound may be passed: the rounding of a conversion between units, and no more.
const ROUNDING: f64 = 1e-12;

impl Range<f64> {
    /// Tells whether `value` is in the range, but for the rounding of a conversion between units.
    pub(super) fn holds(self, value: f64) -> bool {
        let slack = ROUNDING * self.low.abs().max(self.high.abs());
        (self.low - slack..=self.high + slack).contains(&value)
    }
}

/// Writes a number with six significant digits at most.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short: f64 = format!("{:.5e}", self.0).parse().unwrap_or(self.0);
        short.fmt(f)
    }
}

/// Writes a quantity in both units in which it is given.
struct Both<T>(T);

impl fmt::Display for Both<Celsius> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} degC ({} degF)", Short(self.0.get()), Short(self.0.to_fahrenheit()))
    }
}

impl fmt::Display for Both<Kilopascals> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kPa ({} psi)", Short(self.0.get()), Short(self.0.to_psi()))
    }
}
