//! How the alarms of a site do: the figures of ISA-18.2-2016 (table 8) and EEMUA 191 (3rd edition), and what they say.

mod command;
mod figures;
mod flood;
mod history;
mod judgement;
#[cfg(test)]
mod kpi_tests;
mod read;
mod report;

pub use command::{KpiArgs, KpiError, kpi};
pub use figures::{AcknowledgementTimes, Figures, Frequent, Priorities};
pub use flood::{Flood, floods};
pub use history::{Annunciation, Episode, History, Span, Standing};
pub use judgement::{Judgement, Verdict, judge};
pub use read::{first_transition, history_of, report_of};
pub use report::{Day, Report};
