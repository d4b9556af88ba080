//! The interface from the impedance along a rod.
//!
//! Water conducts, oil does not: at the interface the impedance between the rod and the tank wall jumps, and within the
//! oil it falls nearly in proportion to the water cut. What water and oil measure is learnt from each curve anew, from
//! the known water near the bottom and the known oil near the top, and what each part of the rod adds to it, from days: so
//! neither another oil, nor another salinity, nor a deposit that grows on the rod, moves the interface.
//!
//! A gauge shows its curve in a [`ProfileBlock`]: coarse along the rod, fine around the jump. To the fine points a model of
//! the jump is fitted (`jump.rs`): its blur tells the deposit, and with it how far the deposit has lifted the jump.

mod block;
mod curve;
mod jump;
mod least_squares;
mod phase;
mod reader;
mod references;
mod refine;

pub use block::{BlockError, ParseProfileBlockError, ProfileBlock, RodProfile, Scan, ScanPart};
pub use curve::{Curve, CurveError, Rod, Sight, Window};
pub use reader::{Doubt, Found, Layering, ProfileReader};
