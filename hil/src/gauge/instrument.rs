use std::time::Duration;

use tankline_domain::reading::Mounting;

use super::GaugeValues;
use crate::plant::{FloatMobility, FoamSight, GaugeParameters, TankState, noise};

/// The level gauge on a tank: what it makes of the tank that it stands on.
#[derive(Debug, Clone, PartialEq)]
pub struct Instrument {
    seed: u64,
    offset_mm: f64,
}

/// What changes of a gauge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InstrumentState {
    /// How much noise the values have: 1 is the usual, 0 none.
    pub(crate) noise: f64,
    /// Thickness of the deposit on the rod of the interface sensor in mm.
    pub(crate) build_up_mm: f64,
    offset_mm: Option<f64>,
    foam: FoamSight,
    stiction_mm: f64,
    is_stuck: bool,
    /// Where the float is, in mm above the tank bottom.
    float_mm: f64,
    starts_until: Option<Duration>,
}

impl Default for InstrumentState {
    fn default() -> Self {
        Self {
            noise: 1.0,
            build_up_mm: 0.0,
            offset_mm: None,
            foam: FoamSight::Blind,
            stiction_mm: 0.0,
            is_stuck: false,
            float_mm: 0.0,
            starts_until: None,
        }
    }
}

impl Instrument {
    /// Makes a gauge with this mounting, or one at the tank bottom, on a tank of this height.
    #[must_use]
    pub fn new(mounting: Option<Mounting>, seed: u64) -> Self {
        Self { seed, offset_mm: mounting.map_or(0.0, |mounting| mounting.offset.get()) }
    }

    /// Gives the height of the measuring origin above the tank bottom, as the site has it, in mm.
    #[must_use]
    pub fn offset_mm(&self) -> f64 {
        self.offset_mm
    }

    /// Gives what the gauge shows.
    #[must_use]
    pub fn shown(&self, now: &InstrumentState, tank: &TankState, time: Duration) -> GaugeValues {
        if now.starts_until.is_some_and(|until| time < until) {
            return GaugeValues { level_mm: 0, interface_mm: 0, temperature_tenths: 0 };
        }
        let offset_mm = now.offset_mm.unwrap_or(self.offset_mm);
        let noise = |channel| now.noise * noise(self.seed, channel, time);
        let foam_mm = if now.foam == FoamSight::Seen { tank.foam_mm } else { 0.0 };
        let float_mm = if now.is_stuck { now.float_mm } else { tank.level_mm };
        let level_mm = float_mm + foam_mm + 0.7 * noise(1);
        let interface_mm = (tank.interface_mm + noise(2)).min(level_mm - 1.0);
        GaugeValues::rounded(level_mm - offset_mm, interface_mm - offset_mm, tank.temperature_c + 0.04 * noise(3))
    }
}

impl InstrumentState {
    /// Makes the float stick where the level is now, or lets it go.
    pub fn set_float(&mut self, mobility: FloatMobility, level_mm: f64) {
        self.is_stuck = mobility == FloatMobility::Stuck;
        self.float_mm = level_mm;
    }

    /// Starts the gauge anew; it shows zeros until then.
    pub fn reboot(&mut self, until: Duration) {
        self.starts_until = Some(until);
    }

    /// Changes parameters.
    pub fn change(&mut self, parameters: &GaugeParameters) {
        self.offset_mm = parameters.offset_mm.or(self.offset_mm);
        self.stiction_mm = parameters.stiction_mm.unwrap_or(self.stiction_mm);
        self.noise = parameters.noise.unwrap_or(self.noise);
        self.foam = parameters.foam.unwrap_or(self.foam);
    }
}
