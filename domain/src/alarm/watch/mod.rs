//! What thresholds do not see: a tank that is to stand still and moves, one that slowly loses, one that flows the wrong way.
//!
//! A [`Watch`] follows one tank, reading by reading. It has no clock, allocates nothing per reading and can be stored and
//! loaded, so that a restart does not begin anew. What it says is a [`Verdict`] per question.
//!
//! # What is watched
//! The volume of all liquid in the tank, brought back to the temperature at which the tank came to rest: oil by the volume
//! correction of its standard, water by its density. So heat and cold show nothing, and water that is lost from below the
//! oil is as lost as the oil is; the net standard volume would not show it. An error of the interface shows only with the
//! difference between the expansion of oil and water since then, some 0.04 % per degC of what is in error. A thermometer
//! at one point stands for the whole tank: a tenth of the whole correction is taken for unknown, and nothing is tested for
//! a leak until the tank has rested for a settling time, in which layers and thermometer come to one temperature. Without
//! a temperature movement is watched coarsely, and a leak not at all.
//!
//! # Limits
//! A float stays where it is until the level has moved by its stiction, so a quiet tank may seem to lose or gain twice that;
//! see [`WatchSettings::stiction`]. To this comes what the steps of gauge and thermometer leave when the noise is too small to
//! smooth them, and five deviations of the wander that this tank has shown.
//!
//! - *Movement*: a CUSUM on the means of minutes, beyond these limits. Under normal noise whose mean lies at the very limit
//!   it speaks falsely once in two years or more; in a tank at rest far more rarely. Finds about 1.2 mm at once.
//! - *Leak*: the mean of the newest half hour against each of the half hours of two days before; the loss must be
//!   beyond the limit twice in a row, and not have come in a step. [`LeakTest::detection`] gives the smallest leak that is
//!   found with a power of 95 %.
//! - *Reverse flow*: beyond its uncertainty, what a float may do in the window of the flow, and a least flow.

mod compensate;
mod detection;
mod finding;
mod leak;
mod movement;
mod rest;
mod reverse;
mod seen;
mod settings;
mod spread;
mod tank;

pub use detection::LeakTest;
pub use finding::{Finding, Findings, Verdict, WhyNot};
pub use seen::{Liquid, Seen};
pub use settings::{Duty, WatchSettings};
pub use tank::Watch;
