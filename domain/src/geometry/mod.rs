//! From a height in a tank to a volume: shapes, strapping tables, and what a level and an interface make of them.
//!
//! Pure functions over `f64`. A height outside the tank is an error and never extrapolated.

mod circle;
mod cut;
pub(crate) mod digest;
mod reach;
mod shape;
mod table;
mod volumes;

pub use cut::{CutError, WaterCutProfile};
pub use reach::{OutsideCapacity, OutsideTank};
pub use shape::{DimensionError, Heads, Shape};
pub use table::{Columns, Slip, StrappingTable, TableError};
pub use volumes::{Geometry, Layers, Transition, VolumeError, Volumes, volumes, volumes_by_profile};
