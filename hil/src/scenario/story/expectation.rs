//! What must be seen.

use std::fmt;
use std::time::Duration;

use tankline_domain::message::GaugeCounters;
use tankline_domain::names::TankName;

use super::time::in_words;
use crate::scenario::command::Role;

/// An expectation and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// Its line in the file; counts from 1.
    pub line: usize,
    /// What is expected.
    pub what: Expected,
}

/// What is expected.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// Good readings are as near to the plant's truth as said.
    Values {
        /// The tanks.
        tanks: Vec<TankName>,
        /// Each quantity with the largest error.
        within: Vec<(Quantity, f64)>,
        /// When.
        window: Window,
    },
    /// Readings get a quality within so many polls, and keep it as long as said.
    QualityWithin {
        /// The tanks.
        tanks: Vec<TankName>,
        /// The quality.
        quality: QualityIs,
        /// From when the polls are counted.
        after: Duration,
        /// How many polls it may take.
        polls: u32,
        /// Until when all later readings must have it; only one reading need have it when absent.
        until: Option<Duration>,
    },
    /// All readings of a time have a quality, or none has.
    QualityThroughout {
        /// The tanks.
        tanks: Vec<TankName>,
        /// The quality.
        quality: QualityIs,
        /// Whether they must have it, or must not.
        wanted: bool,
        /// When.
        window: Window,
    },
    /// An alarm of a tank or an edge.
    Alarm {
        /// The tank; for an alarm of an edge the name of the edge.
        source: TankName,
        /// The name of the alarm, as in its topic.
        alarm: String,
        /// What must become of it.
        wish: AlarmWish,
    },
    /// Alarms are raised one after the other.
    AlarmsInOrder {
        /// Each with its tank or edge.
        alarms: Vec<(TankName, String)>,
        /// When.
        window: Window,
    },
    /// How often alarms are raised in all, of whatever kind and source.
    Alarms {
        /// How many.
        bounds: Bounds,
        /// When.
        window: Window,
    },
    /// Readings are not lost, doubled or invented.
    Nothing(Vec<Wrong>),
    /// From gauge to database, in real time.
    Latency {
        /// The tanks.
        tanks: Vec<TankName>,
        /// Each share of the readings with its bound in ms.
        bounds: Vec<(Percentile, f64)>,
        /// When.
        window: Window,
    },
    /// The newest reading in the database is never older than so many polls.
    Fresh {
        /// The tanks.
        tanks: Vec<TankName>,
        /// The polls.
        polls: u32,
        /// When.
        window: Window,
    },
    /// A line in the log of a process.
    Log {
        /// The process.
        of: Role,
        /// The words.
        contains: String,
        /// When.
        window: Window,
        /// How often.
        bounds: Bounds,
    },
    /// What an edge counted of its gauges, as its health says at the end.
    Counter {
        /// The tanks, each by itself.
        tanks: Vec<TankName>,
        /// The counter.
        counter: Counter,
        /// How many.
        bounds: Bounds,
    },
    /// Readings that edges dropped because a journal was full.
    GapReadings(Bounds),
    /// Messages and readings that the centre could not take.
    DeadLetters(Bounds),
    /// The historian has every reading that was committed.
    InfluxdbComplete,
}

/// A time of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its beginning.
    pub from: Duration,
    /// Its end.
    pub until: Duration,
}

/// A quantity of a gauge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Liquid level, in mm.
    Level,
    /// Oil-water interface, in mm.
    Interface,
    /// Temperature, in degC.
    Temperature,
}

/// A quality, or the beginning of some: `bad` is every bad one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityIs(pub String);

/// What must become of an alarm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AlarmWish {
    /// It is raised.
    Raised {
        /// Not before.
        from: Duration,
        /// At the latest.
        by: Duration,
    },
    /// It is over, after it was raised.
    Cleared {
        /// Not before.
        from: Duration,
        /// At the latest.
        by: Duration,
    },
    /// It is not raised in this time.
    Never(Window),
    /// It is raised as soon as the truth says so.
    Follows {
        /// The limit that the truth crosses.
        limit: Limit,
        /// From one poll to the next, in real time: as late may it be seen.
        poll: Duration,
        /// How long the condition must be there, in real time.
        on_delay: Duration,
        /// How much earlier or later it may be, in real time.
        slack: Duration,
        /// When.
        window: Window,
    },
    /// It is raised so often.
    Times {
        /// How often.
        bounds: Bounds,
        /// When.
        window: Window,
    },
    /// Nobody is told of it; it is in the history of alarms as found in readings that came late.
    FoundInBacklog(Window),
}

/// A limit of a level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Not to be risen above, mm above the tank bottom.
    Above(f64),
    /// Not to be fallen below, mm above the tank bottom.
    Below(f64),
}

impl Limit {
    /// Tells whether a level is beyond it.
    #[must_use]
    pub fn is_passed_by(self, level_mm: f64) -> bool {
        match self {
            Self::Above(limit) => level_mm >= limit,
            Self::Below(limit) => level_mm <= limit,
        }
    }
}

/// What must not happen to readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// A reply of a gauge is in no database and no journal.
    Lost,
    /// A reply is there twice.
    Twice,
    /// A reading is there that no gauge gave.
    Invented,
}

/// A share of the readings, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentile(pub u16);

/// A counter of a gauge.
#[derive(Debug, Clone, Copy)]
pub struct Counter {
    /// Its name in the health of an edge.
    pub name: &'static str,
    /// Where it stands there.
    pub of: fn(&GaugeCounters) -> u64,
}

/// How many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// No fewer.
    pub at_least: u64,
    /// No more.
    pub at_most: u64,
}

impl PartialEq for Counter {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Counter {
    /// All that an edge counts.
    pub const ALL: [Self; 9] = [
        Self { name: "polls", of: |counters| counters.polls },
        Self { name: "replies", of: |counters| counters.replies },
        Self { name: "timeouts", of: |counters| counters.timeouts },
        Self { name: "crc_errors", of: |counters| counters.crc_errors },
        Self { name: "late", of: |counters| counters.late },
        Self { name: "foreign", of: |counters| counters.foreign },
        Self { name: "exceptions", of: |counters| counters.exceptions },
        Self { name: "echoes", of: |counters| counters.echoes },
        Self { name: "skipped", of: |counters| counters.skipped },
    ];
}

impl Window {
    /// Tells whether a moment lies in it.
    #[must_use]
    pub fn has(&self, moment: Duration) -> bool {
        (self.from..=self.until).contains(&moment)
    }
}

impl Bounds {
    /// Tells whether a count keeps them.
    #[must_use]
    pub fn has(&self, count: u64) -> bool {
        (self.at_least..=self.at_most).contains(&count)
    }
}

impl QualityIs {
    /// Tells whether a quality is meant.
    #[must_use]
    pub fn is(&self, quality: &str) -> bool {
        quality == self.0 || quality.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with(':'))
    }
}

impl Quantity {
    /// Gives its unit.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Level | Self::Interface => "mm",
            Self::Temperature => "degC",
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Level => "level",
            Self::Interface => "interface",
            Self::Temperature => "temperature",
        })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} to {}", in_words(self.from), in_words(self.until))
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.at_least, self.at_most) {
            (least, most) if least == most => write!(f, "{least}"),
            (0, most) => write!(f, "at most {most}"),
            (least, u64::MAX) => write!(f, "at least {least}"),
            (least, most) => write!(f, "{least} to {most}"),
        }
    }
}

impl fmt::Display for Percentile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1000 => f.write_str("the longest"),
            share if share % 10 == 0 => write!(f, "p{}", share / 10),
            share => write!(f, "p{}.{}", share / 10, share % 10),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Lost => "lost",
            Self::Twice => "twice",
            Self::Invented => "invented",
        })
    }
}

fn names(tanks: &[TankName]) -> String {
    match tanks {
        [] => "no tank".to_owned(),
        [.., last] if tanks.len() > 4 => format!("{} to {last} ({} tanks)", tanks[0], tanks.len()),
        _ => tanks.iter().map(TankName::as_str).collect::<Vec<_>>().join(", "),
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values { tanks, within, window } => {
                let each: Vec<_> = within
                    .iter()
                    .map(|(quantity, error)| format!("{quantity} within {error} {}", quantity.unit()))
                    .collect();
                write!(f, "{}: {} of the truth, {window}", names(tanks), each.join(", "))
            }
            Self::QualityWithin { tanks, quality, after, polls, until } => {
                write!(f, "{}: {} within {polls} polls after {}", names(tanks), quality.0, in_words(*after))?;
                until.map_or(Ok(()), |until| write!(f, ", and so until {}", in_words(until)))
            }
            Self::QualityThroughout { tanks, quality, wanted, window } => {
                let which = if *wanted { "every reading" } else { "no reading" };
                write!(f, "{}: {which} is {}, {window}", names(tanks), quality.0)
            }
            Self::Alarm { source, alarm, wish } => {
                write!(f, "{source}: alarm {alarm} ")?;
                match wish {
                    AlarmWish::Raised { from, by } => {
                        write!(f, "raised between {} and {}", in_words(*from), in_words(*by))
                    }
                    AlarmWish::Cleared { from, by } => {
                        write!(f, "cleared between {} and {}", in_words(*from), in_words(*by))
                    }
                    AlarmWish::Never(window) => write!(f, "not raised {window}"),
                    AlarmWish::Follows { poll, on_delay, slack, window, .. } => {
                        let (poll, on_delay, slack) = (poll.as_millis(), on_delay.as_millis(), slack.as_millis());
                        write!(
                            f,
                            "raised {on_delay} ms after the truth, within a poll of {poll} ms and {slack} ms, {window}"
                        )
                    }
                    AlarmWish::Times { bounds, window } => write!(f, "raised {bounds} times, {window}"),
                    AlarmWish::FoundInBacklog(window) => write!(f, "not told but found in the backlog, {window}"),
                }
            }
            Self::AlarmsInOrder { alarms, window } => {
                let alarms: Vec<_> = alarms.iter().map(|(source, alarm)| format!("{source} {alarm}")).collect();
                write!(f, "raised in this order: {}, {window}", alarms.join(", "))
            }
            Self::Alarms { bounds, window } => write!(f, "alarms raised in all: {bounds}, {window}"),
            Self::Nothing(wrongs) => {
                let wrongs: Vec<_> = wrongs.iter().map(ToString::to_string).collect();
                write!(f, "no reading is {}", wrongs.join(" or "))
            }
            Self::Latency { tanks, bounds, window } => {
                let bounds: Vec<_> = bounds.iter().map(|(share, ms)| format!("{share} at most {ms} ms")).collect();
                write!(f, "{}: from gauge to database {}, {window}", names(tanks), bounds.join(", "))
            }
            Self::Fresh { tanks, polls, window } => {
                write!(f, "{}: the newest reading is never older than {polls} polls, {window}", names(tanks))
            }
            Self::Log { of, contains, window, bounds } => {
                write!(f, "the log of {of} says {contains:?} {bounds} times {window}")
            }
            Self::Counter { tanks, counter, bounds } => {
                write!(f, "{}: {} counted as {}", names(tanks), bounds, counter.name)
            }
            Self::GapReadings(bounds) => write!(f, "readings dropped by full journals: {bounds}"),
            Self::DeadLetters(bounds) => write!(f, "dead letters: {bounds}"),
            Self::InfluxdbComplete => f.write_str("the historian has every committed reading once"),
        }
    }
}
