use std::time::Duration;

use tankline_domain::names::TankName;
use thiserror::Error;

use super::EquipmentName;

/// The plant cannot do what it is told.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum PlantError {
    /// There is no such tank.
    #[error("there is no tank {tank}; the plant has {known}")]
    UnknownTank {
        /// The tank.
        tank: TankName,
        /// Those that there are.
        known: String,
    },
    /// There is no such pump or valve.
    #[error("there is no {kind} {name}; the plant has {known}")]
    UnknownEquipment {
        /// The pump or valve.
        name: EquipmentName,
        /// Which of the two.
        kind: &'static str,
        /// Those that there are.
        known: String,
    },
    /// A level lies outside the tank.
    #[error("tank {tank}: {key}={value} is outside the tank, which reaches from 0 to {height_mm} mm")]
    OutsideTank {
        /// The tank.
        tank: TankName,
        /// Which level.
        key: &'static str,
        /// The level in mm.
        value: f64,
        /// The height of the tank in mm.
        height_mm: f64,
    },
    /// The interface is above the level.
    #[error("tank {tank}: interface_mm={interface_mm} is above level_mm={level_mm}; it is at most that")]
    InterfaceAboveLevel {
        /// The tank.
        tank: TankName,
        /// The interface in mm.
        interface_mm: f64,
        /// The level in mm.
        level_mm: f64,
    },
    /// A tank cannot be pumped into itself.
    #[error("tank {tank}: a transfer goes to another tank")]
    SameTank {
        /// The tank.
        tank: TankName,
    },
    /// A pump or a valve cannot be where it is said to be.
    #[error("{name}: {wrong}")]
    Misplaced {
        /// The pump or valve.
        name: EquipmentName,
        /// What is wrong, and what would be right.
        wrong: &'static str,
    },
    /// The time has passed already.
    #[error("it cannot be done at {} s: it is {} s already", at.as_secs_f64(), time.as_secs_f64())]
    Passed {
        /// When it was to be done.
        at: Duration,
        /// What time it is.
        time: Duration,
    },
}
