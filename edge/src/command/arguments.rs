//! Arguments that the commands share, and how their values are written.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use tankline_domain::register::RegisterKind;
use tankline_domain::site::{Framing, Parity, Port};

/// Bit rates that a port may be asked for, bit/s.
pub(super) const BAUD: std::ops::RangeInclusive<i64> = 300..=921_600;

/// How a byte stands on the wire, where it is not as the published gauge has it: 8 data bits, no parity, 1 stop bit.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ByteArgs {
    /// Parity of a byte [default: none].
    #[arg(long, value_name = "PARITY", value_parser = parity())]
    pub parity: Option<Parity>,
    /// Data bits of a byte, 7 or 8 [default: 8].
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(7..=8))]
    pub data_bits: Option<u8>,
    /// Stop bits of a byte, 1 or 2 [default: 1].
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(1..=2))]
    pub stop_bits: Option<u8>,
}

impl ByteArgs {
    /// Lays what was given over a framing.
    #[must_use]
    pub fn over(self, framing: Framing) -> Framing {
        Framing {
            parity: self.parity.unwrap_or(framing.parity),
            data_bits: self.data_bits.unwrap_or(framing.data_bits),
            stop_bits: self.stop_bits.unwrap_or(framing.stop_bits),
            ..framing
        }
    }
}

fn parity() -> impl TypedValueParser<Value = Parity> {
    PossibleValuesParser::new(["none", "even", "odd"]).map(|text| match text.as_str() {
        "even" => Parity::Even,
        "odd" => Parity::Odd,
        _ => Parity::None,
    })
}

pub(super) fn register_kind() -> impl TypedValueParser<Value = RegisterKind> {
    PossibleValuesParser::new(["holding", "input"]).map(|text| match text.as_str() {
        "input" => RegisterKind::Input,
        _ => RegisterKind::Holding,
    })
}

/// Reads a duration that is not 0: `150ms`, `1s`, `1.5s`, `2m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration: write 150ms, 1s, 1.5s or 2m");
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?);
    let seconds = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.trim_end().parse().map_err(|_| wrong())?;
    let duration = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
    if (Duration::from_millis(1)..=Duration::from_secs(3600)).contains(&duration) {
        Ok(duration)
    } else {
        Err(format!("{text:?} must be at least 1ms and at most 60m"))
    }
}

/// Units of a line, each once and in order; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units(Vec<u8>);

/// A text does not name units.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} does not name units from 1 to 247: write 1..32, 1-5, 7 or 1,3,9")]
pub struct UnitsError {
    text: String,
}

impl Units {
    /// Gives the units in order.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Units {
    type Err = UnitsError;

    /// Reads `1..32`, `1-5`, `7`, `1,3,9` and mixtures of them; both ends of a range are meant.
    fn from_str(text: &str) -> Result<Self, UnitsError> {
        let wrong = || UnitsError { text: text.to_owned() };
        let unit =
            |text: &str| text.trim().parse::<u8>().ok().filter(|unit| (1..=247).contains(unit)).ok_or_else(wrong);
        let mut units: Vec<u8> = Vec::new();
        for part in text.split(',') {
            let (first, last) = match part.split_once("..").or_else(|| part.split_once('-')) {
                Some((first, last)) => (unit(first)?, unit(last.trim_start_matches('='))?),
                None => (unit(part)?, unit(part)?),
            };
            if first > last {
                return Err(wrong());
            }
            units.extend(first..=last);
        }
        units.sort_unstable();
        units.dedup();
        Ok(Self(units))
    }
}

impl fmt::Display for Units {
    /// Writes the units as ranges: `1 to 5, 9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, run) in self.0.chunk_by(|a, b| a + 1 == *b).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            match run {
                [first, .., last] => write!(f, "{separator}{first} to {last}")?,
                [only] => write!(f, "{separator}{only}")?,
                [] => {}
            }
        }
        Ok(())
    }
}

/// A port with what its wire is set to: `/dev/ttyUSB0 (9600 8N1)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p>(pub &'p Port, pub &'p Framing);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Port::Serial(_) => write!(f, "{} ({})", self.0, framing_in_words(self.1)),
            Port::RtuOverTcp(_) | Port::ModbusTcp(_) => self.0.fmt(f),
        }
    }
}

/// Writes a framing as technicians do: `9600 8N1`.
pub(super) fn framing_in_words(framing: &Framing) -> String {
    let parity = match framing.parity {
        Parity::None => 'N',
        Parity::Even => 'E',
        Parity::Odd => 'O',
    };
    format!("{} {}{parity}{}", framing.baud, framing.data_bits, framing.stop_bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [("150ms", 150), ("1s", 1000), ("1.5s", 1500), ("2m", 120_000), ("2 min", 120_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "1", "s", "0s", "0.1ms", "-1s", "1h", "1 s 5", "NaNs", "infs", "61m", "1e400s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn units_are_read_as_people_write_them() {
        for (text, shown) in [
            ("1..32", "1 to 32"),
            ("1..=3", "1 to 3"),
            ("1-5", "1 to 5"),
            ("7", "7"),
            ("9,1,3,3", "1, 3, 9"),
            ("1..3,2-5, 9", "1 to 5, 9"),
            ("247", "247"),
        ] {
            assert_eq!(text.parse::<Units>().unwrap().to_string(), shown, "{text}");
        }
        for text in ["", "0", "248", "0..5", "5..1", "1..", "..5", "1,,2", "a", "1..2..3", "300", "-1"] {
            assert!(text.parse::<Units>().is_err(), "{text}");
        }
    }

    #[test]
    fn framing_that_was_not_given_stays() {
        let given = ByteArgs { parity: Some(Parity::Even), ..ByteArgs::default() };
        let framing = given.over(Framing { stop_bits: 2, ..Framing::default() });
        assert_eq!(framing_in_words(&framing), "9600 8E2");
    }
}
