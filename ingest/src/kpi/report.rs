//! The figures of a span and of each of its days, in JSON and in words.

use std::fmt::Write;

use serde::Serialize;
use tankline_domain::units::UnixMillis;

use super::flood::{floods, periods};
use super::{Figures, History, Judgement, Span, judge};
use crate::local_time::UtcOffset;

const DAY_MS: i64 = 86_400_000;

/// The figures of a span and of each of its days.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The first moment, in milliseconds since 1970.
    pub from: UnixMillis,
    /// The first moment after it.
    pub to: UnixMillis,
    /// Of the whole span.
    pub all: Figures,
    /// The same held against what is recommended.
    pub judgements: Vec<Judgement>,
    /// Of each day; the first and the last may be shorter.
    pub days: Vec<Day>,
    #[serde(skip)]
    offset: UtcOffset,
}

/// The figures of a day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Day {
    /// The date.
    pub date: String,
    /// What was counted.
    #[serde(flatten)]
    pub figures: Figures,
}

impl Report {
    /// Counts. A day begins at midnight in local time.
    #[must_use]
    pub fn of(history: &History, span: Span, offset: UtcOffset) -> Self {
        let (first, counts) = periods(span, history.annunciations.iter().map(|one| one.at));
        let floods = floods(first, &counts);
        let figures = |span| Figures::of(history, &floods, span);
        let days: Vec<_> = days(span, offset)
            .map(|day| {
                let mut date = offset.to_minute(day.from);
                date.truncate(10);
                Day { date, figures: figures(day) }
            })
            .collect();
        let all = figures(span);
        let most_stale = days.iter().map(|day| day.figures.stale.len()).max().unwrap_or_default();
        Self { from: span.from, to: span.to, judgements: judge(&all, most_stale), all, days, offset }
    }

    /// Says it for a person, in lines of at most 80 columns.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut text = String::new();
        let (from, to) = (self.offset.to_minute(self.from), self.offset.to_minute(self.to));
        let days = self.all.hours / 24.0;
        let _ = writeln!(text, "Alarms from {from} to {to} ({}), {days:.1} days", self.offset);
        let _ = writeln!(text, "Recommended by ISA-18.2-2016 table 8, for one operator and 30 days.\n");
        let _ = writeln!(text, "{:<30}{:>10}   {:<20}verdict", "", "found", "recommended");
        for row in &self.judgements {
            let value = format!("{}{}{}", number(row.value), if row.unit.is_empty() { "" } else { " " }, row.unit);
            let _ = writeln!(text, "{:<30}{value:>10}   {:<20}{}", row.figure, row.recommended, row.verdict.words());
        }
        self.of_all(&mut text);
        self.by_day(&mut text);
        text
    }

    fn of_all(&self, text: &mut String) {
        let all = &self.all;
        let plural = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let _ = writeln!(
            text,
            "\n{} of {}, {}",
            plural(all.annunciations, "annunciation"),
            plural(all.different, "different alarm"),
            plural(all.floods, "flood")
        );
        if let Some(took) = all.acknowledgement {
            let (median, p90, most) = (seconds(took.median_s), seconds(took.p90_s), seconds(took.most_s));
            let _ = writeln!(
                text,
                "{} acknowledged: half within {median}, nine in ten within {p90}, at most {most}",
                took.count
            );
        }
        if !all.top.is_empty() {
            let _ = writeln!(text, "\nMost frequent:");
        }
        for one in &all.top {
            let _ = writeln!(text, "{:>8} {:>6.1} %  {}", one.annunciations, one.percent, one.alarm);
        }
        for (what, alarms) in [("Chattering", &all.chattering), ("Stale", &all.stale)] {
            if !alarms.is_empty() {
                let _ = writeln!(text, "\n{what}:");
            }
            for alarm in alarms {
                let _ = writeln!(text, "  {alarm}");
            }
        }
    }

    fn by_day(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "\n{:<12}{:>7}{:>11}{:>9}{:>10}{:>12}{:>10}{:>7}",
            "day", "alarms", "in 10 min", "floods", "in flood", "chattering", "fleeting", "stale"
        );
        for day in &self.days {
            let figures = &day.figures;
            let _ = writeln!(
                text,
                "{:<12}{:>7}{:>11}{:>9}{:>8.1} %{:>12}{:>10}{:>7}",
                day.date,
                figures.annunciations,
                figures.most_in_10_min,
                figures.floods,
                figures.flooded_percent,
                figures.chattering.len(),
                figures.fleeting,
                figures.stale.len()
            );
        }
    }
}

fn days(span: Span, offset: UtcOffset) -> impl Iterator<Item = Span> {
    let first = (span.from.get() + offset.millis()).div_euclid(DAY_MS);
    (first..)
        .map(move |day| Span {
            from: UnixMillis::new((day * DAY_MS - offset.millis()).max(span.from.get())),
            to: UnixMillis::new(((day + 1) * DAY_MS - offset.millis()).min(span.to.get())),
        })
        .take_while(move |day| day.from < span.to)
}

/// Three digits or so.
fn number(value: f64) -> String {
    if value == value.round() {
        format!("{value:.0}")
    } else if value < 10.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.1}")
    }
}

fn seconds(value: f64) -> String {
    match value {
        value if value < 120.0 => format!("{value:.0} s"),
        value if value < 7200.0 => format!("{:.0} min", value / 60.0),
        value => format!("{:.1} h", value / 3600.0),
    }
}
