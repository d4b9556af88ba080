//! A gauge as the site describes it.

use std::time::Duration;

use crate::names::{LineName, TankName};
use crate::reading::Mounting;
use crate::register::RegisterMap;

/// A gauge: one Modbus slave on a line, standing on a tank.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauge {
    /// The tank that the gauge stands on.
    pub tank: TankName,
    /// The line that the gauge is on.
    pub line: LineName,
    /// Modbus address, 1 to 247.
    pub unit: u8,
    /// From one poll to the next.
    pub poll_interval: Duration,
    /// How it is mounted.
    pub mounting: Mounting,
    /// Where it keeps its quantities.
    pub registers: RegisterMap,
}
