use tankline_domain::names::{LineName, TankName};
use tankline_domain::profile::ProfileBlock;
use tankline_domain::register::RegisterMap;
use tankline_domain::site::{Framing, Line, Site};

use super::Turnaround;
use crate::plant::seed_of;

/// A line to emulate.
#[derive(Debug, Clone, PartialEq)]
pub struct LineSpec {
    /// Name of the line.
    pub name: LineName,
    /// Rate and bits of a byte.
    pub framing: Framing,
    /// How long its gauges think.
    pub turnaround: Turnaround,
    /// Decides turn-around times and the noise of collisions.
    pub seed: u64,
}

/// A gauge on a line to emulate.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitSpec {
    /// The unit that it answers as.
    pub unit: u8,
    /// The tank that it stands on.
    pub tank: TankName,
    /// Where it keeps its quantities.
    pub registers: RegisterMap,
    /// Where it shows the impedance along its rod, if it does.
    pub profile: Option<ProfileBlock>,
}

impl LineSpec {
    /// Takes a line as the site describes it, with the usual turn-around and a seed of its own from `seed`.
    #[must_use]
    pub fn of(line: &Line, seed: u64) -> Self {
        let seed = seed_of(seed, line.name.as_str());
        Self { name: line.name.clone(), framing: line.framing, turnaround: Turnaround::default(), seed }
    }
}

impl UnitSpec {
    /// Takes the gauges that the site has on a line.
    #[must_use]
    pub fn all_of(site: &Site, line: &LineName) -> Vec<Self> {
        let units = site.gauges_of(line).map(|gauge| Self {
            unit: gauge.unit,
            tank: gauge.tank.clone(),
            registers: gauge.registers.clone(),
            profile: gauge.registers.profile.map(|profile| profile.block),
        });
        units.collect()
    }
}
