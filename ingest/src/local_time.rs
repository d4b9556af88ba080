//! Moments as the people of a site write and read them.

use std::fmt;
use std::str::FromStr;

use tankline_domain::units::{ParseMomentError, UnixMillis};

/// How far local time is ahead of UTC, in whole minutes. It has no summer time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UtcOffset {
    minutes: i16,
}

/// A text is no offset from UTC.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no offset from UTC: write +08:00, -03:30 or Z")]
pub struct UtcOffsetError {
    text: String,
}

impl UtcOffset {
    /// Furthest that local time is from UTC anywhere.
    const MOST_MINUTES: i16 = 14 * 60;

    /// Gives it in milliseconds.
    #[must_use]
    pub fn millis(self) -> i64 {
        i64::from(self.minutes) * 60_000
    }

    /// Writes a moment in local time to the second, such as `2026-11-23 14:05:09`.
    #[must_use]
    pub fn to_second(self, at: UnixMillis) -> String {
        let local = UnixMillis::new(at.get().saturating_add(self.millis())).to_string();
        local.get(..19).unwrap_or(&local).replace('T', " ")
    }

    /// Writes a moment in local time to the minute, such as `2026-11-23 14:05`.
    #[must_use]
    pub fn to_minute(self, at: UnixMillis) -> String {
        let mut local = self.to_second(at);
        local.truncate(16);
        local
    }

    /// Gives the moment of a local date and time, each as [`UnixMillis`] reads it, such as `2026-11-23T14:05`.
    ///
    /// # Errors
    /// [`ParseMomentError`].
    pub fn moment(self, local: &str) -> Result<UnixMillis, ParseMomentError> {
        let utc: UnixMillis = format!("{local}Z").parse()?;
        Ok(UnixMillis::new(utc.get() - self.millis()))
    }
}

impl fmt::Display for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minutes < 0 { '-' } else { '+' };
        let minutes = self.minutes.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl FromStr for UtcOffset {
    type Err = UtcOffsetError;

    fn from_str(text: &str) -> Result<Self, UtcOffsetError> {
        let wrong = || UtcOffsetError { text: text.to_owned() };
        if text == "Z" {
            return Ok(Self::default());
        }
        let sign = match text.get(..1) {
            Some("+") => 1,
            Some("-") => -1,
            _ => return Err(wrong()),
        };
        let minutes = minutes_of_day(&text[1..]).ok_or_else(wrong)?;
        let offset = Self { minutes: sign * i16::try_from(minutes).map_err(|_| wrong())? };
        if offset.minutes.abs() <= Self::MOST_MINUTES { Ok(offset) } else { Err(wrong()) }
    }
}

/// Reads a time of day such as `08:00`; gives the minutes since midnight.
#[must_use]
pub fn minutes_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| -> Option<u16> {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok())?
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// A moment with its offset from UTC, such as `2026-11-23T14:05+08:00` or `2026-11-23T06:05Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenMoment(pub UnixMillis);

/// A text is no moment with an offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no moment: write 2026-11-23T14:05+08:00, or 2026-11-23T06:05Z for UTC")]
pub struct GivenMomentError {
    text: String,
}

impl FromStr for GivenMoment {
    type Err = GivenMomentError;

    fn from_str(text: &str) -> Result<Self, GivenMomentError> {
        let wrong = || GivenMomentError { text: text.to_owned() };
        let time = text.find('T').ok_or_else(wrong)?;
        let sign = text[time..].find(['+', '-', 'Z']).ok_or_else(wrong)? + time;
        let offset: UtcOffset = text[sign..].parse().map_err(|_| wrong())?;
        offset.moment(&text[..sign]).map(Self).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_with_their_offset_and_written_in_local_time() {
        let at: GivenMoment = "2026-11-23T14:05+08:00".parse().unwrap();
        assert_eq!(at, "2026-11-23T06:05Z".parse().unwrap());
        assert_eq!(at, "2026-11-23T02:35:00-03:30".parse().unwrap());
        let east: UtcOffset = "+08:00".parse().unwrap();
        assert_eq!(east.to_minute(at.0), "2026-11-23 14:05");
        assert_eq!(east.to_second(at.0), "2026-11-23 14:05:00");
        assert_eq!(UtcOffset::default().to_minute(at.0), "2026-11-23 06:05");
    }

    #[test]
    fn what_is_no_moment_or_offset_is_refused() {
        for text in ["", "2026-11-23", "2026-11-23T14:05", "2026-11-23T14:05+8", "2026-11-31T14:05Z", "T+", "+08:00"] {
            assert!(text.parse::<GivenMoment>().is_err(), "{text}");
        }
        for text in ["", "8", "08:00", "+8:00", "+15:00", "+08:60", "+0800", "é08:00"] {
            assert!(text.parse::<UtcOffset>().is_err(), "{text}");
        }
        for (text, written) in [("Z", "+00:00"), ("-03:30", "-03:30"), ("+08:00", "+08:00")] {
            assert_eq!(text.parse::<UtcOffset>().unwrap().to_string(), written);
        }
        assert_eq!((minutes_of_day("08:30"), minutes_of_day("24:00"), minutes_of_day("8:00")), (Some(510), None, None));
    }
}
