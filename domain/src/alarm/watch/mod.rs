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
//!   it speaks falsely once in two years or more; in a tank at rest far more rarely. What has moved by 1.5 mm and stays is
//!   found within a quarter of an hour, what goes on flowing sooner.
//! - *Leak*: the mean of the newest half hour against each of the half hours of two days before; the loss must be
//!   beyond the limit twice in a row, and not have come in a step. [`LeakTest::detection`] gives the smallest leak that is
//!   found with a power of 95 %, and simulated tank-years at rest have no false alarm.
//! - *Reverse flow*: beyond its uncertainty, what a float may do in the window of the flow, and a least flow.
//!
//! The smallest leak in L/h that is found within so many hours of its beginning, with a noise of 0.7 mm, a stiction of 0.5 mm,
//! a reading each 10 s, and 0.15 mm left by heat; the same by the area for any other tank:
//!
//! | surface of the tank | 8 h | 12 h | 24 h | 48 h |
//! |---|---|---|---|---|
//! | 34 m2 (200 m3) | 11 | 7 | 4 | 2 |
//! | 64 m2 (500 m3) | 21 | 13 | 6 | 3 |
//! | 83 m2 (700 m3) | 27 | 17 | 8 | 4 |
//! | 105 m2 (1000 m3) | 34 | 22 | 10 | 5 |
//! | 196 m2 (2000 m3) | 63 | 40 | 19 | 9 |
//! | 441 m2 (5000 m3) | 141 | 89 | 42 | 21 |
//!
//! So 20 L/h is surely found in a night of 12 h in a tank of up to 700 m3, and in 2000 m3 within a day. In 5000 m3 two days are
//! not quite enough; what is found there, is found with luck.
//!
//! Readings that are sent only when they change tell less: the means lean to what was sent.

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
#[cfg(test)]
mod testing;

pub use detection::LeakTest;
pub use finding::{Finding, Findings, Verdict, WhyNot};
pub use seen::{Liquid, Seen};
pub use settings::{Duty, UnknownDuty, WatchSettings};
pub use tank::Watch;
