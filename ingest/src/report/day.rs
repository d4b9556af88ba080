//! The day of a report: it begins when a shift does, not at midnight.

use std::fmt;
use std::str::FromStr;

use tankline_domain::units::UnixMillis;
use thiserror::Error;

use crate::config::ReportConfig;
use crate::local_time::UtcOffset;

const DAY_MS: i64 = 86_400_000;

/// A date of the calendar, such as 2026-11-23.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// Its midnight, taken as UTC.
    midnight: UnixMillis,
}

/// A text is no date.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is no date: write 2026-11-23")]
pub struct DateError {
    text: String,
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let wrong = || DateError { text: text.to_owned() };
        if text.contains('T') {
            return Err(wrong());
        }
        text.parse().map(|midnight| Self { midnight }).map_err(|_| wrong())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.midnight.to_string().get(..10).unwrap_or_default())
    }
}

/// The day of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The date on which it begins.
    pub date: Date,
    /// When it begins.
    pub from: UnixMillis,
    /// When it ends; for a day that is not over yet, when it was looked at.
    pub to: UnixMillis,
    /// Whether it is over.
    pub over: bool,
    /// Local time.
    pub utc_offset: UtcOffset,
}

/// There can be no report of a day.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DayError {
    /// It has not begun.
    #[error("the day {date} begins at {from} and it is {now} now; give an earlier date")]
    Ahead {
        /// The date.
        date: Date,
        /// When it begins.
        from: UnixMillis,
        /// Now.
        now: UnixMillis,
    },
}

impl Day {
    /// Gives the day that begins on a date.
    ///
    /// # Errors
    /// [`DayError`] when it has not begun.
    pub fn of(date: Date, settings: &ReportConfig, now: UnixMillis) -> Result<Self, DayError> {
        let begins_ms = i64::from(settings.day_begins_minutes) * 60_000;
        let from = UnixMillis::new(date.midnight.get() + begins_ms - settings.utc_offset.millis());
        if from >= now {
            return Err(DayError::Ahead { date, from, now });
        }
        let end = UnixMillis::new(from.get() + DAY_MS);
        Ok(Self { date, from, to: end.min(now), over: end <= now, utc_offset: settings.utc_offset })
    }

    /// Gives how long it is, in milliseconds.
    #[must_use]
    pub const fn length_ms(&self) -> i64 {
        self.to.millis_since(self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ReportConfig {
        let utc_offset = "+08:00".parse().unwrap();
        ReportConfig { day_begins_minutes: 8 * 60, utc_offset, ..ReportConfig::default() }
    }

    fn at(text: &str) -> UnixMillis {
        text.parse().unwrap()
    }

    #[test]
    fn day_begins_when_the_shift_does() {
        let day = Day::of("2026-11-22".parse().unwrap(), &settings(), at("2026-11-23T06:00Z")).unwrap();
        assert_eq!((day.from, day.to, day.over), (at("2026-11-22T00:00Z"), at("2026-11-23T00:00Z"), true));
        assert_eq!((day.length_ms(), day.date.to_string()), (DAY_MS, "2026-11-22".to_owned()));
    }

    #[test]
    fn day_that_is_not_over_ends_now_and_one_that_has_not_begun_is_refused() {
        let day = Day::of("2026-11-23".parse().unwrap(), &settings(), at("2026-11-23T06:00Z")).unwrap();
        assert_eq!((day.to, day.over), (at("2026-11-23T06:00Z"), false));
        let ahead = Day::of("2026-11-24".parse().unwrap(), &settings(), at("2026-11-23T06:00Z"));
        assert!(ahead.unwrap_err().to_string().contains("begins at 2026-11-24T00:00:00.000Z"));
        for text in ["", "23.11.2026", "2026-02-30", "2026-11-23T00:00Z"] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }
}
