use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use super::{CATALOGUE, CatalogueEntry, Chance, Fault, LineFault, Noise, Twin};

/// A text is not a fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseFaultError {
    /// There is no fault of this name.
    #[error("there is no line fault {name:?}; there are {}", names())]
    UnknownName {
        /// The name.
        name: String,
    },
    /// What stands behind the name is not what it takes.
    #[error("line fault {text:?}: {name} takes {takes}, such as {example}")]
    Parameter {
        /// The whole text.
        text: String,
        /// The fault.
        name: &'static str,
        /// What it takes.
        takes: &'static str,
        /// An example.
        example: &'static str,
    },
    /// The chance is none.
    #[error("line fault {text:?}: the chance is above 0% and at most 100%, such as {name}=30%")]
    Chance {
        /// The whole text.
        text: String,
        /// The fault.
        name: &'static str,
    },
}

fn names() -> String {
    CATALOGUE.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ")
}

impl Fault {
    /// Reads the faults that a target gets, a word each; `none` takes all away.
    ///
    /// # Errors
    /// One of them is none.
    pub fn parse_all(words: &[&str]) -> Result<Vec<Self>, ParseFaultError> {
        match words {
            ["none"] => Ok(Vec::new()),
            words => words.iter().map(|word| word.parse()).collect(),
        }
    }
}

impl FromStr for Fault {
    type Err = ParseFaultError;

    fn from_str(text: &str) -> Result<Self, ParseFaultError> {
        let (name, rest) = text.split_once(['=', '@']).map_or((text, None), |(name, rest)| (name, Some(rest)));
        let entry = CATALOGUE
            .iter()
            .find(|entry| entry.name == name)
            .ok_or_else(|| ParseFaultError::UnknownName { name: name.to_owned() })?;
        // `name=parameter@chance`, or one of them; the chance ends in %.
        let (parameter, chance) = match rest {
            None => (None, None),
            Some(rest) => match rest.split_once('@') {
                Some((parameter, chance)) => (Some(parameter), Some(chance)),
                None if rest.ends_with('%') => (None, Some(rest)),
                None => (Some(rest), None),
            },
        };
        let wrong_chance = || ParseFaultError::Chance { text: text.to_owned(), name: entry.name };
        let chance = chance.map_or(Some(Chance::ALWAYS), percent).ok_or_else(wrong_chance)?;
        let wrong_parameter = || ParseFaultError::Parameter {
            text: text.to_owned(),
            name: entry.name,
            takes: takes(entry),
            example: entry.example,
        };
        let what = parameter.map_or(Some(entry.plain), |text| with_parameter(entry.plain, text));
        Ok(Self { what: what.ok_or_else(wrong_parameter)?, chance })
    }
}

/// Says what stands behind a name.
fn takes(entry: &CatalogueEntry) -> &'static str {
    match entry.parameter {
        "TIME" => "a time in ms or s",
        "POLLS" => "a number of polls from 1",
        "UNIT" => "a unit from 1 to 247",
        "BYTES" => "a number of bytes from 1",
        "CODE" => "a code from 1 to 127",
        "REGISTERS" => "a number of registers from -100 to +100 but 0",
        "WORD" => "a register's word",
        "RATE" => "a rate in bit/s from 300 to 115200",
        "" => "nothing but a chance",
        alternatives => alternatives,
    }
}

/// Puts a parameter in; `None` when it is none for this fault.
fn with_parameter(plain: LineFault, text: &str) -> Option<LineFault> {
    let polls = || text.parse().ok().filter(|polls| *polls > 0);
    let unit = || text.parse().ok().filter(|unit| (1..=247).contains(unit));
    let bytes = || text.parse().ok().filter(|bytes| *bytes > 0);
    let code = || text.parse().ok().filter(|code| (1..=127).contains(code));
    Some(match plain {
        LineFault::Late(_) => LineFault::Late(time(text)?),
        LineFault::Behind(_) => LineFault::Behind(polls()?),
        LineFault::OtherUnit(_) => LineFault::OtherUnit(unit()?),
        LineFault::Short(_) => LineFault::Short(Some(bytes()?)),
        LineFault::Split(_) => LineFault::Split(time(text)?),
        LineFault::Trailing(_) => LineFault::Trailing(bytes()?),
        LineFault::Glitch(_) => LineFault::Glitch(bytes()?),
        LineFault::OtherMaster(_) => LineFault::OtherMaster(unit()?),
        LineFault::Exception(_) => LineFault::Exception(code()?),
        LineFault::Count(_) => {
            let more = text.strip_prefix('+').unwrap_or(text).parse().ok();
            LineFault::Count(more.filter(|more| *more != 0 && (-100..=100).contains(more))?)
        }
        LineFault::Function(_) => LineFault::Function(code()?),
        LineFault::Word(_) => LineFault::Word(match text.strip_prefix("0x") {
            Some(hex) => u16::from_str_radix(hex, 16).ok()?,
            None => text.parse().ok()?,
        }),
        LineFault::Shorted(_) => LineFault::Shorted(time(text)?),
        LineFault::Babble(_) => LineFault::Babble(time(text)?),
        LineFault::Noise(_) => LineFault::Noise(match text {
            "bit" => Noise::Bit,
            "burst" => Noise::Burst,
            _ => return None,
        }),
        LineFault::Asleep(_) => LineFault::Asleep(polls()?),
        LineFault::Baud(_) => LineFault::Baud(text.parse().ok().filter(|rate| (300..=115_200).contains(rate))?),
        LineFault::Twin(_) => LineFault::Twin(match text {
            "collides" => Twin::Collides,
            "follows" => Twin::Follows,
            _ => return None,
        }),
        LineFault::Repeat(_) => LineFault::Repeat(time(text)?),
        LineFault::Trickle(_) => LineFault::Trickle(time(text)?),
        LineFault::Silent
        | LineFault::Crc
        | LineFault::Echo
        | LineFault::Stuck
        | LineFault::Zero
        | LineFault::Early
        | LineFault::Transaction
        | LineFault::HangUp => return None,
    })
}

fn percent(text: &str) -> Option<Chance> {
    Chance::percent(text.strip_suffix('%')?.parse().ok()?)
}

/// Reads `120ms` or `2s`; at most an hour.
fn time(text: &str) -> Option<Duration> {
    let (number, unit_ms) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => (text.strip_suffix('s')?, 1000),
    };
    let millis = number.parse::<u64>().ok()?.checked_mul(unit_ms)?;
    (1..=3_600_000).contains(&millis).then(|| Duration::from_millis(millis))
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let same_kind = |entry: &&CatalogueEntry| std::mem::discriminant(&entry.plain) == std::mem::discriminant(self);
        let name = CATALOGUE.iter().find(same_kind).expect("every fault is in the catalogue").name;
        f.write_str(name)?;
        match self {
            Self::Late(time)
            | Self::Split(time)
            | Self::Shorted(time)
            | Self::Babble(time)
            | Self::Repeat(time)
            | Self::Trickle(time) => write!(f, "={}ms", time.as_millis()),
            Self::Behind(polls) | Self::Asleep(polls) => write!(f, "={polls}"),
            Self::Short(Some(bytes)) | Self::Trailing(bytes) | Self::Glitch(bytes) => write!(f, "={bytes}"),
            Self::OtherUnit(number) | Self::OtherMaster(number) | Self::Exception(number) | Self::Function(number) => {
                write!(f, "={number}")
            }
            Self::Count(more) => write!(f, "={more:+}"),
            Self::Word(word) => write!(f, "={word:#06x}"),
            Self::Noise(Noise::Bit) => f.write_str("=bit"),
            Self::Noise(Noise::Burst) => f.write_str("=burst"),
            Self::Baud(rate) => write!(f, "={rate}"),
            Self::Twin(Twin::Collides) => f.write_str("=collides"),
            Self::Twin(Twin::Follows) => f.write_str("=follows"),
            Self::Short(None)
            | Self::Noise(Noise::Any)
            | Self::Silent
            | Self::Crc
            | Self::Echo
            | Self::Stuck
            | Self::Zero
            | Self::Early
            | Self::Transaction
            | Self::HangUp => Ok(()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.what.to_string();
        if self.chance == Chance::ALWAYS {
            return f.write_str(&what);
        }
        let sign = if what.contains('=') { '@' } else { '=' };
        write!(f, "{what}{sign}{}%", self.chance.as_percent())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_fault_of_the_catalogue_comes_back_from_its_text() {
        assert!(CATALOGUE.len() >= 25);
        for entry in CATALOGUE {
            for text in [entry.name, entry.example, &format!("{}=12.5%", entry.name), &format!("{}@30%", entry.example)]
            {
                let Ok(fault) = text.parse::<Fault>() else {
                    // An example may hold a chance already.
                    assert!(entry.example.contains('%') && text.contains('@'), "{text}");
                    continue;
                };
                assert!(fault.to_string().starts_with(entry.name), "{text}");
                assert_eq!(fault.to_string().parse(), Ok(fault), "{text}");
            }
        }
    }

    #[test]
    fn parameter_and_chance_stand_behind_the_name() {
        let always = |what| Fault { what, chance: Chance::ALWAYS };
        let sometimes = |what, percent| Fault { what, chance: Chance::percent(percent).unwrap() };
        for (text, fault) in [
            ("crc", always(LineFault::Crc)),
            ("late=120ms", always(LineFault::Late(Duration::from_millis(120)))),
            ("late=2s", always(LineFault::Late(Duration::from_secs(2)))),
            ("exception=6", always(LineFault::Exception(6))),
            ("count=+1", always(LineFault::Count(1))),
            ("word=0xFFFF", always(LineFault::Word(0xFFFF))),
            ("noise=30%", sometimes(LineFault::Noise(Noise::Any), 30.0)),
            ("noise=bit@0.5%", sometimes(LineFault::Noise(Noise::Bit), 0.5)),
            ("silent@50%", sometimes(LineFault::Silent, 50.0)),
            ("short=50%", sometimes(LineFault::Short(None), 50.0)),
        ] {
            assert_eq!(text.parse(), Ok(fault), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        for (text, told) in [
            ("lat=3ms", "there is no line fault \"lat\"; there are silent, late, behind, "),
            ("late=3", "line fault \"late=3\": late takes a time in ms or s, such as late=120ms"),
            ("late=0ms", "late takes a time"),
            ("crc=5", "crc takes nothing but a chance, such as crc"),
            ("twin=x", "twin takes collides|follows, such as twin=follows"),
            ("count=0", "count takes a number of registers from -100 to +100 but 0"),
            ("noise=0%", "the chance is above 0% and at most 100%, such as noise=30%"),
            ("late=3ms@101%", "the chance is above 0%"),
            ("late=3ms@5", "the chance is above 0%"),
            ("", "there is no line fault \"\""),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([a-z-]{0,12})([=@][+-]?[0-9a-zA-Zx.%]{0,9}){0,3}") {
            if let Ok(fault) = text.parse::<Fault>() {
                prop_assert_eq!(fault.to_string().parse(), Ok(fault));
            }
        }
    }
}
