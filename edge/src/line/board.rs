//! What is known of all gauges of an edge.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tankline_domain::message::{GaugeCounters, GaugeHealth};
use tankline_domain::names::{LineName, TankName};
use tankline_runtime::pulses::Pulses;

use super::poller::LineConfig;
use crate::quality::Motion;
use crate::stamp::StationClock;

/// What is known of all gauges of an edge, shared by its lines and with who reports it.
#[derive(Debug, Clone, Default)]
pub struct HealthBoard {
    gauges: Arc<Mutex<Vec<GaugeHealth>>>,
    motion: Motion,
    clock: StationClock,
    pulses: Pulses,
}

impl HealthBoard {
    /// Gives the same board with this clock.
    #[must_use]
    pub fn with_clock(self, clock: StationClock) -> Self {
        Self { clock, ..self }
    }

    /// Gives the clock that readings are stamped by.
    #[must_use]
    pub const fn clock(&self) -> &StationClock {
        &self.clock
    }

    /// Gives what is expected of the tasks of the edge.
    #[must_use]
    pub const fn pulses(&self) -> &Pulses {
        &self.pulses
    }

    /// Gives the counters as they stand.
    #[must_use]
    pub fn snapshot(&self) -> Vec<GaugeHealth> {
        self.gauges().clone()
    }

    /// Forgets all gauges but those of these lines.
    pub fn keep(&self, lines: &[LineConfig]) {
        let is_wanted = |health: &GaugeHealth| {
            lines.iter().filter(|line| line.line.name == health.line).any(|line| is_gauge_of(line, health))
        };
        self.gauges().retain(is_wanted);
        self.motion.keep(|tank| lines.iter().flat_map(|line| &line.gauges).any(|gauge| gauge.tank == *tank));
    }

    /// Gives when which gauge last moved.
    #[must_use]
    pub const fn motion(&self) -> &Motion {
        &self.motion
    }

    /// Gives what was counted of a gauge so far: a line that was changed goes on counting.
    pub(super) fn counters(&self, line: &LineName, unit: u8, tank: &TankName) -> GaugeCounters {
        let gauges = self.gauges();
        let known = gauges.iter().find(|health| health.line == *line && health.unit == unit && health.tank == *tank);
        known.map(|health| health.counters).unwrap_or_default()
    }

    pub(super) fn put(&self, health: GaugeHealth) {
        let mut gauges = self.gauges();
        match gauges.iter_mut().find(|other| other.line == health.line && other.unit == health.unit) {
            Some(place) => *place = health,
            None => gauges.push(health),
        }
    }

    fn gauges(&self) -> MutexGuard<'_, Vec<GaugeHealth>> {
        self.gauges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_gauge_of(line: &LineConfig, health: &GaugeHealth) -> bool {
    line.gauges.iter().any(|gauge| gauge.unit == health.unit && gauge.tank == health.tank)
}
