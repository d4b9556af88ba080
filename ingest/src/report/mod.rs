//! The daily report: what was in the tanks, what came and went, alarms, dips and how complete the data are.

mod alarms;
mod amounts;
mod balance;
mod collect;
mod completeness;
mod compose;
mod day;
mod document;
mod format;
mod minutes;
mod movement;
mod standing;
mod words;

pub use alarms::{Episode, Happening};
pub use amounts::{Amounts, Quantity};
pub use balance::Balance;
pub use collect::{CollectError, DayReport, ProductDay, TankDay, collect};
pub use completeness::{Completeness, Gap};
pub use compose::compose;
pub use day::{Date, DateError, Day, DayError};
pub use document::{Cell, Column, Document, Row, Section};
pub use format::{FontFile, RenderError, csv, html, pdf, xlsx};
pub use movement::{Direction, Movement, Ruler, Stretch, stretches};
pub use standing::{Emulsion, Standing};
