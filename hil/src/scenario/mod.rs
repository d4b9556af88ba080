//! Stories that are played against the real system and judged.
//!
//! A scenario is a TOML file: a site, a seed, what happens when, and what must be seen. It is run with real processes of
//! edge, broker and ingest, on gauges that measure a plant whose truth is known; its [`Outcome`] says what was expected and
//! what was seen. A [`report`] of the outcomes is written for a build server or for a person.

mod outcome;
pub mod report;

pub use outcome::{Arrival, Failing, Judgement, Mark, MarkKind, Outcome, Sample, TankTrace, Verdict};
