//! The time at the beginning of a log line.

use tankline_domain::units::UnixMillis;

/// Reads a stamp such as `2026-11-23T07:21:14.116952Z` at the beginning of a line.
#[must_use]
pub fn parse_stamp(line: &str) -> Option<UnixMillis> {
    let (stamp, _) = line.trim_start().split_once('Z')?;
    let (date, time) = stamp.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.splitn(3, ':');
    let (hour, minute): (i64, i64) = (time.next()?.parse().ok()?, time.next()?.parse().ok()?);
    let second: f64 = time.next()?.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "below a minute")]
    let millis = (second * 1000.0) as i64;
    let days = days_from_civil(year, month, day);
    Some(UnixMillis::new(((days * 24 + hour) * 60 + minute) * 60_000 + millis))
}

/// Days since 1970-01-01 of a date of the Gregorian calendar. Counts years from March, so that a leap day is the last one.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_read_as_they_are_written() {
        for millis in [0, 951_782_400_000, 1_795_400_000_123, 1_709_164_799_999] {
            let at = UnixMillis::new(millis);
            assert_eq!(parse_stamp(&format!("{at} INFO words of 12:30Z")), Some(at), "{at}");
        }
        let precise = "  2026-11-23T02:13:20.123952Z DEBUG tankline_edge: request goes unanswered tank=T-01";
        assert_eq!(parse_stamp(precise), Some(UnixMillis::new(1_795_400_000_123)));
        for line in ["", "no stamp", "thread 'main' panicked atZ", "2026-11-23Z"] {
            assert_eq!(parse_stamp(line), None, "{line}");
        }
    }
}
