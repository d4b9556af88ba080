//! From what was collected to tables of words and numbers.

mod events;
mod stocks;

use tankline_domain::units::UnixMillis;

use super::words::{Words, words};
use super::{DayReport, Document};
use crate::config::{Language, ReportConfig};
use crate::local_time::UtcOffset;

/// How times and words are written in one report.
struct Writing {
    words: &'static Words,
    language: Language,
    offset: UtcOffset,
}

impl Writing {
    /// Writes a moment of the day, such as `11-23 14:05`.
    fn time(&self, at: UnixMillis) -> String {
        self.offset.to_minute(at).get(5..).unwrap_or_default().to_owned()
    }

    /// Writes a stretch of time in hours, minutes and seconds, such as `1:46:39`.
    fn length(millis: i64) -> String {
        let seconds = millis / 1000;
        format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}

/// Puts a day into words.
#[must_use]
pub fn compose(report: &DayReport, settings: &ReportConfig, language: Language) -> Document {
    let words = words(language);
    let offset = report.day.utc_offset;
    let writing = Writing { words, language, offset };
    let day = &report.day;
    let moment = |at: UnixMillis| format!("{} ({offset})", offset.to_minute(at));
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let mut warnings = Vec::new();
    if !day.over {
        warnings.push(words.not_over.to_owned());
    }
    let unknown: Vec<&str> =
        report.tanks.iter().filter(|tank| tank.balance.is_none()).map(|tank| tank.tank.as_str()).collect();
    if !unknown.is_empty() {
        warnings.push(format!("{} {}", words.not_all, unknown.join(", ")));
    }
    let sections = vec![
        stocks::products(report, &writing),
        stocks::stocks(report, &writing),
        stocks::balances(report, &writing),
        stocks::movements(report, &writing),
        events::alarms(report, &writing),
        events::dips(report, &writing),
        events::agreement(report, &writing),
        events::data(report, &writing),
    ];
    for section in &sections {
        debug_assert!(section.rows.iter().all(|row| row.cells.len() == section.columns.len()), "{}", section.title);
    }
    let mut notes: Vec<String> = words.notes.iter().map(|note| (*note).to_owned()).collect();
    let stale = stocks::stale(report, &writing);
    if !stale.is_empty() {
        notes.push(format!("{} {}", words.stale_note, stale.join("; ")));
    }
    let layers = stocks::layers(report, &writing);
    if !layers.is_empty() {
        notes.push(format!("{} {}", words.layers_note, layers.join("; ")));
    }
    if let Some(more) = report.alarms.len().checked_sub(events::MOST_ALARMS + 1) {
        notes.push(format!("{} {}", words.more_alarms, more + 1));
    }
    Document {
        language,
        title: words.title.to_owned(),
        company: settings.company.clone(),
        facts: vec![
            fact(words.site, report.site.clone()),
            fact(words.day, day.date.to_string()),
            fact(words.from, moment(day.from)),
            fact(words.to, moment(day.to)),
            fact(words.written, moment(report.written)),
        ],
        warnings,
        sections,
        notes,
        signatures: words.signatures.map(str::to_owned).to_vec(),
        foot: format!("{} {} {}", words.title, report.site, day.date),
    }
}
