//! A level gauge in software: what it makes of a tank, the registers that show it, and how it answers a request.
//!
//! `instrument.rs` is the physics: a float, an impedance rod (`rod.rs`), a thermometer. `unit.rs` is the Modbus slave.

mod image;
mod instrument;
mod profile;
mod rod;
mod unit;
mod values;

pub use image::RegisterImage;
pub use instrument::{Instrument, InstrumentState, Surroundings};
pub use profile::{Profile, ProfilePart};
pub use rod::{Liquids, Rod};
pub use unit::{Answer, Gauge, ReadProfile, ReadValues};
pub use values::{GaugeValues, ParseGaugeValuesError};
