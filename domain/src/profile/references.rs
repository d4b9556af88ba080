//! What water and oil measure on a rod, and what each part of it makes of that.

use super::phase::IN_WATER;
use crate::units::UnixMillis;

/// Time in which a part of the rod takes on 63 % of what it is found to add, ms: a deposit grows over weeks.
const LEARNING_MS: f64 = 86_400_000.0;
/// By how much a part of the rod may differ from what is known of it and still be taken for a deposit, and not for water
/// in the oil; and by how much more for each day since it was learnt.
const DRIFT: f64 = 0.03;
const DRIFT_A_DAY: f64 = 0.02;
/// Time for which what was learnt of a part in oil holds: a deposit grows by little in it, ms.
const FRESH_MS: f64 = 3.0 * 86_400_000.0;
/// Days for which what is not learnt yet counts as not heard of.
const UNHEARD_DAYS: f64 = 30.0;

/// What is known of water, oil and each part of the rod.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct References {
    pub(super) water: f64,
    pub(super) oil: f64,
    /// What each point measures in water and oil, as parts of these.
    parts: Vec<Part>,
    newest: UnixMillis,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    water: f64,
    oil: f64,
    /// When `oil` was learnt; absent while it was not.
    oil_learnt: Option<UnixMillis>,
}

impl Part {
    const CLEAN: Self = Self { water: 1.0, oil: 1.0, oil_learnt: None };

    /// Gives the time since its oil was learnt, ms.
    fn oil_age_ms(&self, at: UnixMillis) -> f64 {
        self.oil_learnt.map_or(UNHEARD_DAYS * LEARNING_MS, |learnt| passed_ms(learnt, at))
    }

    fn drift(&self, at: UnixMillis) -> f64 {
        DRIFT + DRIFT_A_DAY * self.oil_age_ms(at) / 86_400_000.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53 ms")]
fn passed_ms(from: UnixMillis, to: UnixMillis) -> f64 {
    to.millis_since(from).max(0) as f64
}

impl References {
    /// Begins with a curve whose lowest `in_water` points are in water.
    pub(super) fn begin(points: &[f64], in_water: usize, at: UnixMillis) -> Self {
        let parts = vec![Part::CLEAN; points.len()];
        let mut references = Self { water: points[0], oil: points[points.len() - 1], parts, newest: at };
        references.refresh(points, in_water);
        references
    }

    /// Makes room for a curve that reaches higher than those before.
    pub(super) fn reach(&mut self, points: usize) {
        let last = self.parts.last().copied().unwrap_or(Part::CLEAN);
        if points > self.parts.len() {
            self.parts.resize(points, last);
        }
    }

    /// Takes water and oil from a curve: the median of the known water near the bottom and the known oil near the top.
    pub(super) fn refresh(&mut self, points: &[f64], in_water: usize) {
        let near = |count: usize| (count / 4).max(3);
        let lowest = 0..in_water.saturating_sub(1).min(near(in_water));
        let water = points[lowest.clone()].iter().zip(&self.parts[lowest]).map(|(value, part)| value / part.water);
        if let Some(water) = median(water.collect()) {
            self.water = water;
        }
        let first_oil = (in_water + 1).min(points.len());
        let top = points.len().saturating_sub(near(points.len() - first_oil)).max(first_oil)..points.len();
        let oil = points[top.clone()].iter().zip(&self.parts[top]).map(|(value, part)| value / part.oil);
        if let Some(oil) = median(oil.collect()) {
            self.oil = oil;
        }
    }

    /// Gives what a point measures in water.
    pub(super) fn water_at(&self, index: usize) -> f64 {
        self.water * self.parts[index].water
    }

    /// Gives what water measures right below the boundary: by the points next below, which have the same deposit.
    pub(super) fn water_near(&self, points: &[f64], in_water: usize) -> f64 {
        const NEAREST: usize = 3;
        // The point next to the boundary may see across it.
        let below = &points[in_water.saturating_sub(1 + NEAREST)..in_water.saturating_sub(1)];
        median(below.to_vec()).unwrap_or(self.water)
    }

    /// Gives what a point measures in oil without water.
    pub(super) fn oil_at(&self, index: usize) -> f64 {
        self.oil * self.parts[index].oil
    }

    /// Gives what a point measures in oil without water, where that was learnt lately.
    pub(super) fn known_oil_at(&self, index: usize, at: UnixMillis) -> Option<f64> {
        (self.parts[index].oil_age_ms(at) < FRESH_MS).then(|| self.oil_at(index))
    }

    /// Gives what a point in oil would measure at the place of another, by what is known of both.
    pub(super) fn as_at(&self, index: usize, place: usize, value: f64) -> f64 {
        let part = |index: usize| self.parts.get(index).filter(|part| part.oil_learnt.is_some()).map(|part| part.oil);
        match (part(index), part(place)) {
            (Some(own), Some(there)) => value * there / own,
            _ => value,
        }
    }

    /// Tells whether a value is one of water at that point.
    pub(super) fn is_water(&self, index: usize, value: f64) -> bool {
        let (water, oil) = (self.water_at(index), self.oil_at(index));
        (value - water) / (oil - water) < IN_WATER
    }

    /// Learns what each part of the rod adds. Points below `in_water` are in water, those from `dry_from` on in oil without
    /// water; what lies between says nothing.
    pub(super) fn learn(&mut self, points: &[f64], in_water: usize, dry_from: usize, at: UnixMillis) {
        let weight = |passed_ms: f64| -(-passed_ms / LEARNING_MS).exp_m1();
        let since_newest = weight(passed_ms(self.newest, at));
        self.newest = self.newest.max(at);
        let (water, oil) = (self.water, self.oil);
        for (index, (part, value)) in self.parts.iter_mut().zip(points).enumerate() {
            // The point next to the boundary may see across it.
            if index + 1 < in_water {
                part.water += since_newest * (value / water - part.water);
            } else if index >= dry_from {
                let found = value / oil;
                if (found / part.oil - 1.0).abs() < part.drift(at) {
                    part.oil += weight(part.oil_age_ms(at)) * (found - part.oil);
                    part.oil_learnt = Some(at);
                }
            }
        }
    }
}

/// Gives the median.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}
