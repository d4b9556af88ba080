//! The audit: what the gauges gave away against what is kept of it.

mod answers;
mod compare;
#[cfg(test)]
pub(crate) mod testing;

pub use answers::{Answer, Answers, TankAnswers};
pub use compare::{Discrepancy, Findings, Kept, Place, audit};
