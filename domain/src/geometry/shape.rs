//! Tank shapes with a formula for their volume.

use std::f64::consts::PI;
use std::fmt;

use thiserror::Error;

use super::circle::{conical_heads, ellipsoidal_heads, segment_area};
use super::digest::digest;
use super::reach::{Holdings, OutsideCapacity, OutsideTank, Reach};
use crate::solve;
use crate::units::{CubicMetres, Metres, Millimetres};

/// The dimensions taken for a tank's, m. A greater number is one in millimetres.
const LEAST_DIMENSION_M: f64 = 0.001;
const GREATEST_DIMENSION_M: f64 = 1000.0;

/// Says that a dimension cannot be a tank's.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("{dimension} is {}, but must be a number of metres from {LEAST_DIMENSION_M} to {GREATEST_DIMENSION_M}", value.get())]
#[non_exhaustive]
pub struct DimensionError {
    /// The dimension as the site description calls it, such as `diameter_m`.
    pub dimension: &'static str,
    /// What was given for it.
    pub value: Metres,
}

/// The two heads of a horizontal cylinder; both are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Heads {
    /// Plane ends.
    Flat,
    /// Dished ends, each half an ellipsoid.
    Ellipsoidal {
        /// How far each head bulges out of the cylinder's end.
        depth: Metres,
    },
    /// Cones with their points on the cylinder's axis.
    Conical {
        /// How far each point lies outside the cylinder's end.
        depth: Metres,
    },
    /// Half spheres, as deep as the cylinder's radius.
    Hemispherical,
}

/// A tank as a solid that a formula describes. Its dimensions are inside ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    solid: Solid,
    digest: String,
}

/// Dimensions in metres, each checked by the constructor.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Solid {
    VerticalCylinder { diameter: f64, height: f64 },
    HorizontalCylinder { diameter: f64, length: f64, heads: Heads },
    HalfCylinder { diameter: f64, length: f64 },
    Sphere { diameter: f64 },
    Box { length: f64, width: f64, height: f64 },
}

impl Shape {
    /// Describes an upright cylinder with a flat bottom; what is above the shell does not count.
    ///
    /// # Errors
    /// [`DimensionError`] for the first dimension that cannot be a tank's.
    pub fn vertical_cylinder(diameter: Metres, height: Metres) -> Result<Self, DimensionError> {
        Ok(Self::of(Solid::VerticalCylinder {
            diameter: checked("diameter_m", diameter)?,
            height: checked("height_m", height)?,
        }))
    }

    /// Describes a lying cylinder, level along its axis. `length` is that of the cylinder without its heads.
    ///
    /// # Errors
    /// [`DimensionError`] for the first dimension that cannot be a tank's.
    pub fn horizontal_cylinder(diameter: Metres, length: Metres, heads: Heads) -> Result<Self, DimensionError> {
        let diameter = checked("diameter_m", diameter)?;
        let length = checked("length_m", length)?;
        if let Heads::Ellipsoidal { depth } | Heads::Conical { depth } = heads {
            checked("head_depth_m", depth)?;
        }
        Ok(Self::of(Solid::HorizontalCylinder { diameter, length, heads }))
    }

    /// Describes a trough: the lower half of a lying cylinder with flat ends, open side up, as high as its radius.
    ///
    /// # Errors
    /// [`DimensionError`] for the first dimension that cannot be a tank's.
    pub fn half_cylinder(diameter: Metres, length: Metres) -> Result<Self, DimensionError> {
        Ok(Self::of(Solid::HalfCylinder {
            diameter: checked("diameter_m", diameter)?,
            length: checked("length_m", length)?,
        }))
    }

    /// Describes a sphere.
    ///
    /// # Errors
    /// [`DimensionError`] when the diameter cannot be a tank's.
    pub fn sphere(diameter: Metres) -> Result<Self, DimensionError> {
        Ok(Self::of(Solid::Sphere { diameter: checked("diameter_m", diameter)? }))
    }

    /// Describes a rectangular box that stands on a flat bottom.
    ///
    /// # Errors
    /// [`DimensionError`] for the first dimension that cannot be a tank's.
    pub fn rectangular_box(length: Metres, width: Metres, height: Metres) -> Result<Self, DimensionError> {
        Ok(Self::of(Solid::Box {
            length: checked("length_m", length)?,
            width: checked("width_m", width)?,
            height: checked("height_m", height)?,
        }))
    }

    /// Gives the volume below `level`, which is measured from the lowest inside point.
    ///
    /// Source: API MPMS 12.1.1 takes this as the total observed volume; formulas of solid geometry, each at its function.
    ///
    /// # Errors
    /// [`OutsideTank`] when `level` is below 0 or above the tank's height, or is no number.
    pub fn volume_at(&self, level: Millimetres) -> Result<CubicMetres, OutsideTank> {
        let level = self.reach().admit(level)?;
        if level == self.height() {
            return Ok(self.capacity());
        }
        // Adding 0 turns -0 into 0.
        Ok(CubicMetres::new(self.solid.volume_m3(level.to_metres().get()) + 0.0))
    }

    /// Gives the level below which there is `volume`, to a thousandth of a millimetre or better.
    ///
    /// # Errors
    /// [`OutsideCapacity`] when `volume` is below 0 or above the capacity, or is no number.
    pub fn level_at(&self, volume: CubicMetres) -> Result<Millimetres, OutsideCapacity> {
        let volume_m3 = self.holdings().admit(volume)?.get();
        let level = Metres::new(self.solid.level_m(volume_m3)).to_millimetres();
        Ok(Millimetres::new(level.get().clamp(0.0, self.height().get())))
    }

    /// Gives the volume of the whole tank.
    #[must_use]
    pub fn capacity(&self) -> CubicMetres {
        CubicMetres::new(self.solid.volume_m3(self.solid.height_m()))
    }

    /// Gives the greatest level, measured from the lowest inside point, to the nanometre.
    #[must_use]
    pub fn height(&self) -> Millimetres {
        Millimetres::new((self.solid.height_m() * 1e9).round() / 1e6)
    }

    /// Gives 16 hexadecimal digits that change with the shape and with any of its dimensions.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub(super) fn reach(&self) -> Reach {
        Reach { bottom: Millimetres::new(0.0), height: self.height() }
    }

    fn holdings(&self) -> Holdings {
        Holdings { least: CubicMetres::new(0.0), capacity: self.capacity() }
    }

    fn of(solid: Solid) -> Self {
        Self { digest: digest(&solid.to_string()), solid }
    }
}

/// Writes the shape and its dimensions with the keys of the site description.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.solid.fmt(f)
    }
}

impl Solid {
    fn height_m(self) -> f64 {
        match self {
            Self::VerticalCylinder { height, .. } | Self::Box { height, .. } => height,
            Self::HorizontalCylinder { diameter, .. } | Self::Sphere { diameter } => diameter,
            Self::HalfCylinder { diameter, .. } => diameter / 2.0,
        }
    }

    /// Gives the volume below `level_m`, which is inside the tank but for a rounding error.
    fn volume_m3(self, level_m: f64) -> f64 {
        let level = level_m.min(self.height_m());
        match self {
            Self::VerticalCylinder { diameter, .. } => PI / 4.0 * diameter * diameter * level,
            Self::Box { length, width, .. } => length * width * level,
            Self::HalfCylinder { diameter, length } => segment_area(diameter / 2.0, level) * length,
            // Two heads as deep as the radius, with no cylinder between.
            Self::Sphere { diameter } => ellipsoidal_heads(diameter / 2.0, diameter / 2.0, level),
            Self::HorizontalCylinder { diameter, length, heads } => {
                let radius = diameter / 2.0;
                let both_heads = match heads {
                    Heads::Flat => 0.0,
                    Heads::Ellipsoidal { depth } => ellipsoidal_heads(radius, depth.get(), level),
                    Heads::Conical { depth } => conical_heads(radius, depth.get(), level),
                    Heads::Hemispherical => ellipsoidal_heads(radius, radius, level),
                };
                segment_area(radius, level) * length + both_heads
            }
        }
    }

    /// Gives the level below which there is `volume_m3`, which the tank holds.
    fn level_m(self, volume_m3: f64) -> f64 {
        /// Closer than any gauge reads, far beyond the micrometre that is asked for.
        const TOLERANCE_M: f64 = 1e-9;
        match self {
            Self::VerticalCylinder { height, .. } | Self::Box { height, .. } => {
                volume_m3 / self.volume_m3(height) * height
            }
            _ => solve::within(volume_m3, 0.0, self.height_m(), TOLERANCE_M, |level| self.volume_m3(level)),
        }
    }
}

/// The canonical text: what it says is what the digest covers, so a change here changes every digest.
impl fmt::Display for Solid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VerticalCylinder { diameter, height } => {
                write!(f, "vertical-cylinder diameter_m={diameter} height_m={height}")
            }
            Self::HalfCylinder { diameter, length } => {
                write!(f, "half-cylinder diameter_m={diameter} length_m={length}")
            }
            Self::Sphere { diameter } => write!(f, "sphere diameter_m={diameter}"),
            Self::Box { length, width, height } => {
                write!(f, "box length_m={length} width_m={width} height_m={height}")
            }
            Self::HorizontalCylinder { diameter, length, heads } => {
                write!(f, "horizontal-cylinder diameter_m={diameter} length_m={length}")?;
                match heads {
                    Heads::Flat => write!(f, " heads=flat"),
                    Heads::Ellipsoidal { depth } => write!(f, " heads=ellipsoidal head_depth_m={}", depth.get()),
                    Heads::Conical { depth } => write!(f, " heads=conical head_depth_m={}", depth.get()),
                    Heads::Hemispherical => write!(f, " heads=hemispherical"),
                }
            }
        }
    }
}

fn checked(dimension: &'static str, value: Metres) -> Result<f64, DimensionError> {
    let metres = value.get();
    if (LEAST_DIMENSION_M..=GREATEST_DIMENSION_M).contains(&metres) {
        Ok(metres)
    } else {
        Err(DimensionError { dimension, value })
    }
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
