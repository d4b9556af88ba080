//! A slow loss from a tank at rest: the newest half hour against each of two days before.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Finding;
use super::spread::Spread;
use crate::units::UnixMillis;

/// Time of a block.
pub(super) const BLOCK_MS: i64 = 30 * 60_000;
/// Blocks that are kept: two days.
pub(super) const BLOCKS: usize = 97;
/// Fewest blocks between two that are compared.
pub(super) const APART: usize = 3;
/// Deviations of the noise, beyond what a float may do, and of the tank's own wander, that a loss must exceed.
const NOISE: f64 = 3.0;
const WANDER: f64 = 5.0;
/// A loss of which more than this came within two blocks is a step and no leak.
const STEP_SHARE: f64 = 0.75;
/// Blocks that the wander is learned from: a week.
const MEMORY: u32 = 336;
/// As how many blocks the wander that a float of the given stiction has counts at the beginning.
const KNOWN: u32 = 48;

/// Follows a tank at rest. Volumes in m3 at the temperature of its anchor.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Leak {
    blocks: VecDeque<Block>,
    open: Option<Open>,
    /// Deviation of a block from a straight line through its neighbours, in mm of level.
    wander: Option<Spread>,
    suspected: bool,
    found: Option<Finding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Block {
    moved_m3: f64,
    thermal_m3: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Open {
    begun: UnixMillis,
    sum: Block,
    count: f64,
}

/// What a loss is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Against {
    /// m3 of a millimetre.
    pub(super) per_mm: f64,
    /// Stiction of the float in mm.
    pub(super) stiction_mm: f64,
    /// Noise of the mean of a block in mm.
    pub(super) noise_mm: f64,
    /// What steps of gauge and thermometer leave, m3.
    pub(super) left_m3: f64,
    /// Share of what heat did that is not known.
    pub(super) thermal_share: f64,
    /// A loss faster than this, m3/h, is none.
    pub(super) most_m3h: f64,
}

impl Leak {
    /// Takes the mean of a minute of a tank at rest.
    pub(super) fn push(&mut self, at: UnixMillis, moved_m3: f64, thermal_m3: f64, against: &Against) {
        let open =
            self.open.get_or_insert(Open { begun: at, sum: Block { moved_m3: 0.0, thermal_m3: 0.0 }, count: 0.0 });
        if at.millis_since(open.begun) >= BLOCK_MS {
            let block =
                Block { moved_m3: open.sum.moved_m3 / open.count, thermal_m3: open.sum.thermal_m3 / open.count };
            *open = Open { begun: at, sum: Block { moved_m3, thermal_m3 }, count: 1.0 };
            self.close(block, against);
        } else {
            open.sum.moved_m3 += moved_m3;
            open.sum.thermal_m3 += thermal_m3;
            open.count += 1.0;
        }
    }

    fn close(&mut self, block: Block, against: &Against) {
        if self.blocks.len() == BLOCKS {
            self.blocks.pop_front();
        } else if self.blocks.capacity() < BLOCKS {
            self.blocks.reserve_exact(BLOCKS - self.blocks.len());
        }
        self.blocks.push_back(block);
        self.learn(against);
        let loss = self.judge(against);
        self.found = loss.filter(|_| self.suspected);
        self.suspected = loss.is_some();
    }

    fn learn(&mut self, against: &Against) {
        let float = against.stiction_mm / 12.0_f64.sqrt();
        let wander = self.wander.get_or_insert(Spread::known(float, KNOWN));
        let count = self.blocks.len();
        if count >= 3 {
            let at = |back: usize| self.blocks[count - back].moved_m3;
            // Of a straight line nothing is left, so a leak teaches nothing.
            let bent_mm = (at(1) - 2.0 * at(2) + at(3)) / against.per_mm;
            wander.hear(bent_mm / 6.0_f64.sqrt(), MEMORY, 2.0 * against.stiction_mm);
        }
    }

    /// Finds the fastest of the losses that are beyond their limits: it begins where the leak did.
    fn judge(&self, against: &Against) -> Option<Finding> {
        let newest = self.blocks.back()?;
        let wander_mm = self.wander.map_or(0.0, |wander| wander.deviation());
        let still_m3 = still_mm(against.stiction_mm, against.noise_mm, wander_mm) * against.per_mm + against.left_m3;
        let count = self.blocks.len();
        let (mut best, mut steepest, mut hours) = (None::<Finding>, 0.0_f64, 0.0);
        for index in (0..count.saturating_sub(1)).rev() {
            let block = &self.blocks[index];
            hours += 0.5;
            let within_two = (index + 2).min(count - 1);
            steepest = steepest.max(block.moved_m3 - self.blocks[within_two].moved_m3);
            let loss = block.moved_m3 - newest.moved_m3;
            let limit = still_m3 + against.thermal_share * (newest.thermal_m3 - block.thermal_m3).abs();
            let is_steady = count - 1 - index >= APART && steepest <= STEP_SHARE * loss;
            let is_slow = loss <= against.most_m3h * hours;
            let rate = loss / hours * 1000.0;
            if is_steady && is_slow && loss > limit && best.is_none_or(|best| rate > best.value) {
                best = Some(Finding { value: rate, limit: limit / hours * 1000.0 });
            }
        }
        best
    }

    /// Gives the loss that was found, in L/h; `None` as long as there is too little to compare.
    pub(super) fn verdict(&self) -> Option<Option<Finding>> {
        (self.blocks.len() > APART).then_some(self.found)
    }

    /// Forgets the volumes, and not what it has learned.
    pub(super) fn restart(&mut self) {
        self.blocks.clear();
        (self.open, self.suspected, self.found) = (None, false, None);
    }
}

/// Gives what a quiet tank may seem to lose in mm: what a float does on its way back and forth, and noise, or what the tank
/// has shown.
pub(super) fn still_mm(stiction_mm: f64, noise_mm: f64, wander_mm: f64) -> f64 {
    let two = std::f64::consts::SQRT_2;
    (2.0 * stiction_mm + NOISE * two * noise_mm).max(WANDER * two * wander_mm)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGAINST: Against =
        Against { per_mm: 0.1, stiction_mm: 0.5, noise_mm: 0.0, left_m3: 0.01, thermal_share: 0.1, most_m3h: 1.0 };

    /// Half hours until a loss is found, when the volume goes this way by half hours.
    fn found_after(
        half_hours: i32,
        volume: impl Fn(i32) -> f64,
        thermal: impl Fn(i32) -> f64,
    ) -> Option<(i32, Finding)> {
        let mut leak = Leak::default();
        (0..half_hours).find_map(|index| {
            leak.close(Block { moved_m3: volume(index), thermal_m3: thermal(index) }, &AGAINST);
            leak.found.map(|found| (index, found))
        })
    }

    #[test]
    fn steady_loss_is_found_with_its_rate() {
        let (after, found) = found_after(96, |at| -0.010 * f64::from(at), |_| 0.0).unwrap();
        // 0.112 m3 at 0.010 each half hour, and once more.
        assert_eq!(after, 13);
        assert!((found.value - 20.0).abs() < 1e-9 && found.limit < 20.0, "{found:?}");
    }

    #[test]
    fn loss_that_begins_after_quiet_days_is_found_as_soon() {
        let begins = 300;
        let (after, found) = found_after(400, |at| -0.010 * f64::from((at - begins).max(0)), |_| 0.0).unwrap();
        assert!((12..=14).contains(&(after - begins)), "{after}");
        assert!((found.value - 20.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn step_gain_and_pumping_are_no_leak() {
        assert_eq!(found_after(300, |at| if at < 50 { 0.0 } else { -0.3 }, |_| 0.0), None);
        assert_eq!(found_after(300, |at| 0.010 * f64::from(at), |_| 0.0), None);
        assert_eq!(found_after(300, |at| -0.6 * f64::from(at), |_| 0.0), None);
    }

    #[test]
    fn what_heat_may_explain_is_no_leak() {
        let lost = |at: i32| -0.010 * f64::from(at);
        assert_eq!(found_after(96, lost, |at| -0.2 * f64::from(at)), None);
        assert!(found_after(96, lost, |at| -0.02 * f64::from(at)).is_some());
    }

    #[test]
    fn tank_that_wanders_more_is_trusted_less() {
        let restless = |at: i32| if at % 2 == 0 { 0.03 } else { -0.03 };
        assert_eq!(found_after(500, restless, |_| 0.0), None);
        let both = |at: i32| restless(at) - 0.010 * f64::from((at - 400).max(0));
        let (after, _) = found_after(500, both, |_| 0.0).unwrap();
        assert!(after > 420, "{after}");
    }
}
