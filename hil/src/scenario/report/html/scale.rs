//! Axes: where a time or a value stands, and which of them are written.

use std::time::Duration;

/// Where times stand on a plot of so many columns of pixels.
#[derive(Debug, Clone, Copy)]
pub struct TimeAxis {
    length: Duration,
    columns: usize,
}

/// A time that is written below a plot.
#[derive(Debug, PartialEq)]
pub struct TimeTick {
    /// Where, from 0 at the start to 1 at the end.
    pub share: f64,
    /// What is written.
    pub label: String,
}

/// Seconds from one tick to the next that people can count by.
const STEPS_S: [u64; 22] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    2_592_000, 31_536_000,
];
/// Times that are written at most.
const MOST_TICKS: u128 = 12;

impl TimeAxis {
    /// An axis from the start of the story to `length`.
    pub fn new(length: Duration, columns: usize) -> Self {
        Self { length: length.max(Duration::from_secs(1)), columns }
    }

    /// Gives the number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Gives how much of the axis is before a time, 0 to 1.
    pub fn share(&self, at: Duration) -> f64 {
        (at.as_secs_f64() / self.length.as_secs_f64()).min(1.0)
    }

    /// Gives the column that a time falls into.
    pub fn column(&self, at: Duration) -> usize {
        let column = at.as_millis() * self.columns as u128 / self.length.as_millis();
        usize::try_from(column).unwrap_or(usize::MAX).min(self.columns - 1)
    }

    /// Tells how the ticks are to be read.
    pub fn title(&self) -> &'static str {
        if self.step().as_secs() < 60 { "story time, min:s" } else { "story time, h:min" }
    }

    /// Gives the ticks, at most 13.
    pub fn ticks(&self) -> Vec<TimeTick> {
        let step = self.step();
        let count = u32::try_from(self.length.as_millis() / step.as_millis()).unwrap_or(u32::MAX).min(64);
        let tick = |index: u32| {
            let at = step * index;
            let (seconds, minutes) = (at.as_secs(), at.as_secs() / 60);
            let label = if step.as_secs() < 60 {
                format!("{minutes}:{:02}", seconds % 60)
            } else {
                format!("{}:{:02}", minutes / 60, minutes % 60)
            };
            TimeTick { share: self.share(at), label }
        };
        (0..=count).map(tick).collect()
    }

    fn step(&self) -> Duration {
        let enough = |step: &&u64| self.length.as_millis() <= u128::from(**step) * 1000 * MOST_TICKS;
        Duration::from_secs(*STEPS_S.iter().find(enough).unwrap_or(&STEPS_S[STEPS_S.len() - 1]))
    }
}

/// Where values stand on a plot of so many rows.
#[derive(Debug, Clone, Copy)]
pub struct ValueAxis {
    bottom: f64,
    top: f64,
    rows: i32,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// On this row, 0 at the top.
    Within(i32),
    /// Beyond the top or the bottom, drawn on the last row before.
    Beyond(i32),
}

impl ValueAxis {
    /// An axis from bottom to top; a span without extent is given one.
    pub fn new(bottom: f64, top: f64, rows: i32) -> Self {
        let (bottom, top) = if top > bottom { (bottom, top) } else { (bottom - 1.0, bottom + 1.0) };
        Self { bottom, top, rows }
    }

    /// Gives the number of rows.
    pub fn rows(&self) -> i32 {
        self.rows
    }

    /// Gives where a value stands from the top, 0 to 1 and beyond.
    pub fn share(&self, value: f64) -> f64 {
        (self.top - value) / (self.top - self.bottom)
    }

    /// Gives the row of a value.
    pub fn row(&self, value: f64) -> Row {
        let row = (self.share(value) * f64::from(self.rows)).round();
        let last = f64::from(self.rows);
        #[expect(clippy::cast_possible_truncation, reason = "clamped to the rows")]
        let drawn = row.clamp(0.0, last) as i32;
        if (0.0..=last).contains(&row) { Row::Within(drawn) } else { Row::Beyond(drawn) }
    }

    /// Gives round values that lie on the axis, about as many as asked for, with the text of each.
    pub fn ticks(&self, about: f64) -> Vec<(f64, String)> {
        let rough = (self.top - self.bottom) / about;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(rough);
        let decimals = if step >= 1.0 { 0 } else { (-step.log10().floor()).clamp(0.0, 6.0) as usize };
        let first = (self.bottom / step - 1e-9).ceil();
        let values = (0..64).map(|index| (first + f64::from(index)) * step);
        values
            .take_while(|value| *value <= self.top + step * 1e-6)
            .map(|value| (value, number(value, decimals)))
            .collect()
    }
}

/// Writes a number with a thin space between thousands and a true minus.
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, part)| (whole, Some(part)));
    let mut grouped = String::new();
    for (index, digit) in whole.char_indices() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    let zero = text.chars().all(|character| matches!(character, '0' | '.'));
    let sign = if value < 0.0 && !zero { "\u{2212}" } else { "" };
    let fraction = fraction.map(|part| format!(".{part}")).unwrap_or_default();
    format!("{sign}{grouped}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_time_are_round_and_few() {
        for (seconds, title, first, second) in [
            (20, "story time, min:s", "0:00", "0:02"),
            (1200, "story time, h:min", "0:00", "0:02"),
            (36_000, "story time, h:min", "0:00", "1:00"),
            (864_000, "story time, h:min", "0:00", "24:00"),
        ] {
            let axis = TimeAxis::new(Duration::from_secs(seconds), 720);
            let ticks = axis.ticks();
            assert_eq!((axis.title(), ticks[0].label.as_str(), ticks[1].label.as_str()), (title, first, second));
            assert!((4..=13).contains(&ticks.len()), "{} ticks for {seconds} s", ticks.len());
        }
    }

    #[test]
    fn every_time_has_a_column() {
        let axis = TimeAxis::new(Duration::from_secs(10), 100);
        assert_eq!(axis.column(Duration::ZERO), 0);
        assert_eq!(axis.column(Duration::from_millis(5_050)), 50);
        assert_eq!(axis.column(Duration::from_secs(10)), 99);
        assert_eq!(axis.column(Duration::from_secs(1_000_000)), 99);
    }

    #[test]
    fn ticks_of_values_are_round() {
        let labels = |bottom, top, about| -> Vec<String> {
            ValueAxis::new(bottom, top, 400).ticks(about).into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(0.0, 12_530.0, 4.0), ["0", "5\u{202f}000", "10\u{202f}000"]);
        assert_eq!(labels(-8.0, 8.0, 4.0), ["\u{2212}5", "0", "5"]);
        assert_eq!(labels(32.4, 33.1, 3.0), ["32.5", "33.0"]);
        assert_eq!(labels(5.0, 5.0, 2.0).len(), 3);
    }

    #[test]
    fn values_beyond_the_axis_are_told_apart() {
        let axis = ValueAxis::new(0.0, 1000.0, 100);
        assert_eq!(axis.row(1000.0), Row::Within(0));
        assert_eq!(axis.row(0.0), Row::Within(100));
        assert_eq!(axis.row(65_535.0), Row::Beyond(0));
        assert_eq!(axis.row(-20.0), Row::Beyond(100));
    }
}
