//! Units as types: a level is not a temperature, and a difference of two times is not a time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $symbol:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(serialize_with = "plain_number")] f64);

        impl $name {
            /// Takes a number in this unit.
            #[must_use]
            pub const fn new(value: f64) -> Self {
                Self(value)
            }

            /// Gives the number in this unit.
            #[must_use]
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)?;
                f.write_str(concat!(" ", $symbol))
            }
        }
    };
}

quantity!(
    /// A length in millimetres: levels, interfaces, limits.
    Millimetres,
    "mm"
);
quantity!(
    /// A length in metres: tank dimensions.
    Metres,
    "m"
);
quantity!(
    /// A surface in square metres.
    SquareMetres,
    "m2"
);
quantity!(
    /// A volume in cubic metres.
    CubicMetres,
    "m3"
);
quantity!(
    /// A temperature in degrees Celsius.
    Celsius,
    "degC"
);
quantity!(
    /// A density in kilograms per cubic metre.
    KilogramsPerCubicMetre,
    "kg/m3"
);

quantity!(
    /// A pressure in kilopascals above that of the atmosphere.
    Kilopascals,
    "kPa"
);

quantity!(
    /// A mass in tonnes.
    Tonnes,
    "t"
);

quantity!(
    /// A flow in cubic metres an hour.
    CubicMetresPerHour,
    "m3/h"
);

impl Celsius {
    /// Takes a temperature in degrees Fahrenheit.
    #[must_use]
    pub const fn from_fahrenheit(degrees: f64) -> Self {
        Self((degrees - 32.0) / 1.8)
    }

    /// Gives the same temperature in degrees Fahrenheit.
    #[must_use]
    pub const fn to_fahrenheit(self) -> f64 {
        1.8 * self.0 + 32.0
    }
}

/// kPa in a psi, as API MPMS 11.1-2004 has it.
const KPA_IN_PSI: f64 = 6.894_757;

impl Kilopascals {
    /// Takes a pressure in pounds per square inch.
    #[must_use]
    pub const fn from_psi(psi: f64) -> Self {
        Self(psi * KPA_IN_PSI)
    }

    /// Takes a pressure in bar.
    #[must_use]
    pub const fn from_bar(bar: f64) -> Self {
        Self(bar * 100.0)
    }

    /// Gives the same pressure in pounds per square inch.
    #[must_use]
    pub const fn to_psi(self) -> f64 {
        self.0 / KPA_IN_PSI
    }
}

impl Metres {
    /// Gives the same length in millimetres.
    #[must_use]
    pub fn to_millimetres(self) -> Millimetres {
        Millimetres::new(self.0 * 1000.0)
    }
}

impl Millimetres {
    /// Gives the same length in metres.
    #[must_use]
    pub fn to_metres(self) -> Metres {
        Metres::new(self.0 / 1000.0)
    }
}

/// Serialises whole numbers without a fraction: `9641`, not `9641.0`.
fn plain_number<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(i64);

impl UnixMillis {
    /// Takes milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn new(millis: i64) -> Self {
        Self(millis)
    }

    /// Gives milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Gives the milliseconds from `earlier` to this moment; negative when `earlier` is later.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixMillis {
    /// Writes the moment as `2026-11-23T06:29:18.123Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, within) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute) = (within / 3_600_000, within / 60_000 % 60);
        let (second, milli) = (within / 1000 % 60, within % 1000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

/// A text is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no moment: write 2026-11-23, 2026-11-23T06:29Z or 2026-11-23T06:29:18.123Z (all in UTC)")]
pub struct ParseMomentError {
    text: String,
}

impl FromStr for UnixMillis {
    type Err = ParseMomentError;

    /// Reads a date, or a date and a time with `Z` behind it, both in UTC.
    fn from_str(text: &str) -> Result<Self, ParseMomentError> {
        let wrong = || ParseMomentError { text: text.to_owned() };
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, time.strip_suffix('Z').ok_or_else(wrong)?),
            None => (text, "00:00"),
        };
        let days = days_of_date(date).ok_or_else(wrong)?;
        let within = millis_of_time(time).ok_or_else(wrong)?;
        Ok(Self(days * 86_400_000 + within))
    }
}

/// Reads whole numbers of so many digits, with a sign between.
fn numbers<const N: usize>(text: &str, sign: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(sign);
    let mut found = [0; N];
    for (place, digits) in found.iter_mut().zip(digits) {
        let part =
            parts.next().filter(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *place = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

fn days_of_date(text: &str) -> Option<i64> {
    let [year, month, day] = numbers(text, '-', [4, 2, 2])?;
    // Counted in years that begin on 1 March, so that a leap day is always the last of its year.
    let shifted = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = shifted * 365 + shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400) + day_of_year;
    let days = days - 719_468;
    // There and back, so that 2026-02-30 and 2026-13-01 are none.
    (civil_from_days(days) == (year, month, day)).then_some(days)
}

fn millis_of_time(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let [hour, minute, second] = match numbers(whole, ':', [2, 2]) {
        Some([hour, minute]) if fraction.is_none() => [hour, minute, 0],
        _ => numbers(whole, ':', [2, 2, 2])?,
    };
    let [milli] = fraction.map_or(Some([0]), |fraction| numbers(fraction, '.', [3]))?;
    let holds = hour < 24 && minute < 60 && second < 60;
    holds.then_some(((hour * 60 + minute) * 60 + second) * 1000 + milli)
}

/// Days since 1970-01-01 to year, month and day of the proleptic Gregorian calendar.
///
/// Counts in eras of 400 years that begin on 1 March, so that a leap day is always the last of its year.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_written_without_a_fraction() {
        let text = |value: f64| serde_json::to_string(&Millimetres::new(value)).unwrap();
        assert_eq!(text(9641.0), "9641");
        assert_eq!(text(32.5), "32.5");
        assert_eq!(text(-0.5), "-0.5");
    }

    #[test]
    fn moments_are_read_from_dates() {
        for (text, millis) in [
            ("1970-01-01", 0),
            ("2000-02-29T00:00Z", 951_782_400_000),
            ("2026-11-23T02:13:20.123Z", 1_795_400_000_123),
            ("1969-12-31T23:59:59.999Z", -1),
        ] {
            assert_eq!(text.parse(), Ok(UnixMillis::new(millis)), "{text}");
        }
        for text in ["", "2026-02-30", "2026-13-01", "2026-1-1", "2026-11-23T24:00Z", "2026-11-23T06:29", "26-11-23"] {
            assert!(text.parse::<UnixMillis>().is_err(), "{text}");
        }
    }

    #[test]
    fn moments_are_written_as_dates() {
        for (millis, written) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_400_000_123, "2026-11-23T02:13:20.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(UnixMillis::new(millis).to_string(), written);
        }
    }
}
