//! How a tank of a station goes its daily round, and the flows by which its operator keeps it there.

use std::ops::RangeInclusive;
use std::time::Duration;

use tankline_domain::geometry::Geometry;
use tankline_domain::site::{ProductKind, Site, Tank};
use tankline_domain::units::Millimetres;

use super::chance::seed_of;
use super::content::Content;
use super::fluid::Fluids;
use super::motion::{Cycle, Hold, drift};
use super::streams::{EMULSION_CUT, Feed, Streams};
use super::vessel::Vessel;

/// How often the operator sets the flows anew.
pub(super) const DECIDES_EVERY: Duration = Duration::from_secs(10);

/// Vessels below this capacity are kept at their level by a controller; larger ones are filled and drawn from.
const HELD_BELOW_M3: f64 = 250.0;
/// No pipe of the station carries more.
///
/// Source: the station's 7500 m3 of liquid a day are 312 m3/h, which go to two or more tanks at once.
const GREATEST_FLOW_M3H: f64 = 150.0;
/// What the operator uses at most to bring a tank back to its round.
const RETURN_FLOW_M3H: f64 = 250.0;
/// Heating, or cooling, with which the operator brings a tank back to its temperature, in W.
const RETURN_POWER_W: f64 = 2e6;

/// Where a tank is on its round at any time: level, interface and temperature as functions of time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Routine {
    working_mm: RangeInclusive<f64>,
    motion: Motion,
    water: Water,
    emulsion_mm: f64,
    temperature: Temperature,
}

/// What a tank is to hold at a moment. Levels in mm above the tank bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plan {
    pub(super) level_mm: f64,
    pub(super) interface_mm: f64,
    pub(super) emulsion_mm: f64,
    pub(super) temperature_c: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Motion {
    Cycle(Cycle),
    Hold(Hold),
}

/// Where the water is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Water {
    /// Oil over water: the interface is at this share of the way from `floor_mm` to the level.
    Below { floor_mm: f64, share: f64, swing: f64, period_h: f64, phase: f64 },
    /// Water with a film of oil of this thickness on it.
    UnderFilm { film_mm: f64 },
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Temperature {
    mean_c: f64,
    daily_c: f64,
    phase: f64,
}

impl Routine {
    /// Makes a routine that keeps within the tank's limits and outside its gauge's blind zones.
    pub(super) fn new(site: &Site, tank: &Tank, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed_of(seed, tank.name.as_str()));
        let mut between = |low: f64, high: f64| low + (high - low) * random.f64();
        let seen_mm = seen(site, tank);
        let working_mm = working(tank, &seen_mm);
        let kind = site.products().iter().find(|product| product.name == tank.product).map(|product| product.kind);
        let motion = motion(tank, &working_mm, &mut between);
        let water = match kind {
            Some(ProductKind::Water) => Water::UnderFilm { film_mm: between(25.0, 60.0) },
            Some(ProductKind::Crude) | None => below(&seen_mm, between(0.15, 0.6), &mut between),
            Some(_) => below(&seen_mm, between(0.02, 0.06), &mut between),
        };
        let mean_c = match kind {
            Some(ProductKind::Water) => between(24.0, 38.0),
            Some(ProductKind::Crude) | None => between(34.0, 52.0),
            Some(_) => between(12.0, 25.0),
        };
        let temperature = Temperature { mean_c, daily_c: between(0.8, 2.0), phase: between(0.0, 1.0) };
        let emulsion_mm = if kind == Some(ProductKind::Crude) { between(80.0, 250.0) } else { 0.0 };
        Self { working_mm, motion, water, emulsion_mm, temperature }
    }

    /// Gives the range of levels, in mm, in which the tank moves.
    #[cfg(test)]
    pub(super) fn working_mm(&self) -> &RangeInclusive<f64> {
        &self.working_mm
    }

    /// Gives where the tank is to be after a time.
    pub(super) fn plan_at(&self, vessel: &Vessel, time: Duration) -> Plan {
        let hours = time.as_secs_f64() / 3600.0;
        let level_mm = match &self.motion {
            Motion::Hold(hold) => hold.level_at(hours),
            Motion::Cycle(cycle) => vessel.level_at(cycle.volume_at(hours)),
        };
        let level_mm = level_mm.clamp(*self.working_mm.start(), *self.working_mm.end());
        let interface_mm = match self.water {
            Water::UnderFilm { film_mm } => level_mm - film_mm,
            Water::Below { floor_mm, share, swing, period_h, phase } => {
                floor_mm + (level_mm - floor_mm) * (share + swing * drift(hours, period_h, phase))
            }
        };
        let Temperature { mean_c, daily_c, phase } = self.temperature;
        let temperature_c = mean_c + daily_c * drift(hours, 24.0, phase) + 0.3 * drift(hours, 1.7, phase);
        let emulsion_mm = self.emulsion_mm.min(0.3 * (level_mm - interface_mm));
        Plan { level_mm, interface_mm, emulsion_mm, temperature_c }
    }
}

impl Plan {
    /// Decides the flows by which the content is as planned after [`DECIDES_EVERY`], as far as the pipes carry.
    pub(super) fn streams(&self, vessel: &Vessel, fluids: &Fluids, content: &Content) -> Streams {
        let seconds = DECIDES_EVERY.as_secs_f64();
        let hours = seconds / 3600.0;
        let volumes = content.volumes(fluids);
        let total = vessel.volume_at(self.level_mm);
        let water = vessel.volume_at(self.interface_mm);
        let emulsion = vessel.volume_at(self.interface_mm + self.emulsion_mm) - water;
        let limited = |m3: f64| (m3 / hours).clamp(-RETURN_FLOW_M3H, RETURN_FLOW_M3H);
        // Emulsion settles by itself; what is too much of it counts as oil.
        let emulsion_m3h = limited(emulsion - volumes.emulsion).max(0.0);
        let water_m3h = limited(water - volumes.water);
        let oil_m3h = limited((total - water) - (volumes.emulsion + volumes.oil)) - emulsion_m3h;
        let whole = content.total();
        let missing_c = whole.temperature_c().map_or(0.0, |temperature_c| self.temperature_c - temperature_c);
        Streams {
            feed: Some(Feed {
                oil_m3h: oil_m3h.max(0.0),
                emulsion_m3h,
                water_m3h: water_m3h.max(0.0),
                emulsion_cut: EMULSION_CUT,
                temperature_c: Some(self.temperature_c),
            }),
            drain_m3h: (-water_m3h).max(0.0),
            draw_m3h: (-oil_m3h).max(0.0),
            heater_w: (missing_c * whole.heat_capacity() / seconds).clamp(-RETURN_POWER_W, RETURN_POWER_W),
            ..Streams::default()
        }
    }
}

fn motion(tank: &Tank, working_mm: &RangeInclusive<f64>, between: &mut impl FnMut(f64, f64) -> f64) -> Motion {
    let (low, high) = (*working_mm.start(), *working_mm.end());
    let range_m3 = volume(&tank.geometry, high) - volume(&tank.geometry, low);
    // A motion needs a range; a tank whose limits leave none is held where it is.
    if tank.geometry.capacity().get() < HELD_BELOW_M3 || range_m3 <= 0.0 {
        let swing_mm = (0.25 * (high - low)).min(0.04 * tank.height.get());
        let level_mm = between(low + swing_mm, high - swing_mm);
        let (period_h, phase) = (between(0.5, 1.5), between(0.0, 1.0));
        return Motion::Hold(Hold { level_mm, swing_mm, period_h, phase });
    }
    Motion::Cycle(Cycle {
        least_m3: volume(&tank.geometry, low),
        greatest_m3: volume(&tank.geometry, high),
        inflow_m3h: (range_m3 / between(18.0, 36.0)).min(GREATEST_FLOW_M3H),
        outflow_m3h: (range_m3 / between(10.0, 24.0)).min(GREATEST_FLOW_M3H),
        stand_h: between(1.0, 4.0),
        phase: between(0.0, 1.0),
    })
}

fn below(seen_mm: &RangeInclusive<f64>, share: f64, between: &mut impl FnMut(f64, f64) -> f64) -> Water {
    let (period_h, phase) = (between(3.0, 9.0), between(0.0, 1.0));
    Water::Below { floor_mm: *seen_mm.start(), share, swing: share * between(0.02, 0.08), period_h, phase }
}

/// The levels that the tank has a volume for and that all its gauges see.
fn seen(site: &Site, tank: &Tank) -> RangeInclusive<f64> {
    let gauges = || site.gauges().iter().filter(|gauge| gauge.tank == tank.name).map(|gauge| gauge.mounting);
    let lowest = gauges().map(|gauge| gauge.bottom_blind_zone.get().max(gauge.offset.get()));
    let highest = gauges().map(|gauge| gauge.tank_height.get() - gauge.top_blind_zone.get());
    let height = tank.height.get().min(tank.geometry.height().get());
    let low = lowest.fold(tank.geometry.bottom().get(), f64::max);
    let high = highest.fold(height, f64::min);
    low..=high.max(low)
}

/// The levels between which the tank is worked: well inside its limits, where it has any.
fn working(tank: &Tank, seen_mm: &RangeInclusive<f64>) -> RangeInclusive<f64> {
    let (lowest, highest) = (*seen_mm.start(), *seen_mm.end());
    let reach = highest - lowest;
    let inside = 0.05 * reach;
    let floor = tank.limits.low.or(tank.limits.low_low).map_or(lowest + 0.15 * reach, Millimetres::get).max(lowest);
    let ceiling =
        tank.limits.high.or(tank.limits.high_high).map_or(highest - 0.1 * reach, Millimetres::get).min(highest);
    let (low, high) = (floor + inside, ceiling - inside);
    if low < high { low..=high } else { f64::midpoint(lowest, highest)..=f64::midpoint(lowest, highest) }
}

/// The volume at a level that lies in the tank; 0 where the tank does not reach.
fn volume(geometry: &Geometry, level_mm: f64) -> f64 {
    geometry.volume_at(Millimetres::new(level_mm)).map_or(0.0, |volume| volume.get())
}
