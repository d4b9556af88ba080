use std::path::PathBuf;
use std::time::Duration;

use tankline_domain::names::TankName;
use tankline_domain::reading::Quality;

use crate::stall::TOLERANCE;

/// What came of a scenario that was played. All times are story time, counted from its start, unless said otherwise.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The name of the scenario.
    pub name: String,
    /// What it protects, in a sentence.
    pub protects: String,
    /// The file that tells it.
    pub file: PathBuf,
    /// The seed that it was played with.
    pub seed: u64,
    /// Story time that passes in a second of real time.
    pub speed: f64,
    /// How much of the story was played.
    pub played: Duration,
    /// How long that took in real time.
    pub took: Duration,
    /// The longest time that the machine held up a thread of the bench, in real time.
    pub stalled: Duration,
    /// One for each expectation of the file, in its order.
    pub verdicts: Vec<Verdict>,
    /// Why the story could not be played to its end, with all causes; `None` when it could.
    pub trouble: Option<String>,
    /// The command that plays it again.
    pub replay: String,
    /// What was true and what arrived, a tank each.
    pub tanks: Vec<TankTrace>,
    /// What happened, in the order of time.
    pub marks: Vec<Mark>,
    /// Figures to print, such as readings committed or latency, each with its name and unit.
    pub figures: Vec<(String, String)>,
}

/// What was found about one expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The expectation in words.
    pub expectation: String,
    /// Where it stands in the file; counts from 1.
    pub line: usize,
    /// What was found.
    pub judgement: Judgement,
}

/// Whether an expectation was met.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// It was.
    Met {
        /// What was seen, in words, such as `largest error 2.1 mm`.
        seen: String,
    },
    /// It was not.
    Failed(Failing),
}

/// How an expectation was not met.
#[derive(Debug, Clone, PartialEq)]
pub struct Failing {
    /// What was expected, with its figure.
    pub expected: String,
    /// What was seen instead, with its figure.
    pub seen: String,
    /// When it was first seen to fail, when that is a moment.
    pub at: Option<Duration>,
}

/// What was true of a tank, and what arrived of it in the database.
#[derive(Debug, Clone)]
pub struct TankTrace {
    /// The tank.
    pub tank: TankName,
    /// Its height in mm: the top of a plot.
    pub height_mm: f64,
    /// Its limits that are set, by name, in mm above the tank bottom.
    pub limits_mm: Vec<(String, f64)>,
    /// The plant's truth, in the order of time.
    pub truth: Vec<Sample>,
    /// Readings in the order of their own time.
    pub arrived: Vec<Arrival>,
}

/// A tank as it really was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Duration,
    /// Liquid level in mm above the tank bottom.
    pub level_mm: f64,
    /// Oil-water interface in mm above the tank bottom.
    pub interface_mm: f64,
    /// Temperature at the gauge in degC.
    pub temperature_c: f64,
}

/// A reading in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// When it was taken, by its own stamp; a stamp from before the start gives 0.
    pub at: Duration,
    /// When it was committed.
    pub committed_at: Duration,
    /// Liquid level in mm above the tank bottom.
    pub level_mm: Option<f64>,
    /// Oil-water interface in mm above the tank bottom.
    pub interface_mm: Option<f64>,
    /// Temperature in degC.
    pub temperature_c: Option<f64>,
    /// How far it can be trusted.
    pub quality: Quality,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// When it began.
    pub at: Duration,
    /// When it ended, where it lasts; `None` for a moment, and for what lasted to the end of the story.
    pub until: Option<Duration>,
    /// What sort of thing it is.
    pub kind: MarkKind,
    /// The tank that it concerns; `None` for all.
    pub tank: Option<TankName>,
    /// What it is, in words.
    pub text: String,
}

/// A sort of thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// Something in the plant: a flow, a pump, a heater.
    Plant,
    /// A fault of a gauge or a line.
    Fault,
    /// A process, a connection, a disk or a clock.
    Infrastructure,
    /// An alarm that the system raised or cleared.
    Alarm,
}

impl Outcome {
    /// Tells whether the machine kept time: where it did not, what was seen may come of that alone.
    #[must_use]
    pub fn has_kept_time(&self) -> bool {
        self.stalled <= TOLERANCE
    }

    /// Tells whether the story was played to its end and every expectation was met.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.trouble.is_none() && self.verdicts.iter().all(|verdict| matches!(verdict.judgement, Judgement::Met { .. }))
    }
}
