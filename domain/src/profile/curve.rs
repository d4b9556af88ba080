//! A rod, and one curve of impedance along it.

use thiserror::Error;

use crate::units::{Millimetres, UnixMillis};

/// What is known of a rod.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rod {
    /// What a point sees.
    pub sight: Sight,
    /// Part of its impedance that oil loses from no water to all water, as long as the oil is continuous; 0 to 1.
    pub lost_to_water: f64,
    /// How far below the liquid level a point must lie to count as in the liquid.
    pub clearance: Millimetres,
    /// By how much a deposit lifts the jump for each mm by which it blurs it further: water creeps up in what lies on the
    /// rod, and the deposit's thickness shows in both. 0 where that is not known of the rod.
    pub climb: f64,
}

impl Rod {
    /// Gives a rod whose points see their own height, blurred by so much, with its design values.
    #[must_use]
    pub fn of_spots(blur: Millimetres, lost_to_water: f64, climb: f64) -> Self {
        Self { sight: Sight::Spot(blur), lost_to_water, climb, ..Self::default() }
    }

    pub(super) fn blur_mm(&self) -> f64 {
        match self.sight {
            Sight::Spot(blur) => blur.get().max(0.1),
            Sight::Segment => 4.0,
        }
    }

    pub(super) fn climb_by_blur(&self) -> f64 {
        self.climb
    }
}

/// What a point of a rod sees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sight {
    /// The mean over its part of the rod, half the spacing up and down.
    Segment,
    /// Its own height, blurred by so much up and down.
    Spot(Millimetres),
}

impl Default for Rod {
    /// Segments, 0.55 of the impedance lost to water, 50 mm of clearance, no deposit that would lift the jump.
    fn default() -> Self {
        Self { sight: Sight::Segment, lost_to_water: 0.55, clearance: Millimetres::new(50.0), climb: 0.0 }
    }
}

/// The impedance along a rod at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve<'c> {
    /// When it was taken.
    pub at: UnixMillis,
    /// Height of the first point above the tank bottom.
    pub first: Millimetres,
    /// Distance from point to point.
    pub spacing: Millimetres,
    /// Impedance of each point from below to above, in any unit that is 0 for none.
    pub points: &'c [f64],
    /// Liquid level above the tank bottom.
    pub level: Millimetres,
    /// A finer look at the jump, where the gauge gives one.
    pub window: Option<Window<'c>>,
}

/// A finer look at a part of the rod.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window<'c> {
    /// Height of its first point above the tank bottom.
    pub first: Millimetres,
    /// Distance from point to point.
    pub spacing: Millimetres,
    /// Impedance of each point from below to above, in the unit of the curve.
    pub points: &'c [f64],
}

/// Says why a curve tells no interface.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum CurveError {
    /// The distance between the points cannot be.
    #[error("spacing {spacing} is no distance between points; it must be more than 0")]
    Spacing {
        /// What was given.
        spacing: Millimetres,
    },
    /// A point is no impedance.
    #[error("point {index} from below is {value}, but must be an impedance above 0")]
    Point {
        /// Number of the point from below, from 0.
        index: usize,
        /// What was given.
        value: f64,
    },
    /// Too little of the rod is in the liquid.
    #[error("{points} point(s) of the rod are in the liquid, but at least {} are needed", Curve::FEWEST)]
    TooFewPoints {
        /// How many there are.
        points: usize,
    },
    /// There is one liquid only, and nothing is known yet to tell whether it is oil or water.
    #[error("the curve has no jump, and no curve with one was seen before to tell oil from water")]
    NoContrast,
}

impl Curve<'_> {
    /// Fewest points in the liquid from which anything is told.
    pub const FEWEST: usize = 4;

    pub(super) fn height_mm(&self, index: usize) -> f64 {
        height_mm(self.first, self.spacing, index)
    }

    /// Gives the points that are in the liquid, after a check.
    pub(super) fn in_liquid(&self, rod: &Rod) -> Result<&[f64], CurveError> {
        if !(self.spacing.get() > 0.0 && self.spacing.get().is_finite()) {
            return Err(CurveError::Spacing { spacing: self.spacing });
        }
        let reach = match rod.sight {
            Sight::Segment => self.spacing.get() / 2.0,
            Sight::Spot(_) => 0.0,
        };
        let highest = self.level.get() - rod.clearance.get() - reach;
        let count = (0..self.points.len()).take_while(|index| self.height_mm(*index) <= highest).count();
        let points = &self.points[..count];
        let wrong = points.iter().position(|value| !(*value > 0.0 && value.is_finite()));
        if let Some(index) = wrong {
            return Err(CurveError::Point { index, value: points[index] });
        }
        if count < Self::FEWEST { Err(CurveError::TooFewPoints { points: count }) } else { Ok(points) }
    }
}

impl Window<'_> {
    /// Gives the height of its last point, mm.
    pub(super) fn last_mm(&self) -> f64 {
        height_mm(self.first, self.spacing, self.points.len().saturating_sub(1))
    }

    /// Gives the points that are in the liquid and are impedances, with their heights in mm.
    pub(super) fn in_liquid(&self, level: Millimetres, rod: &Rod) -> impl Iterator<Item = (f64, f64)> {
        let Self { first, spacing, points } = *self;
        // What stands above the level is blurred over more than a coarse point minds.
        let highest = level.get() - 2.0 * rod.clearance.get();
        let points = points.iter().enumerate().map(move |(index, value)| (height_mm(first, spacing, index), *value));
        points.filter(move |(height, value)| *height <= highest && *value > 0.0 && value.is_finite())
    }
}

fn height_mm(first: Millimetres, spacing: Millimetres, index: usize) -> f64 {
    let steps: f64 = (0..index).map(|_| 1.0).sum();
    first.get() + steps * spacing.get()
}
