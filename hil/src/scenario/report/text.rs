//! Times and texts as reports print them.

use std::time::Duration;

use super::super::outcome::{Outcome, Verdict};

/// Writes a story time as `h:mm:ss`, with tenths where it has any.
pub fn story_time(at: Duration) -> String {
    let tenths = at.as_millis() / 100;
    let (seconds, tenths) = (tenths / 10, tenths % 10);
    let whole = format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if tenths == 0 { whole } else { format!("{whole}.{tenths}") }
}

/// Writes how long something took in real time, such as `3.2 s` or `4 min 05 s`.
pub fn real_time(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 99.95 {
        return format!("{seconds:.1} s");
    }
    let seconds = seconds.round();
    let (minutes, seconds) = ((seconds / 60.0).floor(), seconds % 60.0);
    format!("{minutes} min {seconds:02} s")
}

/// Writes a text on one line: each run of white space becomes one space.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes a text with characters that XML 1.0 can hold (section 2.2): a control character becomes its picture, such as
/// `␛` for escape, and what has no picture becomes `�`.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' | '\n' | '\r' => character,
            '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
            '\u{7f}' => '\u{2421}',
            '\u{80}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            _ => character,
        })
        .collect()
}

/// Tells where an expectation stands, such as `fill.toml:17`.
pub fn place(outcome: &Outcome, verdict: &Verdict) -> String {
    format!("{}:{}", outcome.file.display(), verdict.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_for_people() {
        for (millis, written) in [
            (0, "0:00:00"),
            (12_000, "0:00:12"),
            (12_560, "0:00:12.5"),
            (750_000, "0:12:30"),
            (360_000_000, "100:00:00"),
        ] {
            assert_eq!(story_time(Duration::from_millis(millis)), written);
        }
        for (millis, written) in
            [(0, "0.0 s"), (3_240, "3.2 s"), (99_960, "1 min 40 s"), (119_700, "2 min 00 s"), (245_000, "4 min 05 s")]
        {
            assert_eq!(real_time(Duration::from_millis(millis)), written);
        }
    }

    #[test]
    fn what_cannot_be_printed_is_shown() {
        assert_eq!(printable("a\u{0}b\u{1b}[31m\u{7f}\u{85}\u{ffff}\tc\n"), "a␀b␛[31m␡\u{fffd}\u{fffd}\tc\n");
        assert_eq!(printable("原油 1°C"), "原油 1°C");
        assert_eq!(one_line(" two\n  lines\t"), "two lines");
    }
}
