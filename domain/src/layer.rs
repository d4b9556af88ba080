//! The transition layer between water and oil, as a reading carries it.

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use crate::geometry::{CutError, WaterCutProfile};
use crate::units::Millimetres;

/// The emulsion between free water and free oil: its water cut from its bottom to its top, heights above the tank bottom.
///
/// On the wire the points of the profile, from the lowest up: `[[3000,0.62],[3180,0.05]]`, height in mm and water cut from
/// 0 to 1. A layer of no height, two points at one place, is the same as a step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Vec<(Millimetres, f64)>")]
pub struct TransitionLayer(WaterCutProfile);

/// Says why points are no transition layer.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[non_exhaustive]
pub enum LayerError {
    /// They are no profile.
    #[error("layer: {0}")]
    Profile(#[from] CutError),
    /// There are more than a reading carries.
    #[error("layer: {points} points are more than the {} that a reading carries", TransitionLayer::MOST_POINTS)]
    TooManyPoints {
        /// How many there are.
        points: usize,
    },
}

/// Says why a layer cannot be that of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[non_exhaustive]
pub enum LayerMisfit {
    /// It reaches out of the tank.
    #[error("layer from {bottom} to {top} is outside 0 mm to {height}, the height of the tank")]
    OutsideTank {
        /// Where the layer begins.
        bottom: Millimetres,
        /// Where it ends.
        top: Millimetres,
        /// Height of the tank.
        height: Millimetres,
    },
    /// It reaches above the liquid.
    #[error("layer up to {top} is above the level {level}")]
    AboveLevel {
        /// Where the layer ends.
        top: Millimetres,
        /// The level.
        level: Millimetres,
    },
    /// It does not lie at the interface.
    #[error("layer from {bottom} to {top} does not lie around the interface {interface}")]
    AwayFromInterface {
        /// Where the layer begins.
        bottom: Millimetres,
        /// Where it ends.
        top: Millimetres,
        /// The interface.
        interface: Millimetres,
    },
    /// The reading has no level or no interface for it to lie at.
    #[error("layer without a level and an interface")]
    Alone,
}

/// Noise of level and interface by which a layer may seem to be where it cannot be, mm.
const TOLERANCE_MM: f64 = 10.0;
/// Heights are told to a tenth of a millimetre, water cuts to a thousandth.
const HEIGHT_STEPS: f64 = 10.0;
const CUT_STEPS: f64 = 1000.0;

impl TransitionLayer {
    /// Most points that a reading carries.
    pub const MOST_POINTS: usize = 16;

    /// Takes a profile as it is.
    ///
    /// # Errors
    /// [`LayerError::TooManyPoints`].
    pub fn new(profile: WaterCutProfile) -> Result<Self, LayerError> {
        match profile.points().len() {
            0..=Self::MOST_POINTS => Ok(Self(profile)),
            points => Err(LayerError::TooManyPoints { points }),
        }
    }

    /// Takes a profile of any number of points: those go first that change its water least.
    #[must_use]
    pub fn thinned(profile: &WaterCutProfile) -> Self {
        let mut points = profile.points().to_vec();
        while points.len() > Self::MOST_POINTS {
            let (least, _) = points
                .windows(3)
                .map(|three| triangle(three[0], three[1], three[2]))
                .enumerate()
                .min_by(|one, other| one.1.total_cmp(&other.1))
                .expect("more points than a reading carries are more than three");
            points.remove(least + 1);
        }
        Self(WaterCutProfile::new(points).expect("a part of a profile, with both its ends, is one"))
    }

    /// Gives the water cut from height to height.
    #[must_use]
    pub const fn profile(&self) -> &WaterCutProfile {
        &self.0
    }

    /// Gives where the free water ends.
    #[must_use]
    pub fn bottom(&self) -> Millimetres {
        self.0.bottom()
    }

    /// Gives where the free oil begins.
    #[must_use]
    pub fn top(&self) -> Millimetres {
        self.0.top()
    }

    /// Gives the same layer higher up, as far as it lies below a level, in the steps that are told; none where nothing of
    /// it does.
    #[must_use]
    pub fn raised(&self, by: Millimetres, level: Millimetres) -> Option<Self> {
        let told = |value: f64, steps: f64| (value * steps).round() / steps;
        let mut points: Vec<(Millimetres, f64)> = Vec::with_capacity(self.0.points().len());
        let mut push = |height_mm: f64, cut: f64| {
            let height = Millimetres::new(told(height_mm, HEIGHT_STEPS));
            if points.last().is_none_or(|last| height > last.0) {
                points.push((height, told(cut, CUT_STEPS)));
            }
        };
        for (height, cut) in self.0.points() {
            let height_mm = height.get() + by.get();
            if height_mm > level.get() {
                push(level.get(), self.0.at(Millimetres::new(level.get() - by.get())));
                break;
            }
            push(height_mm, *cut);
        }
        WaterCutProfile::new(points).ok().map(Self)
    }

    /// Tells whether the layer can be that of a reading: inside the tank, in the liquid, and around the interface.
    ///
    /// # Errors
    /// [`LayerMisfit`] for the first that it cannot be.
    pub fn check(
        &self,
        level: Option<Millimetres>,
        interface: Option<Millimetres>,
        height: Millimetres,
    ) -> Result<(), LayerMisfit> {
        let (Some(level), Some(interface)) = (level, interface) else { return Err(LayerMisfit::Alone) };
        let (bottom, top) = (self.bottom(), self.top());
        if bottom.get() < -TOLERANCE_MM || top.get() > height.get() + TOLERANCE_MM {
            return Err(LayerMisfit::OutsideTank { bottom, top, height });
        }
        if top.get() > level.get() + TOLERANCE_MM {
            return Err(LayerMisfit::AboveLevel { top, level });
        }
        let around = bottom.get() - TOLERANCE_MM..=top.get() + TOLERANCE_MM;
        if !around.contains(&interface.get()) {
            return Err(LayerMisfit::AwayFromInterface { bottom, top, interface });
        }
        Ok(())
    }
}

impl TryFrom<Vec<(Millimetres, f64)>> for TransitionLayer {
    type Error = LayerError;

    fn try_from(points: Vec<(Millimetres, f64)>) -> Result<Self, LayerError> {
        Self::new(WaterCutProfile::new(points)?)
    }
}

impl Serialize for TransitionLayer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.points())
    }
}

/// Gives twice the surface between three points and the line from the first to the last: the water that goes with the
/// middle one.
fn triangle(first: (Millimetres, f64), middle: (Millimetres, f64), last: (Millimetres, f64)) -> f64 {
    let height = |point: (Millimetres, f64)| point.0.get() - first.0.get();
    (height(middle) * (last.1 - first.1) - height(last) * (middle.1 - first.1)).abs()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mm(number: f64) -> Millimetres {
        Millimetres::new(number)
    }

    fn layer(text: &str) -> TransitionLayer {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn layer_stands_on_the_wire_as_pairs_and_nonsense_is_refused() {
        for text in ["[[3000,0.62],[3180.5,0.05]]", "[[3000,0.5],[3000,0]]", "[[0,1],[10,0.9],[20,0]]"] {
            assert_eq!(serde_json::to_string(&layer(text)).unwrap().replace(".0]", "]"), text);
        }
        let many: Vec<_> = (0..17).map(|height| (f64::from(height), 0.5)).collect();
        for (text, message) in [
            ("[]".to_owned(), "layer: the profile has 0 point(s)"),
            (
                "[[3180,0.1],[3000,0.6]]".to_owned(),
                "layer: height 3000 mm is not above the 3180 mm of the point before",
            ),
            ("[[3000,1.2],[3180,0.1]]".to_owned(), "layer: water cut at 3000 mm is 1.2"),
            (serde_json::to_string(&many).unwrap(), "layer: 17 points are more than the 16 that a reading carries"),
            ("3000".to_owned(), "invalid type"),
        ] {
            let error = serde_json::from_str::<TransitionLayer>(&text).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn layer_that_cannot_be_that_of_a_reading_is_told_why() {
        let layer = layer("[[3000,0.6],[3200,0]]");
        let check = |level: f64, interface: f64| layer.check(Some(mm(level)), Some(mm(interface)), mm(12_000.0));
        for (level, interface) in [(9000.0, 3000.0), (9000.0, 2990.0), (9000.0, 3210.0), (3190.0, 3000.0)] {
            assert_eq!(check(level, interface), Ok(()));
        }
        for (level, interface, message) in [
            (3189.0, 3000.0, "layer up to 3200 mm is above the level 3189 mm"),
            (9000.0, 2989.0, "layer from 3000 mm to 3200 mm does not lie around the interface 2989 mm"),
            (9000.0, 3211.0, "layer from 3000 mm to 3200 mm does not lie around the interface 3211 mm"),
        ] {
            assert_eq!(check(level, interface).unwrap_err().to_string(), message);
        }
        let outside = layer.check(Some(mm(3200.0)), Some(mm(3000.0)), mm(3189.0)).unwrap_err();
        assert!(outside.to_string().ends_with("is outside 0 mm to 3189 mm, the height of the tank"), "{outside}");
        assert_eq!(layer.check(Some(mm(9000.0)), None, mm(12_000.0)), Err(LayerMisfit::Alone));
    }

    #[test]
    fn layer_follows_the_interface_and_ends_at_the_level() {
        let above_interface = layer("[[0,0.6],[200,0.2]]");
        let raised = |by: f64, level: f64| above_interface.raised(mm(by), mm(level));
        assert_eq!(raised(3000.04, 9000.0), Some(layer("[[3000,0.6],[3200,0.2]]")));
        assert_eq!(raised(3000.0, 3100.0), Some(layer("[[3000,0.6],[3100,0.4]]")));
        assert_eq!(raised(3000.0, 3000.0), None);
        assert_eq!(raised(3000.0, 2000.0), None);
    }

    proptest! {
        #[test]
        fn thinned_layer_keeps_its_ends_and_its_water(cuts in proptest::collection::vec(0.0..0.02f64, 2..200)) {
            // A cut that falls from the foot up, as emulsion does.
            let mut left = 1.0;
            let falls = |fall: &f64| { left = f64::max(left - fall, 0.0); left };
            let heights = (0..200).map(|index| mm(3000.0 + f64::from(index) * 8.0));
            let profile = WaterCutProfile::new(heights.zip(cuts.iter().map(falls)).collect()).unwrap();
            let thinned = TransitionLayer::thinned(&profile);
            prop_assert!(thinned.profile().points().len() <= TransitionLayer::MOST_POINTS);
            prop_assert_eq!((thinned.bottom(), thinned.top()), (profile.bottom(), profile.top()));
            let water = |profile: &WaterCutProfile| -> f64 {
                let pairs = profile.points().windows(2);
                pairs.map(|two| f64::midpoint(two[0].1, two[1].1) * (two[1].0.get() - two[0].0.get())).sum()
            };
            let height = profile.top().get() - profile.bottom().get();
            prop_assert!((water(thinned.profile()) - water(&profile)).abs() <= 0.01 * height);
        }
    }
}
