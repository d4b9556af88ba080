use std::time::Duration;

use tankline_domain::profile::ProfileBlock;
use tankline_domain::reading::Mounting;

use super::{GaugeValues, Liquids, Profile, Rod};
use crate::plant::{FloatMobility, FoamSight, GaugeParameters, TankState, noise};

/// How deep the float lies in the liquid for which it was adjusted, in mm.
///
/// Source: about half of a float of 90 mm, the smaller of the two that the published gauge is sold with.
const IMMERSION_MM: f64 = 40.0;
/// The float moves only when the liquid has moved by more than this, in mm, unless it is told otherwise.
const STICTION_MM: f64 = 0.4;
/// Time in which the thermometer, in its pocket, takes on 63 % of a change, in s.
const THERMOMETER_S: f64 = 60.0;
/// Noise of level and interface in mm and of temperature in degC, as standard deviations.
const LEVEL_NOISE_MM: f64 = 0.7;
const INTERFACE_NOISE_MM: f64 = 1.0;
const TEMPERATURE_NOISE_C: f64 = 0.04;

/// The level gauge on a tank: what it makes of the tank that it stands on.
///
/// A float shows the level, an impedance rod the interface, a thermometer the temperature. Heights in mm.
#[derive(Debug, Clone, PartialEq)]
pub struct Instrument {
    seed: u64,
    offset_mm: f64,
    /// Where the float is stopped below and above, in mm above the tank bottom.
    stops_mm: (f64, f64),
    /// What the level sensor can show, in mm above the measuring origin.
    sensor_mm: (f64, f64),
    /// Density in kg/m3 of the liquid for which the float was adjusted.
    float_density: f64,
    height_mm: f64,
}

/// What changes of a gauge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InstrumentState {
    offset_mm: Option<f64>,
    noise: f64,
    foam: FoamSight,
    stiction_mm: f64,
    mobility: FloatMobility,
    /// What the float takes for the level, in mm above the tank bottom, without foam.
    float_mm: f64,
    thermometer_c: f64,
    build_up_mm: f64,
    liquids: Liquids,
    /// Story time until which it starts.
    starts_until: Option<Duration>,
}

/// What a gauge feels of its tank in each step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surroundings {
    /// Liquid level in mm above the tank bottom.
    pub level_mm: f64,
    /// Density of the liquid in which the float lies, in kg/m3; of no meaning where there is no liquid.
    pub density: f64,
    /// Temperature at the thermometer in degC.
    pub temperature_c: f64,
}

impl Instrument {
    /// Makes a gauge with this mounting, or one that stands on the bottom and sees all, on a tank of this height. Its float
    /// was adjusted for a liquid of this density in kg/m3.
    #[must_use]
    pub fn new(mounting: Option<Mounting>, height_mm: f64, float_density: f64, seed: u64) -> Self {
        let zone = |blind: f64, outside: f64| if blind > 0.0 { blind / 2.0 } else { outside };
        let (offset_mm, stops_mm, sensor_mm) = match mounting {
            None => (0.0, (0.0, height_mm), (f64::MIN, f64::MAX)),
            Some(mounting) => {
                let offset_mm = mounting.offset.get();
                // The stops lie within the blind zones: a float that rests on one is known not to see.
                let low = zone(mounting.bottom_blind_zone.get(), 0.0).max(offset_mm);
                let high = height_mm - zone(mounting.top_blind_zone.get(), 0.0);
                let range = mounting.sensor_range.map(|(low, high)| (low.get(), high.get()));
                (offset_mm, (low, high.max(low)), range.unwrap_or((f64::MIN, f64::MAX)))
            }
        };
        Self { seed, offset_mm, stops_mm, sensor_mm, float_density, height_mm }
    }

    /// Gives the height of the measuring origin above the tank bottom, as the site has it, in mm.
    #[must_use]
    pub fn offset_mm(&self) -> f64 {
        self.offset_mm
    }

    /// Begins with a gauge at rest.
    #[must_use]
    pub fn at_rest(&self, around: &Surroundings) -> InstrumentState {
        let mut now = InstrumentState {
            offset_mm: None,
            noise: 1.0,
            foam: FoamSight::Blind,
            stiction_mm: STICTION_MM,
            mobility: FloatMobility::Free,
            float_mm: 0.0,
            thermometer_c: around.temperature_c,
            build_up_mm: 0.0,
            liquids: Liquids::default(),
            starts_until: None,
        };
        self.settle(&mut now, around);
        now
    }

    /// Brings the gauge to rest in a tank, as after a long time; a stuck float stays where it is.
    pub fn settle(&self, now: &mut InstrumentState, around: &Surroundings) {
        now.thermometer_c = around.temperature_c;
        if now.mobility == FloatMobility::Free {
            now.float_mm = self.float_at(around);
        }
    }

    /// Lets time pass.
    pub fn advance(&self, now: &mut InstrumentState, around: &Surroundings, seconds: f64) {
        now.thermometer_c += (around.temperature_c - now.thermometer_c) * -(-seconds / THERMOMETER_S).exp_m1();
        let wanted_mm = self.float_at(around);
        if now.mobility == FloatMobility::Free && (wanted_mm - now.float_mm).abs() > now.stiction_mm {
            now.float_mm = wanted_mm;
        }
    }

    /// Gives where a free float lies: it sinks deeper in a lighter liquid, and only as far as its stops.
    fn float_at(&self, around: &Surroundings) -> f64 {
        let deeper_mm =
            if around.density > 0.0 { IMMERSION_MM * (self.float_density / around.density - 1.0) } else { 0.0 };
        (around.level_mm - deeper_mm).clamp(self.stops_mm.0, self.stops_mm.1)
    }

    /// Gives what the gauge shows of its tank.
    #[must_use]
    pub fn shown(&self, now: &InstrumentState, tank: &TankState, time: Duration) -> GaugeValues {
        if now.is_starting(time) {
            return GaugeValues { level_mm: 0, interface_mm: 0, temperature_tenths: 0 };
        }
        let noise = |channel| now.noise * noise(self.seed, channel, time);
        let is_free = now.mobility == FloatMobility::Free;
        let foam_mm = if now.foam == FoamSight::Seen { tank.foam_mm } else { 0.0 };
        // What trembles is the liquid: a float that is stuck does not.
        let level_mm = now.float_mm + if is_free { foam_mm + LEVEL_NOISE_MM * noise(1) } else { 0.0 };
        let interface_mm = (self.rod(now, tank).jump_mm() + INTERFACE_NOISE_MM * noise(2)).max(self.stops_mm.0);
        let interface_mm = if is_free { interface_mm.min(level_mm - 1.0) } else { interface_mm };
        let temperature_c = now.thermometer_c + TEMPERATURE_NOISE_C * noise(3);
        let offset_mm = now.offset_mm.unwrap_or(self.offset_mm);
        let level_mm = (level_mm - offset_mm).clamp(self.sensor_mm.0, self.sensor_mm.1);
        GaugeValues::rounded(level_mm, interface_mm - offset_mm, temperature_c)
    }

    /// Gives a scan of the impedance along the rod, from the measuring origin to the top of the tank.
    #[must_use]
    pub fn profile(&self, now: &InstrumentState, tank: &TankState, time: Duration, block: &ProfileBlock) -> Profile {
        if now.is_starting(time) {
            return Profile::default();
        }
        let rod = self.rod(now, tank);
        let tremble = |index: u16| now.noise * noise(self.seed, 1000 + u64::from(index), time);
        let reach_mm = self.height_mm - self.offset_mm;
        let level_mm = now.float_mm - self.offset_mm;
        // A second is a scan.
        let number = u16::try_from(time.as_secs() % 0xFFFF).unwrap_or(0);
        Profile::of(number, block, (reach_mm, level_mm), |index, above_mm| {
            rod.impedance_at(above_mm + self.offset_mm) + 20.0 * tremble(index)
        })
    }

    fn rod<'t>(&self, now: &InstrumentState, tank: &'t TankState) -> Rod<'t> {
        Rod { tank, build_up_mm: now.build_up_mm, liquids: now.liquids }
    }
}

impl InstrumentState {
    /// Makes the float stick where it is, or lets it go.
    pub fn set_float(&mut self, mobility: FloatMobility) {
        self.mobility = mobility;
    }

    /// Starts the gauge anew; it shows zeros until then.
    pub fn reboot(&mut self, until: Duration) {
        self.starts_until = Some(until);
    }

    /// Covers the rod of the interface sensor with a deposit of this thickness in mm.
    pub fn set_build_up(&mut self, thickness_mm: f64) {
        self.build_up_mm = thickness_mm;
    }

    /// Gives the rod other liquids to stand in.
    pub fn set_liquids(&mut self, liquids: Liquids) {
        self.liquids = liquids;
    }

    /// Gives what the liquids in which the rod stands measure.
    #[must_use]
    pub fn liquids(&self) -> Liquids {
        self.liquids
    }

    /// Changes parameters.
    pub fn change(&mut self, parameters: &GaugeParameters) {
        self.offset_mm = parameters.offset_mm.or(self.offset_mm);
        self.stiction_mm = parameters.stiction_mm.unwrap_or(self.stiction_mm);
        self.noise = parameters.noise.unwrap_or(self.noise);
        self.foam = parameters.foam.unwrap_or(self.foam);
    }

    fn is_starting(&self, time: Duration) -> bool {
        self.starts_until.is_some_and(|until| time < until)
    }
}

#[cfg(test)]
#[path = "instrument_tests.rs"]
mod tests;
