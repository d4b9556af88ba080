//! The time of a reading, also while the RTU's clock is not set.
//!
//! An RTU without a battery wakes up in 1970, or where it was when it was last seen. Until its clock is set, readings are
//! stamped with the time since its start, which only runs forward; they wait in the journal. Once the clock is set, their
//! true time is known: it is put in before they are sent. Of readings that were stamped so before the RTU was started anew
//! nobody will ever know it; they go out with the latest time that they can have, and say so.

mod clocks;
mod json;
mod restamp;
mod trust;

pub use clocks::{Clocks, SET_AFTER};
pub use restamp::{Restamp, Stamped};
pub use trust::{ClockRule, StationClock};

pub(crate) use json::stamp_of;
