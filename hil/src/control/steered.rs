use std::sync::Arc;
use std::time::Instant;

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::order::OWN_FORMS;
use super::{Order, ParseOrderError, Target, show};
use crate::line::{Fault, FaultTarget, LineHandle, SetFaultsError, catalogue_table};
use crate::plant::{FORMS, LivePlant, PlantError};

/// What can be steered of a running bench: its plant, its lines, its end.
#[derive(Debug, Clone)]
pub struct SteeredBench {
    /// Which bench this is, in a few words: `gauges of lindong`.
    pub title: String,
    /// The tanks.
    pub plant: Arc<LivePlant>,
    /// The lines.
    pub lines: Vec<LineHandle>,
    /// What ends the bench.
    pub stop: CancellationToken,
}

/// An order cannot be carried out. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum OrderError {
    /// It is none.
    #[error(transparent)]
    Parse(#[from] ParseOrderError),
    /// The plant cannot do it.
    #[error(transparent)]
    Plant(#[from] PlantError),
    /// A line does not take the fault.
    #[error(transparent)]
    Faults(#[from] SetFaultsError),
    /// There is nobody of this name.
    #[error("there is no gauge on {target} and no line of this name; there are {known}")]
    UnknownTarget {
        /// Who was named.
        target: Target,
        /// Those that there are.
        known: String,
    },
}

impl SteeredBench {
    /// Carries out an order as it is written; gives the lines of the answer.
    ///
    /// # Errors
    /// [`OrderError`] says what would be right. Nothing has changed then.
    pub fn carry_out(&self, now: Instant, text: &str) -> Result<Vec<String>, OrderError> {
        match text.parse()? {
            Order::About => Ok(vec![self.about()]),
            Order::Help => Ok(help()),
            Order::Faults => Ok(catalogue_table()),
            Order::Show(None) => Ok(show::all(self, now)),
            Order::Show(Some(target)) => Ok(show::some(self, now, &self.find(&target)?)),
            Order::Fault(target, faults) => self.set_faults(&target, &faults).map(|()| Vec::new()),
            Order::Plant(command) => Ok(self.plant.command(now, &command).map(|()| Vec::new())?),
            Order::Speed(speed) => {
                self.plant.set_speed(now, speed);
                Ok(Vec::new())
            }
            Order::Pause => {
                self.plant.pause(now);
                Ok(Vec::new())
            }
            Order::Resume => {
                self.plant.resume(now);
                Ok(Vec::new())
            }
            Order::Stop => {
                self.stop.cancel();
                Ok(Vec::new())
            }
        }
    }

    /// Says which bench this is.
    #[must_use]
    pub fn about(&self) -> String {
        let gauges: usize = self.lines.iter().map(|line| line.units().len()).sum();
        format!("{}: {gauges} gauges on {} lines, process {}", self.title, self.lines.len(), std::process::id())
    }

    fn set_faults(&self, target: &Target, faults: &[Fault]) -> Result<(), OrderError> {
        let found = self.find(target)?;
        for (line, target) in &found {
            line.may_have(*target, faults)?;
        }
        for (line, target) in found {
            line.set_faults(target, faults.to_vec())?;
        }
        Ok(())
    }

    /// Finds who is meant: each with the line that it is on.
    fn find(&self, target: &Target) -> Result<Vec<(&LineHandle, FaultTarget)>, OrderError> {
        let units = || {
            let of = |line: &'_ LineHandle| line.units().to_vec();
            self.lines.iter().flat_map(move |line| of(line).into_iter().map(move |unit| (line, unit)))
        };
        let found: Vec<_> = match target {
            Target::Name(name) => match self.lines.iter().find(|line| line.name().as_str() == name) {
                Some(line) => vec![(line, FaultTarget::Line)],
                None => units()
                    .filter(|(_, unit)| unit.tank.as_str() == name)
                    .map(|(line, unit)| (line, FaultTarget::Unit(unit.unit)))
                    .collect(),
            },
            Target::Unit(name, number) => units()
                .filter(|(line, unit)| line.name() == name && unit.unit == *number)
                .map(|(line, unit)| (line, FaultTarget::Unit(unit.unit)))
                .collect(),
            Target::All => {
                let lines = self.lines.iter().map(|line| (line, FaultTarget::Line));
                units().map(|(line, unit)| (line, FaultTarget::Unit(unit.unit))).chain(lines).collect()
            }
        };
        if found.is_empty() {
            let tanks = units().map(|(_, unit)| unit.tank.to_string());
            let known: Vec<_> = tanks.chain(self.lines.iter().map(|line| line.name().to_string())).collect();
            return Err(OrderError::UnknownTarget { target: target.clone(), known: known.join(", ") });
        }
        Ok(found)
    }
}

fn help() -> Vec<String> {
    let own = OWN_FORMS.iter().map(|(form, does)| format!("{form:<40} {does}"));
    let plant = FORMS.iter().map(|form| format!("{:<40} {}", form.example, form.does));
    own.chain([String::new(), "to the plant, by example:".to_owned()]).chain(plant).collect()
}
