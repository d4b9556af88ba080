//! The water cut from height to height in the layer between free water and free oil.

use thiserror::Error;

use super::{Geometry, OutsideTank};
use crate::units::Millimetres;

/// Water cut of the transition layer: at given heights, with straight lines between.
///
/// Below the first point stands free water, above the last one free oil; water that is dispersed in the free oil is
/// sediment and water (S&W) and not part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct WaterCutProfile {
    /// At least two; heights increase, but two points may be at one place.
    points: Vec<(Millimetres, f64)>,
}

/// Says what is wrong with the points of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum CutError {
    /// There are too few points to draw a line between.
    #[error("the profile has {points} point(s), but must have at least 2")]
    TooFewPoints {
        /// How many there are.
        points: usize,
    },
    /// A height is no number, or not above the one before.
    #[error("height {height} is not above the {before} of the point before")]
    HeightNotIncreasing {
        /// The height, above the tank bottom.
        height: Millimetres,
        /// The height of the point before.
        before: Millimetres,
    },
    /// A water cut is none.
    #[error("water cut at {height} is {cut}, but must be 0 to 1")]
    NoCut {
        /// Where, above the tank bottom.
        height: Millimetres,
        /// What was given.
        cut: f64,
    },
}

/// Steps in which the layer is summed. Exact where the volume between two heights is in proportion to the difference.
const STEP_MM: f64 = 5.0;
/// Most steps between two points, so that no profile is endless work.
const MOST_STEPS: f64 = 200.0;

impl WaterCutProfile {
    /// Takes the points from the lowest up: height above the tank bottom, and water cut from 0 to 1.
    ///
    /// Two points at one place are a layer of no height: a step.
    ///
    /// # Errors
    /// [`CutError`] for the first point that cannot be.
    pub fn new(points: Vec<(Millimetres, f64)>) -> Result<Self, CutError> {
        if points.len() < 2 {
            return Err(CutError::TooFewPoints { points: points.len() });
        }
        let mut before = Millimetres::new(f64::NEG_INFINITY);
        for &(height, cut) in &points {
            let is_step = points.len() == 2 && height == before;
            if !((height > before || is_step) && height.get().is_finite()) {
                return Err(CutError::HeightNotIncreasing { height, before });
            }
            if !(0.0..=1.0).contains(&cut) {
                return Err(CutError::NoCut { height, cut });
            }
            before = height;
        }
        Ok(Self { points })
    }

    /// Gives the height up to which there is free water.
    #[must_use]
    pub fn bottom(&self) -> Millimetres {
        self.points[0].0
    }

    /// Gives the height above which there is free oil.
    #[must_use]
    pub fn top(&self) -> Millimetres {
        self.points[self.points.len() - 1].0
    }

    /// Gives the points, from the lowest up.
    #[must_use]
    pub fn points(&self) -> &[(Millimetres, f64)] {
        &self.points
    }

    /// Gives the water cut at a height.
    #[must_use]
    pub fn at(&self, height: Millimetres) -> f64 {
        let above = self.points.partition_point(|point| point.0 < height);
        match self.points.get(above) {
            None => 0.0,
            Some(&(at, cut)) if above == 0 => {
                if height < at {
                    1.0
                } else {
                    cut
                }
            }
            Some(&(top, upper)) => {
                let (bottom, lower) = self.points[above - 1];
                lower + (upper - lower) * (height.get() - bottom.get()) / (top.get() - bottom.get())
            }
        }
    }

    /// Sums the water of the layer between two heights in it, m3: the integral of `w(h) dV(h)`.
    pub(super) fn water_m3(&self, geometry: &Geometry, from: Millimetres, to: Millimetres) -> Result<f64, OutsideTank> {
        let mut water = 0.0;
        let mut lower = (from.get(), self.at(from), geometry.volume_at(from)?.get());
        let inside = self.points.iter().map(|point| point.0).filter(|height| *height > from && *height < to);
        for end in inside.chain([to]) {
            let (start, rise) = (lower.0, end.get() - lower.0);
            let steps = (rise / STEP_MM).ceil().clamp(1.0, MOST_STEPS);
            let mut step = 1.0;
            while step <= steps {
                let height = if step == steps { end.get() } else { start + rise * step / steps };
                let height_mm = Millimetres::new(height);
                let upper = (height, self.at(height_mm), geometry.volume_at(height_mm)?.get());
                water += f64::midpoint(lower.1, upper.1) * (upper.2 - lower.2);
                lower = upper;
                step += 1.0;
            }
        }
        Ok(water)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mm(number: f64) -> Millimetres {
        Millimetres::new(number)
    }

    #[test]
    fn points_that_cannot_be_are_refused() {
        let refused = [
            (vec![(mm(1.0), 0.5)], "the profile has 1 point(s), but must have at least 2"),
            (vec![(mm(2.0), 0.5), (mm(1.0), 0.4)], "height 1 mm is not above the 2 mm of the point before"),
            (
                vec![(mm(1.0), 0.5), (mm(1.0), 0.4), (mm(2.0), 0.0)],
                "height 1 mm is not above the 1 mm of the point before",
            ),
            (vec![(mm(1.0), 0.5), (mm(2.0), 1.1)], "water cut at 2 mm is 1.1, but must be 0 to 1"),
        ];
        for (points, message) in refused {
            assert_eq!(WaterCutProfile::new(points).unwrap_err().to_string(), message);
        }
        for wrong in [f64::NAN, f64::INFINITY] {
            assert!(WaterCutProfile::new(vec![(mm(0.0), 1.0), (mm(wrong), 0.0)]).is_err());
            assert!(WaterCutProfile::new(vec![(mm(0.0), 1.0), (mm(1.0), wrong)]).is_err());
        }
    }

    #[test]
    fn below_the_layer_is_water_and_above_it_oil() {
        let profile = WaterCutProfile::new(vec![(mm(100.0), 0.8), (mm(200.0), 0.2)]).unwrap();
        for (height, cut) in [(50.0, 1.0), (100.0, 0.8), (150.0, 0.5), (200.0, 0.2), (201.0, 0.0)] {
            assert!((profile.at(mm(height)) - cut).abs() < 1e-12, "{height}");
        }
    }
}
