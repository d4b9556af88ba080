//! Pumps and valves, and what they move.

use super::command::{Inflow, Switch};
use super::content::Outlet;
use super::design::{PlantDesign, ValvePlace};
use super::moving::outlet;
use super::streams::Feed;
use super::tank::{TankDesign, TankNow};
use super::{EquipmentName, PlantError, TankId};
use tankline_domain::names::TankName;

/// A pump that gets less than this share of what it would pump draws air, and trips.
const DRY_BELOW: f64 = 0.9;

/// Pumps and valves as they are built.
#[derive(Debug, Clone, Default)]
pub(super) struct Equipment {
    pumps: Vec<Pump>,
    valves: Vec<Valve>,
}

#[derive(Debug, Clone)]
struct Pump {
    name: EquipmentName,
    from: Option<(TankId, Outlet)>,
    to: Option<TankId>,
    max_m3h: f64,
    run_up_s: f64,
    /// What it brings from outside, of 1 m3/h.
    outside: Inflow,
    /// The valves that throttle it.
    valves: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Valve {
    name: EquipmentName,
    link: Option<Link>,
    travel_s: f64,
    open_at_start: f64,
}

/// A pipe between the bottoms of two tanks.
#[derive(Debug, Clone, Copy)]
struct Link {
    tanks: [TankId; 2],
    max_m3h: f64,
}

/// What a pump does.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PumpState {
    /// Whether it is switched on.
    pub is_running: bool,
    /// Whether it has switched itself off because it drew air; it has to be started anew.
    pub is_tripped: bool,
    /// What it pumped in the last step, in m3/h.
    pub flow_m3h: f64,
}

/// A pump at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct PumpNow {
    state: PumpState,
    /// From 0, standing, to 1, run up.
    speed: f64,
}

/// A valve at a moment, from 0, shut, to 1, open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ValveNow {
    opening: f64,
    wanted: f64,
}

impl Equipment {
    pub(super) fn new(
        design: &PlantDesign,
        find: impl Fn(&TankName) -> Result<TankId, PlantError>,
        tanks: &[TankDesign],
    ) -> Result<Self, PlantError> {
        let mut equipment = Self::default();
        for pump in &design.pumps {
            let from = pump.from.as_ref().map(&find).transpose()?;
            let to = pump.to.as_ref().map(&find).transpose()?;
            let wrong = match (from, to) {
                (None, None) => Some("it pumps from a tank or to one"),
                _ if from == to => Some("it pumps from one tank to another"),
                _ if equipment.pump(&pump.name).is_some() => Some("there are two pumps of this name"),
                _ => None,
            };
            if let Some(wrong) = wrong {
                return Err(PlantError::Misplaced { name: pump.name.clone(), wrong });
            }
            equipment.pumps.push(Pump {
                name: pump.name.clone(),
                from: from.map(|from| (from, outlet(pump.draws_from, &tanks[from.0]))),
                to,
                max_m3h: pump.max_m3h,
                run_up_s: pump.run_up_s,
                outside: Inflow {
                    flow_m3h: 1.0,
                    water_cut_percent: pump.water_cut_percent,
                    temperature_c: pump.temperature_c,
                },
                valves: Vec::new(),
            });
        }
        for valve in &design.valves {
            if equipment.valve(&valve.name).is_some() {
                let wrong = "there are two valves of this name";
                return Err(PlantError::Misplaced { name: valve.name.clone(), wrong });
            }
            let link = match &valve.place {
                ValvePlace::OnPump(pump) => {
                    let (kind, known) = ("pump", equipment.names("pump"));
                    let unknown = || PlantError::UnknownEquipment { name: pump.clone(), kind, known };
                    let pump = equipment.pump(pump).ok_or_else(unknown)?;
                    let index = equipment.valves.len();
                    equipment.pumps[pump].valves.push(index);
                    None
                }
                ValvePlace::Between { tanks: [one, other], max_m3h } => {
                    let tanks = [find(one)?, find(other)?];
                    if tanks[0] == tanks[1] {
                        let wrong = "it is between one tank and another";
                        return Err(PlantError::Misplaced { name: valve.name.clone(), wrong });
                    }
                    Some(Link { tanks, max_m3h: *max_m3h })
                }
            };
            let (name, open_at_start) = (valve.name.clone(), valve.open_percent / 100.0);
            equipment.valves.push(Valve { name, link, travel_s: valve.travel_s, open_at_start });
        }
        Ok(equipment)
    }

    /// Gives all as it is at the start.
    pub(super) fn at_rest(&self) -> (Vec<PumpNow>, Vec<ValveNow>) {
        let valve = |valve: &Valve| ValveNow { opening: valve.open_at_start, wanted: valve.open_at_start };
        (vec![PumpNow::default(); self.pumps.len()], self.valves.iter().map(valve).collect())
    }

    pub(super) fn pump(&self, name: &EquipmentName) -> Option<usize> {
        self.pumps.iter().position(|pump| pump.name == *name)
    }

    pub(super) fn valve(&self, name: &EquipmentName) -> Option<usize> {
        self.valves.iter().position(|valve| valve.name == *name)
    }

    /// Lists the names of all pumps, or of all valves.
    pub(super) fn names(&self, kind: &str) -> String {
        let names: Vec<_> = match kind {
            "pump" => self.pumps.iter().map(|pump| pump.name.to_string()).collect(),
            _ => self.valves.iter().map(|valve| valve.name.to_string()).collect(),
        };
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// Gives the tanks that a pump moves liquid of.
    pub(super) fn tanks_of_pump(&self, index: usize) -> Vec<TankId> {
        let Pump { from, to, .. } = &self.pumps[index];
        from.map(|(from, _)| from).into_iter().chain(*to).collect()
    }

    /// Gives the tanks whose liquid a valve lets through.
    pub(super) fn tanks_of_valve(&self, index: usize) -> Vec<TankId> {
        self.valves[index].link.map_or_else(Vec::new, |link| link.tanks.to_vec())
    }

    /// Stops the pumps of a tank and shuts the valves to other tanks, at once.
    pub(super) fn isolate(&self, tank: TankId, pumps: &mut [PumpNow], valves: &mut [ValveNow]) {
        for (index, pump) in pumps.iter_mut().enumerate() {
            if self.tanks_of_pump(index).contains(&tank) {
                *pump = PumpNow::default();
            }
        }
        for (index, valve) in valves.iter_mut().enumerate() {
            if self.tanks_of_valve(index).contains(&tank) {
                *valve = ValveNow { opening: 0.0, wanted: 0.0 };
            }
        }
    }

    /// Lets pumps run and valves travel for a time, and liquid flow through them.
    pub(super) fn run(
        &self,
        designs: &[TankDesign],
        (tanks, pumps, valves): (&mut [TankNow], &mut [PumpNow], &mut [ValveNow]),
        seconds: f64,
    ) {
        for (valve, now) in self.valves.iter().zip(valves.iter_mut()) {
            now.travel(valve.travel_s, seconds);
            if let Some(link) = valve.link.filter(|_| now.opening > 0.0) {
                link.flow(designs, tanks, now.opening, seconds);
            }
        }
        for (pump, now) in self.pumps.iter().zip(pumps.iter_mut()) {
            let opening = pump.valves.iter().map(|&valve| valves[valve].opening).fold(1.0, f64::min);
            now.run(pump.run_up_s, seconds);
            pump.flow(designs, tanks, (now, opening), seconds);
        }
    }
}

impl Pump {
    fn flow(&self, designs: &[TankDesign], tanks: &mut [TankNow], (now, opening): (&mut PumpNow, f64), seconds: f64) {
        let (wanted_m3h, hours) = (self.max_m3h * now.speed * opening, seconds / 3600.0);
        now.state.flow_m3h = 0.0;
        if wanted_m3h <= 0.0 {
            return;
        }
        let Some((from, outlet)) = self.from else {
            let Some(to) = self.to else { return };
            now.state.flow_m3h = wanted_m3h;
            let inflow = Inflow { flow_m3h: wanted_m3h, ..self.outside };
            tanks[to.0].feed(&designs[to.0], &Feed::from(inflow), hours);
            return;
        };
        let design = &designs[from.0];
        let parcel = tanks[from.0].release(design, wanted_m3h * hours, outlet);
        now.state.flow_m3h = parcel.volumes(&design.fluids).total() / hours;
        if now.state.flow_m3h < DRY_BELOW * wanted_m3h {
            *now = PumpNow { state: PumpState { is_running: false, is_tripped: true, ..now.state }, speed: 0.0 };
        }
        if let Some(to) = self.to {
            tanks[to.0].admit(&parcel);
        }
    }
}

impl Link {
    /// Lets liquid flow from the higher tank: with the root of the difference, and never beyond the same level.
    fn flow(&self, designs: &[TankDesign], tanks: &mut [TankNow], opening: f64, seconds: f64) {
        let level_m = |tank: TankId| {
            let design = &designs[tank.0];
            design.vessel.rough_level_at(tanks[tank.0].content.volumes(&design.fluids).total()) / 1000.0
        };
        let [one, other] = self.tanks;
        let head_m = level_m(one) - level_m(other);
        let (from, to) = if head_m > 0.0 { (one, other) } else { (other, one) };
        let m3 = self.max_m3h * opening * head_m.abs().sqrt() * seconds / 3600.0;
        let area_m2 =
            [one, other].map(|tank| designs[tank.0].vessel.mean_area_m2()).into_iter().fold(f64::MAX, f64::min);
        let parcel = tanks[from.0].release(&designs[from.0], m3.min(0.4 * head_m.abs() * area_m2), Outlet::Bottom);
        tanks[to.0].admit(&parcel);
    }
}

impl PumpNow {
    pub(super) fn state(&self) -> PumpState {
        self.state
    }

    pub(super) fn switch(&mut self, switch: Switch) {
        self.state.is_running = switch == Switch::Start;
        self.state.is_tripped = false;
    }

    fn run(&mut self, run_up_s: f64, seconds: f64) {
        let aim = if self.state.is_running { 1.0 } else { 0.0 };
        self.speed = towards(self.speed, aim, run_up_s, seconds);
    }
}

impl ValveNow {
    pub(super) fn opening(&self) -> f64 {
        self.opening
    }

    pub(super) fn travel_to(&mut self, opening: f64) {
        self.wanted = opening;
    }

    fn travel(&mut self, travel_s: f64, seconds: f64) {
        self.opening = towards(self.opening, self.wanted, travel_s, seconds);
    }
}

/// Moves a share towards an aim, as far as a whole way of `whole_s` allows.
fn towards(from: f64, aim: f64, whole_s: f64, seconds: f64) -> f64 {
    let reach = if whole_s > 0.0 { seconds / whole_s } else { 1.0 };
    from + (aim - from).clamp(-reach, reach)
}

#[cfg(test)]
#[path = "equipment_tests.rs"]
mod tests;
