//! A gauge as the site describes it.

use std::time::Duration;

use crate::names::{LineName, TankName};
use crate::reading::Mounting;
use crate::register::RegisterMap;
use crate::units::Millimetres;

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
    /// From one poll to the next while the level is beyond a limit of the tank.
    pub alarm_poll_interval: Option<Duration>,
    /// How it is mounted.
    pub mounting: Mounting,
    /// Where it keeps its quantities.
    pub registers: RegisterMap,
    /// Fastest change of level that the tank can have, in mm a second; what is faster is doubted.
    pub max_rate_mm_s: Option<f64>,
    /// Time without any change after which it is doubted, while others of the station move.
    pub stuck_after: Option<Duration>,
    /// Time without a change of the level alone after which it is doubted, while others of the station move: for tanks whose
    /// level never rests so long.
    pub level_stuck_after: Option<Duration>,
    /// Which readings go on; every one when absent.
    pub report: Option<Report>,
}

/// Report by exception: a reading goes on when it says something new.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Change of level beyond which a reading goes on.
    pub level_deadband: Millimetres,
    /// Change of interface level beyond which a reading goes on.
    pub interface_deadband: Millimetres,
    /// Change of temperature beyond which a reading goes on, in degC.
    pub temperature_deadband_c: f64,
    /// Longest time from one reading to the next.
    pub heartbeat: Duration,
}

impl Gauge {
    /// Gives the longest time from one reading to the next while nothing is wrong.
    #[must_use]
    pub fn longest_silence(&self) -> Duration {
        self.report.as_ref().map_or(self.poll_interval, |report| report.heartbeat.max(self.poll_interval))
    }
}
