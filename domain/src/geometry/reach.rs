//! The heights between which a tank's volume is known.

use thiserror::Error;

use crate::units::{CubicMetres, Millimetres};

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

/// Says that a volume is not one that a tank, or its strapping table, can hold.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("volume {volume} is outside the tank, whose levels are known from {least} to {capacity}")]
#[non_exhaustive]
pub struct OutsideCapacity {
    /// The volume asked for. May be no number at all.
    pub volume: CubicMetres,
    /// The least volume with a known level.
    pub least: CubicMetres,
    /// The greatest volume with a known level.
    pub capacity: CubicMetres,
}

/// The closed range of volumes with a known level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Holdings {
    pub(super) least: CubicMetres,
    pub(super) capacity: CubicMetres,
}

impl Holdings {
    /// Passes a `volume` inside the range and refuses any other, NaN and the infinities among them.
    pub(super) fn admit(self, volume: CubicMetres) -> Result<CubicMetres, OutsideCapacity> {
        if (self.least..=self.capacity).contains(&volume) {
            Ok(volume)
        } else {
            Err(OutsideCapacity { volume, least: self.least, capacity: self.capacity })
        }
    }
}
