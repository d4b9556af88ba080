//! Tanks that fill, stand and are drawn from: oil, emulsion and water with their mass and heat, in simulated time.
//!
//! A [`Plant`] has no clock and no chance but its seed: for one seed and the same commands it is the same to the last bit.
//! [`LivePlant`] puts it on a clock. `moving.rs` lets time pass, `tank.rs` says what a step makes of a tank,
//! `routine.rs` is the operator of a plant that is left alone, `text.rs` how commands are written.

mod chance;
mod command;
mod content;
mod design;
mod equipment;
mod error;
mod fluid;
mod ledger;
mod live;
mod motion;
mod moving;
mod routine;
mod settling;
mod simulation;
mod state;
mod streams;
mod tank;
#[cfg(test)]
mod test_site;
mod text;
mod vessel;

pub(crate) use chance::{noise, seed_of};
pub use command::{
    FloatMobility, FoamSight, GaugeParameters, Inflow, Nozzle, Outflow, PlantCommand, SetContent, Switch,
};
pub use design::{EquipmentName, PlantDesign, PumpDesign, ValveDesign, ValvePlace};
pub use equipment::PumpState;
pub use error::PlantError;
pub use live::{LivePlant, parse_speed};
pub use simulation::{Plant, TankId};
pub use state::TankState;
pub use text::{CommandForm, FORMS, ParseCommandError};

#[cfg(test)]
#[path = "plant_tests.rs"]
mod tests;

#[cfg(test)]
mod conservation_tests;
