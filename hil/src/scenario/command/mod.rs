//! What can be made to happen, in one text form for scenario files and for the shell.

mod infrastructure;
mod parse;

pub use infrastructure::{Act, ClockSetting, DiskState, Link, LinkState, Role, twin_of};
pub use parse::ParseCommandError;

use std::fmt;
use std::time::Duration;

use tankline_domain::names::{LineName, TankName};
use tankline_domain::site::{Gauge, Line, Site};

use crate::line::{Fault, FaultTarget};
use crate::plant::PlantCommand;
use crate::scenario::story::in_words;

/// What stands for all gauges and lines.
const ALL: &str = "all";

/// Something that can be made to happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// In the plant: `inflow T-01 400m3/h`.
    Plant(PlantCommand),
    /// On a line: `fault T-02 late=1200ms`, for some time or for ever.
    Fault(FaultCommand, Option<Duration>),
    /// To a process, its connection, disk or clock: `kill rtu-01 for 30 s`.
    Bench(Act, Option<Duration>),
}

/// Gives gauges or a line faults in place of those that they have; none takes them all away.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultCommand {
    /// A tank, whose gauge is meant; a line; a unit as `line-01/3`; or `all` gauges and lines.
    pub on: String,
    /// The faults.
    pub faults: Vec<Fault>,
}

/// Where a fault is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultPlace {
    /// The line.
    pub line: LineName,
    /// The tank, when one gauge is meant.
    pub tank: Option<TankName>,
    /// The unit, or the line.
    pub target: FaultTarget,
}

impl FaultCommand {
    /// Finds the gauges and lines in a site.
    ///
    /// # Errors
    /// A sentence that says what the site has.
    pub fn places(&self, site: &Site) -> Result<Vec<FaultPlace>, String> {
        let of_gauge = |gauge: &Gauge| FaultPlace {
            line: gauge.line.clone(),
            tank: Some(gauge.tank.clone()),
            target: FaultTarget::Unit(gauge.unit),
        };
        let of_line = |line: &Line| FaultPlace { line: line.name.clone(), tank: None, target: FaultTarget::Line };
        if self.on == ALL {
            return Ok(site.lines().iter().map(of_line).chain(site.gauges().iter().map(of_gauge)).collect());
        }
        let is_meant =
            |gauge: &&Gauge| gauge.tank.as_str() == self.on || format!("{}/{}", gauge.line, gauge.unit) == self.on;
        let gauge = site.gauges().iter().find(is_meant).map(of_gauge);
        let line = || site.lines().iter().find(|line| line.name.as_str() == self.on).map(of_line);
        if let Some(place) = gauge.or_else(line) {
            return Ok(vec![place]);
        }
        let tanks = site.gauges().iter().map(|gauge| gauge.tank.as_str());
        let lines = site.lines().iter().map(|line| line.name.as_str());
        let known: Vec<_> = tanks.chain(lines).collect();
        Err(format!("{:?} is no tank with a gauge and no line; there are {}", self.on, known.join(", ")))
    }
}

impl Command {
    /// Gives the command that takes this one back when its time is over, and that time.
    #[must_use]
    pub fn end(&self) -> Option<(Duration, Self)> {
        match self {
            Self::Plant(_) => None,
            Self::Fault(fault, time) => {
                let none = FaultCommand { on: fault.on.clone(), faults: Vec::new() };
                time.map(|time| (time, Self::Fault(none, None)))
            }
            Self::Bench(act, time) => time.zip(act.end()).map(|(time, end)| (time, Self::Bench(end, None))),
        }
    }
}

impl fmt::Display for FaultCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault {}", self.on)?;
        if self.faults.is_empty() {
            f.write_str(" none")?;
        }
        self.faults.iter().try_for_each(|fault| write!(f, " {fault}"))
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = match self {
            Self::Plant(command) => return command.fmt(f),
            Self::Fault(command, time) => {
                command.fmt(f)?;
                time
            }
            Self::Bench(act, time) => {
                act.fmt(f)?;
                time
            }
        };
        time.map_or(Ok(()), |time| write!(f, " for {}", in_words(time)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_put_on_tanks_units_lines_and_all() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sites/lindong.toml");
        let site = tankline_runtime::site_file::load(&file).unwrap();
        let places = |on: &str| FaultCommand { on: on.to_owned(), faults: Vec::new() }.places(&site);
        let gauge = &site.gauges()[0];
        let of_tank = places(gauge.tank.as_str()).unwrap();
        assert_eq!(of_tank, places(&format!("{}/{}", gauge.line, gauge.unit)).unwrap());
        assert_eq!((of_tank.len(), of_tank[0].target), (1, FaultTarget::Unit(gauge.unit)));
        assert_eq!(places(gauge.line.as_str()).unwrap()[0].target, FaultTarget::Line);
        assert_eq!(places("all").unwrap().len(), site.gauges().len() + site.lines().len());
        assert!(places("T-99").unwrap_err().contains("there are T-01, "));
    }
}
