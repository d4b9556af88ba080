//! Flow from volumes that follow each other: how fast a tank fills or empties, how well that is known, and when it reaches
//! a limit.
//!
//! A millimetre on a tank of 5000 m3 is 440 L, so a flow from two readings says nothing. [`FlowMeter`] looks at windows
//! from a minute to hours at once and takes the one in which the flow is known best and was the same throughout.

mod limit;
mod meter;
mod scale;
mod slope;

pub use limit::{TimeToLimit, Towards, time_to_limit};
pub use meter::{Flow, FlowMeter};
