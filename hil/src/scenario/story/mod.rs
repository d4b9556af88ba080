//! A scenario as its file tells it.

mod expect;
mod expectation;
mod read;
mod site;
mod text;
mod time;

pub use expectation::{
    AlarmWish, Bounds, Counter, Expectation, Expected, Limit, Percentile, QualityIs, Quantity, Window, Wrong,
};
pub use read::load;
pub use site::StorySite;
pub use text::TomlText;
pub use time::{Time, in_words, parse_time};

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};
use tankline_domain::names::LineName;

use super::command::Command;
use crate::line::Place;
use crate::plant::{Plant, PlantCommand, PlantDesign, PlantError};

/// A story that was checked: it can be played.
#[derive(Debug, Clone)]
pub struct Story {
    /// Its name.
    pub name: String,
    /// What it protects, in a sentence.
    pub protects: String,
    /// The file that tells it.
    pub file: PathBuf,
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// Story time that passes in a second of real time.
    pub speed: f64,
    /// How long it lasts, in story time.
    pub lasts: Duration,
    /// The site.
    pub site: StorySite,
    /// Where lines answer that are not on a pseudo-terminal.
    pub places: Vec<(LineName, Place)>,
    /// The pumps and valves of the plant.
    pub design: PlantDesign,
    /// How the plant stands at the start.
    pub start: Vec<PlantCommand>,
    /// Whether the system runs before the story begins.
    pub begins: Begins,
    /// By which day readings are stamped.
    pub day: DayOf,
    /// What happens, in the order of time; what lasts has its end as an event of its own.
    pub events: Vec<Event>,
    /// What must be seen, in the order of the file.
    pub expectations: Vec<Expectation>,
    /// What lies over the configurations of the processes.
    pub overlays: Overlays,
}

/// Whether the system runs before the story begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// Every gauge was read once when the story begins.
    Warm,
    /// The processes are started when the story begins.
    Cold,
}

/// By which day readings are stamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayOf {
    /// That of the clock: a story of an hour at a speed of 60 is a minute in the history.
    Clock,
    /// That of the story: for what is found by the stamps of readings over hours.
    Story,
}

/// Something that happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When, in story time.
    pub at: Duration,
    /// What.
    pub command: Command,
    /// Whether this takes back an earlier one, whose time is over.
    pub is_end: bool,
}

/// Tables that are laid over the configurations that the runner writes.
#[derive(Debug, Clone, Default)]
pub struct Overlays {
    /// For every edge.
    pub edge: Map<String, Value>,
    /// For ingest.
    pub ingest: Map<String, Value>,
    /// For the broker.
    pub broker: Map<String, Value>,
}

impl Story {
    /// Makes the plant as it stands at the start, with all that happens in it already told.
    ///
    /// # Errors
    /// [`PlantError`] when the plant has not what a command names. A story that was read has none such.
    pub fn plant(&self) -> Result<Plant, PlantError> {
        let mut plant = Plant::new(&self.site.site, self.seed).with_equipment(&self.design)?;
        self.start.iter().try_for_each(|command| plant.command(command))?;
        for event in &self.events {
            if let Command::Plant(command) = &event.command {
                plant.schedule(event.at, command.clone())?;
            }
        }
        Ok(plant)
    }

    /// Tells whether a historian has a part in it.
    #[must_use]
    pub fn has_influxdb(&self) -> bool {
        let acts =
            self.events.iter().any(|event| matches!(&event.command, Command::Bench(act, _) if act.is_about_influxdb()));
        acts || self.expectations.iter().any(|expectation| matches!(expectation.what, Expected::InfluxdbComplete))
    }
}
