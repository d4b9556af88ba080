//! The heights between which a tank's volume is known.

use thiserror::Error;

use crate::units::Millimetres;

/// Says that a height lies where the tank, or its strapping table, does not reach.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("level {level} is outside the tank, whose volumes are known from {bottom} to {height}")]
#[non_exhaustive]
pub struct OutsideTank {
    /// The height asked for, mm above the tank bottom. May be no number at all.
    pub level: Millimetres,
    /// The lowest height with a known volume, mm above the tank bottom.
    pub bottom: Millimetres,
    /// The greatest height with a known volume, mm above the tank bottom.
    pub height: Millimetres,
}

/// The closed range of heights, mm above the tank bottom, with a known volume.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reach {
    pub(super) bottom: Millimetres,
    pub(super) height: Millimetres,
}

impl Reach {
    /// Passes a `level` inside the range and refuses any other, NaN and the infinities among them.
    pub(super) fn admit(self, level: Millimetres) -> Result<Millimetres, OutsideTank> {
        if (self.bottom..=self.height).contains(&level) {
            Ok(level)
        } else {
            Err(OutsideTank { level, bottom: self.bottom, height: self.height })
        }
    }
}
