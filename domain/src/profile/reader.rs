//! From a curve to interface, transition layer and water cut.

use super::jump::Jump;
use super::phase::{jump, split};
use super::references::{References, median};
use super::refine::{Coarse, Learnt};
use super::{Curve, CurveError, Rod, Sight};
use crate::geometry::WaterCutProfile;
use crate::units::Millimetres;

/// Part by which a point may measure less than dry oil right above it and still be dry.
const DRY_STEP: f64 = 0.025;
/// Points next above that are asked what dry oil measures there.
const NEAREST: usize = 3;
/// Water cut that a point surely feels, noise and all.
const FELT_CUT: f64 = 0.006;
/// Part of the way from oil to water that a point has gone which sees the jump itself, and not oil as wet as can be.
const SURELY_JUMP: std::ops::RangeInclusive<f64> = 0.6..=0.98;
/// Uncertainty (k = 2) of the interface from which on it is doubted.
const DOUBTED_MM: f64 = 20.0;
/// Uncertainty (k = 2) that is left of a fit that is as good as can be: the rod's own length and mounting.
const LEAST_UNCERTAINTY_MM: f64 = 1.0;
/// A layer that holds less water than this, as a height, is none.
const LEAST_WATER_MM: f64 = 0.5;
/// How far the water cuts of the whole rod may be from the straight line of the window and still confirm it.
const STRAIGHT: f64 = 0.06;
/// Misfit from which on the curve is not as the model has it.
const CONTRADICTED: f64 = 25.0;

/// Reads the curves of one rod, and learns from them.
#[derive(Clone, Debug)]
pub struct ProfileReader {
    rod: Rod,
    references: Option<References>,
    learnt: Learnt,
}

/// What a curve tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Found {
    /// Water below, oil above.
    Layered(Layering),
    /// Oil as far down as the rod sees.
    OilOnly {
        /// Water cut at each height.
        water_cut: Vec<(Millimetres, f64)>,
    },
    /// Water as far up as the rod sees.
    WaterOnly,
}

/// Water, a transition layer and oil. Heights above the tank bottom.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Layering {
    /// Where the free water ends.
    pub interface: Millimetres,
    /// Expanded uncertainty (k = 2) of the interface.
    pub uncertainty: Millimetres,
    /// Thickness of the transition layer on it; 0 where there is none.
    pub transition: Millimetres,
    /// Water cut at each height of the rod, 0 to 1; 1 in free water.
    pub water_cut: Vec<(Millimetres, f64)>,
    /// The transition layer, for volumes; absent where there is none.
    pub layer: Option<WaterCutProfile>,
    /// What speaks against it.
    pub doubt: Option<Doubt>,
}

/// What speaks against an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doubt {
    /// It lies between two points that do not see it.
    BetweenPoints,
    /// More than one point in ten contradicts.
    Contradicted,
    /// The transition layer reaches up to the level: no oil is known to be dry.
    NoDryOil,
}

impl ProfileReader {
    /// Begins with a rod of which no curve was seen.
    #[must_use]
    pub fn new(rod: Rod) -> Self {
        Self { rod, references: None, learnt: Learnt::default() }
    }

    /// Reads a curve.
    ///
    /// # Errors
    /// [`CurveError`] when the curve cannot be, or tells nothing.
    pub fn read(&mut self, curve: &Curve<'_>) -> Result<Found, CurveError> {
        let points = curve.in_liquid(&self.rod)?;
        let mut references = match self.references.take() {
            Some(mut known) => {
                known.reach(points.len());
                known
            }
            None => References::begin(points, jump(points).ok_or(CurveError::NoContrast)?, curve.at),
        };
        let in_water = |references: &References| {
            let water: Vec<bool> =
                points.iter().enumerate().map(|(index, value)| references.is_water(index, *value)).collect();
            let at = split(&water);
            let contradict = water.iter().enumerate().filter(|(index, water)| **water != (*index < at)).count();
            (at, contradict)
        };
        let (first, _) = in_water(&references);
        references.refresh(points, first);
        let (in_water, contradict) = in_water(&references);
        let known_oil = |index: usize| references.known_oil_at(index, curve.at);
        let dry_from = dry_from(points, &known_oil, in_water);
        let dry_above = median(above(points, dry_from).to_vec());
        let cuts: Vec<f64> = points
            .iter()
            .enumerate()
            .map(|(index, value)| {
                // In the layer by what is known of the point, or else by the dry oil right above the layer.
                let near = known_oil(index).or(dry_above.filter(|_| index <= dry_from));
                self.cut(*value, near.unwrap_or(references.oil_at(index)))
            })
            .collect();
        references.learn(points, in_water, dry_from.max(in_water + 1), curve.at);
        let found = if in_water == 0 {
            let water_cut = cuts.iter().enumerate().map(|(index, cut)| (height(curve, index), *cut)).collect();
            Found::OilOnly { water_cut }
        } else if in_water == points.len() {
            Found::WaterOnly
        } else {
            let split = Split { in_water, dry_from, contradict };
            let mut layering = self.layering(curve, points, &references, &cuts, split);
            let above: Vec<(f64, f64)> = (in_water..points.len().min(dry_from + NEAREST))
                .map(|index| (curve.height_mm(index), references.as_at(index, in_water, points[index])))
                .collect();
            let water = references.water_near(points, in_water);
            let coarse = Coarse { water, dry: dry_above, oil: references.oil_at(in_water), above: &above };
            if let Some(jump) = self.learnt.find(curve, &self.rod, &coarse) {
                layering.refine(&jump, curve, split, points.len());
            }
            Found::Layered(layering)
        };
        self.references = Some(references);
        Ok(found)
    }

    /// Gives the water cut that a value stands for, where dry oil measures `oil`.
    fn cut(&self, value: f64, oil: f64) -> f64 {
        ((1.0 - value / oil) / self.rod.lost_to_water).clamp(0.0, 1.0)
    }

    fn layering(
        &self,
        curve: &Curve<'_>,
        points: &[f64],
        references: &References,
        cuts: &[f64],
        split: Split,
    ) -> Layering {
        let Split { in_water, dry_from, contradict } = split;
        let (interface, uncertainty) = self.interface(curve, points, references, in_water);
        let top = self.top(curve, cuts, interface, in_water, dry_from);
        let water_cut: Vec<(Millimetres, f64)> = cuts
            .iter()
            .enumerate()
            .map(|(index, cut)| (height(curve, index), if index < in_water { 1.0 } else { *cut }))
            .collect();
        let mut layer = vec![];
        let inside = water_cut.iter().filter(|point| point.0.get() > interface && point.0.get() < top);
        let foot = inside.clone().map(|point| point.1).next().unwrap_or(0.5);
        layer.push((Millimetres::new(interface), foot));
        layer.extend(inside.copied());
        layer.push((Millimetres::new(top), 0.0));
        let doubt = if contradict * 10 > points.len() {
            Some(Doubt::Contradicted)
        } else if uncertainty > DOUBTED_MM {
            Some(Doubt::BetweenPoints)
        } else if dry_from >= points.len() {
            Some(Doubt::NoDryOil)
        } else {
            None
        };
        Layering {
            interface: Millimetres::new(interface),
            uncertainty: Millimetres::new(uncertainty),
            transition: Millimetres::new(top - interface),
            water_cut,
            layer: if top > interface { WaterCutProfile::new(layer).ok() } else { None },
            doubt,
        }
    }

    /// Gives the interface and its expanded uncertainty, mm.
    fn interface(&self, curve: &Curve<'_>, points: &[f64], references: &References, in_water: usize) -> (f64, f64) {
        let spacing = curve.spacing.get();
        let around = [in_water - 1, in_water];
        // The oil right above the boundary may be wet: its impedance from the two points above, and as dry as can be.
        let wet = extrapolated(points, references.oil_at(in_water), in_water);
        let part = |index: usize, oil: f64| {
            let water = references.water_near(points, in_water);
            ((oil - points[index]) / (oil - water)).clamp(0.0, 1.0)
        };
        match self.rod.sight {
            Sight::Segment => {
                let base = curve.height_mm(in_water - 1) - spacing / 2.0;
                let with = |oil: &dyn Fn(usize) -> f64| -> f64 {
                    base + around.iter().map(|index| part(*index, oil(*index))).sum::<f64>() * spacing
                };
                let (wettest, driest) = (with(&|_| wet), with(&|index| references.oil_at(index)));
                let noise = 0.01 * spacing;
                // A third of how far apart the two are: the line is seldom as wrong as that.
                (wettest, (wettest - driest).abs() / 3.0 + 2.0 * noise)
            }
            Sight::Spot(blur) => {
                let seen = around.into_iter().find_map(|index| {
                    let water = part(index, wet);
                    // A logistic step: where it stands at this part of its height. Less may be wet oil as well.
                    SURELY_JUMP
                        .contains(&water)
                        .then(|| curve.height_mm(index) + blur.get() * (water / (1.0 - water)).ln())
                });
                let middle = curve.height_mm(in_water) - spacing / 2.0;
                match seen {
                    Some(seen) => (seen, 2.0 * blur.get()),
                    None => (middle, spacing / 3.0_f64.sqrt()),
                }
            }
        }
    }

    /// Gives the top of the transition layer, mm: where the water cut has fallen to that of dry oil.
    fn top(&self, curve: &Curve<'_>, cuts: &[f64], interface: f64, in_water: usize, dry_from: usize) -> f64 {
        // The first point may see the water itself, which is no wet oil.
        let first = in_water + 1;
        if dry_from <= first {
            return interface;
        }
        let (last, spacing) = (dry_from - 1, curve.spacing.get());
        let highest = curve.height_mm(dry_from) + spacing / 2.0;
        // The cut falls to nothing on the line through the two highest points that are wet as a whole.
        // The last of all is when the next one above feels the layer too.
        let whole = if cuts.get(dry_from).is_some_and(|cut| *cut > FELT_CUT) { last } else { last - 1 };
        let on_line = whole.checked_sub(1).filter(|below| *below >= first).and_then(|below| {
            let fall = (cuts[below] - cuts[below + 1]) / spacing;
            (fall > 0.0).then(|| curve.height_mm(below + 1) + cuts[below + 1] / fall)
        });
        let at = on_line.unwrap_or_else(|| {
            // Too thin for that: a cut that falls evenly through the highest wet point.
            let below = cuts[last - 1].max(cuts[last]);
            curve.height_mm(last) + (cuts[last] / below - 0.5) * spacing
        });
        at.clamp(curve.height_mm(last) - spacing / 2.0, highest).clamp(interface, curve.level.get().max(interface))
    }
}

impl Layering {
    /// Takes what the window around the jump tells.
    fn refine(&mut self, jump: &Jump, curve: &Curve<'_>, split: Split, points: usize) {
        let coarse_top = Millimetres::new(self.interface.get() + self.transition.get());
        let interface = jump.interface.value.min(curve.level.get());
        let uncertainty = (2.0 * jump.interface.deviation).max(LEAST_UNCERTAINTY_MM);
        let (foot, rim) = jump.cuts();
        let thickness = (jump.top_mm().min(curve.level.get()) - interface).max(0.0);
        let is_layer = jump.is_layer_seen() && thickness * f64::midpoint(foot, rim) > LEAST_WATER_MM;
        self.interface = Millimetres::new(interface);
        self.uncertainty = Millimetres::new(uncertainty);
        let seen_to = curve.window.map_or(f64::INFINITY, |window| window.last_mm());
        let rim_at = interface + thickness;
        let beyond = || self.water_cut.iter().filter(|(height, _)| height.get() > seen_to + 1.0);
        let line = |height: f64| if height < rim_at { jump.cut_at(height) } else { 0.0 };
        let is_straight = beyond()
            .take_while(|(height, _)| height.get() < rim_at.max(coarse_top.get()) + curve.spacing.get())
            .all(|(height, cut)| (cut - line(height.get())).abs() < STRAIGHT);
        let mut layer = vec![(self.interface, foot)];
        if rim_at <= seen_to || is_straight {
            layer.push((Millimetres::new(rim_at), rim));
        } else {
            // Above the window the whole rod says more than a straight line does.
            layer.push((Millimetres::new(seen_to), jump.cut_at(seen_to)));
            layer.extend(beyond().filter(|(height, _)| *height < coarse_top));
            layer.push((Millimetres::new(coarse_top.get().max(seen_to + 2.0)), 0.0));
        }
        let top = layer[layer.len() - 1].0;
        self.transition = Millimetres::new(if is_layer { top.get() - interface } else { 0.0 });
        self.layer = WaterCutProfile::new(layer).ok().filter(|_| is_layer);
        self.doubt = if jump.misfit > CONTRADICTED || split.contradict * 10 > points {
            Some(Doubt::Contradicted)
        } else if uncertainty > DOUBTED_MM {
            Some(Doubt::BetweenPoints)
        } else if top.get() > curve.level.get() - 1.0 {
            Some(Doubt::NoDryOil)
        } else {
            None
        };
    }
}

/// Gives the points next above one.
fn above(points: &[f64], index: usize) -> &[f64] {
    let from = (index + 1).min(points.len());
    &points[from..(from + NEAREST).min(points.len())]
}

/// Finds the lowest point from which on all oil above is dry: from the top down, until two points in a row measure less
/// than what is known of them in dry oil, or, where that is not known, than what is right above them.
fn dry_from(points: &[f64], known_oil: &dyn Fn(usize) -> Option<f64>, in_water: usize) -> usize {
    let mut dry_from = points.len();
    for index in (in_water..points.len()).rev() {
        let near = median(above(points, index).to_vec());
        let is_wet = |index: usize| {
            let dry = known_oil(index).or(near);
            dry.is_some_and(|dry| points[index] < dry * (1.0 - DRY_STEP))
        };
        let both = index == in_water || is_wet(index - 1);
        if is_wet(index) && both {
            break;
        }
        dry_from = index;
    }
    dry_from
}

#[derive(Clone, Copy)]
struct Split {
    in_water: usize,
    dry_from: usize,
    contradict: usize,
}

fn height(curve: &Curve<'_>, index: usize) -> Millimetres {
    Millimetres::new(curve.height_mm(index))
}

/// Gives the impedance of the oil right above the boundary, on the line through the two points above it.
///
/// From what they measure and not from what is known of them: neighbours have the same deposit, and those that were long
/// in water are not known in oil.
fn extrapolated(points: &[f64], dry: f64, in_water: usize) -> f64 {
    let driest = dry.max(points.get(in_water + 1).copied().unwrap_or(dry));
    match (points.get(in_water + 1), points.get(in_water + 2)) {
        (Some(first), Some(second)) => (first - (second - first).max(0.0)).clamp(0.35 * dry, driest),
        (Some(first), None) => first.min(driest),
        _ => dry,
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
