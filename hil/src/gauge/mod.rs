//! A level gauge in software: what it holds, the registers that show it, and how it answers a request.

mod image;
mod instrument;
mod unit;
mod values;

pub use image::RegisterImage;
pub use instrument::{Instrument, InstrumentState};
pub use unit::{Answer, Gauge, ReadValues};
pub use values::{GaugeValues, ParseGaugeValuesError};
