//! Tanks that fill, stand and are drawn from, with an interface and a temperature that follow.
//!
//! Everything is a function of the seed and the time: two plants with the same seed are the same, however often and
//! in whatever order they are asked.

mod chance;
mod motion;
mod state;
mod tank;

pub(crate) use chance::seed_of;
pub use motion::{Cycle, Hold};
pub use state::TankState;
pub use tank::TankModel;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tankline_domain::names::TankName;
use tankline_domain::site::Site;

/// Whether the tanks move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Life {
    /// They fill and are drawn from, and their gauges are as noisy as real ones.
    #[default]
    Moving,
    /// They stand as they were at the start, without noise.
    Still,
}

/// A tank of a plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TankId(usize);

/// The tanks of a site, as they really are; gauges measure them.
#[derive(Debug)]
pub struct Plant {
    tanks: Vec<TankModel>,
    ids: HashMap<TankName, TankId>,
    life: Life,
    started: Instant,
    age: Duration,
    pinned: Mutex<HashMap<TankId, TankState>>,
}

impl Plant {
    /// Makes the tanks of a site, which at `now` have been running for `age`.
    ///
    /// With the time since 1970 for `age`, a plant that is made anew goes on as if it had never ended.
    #[must_use]
    pub fn new(site: &Site, seed: u64, life: Life, now: Instant, age: Duration) -> Self {
        let tanks: Vec<_> = site.tanks().iter().map(|tank| TankModel::new(site, tank, seed)).collect();
        let ids = site.tanks().iter().enumerate().map(|(index, tank)| (tank.name.clone(), TankId(index))).collect();
        Self { tanks, ids, life, started: now, age, pinned: Mutex::default() }
    }

    /// Finds a tank by its name.
    #[must_use]
    pub fn find(&self, name: &TankName) -> Option<TankId> {
        self.ids.get(name).copied()
    }

    /// Gives what is in a tank at a moment.
    #[must_use]
    pub fn state(&self, tank: TankId, now: Instant) -> TankState {
        if let Some(state) = self.pinned(|pinned| pinned.get(&tank).copied()) {
            return state;
        }
        let model = &self.tanks[tank.0];
        match self.life {
            Life::Moving => model.seen_after(self.age + now.saturating_duration_since(self.started)),
            Life::Still => model.true_after(self.age),
        }
    }

    /// Freezes a tank at exactly this, until it is released.
    pub fn set(&self, tank: TankId, state: TankState) {
        self.pinned(|pinned| pinned.insert(tank, state));
    }

    /// Lets a frozen tank move again, to where it would be by now.
    pub fn release(&self, tank: TankId) {
        self.pinned(|pinned| pinned.remove(&tank));
    }

    fn pinned<T>(&self, work: impl FnOnce(&mut HashMap<TankId, TankState>) -> T) -> T {
        work(&mut self.pinned.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
#[path = "plant_tests.rs"]
mod tests;
