//! Whom to ask, where, and for what.

use std::path::Path;

use tankline_domain::names::TankName;
use tankline_domain::reading::{Mounting, Quality, Reading};
use tankline_domain::register::{RegisterKind, RegisterMap, RegisterNumber, RegisterRead, WireAddress};
use tankline_domain::settings::Problems;
use tankline_domain::site::{Framing, Gauge, Line, Port};
use tankline_domain::units::{Celsius, Millimetres};
use tankline_runtime::{document, site_file};

use super::arguments::Place;
use super::attempt::Answer;
use super::read::ReadArgs;
use crate::config::{self, EdgeConfig};

/// A gauge that nothing is known of but its registers stands in a tank without an end.
const UNKNOWN_MOUNTING: Mounting = Mounting {
    tank_height: Millimetres::new(f64::INFINITY),
    offset: Millimetres::new(0.0),
    bottom_blind_zone: Millimetres::new(0.0),
    top_blind_zone: Millimetres::new(0.0),
    sensor_range: None,
};

/// One gauge on one line, and what it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub port: Port,
    pub framing: Framing,
    pub unit: u8,
    pub question: Question,
}

/// What a gauge is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Question {
    /// Its quantities.
    Quantities { registers: Box<RegisterMap>, tank: Option<TankKnown> },
    /// Registers, whatever they mean.
    Registers(RegisterRead),
}

/// What the site knows of the tank that the gauge stands on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TankKnown {
    pub name: TankName,
    pub mounting: Mounting,
}

/// What a gauge shows, judged as far as its tank is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values {
    pub level: Option<Millimetres>,
    pub interface: Option<Millimetres>,
    pub temperature: Option<Celsius>,
    pub quality: Quality,
}

impl Target {
    /// Finds out from the arguments, and the site where it is named, whom to ask.
    ///
    /// # Errors
    /// [`Problems`] of the site, or that it has no gauge on this tank, or registers that no gauge can have.
    pub fn of(args: &ReadArgs) -> Result<Self, Problems> {
        let mut target = match (&args.config, &args.tank) {
            (Some(file), Some(tank)) => Self::described(file, tank)?,
            _ => Self::alone(args)?,
        };
        if let Some(port) = &args.port {
            target.port = port.clone();
        }
        if let Some(baud) = args.baud {
            target.framing.baud = baud;
        }
        if let Some(unit) = args.unit {
            target.unit = unit;
        }
        target.framing = args.byte.over(target.framing);
        if let Some(first) = args.register {
            target.question = Question::Registers(registers(args.kind, first, args.count)?);
        }
        Ok(target)
    }

    fn alone(args: &ReadArgs) -> Result<Self, Problems> {
        let (Some(port), Some(unit)) = (args.port.clone(), args.unit) else {
            let message = "say which gauge: --port and --unit, or --config and --tank";
            return Err(Problems::of_file("arguments", message));
        };
        let question = Question::Quantities { registers: Box::new(RegisterMap::published()), tank: None };
        Ok(Self { port, framing: Framing::default(), unit, question })
    }

    fn described(file: &Path, tank: &TankName) -> Result<Self, Problems> {
        let lines = lines(file)?;
        let gauges = lines.iter().flat_map(|(line, gauges)| gauges.iter().map(move |gauge| (line, gauge)));
        let Some((line, gauge)) = gauges.clone().find(|(_, gauge)| gauge.tank == *tank) else {
            let known: Vec<_> = gauges.map(|(_, gauge)| gauge.tank.as_str()).collect();
            let message = format!("there is no gauge on tank {tank}; there are gauges on {}", known.join(", "));
            return Err(Problems::of_file(file.display().to_string(), message));
        };
        let known = TankKnown { name: tank.clone(), mounting: gauge.mounting };
        let question = Question::Quantities { registers: Box::new(gauge.registers.clone()), tank: Some(known) };
        Ok(Self { port: line.port.clone(), framing: line.framing, unit: gauge.unit, question })
    }

    /// Gives the port with what its wire is set to.
    pub fn place(&self) -> Place<'_> {
        Place(&self.port, &self.framing)
    }

    /// Gives the requests that answer the question.
    pub fn reads(&self) -> Vec<RegisterRead> {
        match &self.question {
            Question::Quantities { registers, .. } => registers.reads(0),
            Question::Registers(read) => vec![*read],
        }
    }

    /// Gives the height of the measuring origin above the tank bottom, where it is known.
    pub fn offset(&self) -> Millimetres {
        match &self.question {
            Question::Quantities { tank: Some(tank), .. } => tank.mounting.offset,
            _ => Millimetres::default(),
        }
    }

    /// Makes values of an answer; `None` when only registers were asked for.
    ///
    /// Unlike a reading, values that the tank cannot have are kept: who looks for the fault has to see them.
    pub fn values(&self, answer: &Answer) -> Option<Values> {
        let Question::Quantities { registers, tank } = &self.question else { return None };
        let measured = registers.decode(&answer.words());
        let mounting = tank.as_ref().map_or(UNKNOWN_MOUNTING, |tank| tank.mounting);
        let name = tank.as_ref().map_or_else(|| "unknown".parse().expect("is a name"), |tank| tank.name.clone());
        let quality = Reading::judge(name, answer.at, measured, &mounting).quality;
        let above_bottom = |length: Millimetres| Millimetres::new(length.get() + mounting.offset.get());
        Some(Values {
            level: measured.level.map(above_bottom),
            interface: measured.interface.map(above_bottom),
            temperature: measured.temperature,
            quality,
        })
    }
}

/// Makes the read of `count` registers from the number `first`.
fn registers(kind: RegisterKind, first: u16, count: u16) -> Result<RegisterRead, Problems> {
    let wrong = || {
        let message = format!("registers {first} and {} after it do not exist; the last one is 65535", count - 1);
        Problems::of_file("--register", message)
    };
    let number = RegisterNumber::new(first).ok_or_else(wrong)?;
    first.checked_add(count - 1).ok_or_else(wrong)?;
    Ok(RegisterRead { kind, start: WireAddress::from(number), count })
}

/// Reads the lines, each with its gauges, of an edge's configuration or of a site's description.
fn lines(file: &Path) -> Result<Vec<(Line, Vec<Gauge>)>, Problems> {
    let is_of_edge = document::load(file, config::ENVIRONMENT)?.root.get("edge").is_some();
    if is_of_edge {
        let lines = EdgeConfig::load(file)?.lines;
        return Ok(lines.into_iter().map(|line| (line.line, line.gauges)).collect());
    }
    let site = site_file::load(file)?;
    Ok(site.lines().iter().map(|line| (line.clone(), site.gauges_of(&line.name).cloned().collect())).collect())
}
