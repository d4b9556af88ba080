//! All of a plant that changes with time, and what a step of time makes of it.

use std::time::Duration;

use super::TankId;
use super::command::{Nozzle, Outflow, PlantCommand, Switch};
use super::content::Outlet;
use super::equipment::{Equipment, PumpNow, ValveNow};
use super::routine::DECIDES_EVERY;
use super::streams::{Feed, Streams};
use super::tank::{TankDesign, TankNow};
use crate::gauge::Liquids;

/// All that does not change.
#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) tanks: Vec<TankDesign>,
    pub(super) equipment: Equipment,
}

/// All that changes with time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moving {
    /// How far time has passed in steps.
    pub(super) at: Duration,
    /// How long the plant had been running at its start.
    pub(super) age: Duration,
    pub(super) ambient_c: f64,
    pub(super) tanks: Vec<TankNow>,
    pub(super) transfers: Vec<Transfer>,
    pub(super) pumps: Vec<PumpNow>,
    pub(super) valves: Vec<ValveNow>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Transfer {
    from: TankId,
    to: TankId,
    stream: Outflow,
}

impl Moving {
    /// Lets time pass until `until` in one step.
    pub(super) fn step(&mut self, fixed: &Fixed, until: Duration) {
        let Some(passed) = until.checked_sub(self.at).filter(|passed| !passed.is_zero()) else { return };
        let seconds = passed.as_secs_f64();
        if self.at.as_nanos().is_multiple_of(DECIDES_EVERY.as_nanos()) {
            self.decide(fixed);
        }
        for (tank, design) in self.tanks.iter_mut().zip(&fixed.tanks) {
            tank.flow(design, seconds);
        }
        for index in 0..self.transfers.len() {
            let Transfer { from, to, stream } = self.transfers[index];
            let m3 = stream.flow_m3h * seconds / 3600.0;
            let outlet = outlet(stream.nozzle, &fixed.tanks[from.0]);
            let parcel = self.tanks[from.0].release(&fixed.tanks[from.0], m3, outlet);
            self.tanks[to.0].admit(&parcel);
        }
        self.run_equipment(fixed, seconds);
        for (tank, design) in self.tanks.iter_mut().zip(&fixed.tanks) {
            tank.rest(design, seconds, self.ambient_c);
        }
        self.at = until;
    }

    /// Gives how it will be at a time until which no whole step is due.
    pub(super) fn ahead(&self, fixed: &Fixed, time: Duration) -> Self {
        let mut ahead = self.clone();
        ahead.step(fixed, time);
        ahead
    }

    fn decide(&mut self, fixed: &Fixed) {
        let until = self.age + self.at + DECIDES_EVERY;
        for (tank, design) in self.tanks.iter_mut().zip(&fixed.tanks).filter(|(tank, _)| tank.has_operator) {
            let plan = design.routine.plan_at(&design.vessel, until);
            tank.streams = plan.streams(&design.vessel, &design.fluids, &tank.content);
        }
    }

    pub(super) fn apply(&mut self, fixed: &Fixed, command: &PlantCommand, ids: &[TankId]) {
        let at = self.at;
        let &[id, ..] = ids else { return self.apply_to_no_tank(fixed, command) };
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
        let (tank, design) = (&mut self.tanks[id.0], &fixed.tanks[id.0]);
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
            PlantCommand::Float { mobility, .. } => tank.gauge.set_float(*mobility),
            PlantCommand::BuildUp { thickness_mm, .. } => tank.gauge.set_build_up(*thickness_mm),
            PlantCommand::Liquids { water, dry_oil, .. } => {
                let before = tank.gauge.liquids();
                let liquids =
                    Liquids { water: water.unwrap_or(before.water), dry_oil: dry_oil.unwrap_or(before.dry_oil) };
                tank.gauge.set_liquids(liquids);
            }
            PlantCommand::Reboot { lasts, .. } => tank.gauge.reboot(at + *lasts),
            PlantCommand::Gauge { parameters, .. } => tank.gauge.change(parameters),
            PlantCommand::Hold { .. } => {
                tank.streams = Streams::default();
                self.transfers.retain(|transfer| transfer.from != id && transfer.to != id);
                fixed.equipment.isolate(id, &mut self.pumps, &mut self.valves);
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

    fn run_equipment(&mut self, fixed: &Fixed, seconds: f64) {
        let Self { tanks, pumps, valves, .. } = self;
        fixed.equipment.run(&fixed.tanks, (tanks, pumps, valves), seconds);
    }

    fn apply_to_no_tank(&mut self, fixed: &Fixed, command: &PlantCommand) {
        let touched = match command {
            PlantCommand::Ambient { temperature_c } => {
                self.ambient_c = *temperature_c;
                Vec::new()
            }
            PlantCommand::Pump { pump, switch } => fixed.equipment.pump(pump).map_or_else(Vec::new, |index| {
                self.pumps[index].switch(*switch);
                if *switch == Switch::Start { fixed.equipment.tanks_of_pump(index) } else { Vec::new() }
            }),
            PlantCommand::Valve { valve, open_percent } => {
                fixed.equipment.valve(valve).map_or_else(Vec::new, |index| {
                    self.valves[index].travel_to(*open_percent / 100.0);
                    fixed.equipment.tanks_of_valve(index)
                })
            }
            _ => Vec::new(),
        };
        touched.into_iter().for_each(|tank| self.dismiss_operator(tank));
    }

    /// The operator of a tank lets go of it, and its flows end.
    fn dismiss_operator(&mut self, id: TankId) {
        let tank = &mut self.tanks[id.0];
        if std::mem::take(&mut tank.has_operator) {
            tank.streams = Streams::default();
        }
    }
}

pub(super) fn outlet(nozzle: Nozzle, design: &TankDesign) -> Outlet {
    match nozzle {
        Nozzle::Bottom => Outlet::Bottom,
        Nozzle::Oil => Outlet::Surface,
        Nozzle::Height(mm) => Outlet::Above(design.vessel.volume_at(mm)),
    }
}
