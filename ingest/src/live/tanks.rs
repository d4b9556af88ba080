//! The newest readings of every tank.

use std::collections::HashMap;

use tankline_domain::layer::TransitionLayer;
use tankline_domain::reading::Quality;
use tankline_domain::units::UnixMillis;

use crate::derive::Derived;
use crate::intake::Accepted;
use crate::stations::TankId;
use crate::store::NewestOfTank;

/// A reading as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// When it was measured, by the clock of the edge.
    pub at: UnixMillis,
    /// When it came, by our clock.
    pub received: UnixMillis,
    /// Liquid level.
    pub level_mm: Option<f64>,
    /// Interface level.
    pub interface_mm: Option<f64>,
    /// Temperature.
    pub temperature_c: Option<f64>,
    /// Transition layer between water and oil.
    pub layer: Option<TransitionLayer>,
    /// How far the values can be trusted.
    pub quality: Quality,
    /// The volumes.
    pub derived: Derived,
}

impl Seen {
    /// Gives the moment from which its age counts: that of the measurement, but never later than that of its arrival, so
    /// that the clock of an edge that runs ahead makes nothing look young.
    #[must_use]
    pub fn since(&self) -> UnixMillis {
        self.at.min(self.received)
    }

    fn of(reading: &Accepted, received: UnixMillis) -> Self {
        Self {
            at: reading.at,
            received,
            level_mm: reading.level_mm,
            interface_mm: reading.interface_mm,
            temperature_c: reading.temperature_c,
            layer: reading.layer.clone(),
            quality: reading.quality.clone(),
            derived: reading.derived,
        }
    }
}

/// The newest readings of every tank.
#[derive(Debug, Default)]
pub struct LiveTanks {
    tanks: HashMap<TankId, NewestOfTank>,
}

impl LiveTanks {
    /// Takes over what was found at start.
    pub fn load(&mut self, tank: TankId, newest: NewestOfTank) {
        self.tanks.insert(tank, newest);
    }

    /// Notes a reading; an older one changes nothing.
    pub fn note(&mut self, reading: &Accepted, received: UnixMillis) {
        let since = reading.at.min(received);
        let known = self.tanks.entry(reading.tank).or_default();
        let is_newer = |than: &Option<Seen>| than.as_ref().is_none_or(|than| than.since() <= since);
        if is_newer(&known.newest) {
            known.newest = Some(Seen::of(reading, received));
        }
        if reading.quality.is_good() && is_newer(&known.last_good) {
            known.last_good = Some(Seen::of(reading, received));
        }
    }

    /// Gives what is known of a tank.
    #[must_use]
    pub fn get(&self, tank: TankId) -> Option<&NewestOfTank> {
        self.tanks.get(&tank)
    }
}
