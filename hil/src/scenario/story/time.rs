//! Times as people write them: `20 min`, `30s`, `1.5 h`.

use std::time::Duration;

use serde_json::Value;
use tankline_domain::settings::Setting;

/// Nothing lasts longer than a hundred years: more is a slip of the finger.
const LONGEST_S: f64 = 100.0 * 366.0 * 86_400.0;

const UNITS: [(&str, f64); 6] = [("ms", 1e-3), ("s", 1.0), ("min", 60.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];

/// A time in a scenario file, counted from the start of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Duration);

impl Setting for Time {
    fn read(value: &Value) -> Result<Self, String> {
        let text = value.as_str().ok_or_else(|| "must be a time in quotes, such as \"2 min\"".to_owned())?;
        parse_time(text).map(Self)
    }
}

/// Reads a time, with or without a space before its unit: ms, s, min, h or d.
///
/// # Errors
/// A sentence that says what would be right.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("{text:?} is not a time; write it such as \"500 ms\", \"30 s\", \"2 min\", \"1.5 h\", \"2 d\"");
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim_start());
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let scale = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale).ok_or_else(wrong)?;
    let seconds = number * scale;
    if !(0.0..LONGEST_S).contains(&seconds) {
        return Err(wrong());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range checked above")]
    let millis = (seconds * 1000.0).round() as u64;
    Ok(Duration::from_millis(millis))
}

/// Writes a time for a person, in its two largest units: `2 min 30 s`, `1 h`, `1.5 s`, `120 ms`.
#[must_use]
pub fn in_words(time: Duration) -> String {
    let millis = time.as_millis();
    if millis < 1000 {
        return format!("{millis} ms");
    }
    if millis < 60_000 {
        let (seconds, rest) = (millis / 1000, millis % 1000);
        return if rest == 0 { format!("{seconds} s") } else { format!("{} s", round_tenth(time.as_secs_f64())) };
    }
    let seconds = (millis + 500) / 1000;
    let (days, hours, minutes, seconds) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let shown = parts[first..].iter().take(2).filter(|(count, _)| *count > 0);
    shown.map(|(count, unit)| format!("{count} {unit}")).collect::<Vec<_>>().join(" ")
}

fn round_tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_a_space() {
        for (text, millis) in [
            ("500 ms", 500),
            ("30s", 30_000),
            ("0 s", 0),
            ("20 min", 1_200_000),
            ("2m", 120_000),
            ("1.5 h", 5_400_000),
            ("2 d", 172_800_000),
        ] {
            assert_eq!(parse_time(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "30", "-1 s", "1..5 s", "soon", "1 s 2", "9999999 d", "1 hour", "nan s"] {
            assert!(parse_time(text).unwrap_err().contains("\"2 min\""), "{text}");
        }
    }

    #[test]
    fn times_are_written_in_their_two_largest_units() {
        for (millis, words) in [
            (0, "0 ms"),
            (120, "120 ms"),
            (1500, "1.5 s"),
            (2000, "2 s"),
            (150_000, "2 min 30 s"),
            (3_600_000, "1 h"),
            (3_660_000, "1 h 1 min"),
            (90_000_000, "1 d 1 h"),
            (86_400_000 + 60_000, "1 d"),
        ] {
            assert_eq!(in_words(Duration::from_millis(millis)), words);
        }
    }
}
