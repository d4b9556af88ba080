use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tankline_domain::names::LineName;
use tankline_runtime::clock;
use thiserror::Error;

use super::worker::Shared;
use super::{Fault, FaultTarget, LineCounters, Place, UnitCounters, UnitSpec};

/// A running line, for who looks at it and gives it faults. It does not keep the line alive.
#[derive(Clone)]
pub struct LineHandle {
    pub(super) name: LineName,
    pub(super) place: Place,
    pub(super) path: PathBuf,
    pub(super) units: Arc<[UnitSpec]>,
    pub(super) shared: Arc<Shared>,
}

/// A line does not take a fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SetFaultsError {
    /// There is no such unit.
    #[error("line {line} has no unit {unit}")]
    UnknownUnit {
        /// The line.
        line: LineName,
        /// The unit.
        unit: u8,
    },
    /// The fault cannot be had where the line is.
    #[error("fault {fault} cannot be had on line {line} at {place}: it works {reach}")]
    OutOfReach {
        /// The fault.
        fault: String,
        /// The line.
        line: LineName,
        /// Where the line is.
        place: String,
        /// Where the fault can be had.
        reach: String,
    },
}

impl LineHandle {
    /// Gives the name of the line.
    #[must_use]
    pub fn name(&self) -> &LineName {
        &self.name
    }

    /// Gives where the gauges answer; a port 0 that was asked for is the one that was found.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Gives the path that a master opens; of a line at a TCP address its address, such as `tcp://127.0.0.1:502`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the gauges on the line.
    #[must_use]
    pub fn units(&self) -> &[UnitSpec] {
        &self.units
    }

    /// Gives what has happened on the line so far.
    #[must_use]
    pub fn counters(&self) -> LineCounters {
        self.shared.counters()
    }

    /// Gives what one unit has been asked so far; `None` when there is no such unit.
    #[must_use]
    pub fn unit_counters(&self, unit: u8) -> Option<UnitCounters> {
        self.shared.core().unit_counters(unit)
    }

    /// Gives the faults of a unit or of the line.
    #[must_use]
    pub fn faults(&self, target: FaultTarget) -> Vec<Fault> {
        self.shared.core().faults(target).to_vec()
    }

    /// Says whether a unit or the line can have these faults.
    ///
    /// # Errors
    /// [`SetFaultsError`] when there is no such unit, or a fault cannot be had where the line is.
    pub fn may_have(&self, target: FaultTarget, faults: &[Fault]) -> Result<(), SetFaultsError> {
        if let Some(fault) = faults.iter().find(|fault| !self.place.has(fault.what)) {
            return Err(SetFaultsError::OutOfReach {
                fault: fault.what.to_string(),
                line: self.name.clone(),
                place: self.place.to_string(),
                reach: fault.what.reach().to_string(),
            });
        }
        match target {
            FaultTarget::Unit(unit) if !self.units.iter().any(|known| known.unit == unit) => {
                Err(SetFaultsError::UnknownUnit { line: self.name.clone(), unit })
            }
            _ => Ok(()),
        }
    }

    /// Gives a unit or the line these faults in place of those that it has.
    ///
    /// # Errors
    /// [`SetFaultsError`] when there is no such unit, or a fault cannot be had where the line is. Nothing changes then.
    pub fn set_faults(&self, target: FaultTarget, faults: Vec<Fault>) -> Result<(), SetFaultsError> {
        self.may_have(target, &faults)?;
        self.shared.core().set_faults(clock::now(), target, faults);
        self.shared.wake();
        Ok(())
    }
}

impl fmt::Debug for LineHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineHandle").field("name", &self.name).field("place", &self.place).finish_non_exhaustive()
    }
}
