//! How far a gauge can be trusted, beyond what one reading shows: values that stand still, values that leap.

mod history;
mod report;
mod station;

pub use history::{Doubt, History};
pub use report::Reporter;
pub use station::Motion;
