use std::fmt;
use std::str::FromStr;

use tankline_domain::names::{LineName, TankName};
use thiserror::Error;

use crate::line::{Fault, ParseFaultError};
use crate::plant::{FORMS, ParseCommandError, PlantCommand, parse_speed};

/// What can be told to a running bench.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Says which bench it is, in a line.
    About,
    /// Shows how tanks, gauges and lines are; of everything when no target is given.
    Show(Option<Target>),
    /// Gives these faults to a target, in place of those that it has; none takes them away.
    Fault(Target, Vec<Fault>),
    /// Lists the faults that there are.
    Faults,
    /// Lets the time of the plant pass this fast.
    Speed(f64),
    /// Makes the time of the plant stand still.
    Pause,
    /// Lets the time of the plant pass again.
    Resume,
    /// Does something to the plant or to a gauge.
    Plant(PlantCommand),
    /// Ends the bench.
    Stop,
    /// Lists the orders.
    Help,
}

/// Who is meant: a tank (the gauge on it), a line, one unit of a line, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A tank or a line, by its name.
    Name(String),
    /// A unit of a line: `line-01/3`.
    Unit(LineName, u8),
    /// Every gauge: `all`.
    All,
}

/// A text is not an order.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseOrderError {
    /// There is no such order.
    #[error("there is no {verb:?}; there are {}", verbs())]
    UnknownVerb {
        /// The first word.
        verb: String,
    },
    /// Nothing was said.
    #[error("nothing was said; `help` lists what there is")]
    Empty,
    /// An order is not written so.
    #[error("{wrong}; it is written {form}")]
    Form {
        /// What is wrong.
        wrong: String,
        /// How it is written.
        form: &'static str,
    },
    /// A target is no name.
    #[error("{text:?} is not TANK, LINE, LINE/UNIT or all, such as T-01, line-01, line-01/3")]
    Target {
        /// The text.
        text: String,
    },
    /// A fault is none.
    #[error(transparent)]
    Fault(#[from] ParseFaultError),
    /// A command to the plant is none.
    #[error(transparent)]
    Plant(#[from] ParseCommandError),
}

/// How the orders to the bench itself are written, and what they do.
pub(super) const OWN_FORMS: &[(&str, &str)] = &[
    ("show [TANK|LINE]", "truth, what gauges show, faults, counters"),
    ("fault TANK|LINE|LINE/UNIT|all FAULT…", "these faults and no others from now on, such as fault T-02 late=120ms"),
    ("fault TANK|LINE|LINE/UNIT|all none", "no faults any more"),
    ("faults", "the faults that there are"),
    ("speed N", "the plant's time passes N times as fast"),
    ("pause", "the plant's time stands still"),
    ("resume", "the plant's time passes again"),
    ("about", "which bench this is"),
    ("stop", "ends the bench"),
    ("help", "this"),
];

const FAULT_FORM: &str = "fault TANK|LINE|LINE/UNIT|all FAULT…, or none, such as fault T-02 late=120ms";
const SPEED_FORM: &str = "speed N";

fn verbs() -> String {
    let mut verbs: Vec<&str> = Vec::new();
    for (form, _) in OWN_FORMS {
        let verb = form.split(' ').next().unwrap_or(form);
        if !verbs.contains(&verb) {
            verbs.push(verb);
        }
    }
    verbs.extend(FORMS.iter().map(|form| form.verb));
    verbs.join(", ")
}

impl FromStr for Order {
    type Err = ParseOrderError;

    fn from_str(text: &str) -> Result<Self, ParseOrderError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let Some((&verb, rest)) = words.split_first() else { return Err(ParseOrderError::Empty) };
        let alone = |order: Self| match rest.first() {
            None => Ok(order),
            Some(word) => {
                Err(ParseOrderError::Form { wrong: format!("{word:?} is too much"), form: "with nothing more" })
            }
        };
        match verb {
            "about" => alone(Self::About),
            "faults" => alone(Self::Faults),
            "pause" => alone(Self::Pause),
            "resume" => alone(Self::Resume),
            "stop" => alone(Self::Stop),
            "help" => alone(Self::Help),
            "show" => match rest {
                [] => Ok(Self::Show(None)),
                [target] => Ok(Self::Show(Some(target.parse()?))),
                [_, more, ..] => {
                    Err(ParseOrderError::Form { wrong: format!("{more:?} is too much"), form: "show [TANK|LINE]" })
                }
            },
            "speed" => {
                let speed = parse_speed(&rest.join(" "));
                speed.map(Self::Speed).map_err(|wrong| ParseOrderError::Form { wrong, form: SPEED_FORM })
            }
            "fault" => fault(rest),
            _ if FORMS.iter().any(|form| form.verb == verb) => Ok(Self::Plant(text.parse()?)),
            _ => Err(ParseOrderError::UnknownVerb { verb: verb.to_owned() }),
        }
    }
}

fn fault(words: &[&str]) -> Result<Order, ParseOrderError> {
    let missing = |wrong: &str| ParseOrderError::Form { wrong: wrong.to_owned(), form: FAULT_FORM };
    let (target, faults) = words.split_first().ok_or_else(|| missing("it is not said whose fault"))?;
    let target = target.parse()?;
    if faults.is_empty() {
        return Err(missing("it is not said which fault"));
    }
    Ok(Order::Fault(target, Fault::parse_all(faults)?))
}

impl FromStr for Target {
    type Err = ParseOrderError;

    fn from_str(text: &str) -> Result<Self, ParseOrderError> {
        let wrong = || ParseOrderError::Target { text: text.to_owned() };
        if text == "all" {
            return Ok(Self::All);
        }
        match text.split_once('/') {
            Some((line, unit)) => {
                let unit = unit.parse().ok().filter(|unit| (1..=247).contains(unit)).ok_or_else(wrong)?;
                Ok(Self::Unit(line.parse().map_err(|_| wrong())?, unit))
            }
            None => text.parse::<TankName>().map(|name| Self::Name(name.to_string())).map_err(|_| wrong()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Unit(line, unit) => write!(f, "{line}/{unit}"),
            Self::All => f.write_str("all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn orders_are_read() {
        for (text, expected) in [
            ("about", Order::About),
            ("show", Order::Show(None)),
            ("  show   T-01 ", Order::Show(Some(Target::Name("T-01".into())))),
            ("fault T-02 none", Order::Fault(Target::Name("T-02".into()), Vec::new())),
            (
                "fault line-01/3 crc",
                Order::Fault(Target::Unit("line-01".parse().unwrap(), 3), vec!["crc".parse().unwrap()]),
            ),
            (
                "fault all crc@20% late=40ms",
                Order::Fault(Target::All, vec!["crc@20%".parse().unwrap(), "late=40ms".parse().unwrap()]),
            ),
            ("speed 60", Order::Speed(60.0)),
            ("stop", Order::Stop),
            ("set T-01 level_mm=11800", Order::Plant("set T-01 level_mm=11800".parse().unwrap())),
            ("ambient -10C", Order::Plant("ambient -10C".parse().unwrap())),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        for (text, told) in [
            ("", "`help` lists"),
            ("flood T-01", "there is no \"flood\"; there are show, fault, faults"),
            ("show T-01 T-02", "\"T-02\" is too much; it is written show [TANK|LINE]"),
            ("stop now", "\"now\" is too much"),
            ("fault", "it is not said whose fault; it is written fault TANK"),
            ("fault T-02", "it is not said which fault"),
            ("fault T-02 slow", "there is no line fault \"slow\"; there are silent, late"),
            ("fault T-02 late=soon", "late takes a time in ms or s, such as late=120ms"),
            ("fault line-01/0 crc", "\"line-01/0\" is not TANK, LINE, LINE/UNIT or all"),
            ("speed fast", "speed N"),
            ("speed", "speed N"),
            ("set T-01 level=3", "set TANK [level_mm=N]"),
        ] {
            let error = text.parse::<Order>().unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(show|fault|set|speed|inflow|do|[a-z]{1,5})?( [ -~]{0,12}){0,4}") {
            let _ = text.parse::<Order>();
        }
    }
}
