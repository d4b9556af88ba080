//! `alarms kpi`.

use std::path::PathBuf;

use clap::Args;
use tankline_domain::names::SiteName;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;

use super::report_of;
use crate::local_time::UtcOffset;
use crate::store::{self, OpenError};

/// What `alarms kpi` is asked.
#[derive(Debug, Args)]
pub struct KpiArgs {
    /// The database. A worker may be using it.
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// Count one site; without it all that are in the database.
    #[arg(long)]
    site: Option<SiteName>,
    /// First moment, such as 2026-11-20 or 2026-11-20T06:00Z (UTC); 30 days before the last where it is not said, or where
    /// the record begins.
    #[arg(long, value_name = "MOMENT")]
    from: Option<UnixMillis>,
    /// Moment up to which is counted; now where it is not said.
    #[arg(long, value_name = "MOMENT")]
    to: Option<UnixMillis>,
    /// How far local time is ahead of UTC, such as +08:00: days begin at local midnight.
    #[arg(long, value_name = "OFFSET", default_value = "Z", allow_hyphen_values = true)]
    utc_offset: UtcOffset,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Why nothing was counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KpiError {
    /// The span is none.
    #[error("--from {from} is not before --to {to}")]
    Backwards {
        /// The first moment.
        from: UnixMillis,
        /// The last.
        to: UnixMillis,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed.
    #[error("cannot read the alarms in the database")]
    Database(#[from] rusqlite::Error),
}

/// Counts; gives what is to be printed.
///
/// # Errors
/// [`KpiError`].
pub fn kpi(args: &KpiArgs) -> Result<String, KpiError> {
    let connection = store::open_read_only(&args.db)?;
    let to = args.to.unwrap_or_else(clock::unix_ms);
    if let Some(from) = args.from.filter(|from| *from >= to) {
        return Err(KpiError::Backwards { from, to });
    }
    let report = report_of(&connection, args.site.as_ref(), args.from, to, args.utc_offset)?;
    if args.json {
        let text = serde_json::to_string_pretty(&report).expect("figures have only texts as keys");
        return Ok(format!("{text}\n"));
    }
    Ok(report.in_words())
}
