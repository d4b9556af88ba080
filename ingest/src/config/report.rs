//! What daily reports go by.

use tankline_domain::settings::Section;

use crate::local_time::{UtcOffset, minutes_of_day};

/// What daily reports go by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportConfig {
    /// Whose report it is; empty where that is not said.
    pub company: String,
    /// When a day begins, in minutes after local midnight.
    pub day_begins_minutes: u16,
    /// Local time.
    pub utc_offset: UtcOffset,
    /// Language of the report.
    pub language: Language,
}

/// Language of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese, simplified.
    Zh,
}

pub(super) fn report(section: &Section<'_>) -> ReportConfig {
    let company = section.or("company", String::new());
    let day_begins = section.or("day_begins", "00:00".to_owned());
    let day_begins_minutes = minutes_of_day(&day_begins).unwrap_or_else(|| {
        section.problem("day_begins", format!("is {day_begins:?}; write a time of day such as \"08:00\""));
        0
    });
    let utc_offset = section.or("utc_offset", "Z".to_owned()).parse().unwrap_or_else(|error| {
        section.problem("utc_offset", format!("{error}"));
        UtcOffset::default()
    });
    let language = section.choice("language", &[("en", Language::En), ("zh", Language::Zh)]).unwrap_or_default();
    ReportConfig { company, day_begins_minutes, utc_offset, language }
}
