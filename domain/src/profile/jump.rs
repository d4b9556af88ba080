//! A model of the jump, fitted to the points around it.

use super::Rod;
use super::least_squares::{Fit, Problem, minimise};

/// What the fit looks for, and where it stands in the parameters: what water and dry oil measure, where the jump is and how
/// far it is blurred, the water cut above it and at the upper rim of the layer, and from the jump to that rim.
const WATER: usize = 0;
const OIL: usize = 1;
const JUMP: usize = 2;
const BLUR: usize = 3;
const FOOT: usize = 4;
const RIM: usize = 5;
const THICKNESS: usize = 6;
const COUNT: usize = 7;

/// Wettest oil that is not yet water with oil in it.
const WETTEST: f64 = 0.9;
/// Thicknesses of the transition layer to begin with, mm, where no curve before tells of one.
const THICKNESSES: [f64; 5] = [15.0, 60.0, 200.0, 600.0, 1500.0];
/// How well it is known of a rod by how much a deposit lifts the jump, as a part of that.
const CLIMB_KNOWN: f64 = 0.1;
/// Misfit up to which a fit is believed without looking for a better one.
const FITS: f64 = 1.5;
/// A layer of which no more than this rises above the jump, mm, is not told from none.
const LEAST_SEEN_MM: f64 = 5.0;
/// A layer that is seen to be thinner than this, mm, is not seen to have a slope.
const SEEN_SLOPE_MM: f64 = 10.0;

/// A point of the rod.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) height_mm: f64,
    pub(super) value: f64,
    /// How far off it may be, as a standard deviation.
    pub(super) deviation: f64,
}

/// What is expected of a quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Expected {
    pub(super) value: f64,
    pub(super) deviation: f64,
}

/// What is known before the fit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    pub(super) water: Expected,
    pub(super) oil: Expected,
    pub(super) blur: Expected,
    /// About where the jump is, mm.
    pub(super) jump_mm: f64,
}

/// What the points around a jump tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jump {
    parameters: [f64; COUNT],
    /// Where the free water ends, mm: the jump without what a deposit lifts it.
    pub(super) interface: Expected,
    /// By how much the jump is blurred, mm.
    pub(super) blur: Expected,
    /// Mean square of the deviations, in parts of what was expected: about 1 when all is as the model has it.
    pub(super) misfit: f64,
}

impl Jump {
    /// Fits the model; `like` is the jump of the curve before.
    pub(super) fn fit(points: &[Seen], before: &Before, rod: &Rod, like: Option<&Self>) -> Option<Self> {
        let begin = |foot: f64, rim: f64, thickness: f64| {
            let mut parameters = [0.0; COUNT];
            (parameters[WATER], parameters[OIL]) = (before.water.value, before.oil.value);
            (parameters[JUMP], parameters[BLUR]) = (before.jump_mm, before.blur.value);
            (parameters[FOOT], parameters[RIM], parameters[THICKNESS]) = (foot, rim, thickness);
            parameters
        };
        let problem = Model { points, before, rod };
        let mut best: Option<Fit<COUNT>> = None;
        let known = like.map(|like| {
            let [.., foot, rim, thickness] = like.parameters;
            begin(foot, rim, thickness.max(1.0))
        });
        let beginnings = known.into_iter().chain(THICKNESSES.map(|thickness| begin(0.5, 0.05, thickness)));
        for parameters in beginnings {
            let Some(fit) = minimise(&problem, parameters) else { continue };
            if best.as_ref().is_none_or(|best| fit.squares < best.squares) {
                best = Some(fit);
            }
            if best.as_ref().is_some_and(|best| misfit(best, points) < FITS) {
                break;
            }
        }
        let best = best?;
        let misfit = misfit(&best, points);
        let (climb, covariance) = (rod.climb_by_blur(), &best.covariance);
        let variance =
            covariance[JUMP][JUMP] - 2.0 * climb * covariance[JUMP][BLUR] + climb * climb * covariance[BLUR][BLUR];
        let deviation = |variance: f64| (variance.max(0.0) * misfit.max(1.0)).sqrt();
        let interface = interface(&best.parameters, rod);
        let lifted = best.parameters[JUMP] - interface;
        Some(Self {
            parameters: best.parameters,
            interface: Expected { value: interface, deviation: deviation(variance).hypot(CLIMB_KNOWN * lifted) },
            blur: Expected { value: best.parameters[BLUR], deviation: deviation(covariance[BLUR][BLUR]) },
            misfit,
        })
    }

    /// Gives the top of the transition layer, mm.
    pub(super) fn top_mm(&self) -> f64 {
        self.parameters[JUMP] + self.parameters[THICKNESS]
    }

    /// Gives the water cut of the layer at a height above the jump.
    pub(super) fn cut_at(&self, height_mm: f64) -> f64 {
        let [_, _, jump, _, foot, rim, thickness] = self.parameters;
        (foot + (rim - foot) * (height_mm - jump) / thickness).clamp(0.0, WETTEST)
    }

    /// Tells whether there is a layer, as far as can be seen.
    pub(super) fn is_layer_seen(&self) -> bool {
        self.parameters[THICKNESS] > LEAST_SEEN_MM
    }

    /// Gives the water cut at the foot and at the upper rim of the transition layer.
    ///
    /// Its foot lies behind the water that has crept up the deposit; there it goes on as above.
    pub(super) fn cuts(&self) -> (f64, f64) {
        let [_, _, jump, _, foot, rim, thickness] = self.parameters;
        let slope = (foot - rim) / thickness.max(SEEN_SLOPE_MM);
        ((foot + slope * (jump - self.interface.value)).clamp(0.0, WETTEST), rim)
    }
}

fn misfit(fit: &Fit<COUNT>, points: &[Seen]) -> f64 {
    fit.squares / points.iter().skip(COUNT).map(|_| 1.0).sum::<f64>().max(1.0)
}

fn interface(parameters: &[f64; COUNT], rod: &Rod) -> f64 {
    parameters[JUMP] - rod.climb_by_blur() * (parameters[BLUR] - rod.blur_mm()).max(0.0)
}

/// Water below the jump, above it a layer whose water cut falls evenly, then dry oil: all of it as a blurred eye sees it.
struct Model<'m> {
    points: &'m [Seen],
    before: &'m Before,
    rod: &'m Rod,
}

impl Problem<COUNT> for Model<'_> {
    fn residuals(&self, parameters: &[f64; COUNT], residuals: &mut Vec<f64>) {
        let &[water, oil, jump, blur, foot, rim, thickness] = parameters;
        let lost = oil * self.rod.lost_to_water;
        let (step, rise) = (oil - lost * foot - water, lost * (foot - rim) / thickness);
        for point in self.points {
            let (from_jump, from_top) = ((point.height_mm - jump) / blur, (point.height_mm - jump - thickness) / blur);
            let layer = rise * blur * (blurred_ramp(from_jump) - blurred_ramp(from_top));
            let value = water + step * blurred_step(from_jump) + layer + lost * rim * blurred_step(from_top);
            residuals.push((value - point.value) / point.deviation);
        }
        let off = |value: f64, expected: Expected| (value - expected.value) / expected.deviation;
        let Before { water: known_water, oil: known_oil, blur: known_blur, .. } = *self.before;
        residuals.extend([off(water, known_water), off(oil, known_oil), off(blur, known_blur)]);
        // Where the points say nothing of a layer, it has usual cuts, and is thin rather than thick.
        let usual = [(foot, 0.5, 0.5), (rim, 0.05, 0.1), (thickness, 0.0, 2000.0)];
        residuals.extend(usual.map(|(value, usual, deviation)| (value - usual) / deviation));
    }

    /// The thickness cannot be below 0: it is known to a few mm, or to half of itself.
    fn known(&self, parameters: &[f64; COUNT]) -> [f64; COUNT] {
        let mut known = [0.0; COUNT];
        known[THICKNESS] = (LEAST_SEEN_MM + 0.5 * parameters[THICKNESS]).powi(-2);
        known
    }

    fn admit(&self, parameters: &mut [f64; COUNT]) {
        let least = 0.25 * self.rod.blur_mm();
        parameters[WATER] = parameters[WATER].max(1e-6);
        parameters[OIL] = parameters[OIL].max(parameters[WATER] * 1.5);
        parameters[BLUR] = parameters[BLUR].clamp(least, 40.0 * self.rod.blur_mm());
        parameters[FOOT] = parameters[FOOT].clamp(0.0, WETTEST);
        parameters[RIM] = parameters[RIM].clamp(0.0, parameters[FOOT]);
        parameters[THICKNESS] = parameters[THICKNESS].clamp(0.5, 20_000.0);
    }
}

/// Gives a step from 0 to 1 as it is seen at a distance from it, in parts of the blur.
fn blurred_step(distance: f64) -> f64 {
    1.0 / (1.0 + (-distance).exp())
}

/// Gives a ramp that rises by 1 for each blur from 0 on, as it is seen: the integral of the step.
fn blurred_ramp(distance: f64) -> f64 {
    if distance > 30.0 { distance } else { distance.exp().ln_1p() }
}
