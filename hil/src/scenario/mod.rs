//! Stories that are played against the real system and judged.
//!
//! A scenario is a TOML file: a site, a seed, what happens when, and what must be seen. It is run with real processes of
//! edge, broker and ingest, on gauges that measure a plant whose truth is known; its [`Outcome`] says what was expected and
//! what was seen. A [`report`] of the outcomes is written for a build server or for a person.
//!
//! `story/` reads a file, `play/` runs it, [`Record`] holds what was seen, `judge/` decides without any I/O.

mod account;
mod command;
mod judge;
mod outcome;
mod play;
mod progress;
mod record;
pub mod report;
mod run_command;
mod story;

pub use command::{
    Act, ClockSetting, Command, DiskState, FaultCommand, FaultPlace, Link, LinkState, ParseCommandError, Role,
};
pub use judge::judge;
pub use outcome::{Arrival, Failing, Judgement, Mark, MarkKind, Outcome, Sample, TankTrace, Verdict};
pub use play::{EdgeProgram, PlayOptions, Playing, Tamper, TamperMoment, play};
pub use record::{Account, AlarmEvent, AlarmNote, Arrived, Finding, InfluxdbRecord, LogLine, Record, TankRecord};
pub use run_command::{RunArgs, run};
pub use story::{Begins, Event, Expectation, Expected, Story, StorySite, in_words, load, parse_time};
