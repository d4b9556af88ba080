//! What a level and an interface make of a tank: total, water and oil.

use thiserror::Error;

use super::{OutsideCapacity, OutsideTank, Shape, StrappingTable, WaterCutProfile};
use crate::units::{CubicMetres, KilogramsPerCubicMetre, Millimetres};

/// Where a tank's volumes come from. A strapping table, where there is one, wins over a shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Geometry {
    /// A formula.
    Shape(Shape),
    /// The tank's calibration.
    Table(StrappingTable),
}

impl Geometry {
    /// Gives the volume below `level`.
    ///
    /// # Errors
    /// [`OutsideTank`] when the tank, or its table, does not reach to `level`.
    pub fn volume_at(&self, level: Millimetres) -> Result<CubicMetres, OutsideTank> {
        match self {
            Self::Shape(shape) => shape.volume_at(level),
            Self::Table(table) => table.volume_at(level),
        }
    }

    /// Gives what the tank holds more at `level` because a liquid of `density` widens its shell.
    ///
    /// 0 for a shape, and for a table without that column.
    ///
    /// # Errors
    /// [`OutsideTank`] when the tank, or its table, does not reach to `level`.
    pub fn hydrostatic_at(
        &self,
        level: Millimetres,
        density: KilogramsPerCubicMetre,
    ) -> Result<CubicMetres, OutsideTank> {
        match self {
            Self::Shape(shape) => shape.reach().admit(level).map(|_| CubicMetres::new(0.0)),
            Self::Table(table) => table.hydrostatic_at(level, density),
        }
    }

    /// Gives the level below which there is `volume`.
    ///
    /// # Errors
    /// [`OutsideCapacity`] when the tank, or its table, does not hold just that.
    pub fn level_at(&self, volume: CubicMetres) -> Result<Millimetres, OutsideCapacity> {
        match self {
            Self::Shape(shape) => shape.level_at(volume),
            Self::Table(table) => table.level_at(volume),
        }
    }

    /// Gives the volume of the whole tank.
    #[must_use]
    pub fn capacity(&self) -> CubicMetres {
        match self {
            Self::Shape(shape) => shape.capacity(),
            Self::Table(table) => table.capacity(),
        }
    }

    /// Gives the greatest level with a known volume.
    #[must_use]
    pub fn height(&self) -> Millimetres {
        match self {
            Self::Shape(shape) => shape.height(),
            Self::Table(table) => table.height(),
        }
    }

    /// Gives the lowest level with a known volume: 0 for a shape, the first row of a table.
    #[must_use]
    pub fn bottom(&self) -> Millimetres {
        match self {
            Self::Shape(shape) => shape.reach().bottom,
            Self::Table(table) => table.reach().bottom,
        }
    }

    /// Gives 16 hexadecimal digits that name the shape or table, so that a volume can say what it was computed from.
    #[must_use]
    pub fn digest(&self) -> &str {
        match self {
            Self::Shape(shape) => shape.digest(),
            Self::Table(table) => table.digest(),
        }
    }
}

/// What is in a tank, at the temperature it has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Volumes {
    /// Total observed volume (TOV): all that is below the level.
    pub total: CubicMetres,
    /// How it divides into water and oil. Absent when the interface is not known: then neither is known, and neither is 0.
    pub layers: Option<Layers>,
}

impl Volumes {
    /// Gives the same, with every volume multiplied by `factor`.
    #[must_use]
    pub(crate) fn scaled(self, factor: f64) -> Self {
        let by = |volume: CubicMetres| CubicMetres::new(volume.get() * factor);
        let transition = |transition| match transition {
            Transition::Step => Transition::Step,
            Transition::Profile { bottom, top, water, oil } => {
                Transition::Profile { bottom, top, water: by(water), oil: by(oil) }
            }
        };
        let layers = |layers: Layers| Layers {
            water: by(layers.water),
            oil: by(layers.oil),
            transition: transition(layers.transition),
        };
        Self { total: by(self.total), layers: self.layers.map(layers) }
    }
}

/// The water and the oil in a tank; together they are the total.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Layers {
    /// All water: the free water, and that in the transition layer.
    pub water: CubicMetres,
    /// All oil: the free oil, and that in the transition layer.
    pub oil: CubicMetres,
    /// What was taken for the emulsion between the two.
    pub transition: Transition,
}

impl Layers {
    /// Gives the free water (FW): all that is below the interface or the transition layer.
    #[must_use]
    pub fn free_water(&self) -> CubicMetres {
        match self.transition {
            Transition::Step => self.water,
            Transition::Profile { water, .. } => CubicMetres::new(self.water.get() - water.get()),
        }
    }
}

/// What is taken for the transition layer between water and oil.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Transition {
    /// A step at the interface: all water below it, all oil above it. Nothing else can be said from one interface reading.
    Step,
    /// A layer whose water cut is known from height to height.
    Profile {
        /// Where the free water ends, above the tank bottom.
        bottom: Millimetres,
        /// Where the free oil begins, above the tank bottom.
        top: Millimetres,
        /// Water in the layer: the integral of `w(h) dV(h)`.
        water: CubicMetres,
        /// Oil in the layer: the integral of `(1 - w(h)) dV(h)`.
        oil: CubicMetres,
    },
}

/// Says why there are no volumes for a level and an interface.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum VolumeError {
    /// The tank does not reach to the level.
    #[error("liquid {0}")]
    LevelOutside(OutsideTank),
    /// The tank does not reach to the interface.
    #[error("interface {0}")]
    InterfaceOutside(OutsideTank),
    /// The interface is above the liquid that it is an interface in.
    #[error("interface {interface} is above the level {level}, but must be at or below it")]
    InterfaceAboveLevel {
        /// The interface, above the tank bottom.
        interface: Millimetres,
        /// The level, above the tank bottom.
        level: Millimetres,
    },
}

/// Computes what is in a tank from its level and, where there is one, its interface.
///
/// Both are measured from the tank bottom. With only an interface the transition layer is a step ([`Transition::Step`]).
/// Without one, water and oil are absent.
///
/// # Errors
/// [`VolumeError`] when level or interface is outside the tank or the interface is above the level.
pub fn volumes(
    geometry: &Geometry,
    level: Millimetres,
    interface: Option<Millimetres>,
) -> Result<Volumes, VolumeError> {
    let total = geometry.volume_at(level).map_err(VolumeError::LevelOutside)?;
    let layers = interface.map(|interface| layers(geometry, level, interface, total)).transpose()?;
    Ok(Volumes { total, layers })
}

/// Computes what is in a tank from its level and the water cut of its transition layer.
///
/// A layer that reaches above the level, or below the lowest height with a known volume, counts as far as there is volume.
///
/// # Errors
/// [`VolumeError`] when the level is outside the tank or the layer begins above it.
pub fn volumes_by_profile(
    geometry: &Geometry,
    level: Millimetres,
    profile: &WaterCutProfile,
) -> Result<Volumes, VolumeError> {
    let total = geometry.volume_at(level).map_err(VolumeError::LevelOutside)?;
    if profile.bottom() > level {
        return Err(VolumeError::InterfaceAboveLevel { interface: profile.bottom(), level });
    }
    let within = |height: Millimetres| Millimetres::new(height.get().clamp(geometry.bottom().get(), level.get()));
    let (bottom, top) = (within(profile.bottom()), within(profile.top()));
    let at = |height| geometry.volume_at(height).map_err(VolumeError::InterfaceOutside);
    let (below, through) = (at(bottom)?.get(), at(top)?.get().min(total.get()));
    let layer = (through - below).max(0.0);
    let water = profile.water_m3(geometry, bottom, top).map_err(VolumeError::InterfaceOutside)?.clamp(0.0, layer);
    let transition =
        Transition::Profile { bottom, top, water: CubicMetres::new(water), oil: CubicMetres::new(layer - water) };
    let all_water = (below + water).min(total.get());
    let layers =
        Layers { water: CubicMetres::new(all_water), oil: CubicMetres::new(total.get() - all_water), transition };
    Ok(Volumes { total, layers: Some(layers) })
}

fn layers(
    geometry: &Geometry,
    level: Millimetres,
    interface: Millimetres,
    total: CubicMetres,
) -> Result<Layers, VolumeError> {
    let water = geometry.volume_at(interface).map_err(VolumeError::InterfaceOutside)?;
    if interface > level {
        return Err(VolumeError::InterfaceAboveLevel { interface, level });
    }
    // Where the tank is as good as empty, rounding can leave the water above the total by less than a drop.
    let water = CubicMetres::new(water.get().min(total.get()));
    Ok(Layers { water, oil: CubicMetres::new(total.get() - water.get()), transition: Transition::Step })
}

#[cfg(test)]
#[path = "volumes_tests.rs"]
mod tests;
