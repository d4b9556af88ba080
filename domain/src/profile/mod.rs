//! The interface from the impedance along a rod.
//!
//! Water conducts, oil does not: at the interface the impedance between the rod and the tank wall jumps, and within the
//! oil it falls nearly in proportion to the water cut. What water and oil measure is learnt from each curve anew, from
//! the known water near the bottom and the known oil near the top, and what each part of the rod adds to it, from days: so
//! neither another oil, nor another salinity, nor a deposit that grows on the rod, moves the interface.

mod curve;
mod phase;
mod reader;
mod references;

pub use curve::{Curve, CurveError, Rod, Sight};
pub use reader::{Doubt, Found, Layering, ProfileReader};
