use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tankline_domain::names::TankName;
use tankline_domain::site::Site;

use super::command::{Nozzle, Outflow, PlantCommand, SetContent};
use super::content::Outlet;
use super::routine::DECIDES_EVERY;
use super::streams::{Feed, Streams};
use super::tank::{Frozen, TankDesign, TankNow};
use super::{PlantError, TankState};
use crate::gauge::GaugeValues;

/// The step in which time passes.
const STEP: Duration = Duration::from_secs(1);

/// A tank of a plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TankId(usize);

/// The tanks of a site as they really are, in story time: the time since the start, however fast it passes.
///
/// It is the same to the last bit for the same site, seed and commands, however often it is asked and in however many
/// pieces time passes. It moves in steps of a second from its start, and from each command; what it shows in between is
/// what a shorter step would make of it.
#[derive(Debug, Clone)]
pub struct Plant {
    designs: Arc<[TankDesign]>,
    ids: Arc<BTreeMap<TankName, TankId>>,
    moving: Moving,
    time: Duration,
    agenda: BTreeMap<Duration, Vec<PlantCommand>>,
}

/// All that changes with time.
#[derive(Debug, Clone, PartialEq)]
struct Moving {
    /// How far time has passed in steps.
    at: Duration,
    /// How long the plant had been running at its start.
    age: Duration,
    ambient_c: f64,
    tanks: Vec<TankNow>,
    transfers: Vec<Transfer>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Transfer {
    from: TankId,
    to: TankId,
    stream: Outflow,
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
        let designs: Arc<[_]> = site.tanks().iter().map(|tank| TankDesign::new(site, tank, seed)).collect();
        let ids = designs.iter().enumerate().map(|(index, tank)| (tank.name.clone(), TankId(index))).collect();
        let filled = |tank: &TankDesign| tank.filled(&tank.routine.plan_at(&tank.vessel, age));
        let tanks = designs.iter().map(filled).collect();
        let moving = Moving { at: Duration::ZERO, age, ambient_c: 12.0, tanks, transfers: Vec::new() };
        Self { designs, ids: Arc::new(ids), moving, time: Duration::ZERO, agenda: BTreeMap::new() }
    }

    /// Makes all gauges show their values without noise.
    #[must_use]
    pub fn without_noise(mut self) -> Self {
        self.moving.tanks.iter_mut().for_each(|tank| tank.gauge.noise = 0.0);
        self
    }

    /// Finds a tank by its name.
    #[must_use]
    pub fn find(&self, name: &TankName) -> Option<TankId> {
        self.ids.get(name).copied()
    }

    /// Gives the tanks with their names, in the order of the site.
    pub fn tanks(&self) -> impl Iterator<Item = (TankId, &TankName)> {
        self.designs.iter().enumerate().map(|(index, tank)| (TankId(index), &tank.name))
    }

    /// Gives the story time.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.time
    }

    /// Lets time pass until `time`; a time that has passed already changes nothing.
    pub fn advance_to(&mut self, time: Duration) {
        while let Some(due) = self.next_due(time) {
            self.moving.step(&self.designs, due);
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
        self.moving.step(&self.designs, self.time);
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
        let (design, now) = (&self.designs[tank.0], self.moving.ahead(&self.designs, self.time));
        let now = &now.tanks[tank.0];
        now.frozen.map_or_else(|| now.state(design), |frozen| frozen.state(design))
    }

    /// Gives what the gauge of a tank shows now, counted from its measuring origin.
    ///
    /// # Panics
    /// When the tank is that of a larger plant.
    #[must_use]
    pub fn shown(&self, tank: TankId) -> GaugeValues {
        let (design, now) = (&self.designs[tank.0], self.moving.ahead(&self.designs, self.time));
        let now = &now.tanks[tank.0];
        match now.frozen {
            Some(Frozen { level_mm, interface_mm, temperature_c }) => {
                let offset_mm = design.instrument.offset_mm();
                GaugeValues::rounded(level_mm - offset_mm, interface_mm - offset_mm, temperature_c)
            }
            None => design.instrument.shown(&now.gauge, &now.state(design), self.time),
        }
    }

    /// Makes a gauge show exactly this until its tank is released, whatever is in the tank.
    ///
    /// # Panics
    /// When the tank is that of a larger plant.
    pub fn freeze(&mut self, tank: TankId, values: GaugeValues) {
        let offset_mm = self.designs[tank.0].instrument.offset_mm();
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
        for tank in &self.moving.ahead(&self.designs, self.time).tanks {
            sums[0] += tank.content.total();
            sums[1] += tank.ledger.due();
            sums[2] += tank.ledger.moved();
        }
        sums
    }

    /// Gives the moment up to which a step is to be made, if it is not beyond `time`.
    fn next_due(&self, time: Duration) -> Option<Duration> {
        let step = STEP.as_nanos();
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
            PlantCommand::Pump { pump, .. } => {
                Err(PlantError::UnknownEquipment { name: pump.clone(), known: "none".to_owned() })
            }
            PlantCommand::Valve { valve, .. } => {
                Err(PlantError::UnknownEquipment { name: valve.clone(), known: "none".to_owned() })
            }
            _ => Ok(()),
        }
    }

    fn check_content(&self, tank: &TankName, content: &SetContent) -> Result<(), PlantError> {
        let height_mm = self.designs[self.id(tank)?.0].vessel.height_mm();
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
            let offset_mm = plant.designs[tank.0].instrument.offset_mm();
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
        self.moving.apply(&self.designs, command, &ids);
    }
}

impl Moving {
    /// Lets time pass until `until` in one step.
    fn step(&mut self, designs: &[TankDesign], until: Duration) {
        let Some(passed) = until.checked_sub(self.at).filter(|passed| !passed.is_zero()) else { return };
        let seconds = passed.as_secs_f64();
        if self.at.as_nanos().is_multiple_of(DECIDES_EVERY.as_nanos()) {
            self.decide(designs);
        }
        for (tank, design) in self.tanks.iter_mut().zip(designs) {
            tank.flow(design, seconds);
        }
        for index in 0..self.transfers.len() {
            let Transfer { from, to, stream } = self.transfers[index];
            let m3 = stream.flow_m3h * seconds / 3600.0;
            let outlet = outlet(stream.nozzle, &designs[from.0]);
            let parcel = self.tanks[from.0].release(&designs[from.0], m3, outlet);
            self.tanks[to.0].admit(&parcel);
        }
        for (tank, design) in self.tanks.iter_mut().zip(designs) {
            tank.rest(design, seconds, self.ambient_c);
        }
        self.at = until;
    }

    /// Gives how it will be at a time until which no whole step is due.
    fn ahead(&self, designs: &[TankDesign], time: Duration) -> Self {
        let mut ahead = self.clone();
        ahead.step(designs, time);
        ahead
    }

    fn decide(&mut self, designs: &[TankDesign]) {
        let until = self.age + self.at + DECIDES_EVERY;
        for (tank, design) in self.tanks.iter_mut().zip(designs).filter(|(tank, _)| tank.has_operator) {
            let plan = design.routine.plan_at(&design.vessel, until);
            tank.streams = plan.streams(&design.vessel, &design.fluids, &tank.content);
        }
    }

    fn apply(&mut self, designs: &[TankDesign], command: &PlantCommand, ids: &[TankId]) {
        let at = self.at;
        let &[id, ..] = ids else {
            if let PlantCommand::Ambient { temperature_c } = command {
                self.ambient_c = *temperature_c;
            }
            return;
        };
        let takes_over = matches!(
            command,
            PlantCommand::Set { .. }
                | PlantCommand::Inflow { .. }
                | PlantCommand::Outflow { .. }
                | PlantCommand::Transfer { .. }
                | PlantCommand::Leak { .. }
                | PlantCommand::Heater { .. }
                | PlantCommand::Hold { .. }
        );
        for id in ids.iter().filter(|_| takes_over) {
            self.dismiss_operator(*id);
        }
        let (tank, design) = (&mut self.tanks[id.0], &designs[id.0]);
        match command {
            PlantCommand::Set { content, .. } => tank.set(design, content),
            PlantCommand::Inflow { stream, .. } => tank.streams.feed = stream.map(Feed::from),
            PlantCommand::Outflow { stream: None, .. } => {
                let Streams { feed, leak_m3h, heater_w, .. } = tank.streams;
                tank.streams = Streams { feed, leak_m3h, heater_w, ..Streams::default() };
            }
            PlantCommand::Outflow { stream: Some(Outflow { flow_m3h, nozzle }), .. } => match nozzle {
                Nozzle::Bottom => tank.streams.drain_m3h = *flow_m3h,
                Nozzle::Oil => tank.streams.draw_m3h = *flow_m3h,
                Nozzle::Height(mm) => tank.streams.side = Some((design.vessel.volume_at(*mm), *flow_m3h)),
            },
            PlantCommand::Transfer { stream, .. } => {
                let to = ids[1];
                self.transfers.retain(|transfer| (transfer.from, transfer.to) != (id, to));
                self.transfers.extend(stream.map(|stream| Transfer { from: id, to, stream }));
            }
            PlantCommand::Leak { litres_h, .. } => tank.streams.leak_m3h = litres_h / 1000.0,
            PlantCommand::Heater { kilowatts, .. } => tank.streams.heater_w = kilowatts * 1000.0,
            PlantCommand::Foam { thickness_mm, .. } => tank.foam_mm = *thickness_mm,
            PlantCommand::Float { mobility, .. } => tank.gauge.set_float(*mobility, tank.state(design).level_mm),
            PlantCommand::BuildUp { thickness_mm, .. } => tank.gauge.build_up_mm = *thickness_mm,
            PlantCommand::Reboot { lasts, .. } => tank.gauge.reboot(at + *lasts),
            PlantCommand::Gauge { parameters, .. } => tank.gauge.change(parameters),
            PlantCommand::Hold { .. } => {
                tank.streams = Streams::default();
                self.transfers.retain(|transfer| transfer.from != id && transfer.to != id);
            }
            PlantCommand::Release { .. } => {
                tank.frozen = None;
                tank.has_operator = tank.was_operated;
            }
            PlantCommand::Freeze { .. }
            | PlantCommand::Ambient { .. }
            | PlantCommand::Pump { .. }
            | PlantCommand::Valve { .. } => {}
        }
    }

    /// The operator of a tank lets go of it, and its flows end.
    fn dismiss_operator(&mut self, id: TankId) {
        let tank = &mut self.tanks[id.0];
        if std::mem::take(&mut tank.has_operator) {
            tank.streams = Streams::default();
        }
    }
}

fn outlet(nozzle: Nozzle, design: &TankDesign) -> Outlet {
    match nozzle {
        Nozzle::Bottom => Outlet::Bottom,
        Nozzle::Oil => Outlet::Surface,
        Nozzle::Height(mm) => Outlet::Above(design.vessel.volume_at(mm)),
    }
}
