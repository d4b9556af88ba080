//! Dips: hand measurements at a tank, beside what its gauge read at that time.

mod book;
mod dip;
mod given;
mod statistics;

pub use book::{RecordError, RevokeError, Wanted, complete, list, record, revoke};
pub use dip::{Deviation, Dip, Measures, NEAR, Side};
pub use given::{DipError, GivenDip};
pub use statistics::Statistics;
