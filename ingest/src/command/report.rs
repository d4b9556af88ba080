//! `report`: the daily report.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tankline_runtime::clock;

use super::station::{StationArgs, StationError};
use crate::config::Language;
use crate::local_time::{UtcOffset, minutes_of_day};
use crate::report::{CollectError, Date, Day, DayError, FontFile, RenderError, collect, compose, csv, html, pdf, xlsx};
use crate::store::{self, OpenError};

/// Which report is wanted.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// Report a day of a site: stocks, receipts, deliveries, alarms, dips and how complete the data are.
    ///
    /// A worker may be using the database. The day begins at the time of [report] in the configuration.
    Day(DayArgs),
}

/// Which day is reported, and how.
#[derive(Debug, Args)]
pub struct DayArgs {
    #[command(flatten)]
    station: StationArgs,
    /// Date on which the day begins, such as 2026-11-23.
    #[arg(long)]
    date: Date,
    /// Format.
    #[arg(long, value_enum)]
    format: Format,
    /// Language; that of the configuration where it is not said.
    #[arg(long, value_enum)]
    lang: Option<Language>,
    /// File to be written; standard output where it is not said.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Font (TrueType or OpenType) to be embedded in a PDF. Chinese needs one.
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
    /// When the day begins in local time, in place of the configuration's, such as 08:00.
    #[arg(long, value_name = "TIME", value_parser = time_of_day)]
    day_begins: Option<u16>,
    /// Local time, in place of the configuration's, such as +08:00.
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true)]
    utc_offset: Option<UtcOffset>,
    /// Company, in place of the configuration's.
    #[arg(long, value_name = "NAME")]
    company: Option<String>,
}

/// Format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A page for a browser, made to be printed.
    Html,
    /// Comma separated values.
    Csv,
    /// A workbook with a sheet for each table.
    Xlsx,
    /// Pages to print or keep.
    Pdf,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// It is not known where the database is, or which site is meant.
    #[error(transparent)]
    Station(#[from] StationError),
    /// The day has not begun.
    #[error(transparent)]
    Day(#[from] DayError),
    /// The format does not do.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database does not give what is needed.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The font cannot be read.
    #[error("cannot read the font {font}")]
    Font {
        /// The file.
        font: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The report cannot be written.
    #[error("cannot write the report to {place}")]
    Write {
        /// Where.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
}

fn time_of_day(text: &str) -> Result<u16, String> {
    minutes_of_day(text).ok_or_else(|| format!("{text:?} is no time of day: write 08:00"))
}

/// Writes the report.
///
/// # Errors
/// [`ReportError`].
pub fn report(command: &ReportCommand) -> Result<(), ReportError> {
    let ReportCommand::Day(args) = command;
    let station = args.station.load()?;
    let site = station.the_site(args.station.site.as_ref())?;
    let mut settings = station.report.clone();
    settings.day_begins_minutes = args.day_begins.unwrap_or(settings.day_begins_minutes);
    settings.utc_offset = args.utc_offset.unwrap_or(settings.utc_offset);
    settings.company = args.company.clone().unwrap_or(settings.company);
    let now = clock::unix_ms();
    let day = Day::of(args.date, &settings, now)?;
    let mut connection = store::open_read_only(&station.database)?;
    let found = collect(&mut connection, site, day, now)?;
    let document = compose(&found, &settings, args.lang.unwrap_or(settings.language));
    let bytes = match args.format {
        Format::Html => html(&document).into_bytes(),
        Format::Csv => csv(&document).into_bytes(),
        Format::Xlsx => xlsx(&document),
        Format::Pdf => {
            let name = args.font.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
            let font = args.font.as_ref().map(std::fs::read).transpose();
            let font = font.map_err(|source| ReportError::Font { font: name.clone(), source })?;
            pdf(&document, font.as_deref().map(|bytes| FontFile { name: &name, bytes }))?
        }
    };
    match &args.out {
        None => std::io::stdout().write_all(&bytes).map_err(|source| failed("standard output".to_owned(), source)),
        Some(path) => std::fs::write(path, &bytes).map_err(|source| failed(path.display().to_string(), source)),
    }
}

const fn failed(place: String, source: std::io::Error) -> ReportError {
    ReportError::Write { place, source }
}
