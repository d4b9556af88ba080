//! What is true now, for dashboards: stations, tanks, alarms, edges, lines, limits, completeness.
//!
//! Written at an interval with the time of this worker, beside the readings and never in their way: one write at a time, and
//! one that fails is dropped, because the next one says what is true then. A tank whose values do not hold now has a state
//! and an age here, and no values.

mod alarms;
mod bar;
mod compose;
mod edges;
#[cfg(test)]
mod figures_tests;
mod limits;
mod station;
mod tanks;
mod task;

pub use bar::Bar;
pub use compose::{Composer, Now};
pub use limits::LimitLines;
pub use task::{Figures, write_figures};
