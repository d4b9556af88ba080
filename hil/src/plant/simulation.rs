use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tankline_domain::names::TankName;
use tankline_domain::profile::ProfileBlock;
use tankline_domain::site::Site;

use super::command::{GaugeParameters, PlantCommand, SetContent};
use super::equipment::{Equipment, PumpState};
use super::moving::{Fixed, Moving};
use super::routine::DECIDES_EVERY;
use super::tank::{Frozen, TankDesign};
use super::{EquipmentName, PlantDesign, PlantError, TankState};
use crate::gauge::{GaugeValues, Profile};

/// The step in which time passes, unless it is told otherwise.
const STEP: Duration = Duration::from_secs(1);
/// Temperature of the air unless it is told otherwise, in degC.
const AMBIENT_C: f64 = 12.0;

/// A tank of a plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TankId(pub(super) usize);

/// The tanks of a site as they really are, in story time: the time since the start, however fast it passes.
///
/// It is the same to the last bit for the same site, seed and commands, however often it is asked and in however many
/// pieces time passes. It moves in steps of a second from its start, and from each command; what it shows in between is
/// what a shorter step would make of it.
#[derive(Debug, Clone)]
pub struct Plant {
    fixed: Arc<Fixed>,
    ids: Arc<BTreeMap<TankName, TankId>>,
    moving: Moving,
    time: Duration,
    step: Duration,
    agenda: BTreeMap<Duration, Vec<PlantCommand>>,
}

impl Plant {
    /// Makes a plant in which nothing flows until it is told to; each tank holds what it might on some day.
    #[must_use]
    pub fn new(site: &Site, seed: u64) -> Self {
        Self::begun(site, seed, Duration::ZERO)
    }

    /// Makes a plant with an operator who fills and draws, so that the tanks move within their limits for ever. It has
    /// been running for `age`: with the time since 1970, a plant that is made anew goes on about where it ended.
    #[must_use]
    pub fn routine(site: &Site, seed: u64, age: Duration) -> Self {
        let mut plant = Self::begun(site, seed, age);
        plant.moving.tanks.iter_mut().for_each(|tank| (tank.has_operator, tank.was_operated) = (true, true));
        plant
    }

    fn begun(site: &Site, seed: u64, age: Duration) -> Self {
        let designs: Vec<_> = site.tanks().iter().map(|tank| TankDesign::new(site, tank, seed)).collect();
        let ids = designs.iter().enumerate().map(|(index, tank)| (tank.name.clone(), TankId(index))).collect();
        let filled = |tank: &TankDesign| tank.filled(&tank.routine.plan_at(&tank.vessel, age));
        let tanks = designs.iter().map(filled).collect();
        let moving = Moving {
            at: Duration::ZERO,
            age,
            ambient_c: AMBIENT_C,
            tanks,
            transfers: Vec::new(),
            pumps: Vec::new(),
            valves: Vec::new(),
        };
        let fixed = Arc::new(Fixed { tanks: designs, equipment: Equipment::default() });
        Self { fixed, ids: Arc::new(ids), moving, time: Duration::ZERO, step: STEP, agenda: BTreeMap::new() }
    }

    /// Gives the plant these pumps and valves in place of those that it has; no pump runs.
    ///
    /// # Errors
    /// [`PlantError`] when they name what is not there, or a name twice.
    pub fn with_equipment(mut self, design: &PlantDesign) -> Result<Self, PlantError> {
        let equipment = Equipment::new(design, |tank| self.id(tank), &self.fixed.tanks)?;
        (self.moving.pumps, self.moving.valves) = equipment.at_rest();
        self.fixed = Arc::new(Fixed { tanks: self.fixed.tanks.clone(), equipment });
        Ok(self)
    }

    /// Makes all gauges show their values without noise.
    #[must_use]
    pub fn without_noise(mut self) -> Self {
        let quiet = GaugeParameters { noise: Some(0.0), ..GaugeParameters::default() };
        self.moving.tanks.iter_mut().for_each(|tank| tank.gauge.change(&quiet));
        self
    }

    /// Lets time pass in steps of this length from now on: longer ones for tanks at rest over weeks, where a second changes
    /// nothing. 1 s to 10 s.
    #[must_use]
    pub fn in_steps_of(mut self, step: Duration) -> Self {
        self.step = step.clamp(STEP, DECIDES_EVERY);
        self
    }

    /// Finds a tank by its name.
    #[must_use]
    pub fn find(&self, name: &TankName) -> Option<TankId> {
        self.ids.get(name).copied()
    }

    /// Gives the tanks with their names, in the order of the site.
    pub fn tanks(&self) -> impl Iterator<Item = (TankId, &TankName)> {
        self.fixed.tanks.iter().enumerate().map(|(index, tank)| (TankId(index), &tank.name))
    }

    /// Gives the story time.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.time
    }

    /// Lets time pass until `time`; a time that has passed already changes nothing.
    pub fn advance_to(&mut self, time: Duration) {
        while let Some(due) = self.next_due(time) {
            self.moving.step(&self.fixed, due);
            for command in self.agenda.remove(&due).unwrap_or_default() {
                self.apply(&command);
            }
        }
        self.time = self.time.max(time);
    }

    /// Does something now.
    ///
    /// # Errors
    /// [`PlantError`] when the plant does not have what the command names, or cannot hold it. Then nothing changes.
    pub fn command(&mut self, command: &PlantCommand) -> Result<(), PlantError> {
        self.check(command)?;
        self.moving.step(&self.fixed, self.time);
        self.apply(command);
        Ok(())
    }

    /// Does something at exactly this story time, after what was scheduled before for the same time.
    ///
    /// # Errors
    /// [`PlantError`] as for [`Plant::command`], and when the time has passed.
    pub fn schedule(&mut self, at: Duration, command: PlantCommand) -> Result<(), PlantError> {
        self.check(&command)?;
        if at < self.time {
            return Err(PlantError::Passed { at, time: self.time });
        }
        if at == self.time {
            return self.command(&command);
        }
        self.agenda.entry(at).or_default().push(command);
        Ok(())
    }

    /// Gives what is in a tank now.
    ///
    /// # Panics
    /// When the tank is that of a larger plant.
    #[must_use]
    pub fn truth(&self, tank: TankId) -> TankState {
        let (design, now) = (&self.fixed.tanks[tank.0], self.moving.ahead(&self.fixed, self.time));
        let now = &now.tanks[tank.0];
        now.frozen.map_or_else(|| now.state(design), |frozen| frozen.state(design))
    }

    /// Gives what the gauge of a tank shows now, counted from its measuring origin.
    ///
    /// # Panics
    /// When the tank is that of a larger plant.
    #[must_use]
    pub fn shown(&self, tank: TankId) -> GaugeValues {
        let (design, now) = (&self.fixed.tanks[tank.0], self.moving.ahead(&self.fixed, self.time));
        let now = &now.tanks[tank.0];
        match now.frozen {
            Some(Frozen { level_mm, interface_mm, temperature_c }) => {
                let offset_mm = design.instrument.offset_mm();
                GaugeValues::rounded(level_mm - offset_mm, interface_mm - offset_mm, temperature_c)
            }
            None => design.instrument.shown(&now.gauge, &now.state(design), self.time),
        }
    }

    /// Gives the impedance along the rod of a tank's gauge now, as a scan of the size of a block.
    ///
    /// # Panics
    /// When the tank is that of a larger plant.
    #[must_use]
    pub fn profile(&self, tank: TankId, block: &ProfileBlock) -> Profile {
        let (design, now) = (&self.fixed.tanks[tank.0], self.moving.ahead(&self.fixed, self.time));
        design.instrument.profile(&now.tanks[tank.0].gauge, &self.truth(tank), self.time, block)
    }

    /// Gives the registers of the profile block of a tank's gauge now.
    ///
    /// # Panics
    /// When the tank is that of a larger plant.
    #[must_use]
    pub fn profile_words(&self, tank: TankId, block: &ProfileBlock) -> Vec<u16> {
        self.profile(tank, block).words(block)
    }

    /// Gives what a pump does now; `None` when there is no such pump.
    #[must_use]
    pub fn pump(&self, name: &EquipmentName) -> Option<PumpState> {
        let index = self.fixed.equipment.pump(name)?;
        Some(self.moving.ahead(&self.fixed, self.time).pumps[index].state())
    }

    /// Gives how far a valve is open now, from 0 to 1; `None` when there is no such valve.
    #[must_use]
    pub fn valve(&self, name: &EquipmentName) -> Option<f64> {
        let index = self.fixed.equipment.valve(name)?;
        Some(self.moving.ahead(&self.fixed, self.time).valves[index].opening())
    }

    /// Makes a gauge show exactly this until its tank is released, whatever is in the tank.
    ///
    /// # Panics
    /// When the tank is that of a larger plant.
    pub fn freeze(&mut self, tank: TankId, values: GaugeValues) {
        let offset_mm = self.fixed.tanks[tank.0].instrument.offset_mm();
        self.moving.tanks[tank.0].frozen = Some(Frozen {
            level_mm: f64::from(values.level_mm) + offset_mm,
            interface_mm: f64::from(values.interface_mm) + offset_mm,
            temperature_c: values.temperature_c(),
        });
    }

    /// Gives what is in all tanks, what must be in them by their accounts, and what was moved in all.
    #[cfg(test)]
    pub(super) fn audit(&self) -> [super::content::Parcel; 3] {
        let mut sums = [super::content::Parcel::default(); 3];
        for tank in &self.moving.ahead(&self.fixed, self.time).tanks {
            sums[0] += tank.content.total();
            sums[1] += tank.ledger.due();
            sums[2] += tank.ledger.moved();
        }
        sums
    }

    /// Gives the moment up to which a step is to be made, if it is not beyond `time`.
    fn next_due(&self, time: Duration) -> Option<Duration> {
        let step = self.step.as_nanos();
        let next = (self.moving.at.as_nanos() / step + 1) * step;
        let grid = Duration::from_nanos(u64::try_from(next).ok()?);
        let due = self.agenda.keys().next().map_or(grid, |&at| grid.min(at));
        (due <= time).then_some(due)
    }

    fn id(&self, tank: &TankName) -> Result<TankId, PlantError> {
        let known = || self.ids.keys().map(TankName::as_str).collect::<Vec<_>>().join(", ");
        self.find(tank).ok_or_else(|| PlantError::UnknownTank { tank: tank.clone(), known: known() })
    }

    fn check(&self, command: &PlantCommand) -> Result<(), PlantError> {
        command.tanks().try_for_each(|tank| self.id(tank).map(|_| ()))?;
        match command {
            PlantCommand::Set { tank, content } => self.check_content(tank, content),
            PlantCommand::Transfer { from, to, .. } if from == to => Err(PlantError::SameTank { tank: from.clone() }),
            PlantCommand::Pump { pump, .. } => self.known(pump, "pump", self.fixed.equipment.pump(pump).is_some()),
            PlantCommand::Valve { valve, .. } => {
                self.known(valve, "valve", self.fixed.equipment.valve(valve).is_some())
            }
            _ => Ok(()),
        }
    }

    fn known(&self, name: &EquipmentName, kind: &'static str, is_known: bool) -> Result<(), PlantError> {
        let known = || self.fixed.equipment.names(kind);
        if is_known { Ok(()) } else { Err(PlantError::UnknownEquipment { name: name.clone(), kind, known: known() }) }
    }

    fn check_content(&self, tank: &TankName, content: &SetContent) -> Result<(), PlantError> {
        let height_mm = self.fixed.tanks[self.id(tank)?.0].vessel.height_mm();
        let keys = [("level_mm", content.level_mm), ("interface_mm", content.interface_mm)];
        for (key, value) in keys {
            if let Some(value) = value.filter(|value| !(0.0..=height_mm).contains(value)) {
                return Err(PlantError::OutsideTank { tank: tank.clone(), key, value, height_mm });
            }
        }
        match (content.interface_mm, content.level_mm) {
            (Some(interface_mm), Some(level_mm)) if interface_mm > level_mm => {
                Err(PlantError::InterfaceAboveLevel { tank: tank.clone(), interface_mm, level_mm })
            }
            _ => Ok(()),
        }
    }

    /// Does what was checked.
    fn apply(&mut self, command: &PlantCommand) {
        let shown = |plant: &Self, tank: TankId| {
            let offset_mm = plant.fixed.tanks[tank.0].instrument.offset_mm();
            let values = plant.shown(tank);
            (f64::from(values.level_mm) + offset_mm, f64::from(values.interface_mm) + offset_mm, values.temperature_c())
        };
        let ids: Vec<_> = command.tanks().filter_map(|tank| self.find(tank)).collect();
        if let (PlantCommand::Freeze { shown: wanted, .. }, Some(&id)) = (command, ids.first()) {
            let (level_mm, interface_mm, temperature_c) = shown(self, id);
            self.moving.tanks[id.0].frozen = Some(Frozen {
                level_mm: wanted.level_mm.unwrap_or(level_mm),
                interface_mm: wanted.interface_mm.unwrap_or(interface_mm),
                temperature_c: wanted.temperature_c.unwrap_or(temperature_c),
            });
            return;
        }
        self.moving.apply(&self.fixed, command, &ids);
    }
}
