//! What stands, and what happened.

use std::path::PathBuf;

use clap::Args;
use serde::de::DeserializeOwned;
use tankline_domain::names::{SiteName, TankName};
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;

use super::ask::{AskError, WorkerArgs};
use super::words;
use crate::http::{AlarmHistory, AlarmList, NOTICE};
use crate::kpi::KpiError;
use crate::local_time::{GivenMoment, UtcOffset};
use crate::store::{self, HistoryQuery, OpenError};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Where alarms are read.
#[derive(Debug, Args)]
pub struct FromArgs {
    /// Read this database in place of asking the worker. A worker may be using it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "config", "token_file"])]
    db: Option<PathBuf>,
    /// How far local time is ahead of UTC, such as +08:00; as the configuration says where that is given.
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true)]
    utc_offset: Option<UtcOffset>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    worker: WorkerArgs,
}

/// Where the alarms that stand are read.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    from: FromArgs,
}

/// Which part of the history is read.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// From this moment on; the last 24 hours where that is not said.
    #[arg(long, value_name = "MOMENT")]
    from: Option<GivenMoment>,
    /// Before this moment.
    #[arg(long, value_name = "MOMENT")]
    to: Option<GivenMoment>,
    /// Of this site.
    #[arg(long)]
    site: Option<SiteName>,
    /// Of this tank or edge.
    #[arg(long, value_name = "NAME")]
    source: Option<TankName>,
    /// At most so many, the newest.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    limit: u32,
    #[command(flatten)]
    place: FromArgs,
}

/// Why alarms cannot be read, or an order is not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlarmsError {
    /// The worker did not do it.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed.
    #[error("cannot read the alarms in the database")]
    Database(#[from] rusqlite::Error),
    /// Figures were asked for.
    #[error(transparent)]
    Kpi(#[from] KpiError),
}

pub(super) fn list(args: &ListArgs) -> Result<String, AlarmsError> {
    let args = &args.from;
    let (list, offset) = match &args.db {
        Some(path) => {
            let connection = store::open_read_only(path)?;
            let standing = store::load_alarms(&connection)?.into_iter().map(|row| row.standing);
            let mut standing: Vec<_> =
                standing.filter(|one| one.state != tankline_domain::alarm::State::Normal).collect();
            standing.sort_by_cached_key(crate::alarms::Standing::urgency);
            (AlarmList::new(clock::unix_ms(), standing, &[]), UtcOffset::default())
        }
        None => {
            let worker = args.worker.worker()?;
            (worker.get("/api/v1/alarms")?, worker.offset)
        }
    };
    Ok(if args.json { json(&list) } else { words::list(&list, args.utc_offset.unwrap_or(offset)) })
}

pub(super) fn past(args: &HistoryArgs) -> Result<String, AlarmsError> {
    let moment = |given: Option<GivenMoment>, default| given.map_or(default, |given| given.0);
    let query = HistoryQuery {
        from: moment(args.from, UnixMillis::new(clock::unix_ms().get() - DAY_MS)),
        to: moment(args.to, UnixMillis::new(i64::MAX)),
        site: args.site.clone(),
        source: args.source.clone(),
        limit: args.limit,
    };
    let (history, offset) = match &args.place.db {
        Some(path) => {
            let transitions = store::history(&store::open_read_only(path)?, &query)?;
            (AlarmHistory { notice: NOTICE.to_owned(), transitions }, UtcOffset::default())
        }
        None => {
            let worker = args.place.worker.worker()?;
            (asked(&worker, &query)?, worker.offset)
        }
    };
    let offset = args.place.utc_offset.unwrap_or(offset);
    Ok(if args.place.json { json(&history) } else { words::history(&history, offset) })
}

fn asked<T: DeserializeOwned>(worker: &super::ask::Worker, query: &HistoryQuery) -> Result<T, AskError> {
    let HistoryQuery { from, to, site, source, limit } = query;
    let mut path = format!("/api/v1/alarms/history?from={}&to={}&limit={limit}", from.get(), to.get());
    for (key, name) in
        [("site", site.as_ref().map(SiteName::as_str)), ("source", source.as_ref().map(TankName::as_str))]
    {
        path += &name.map(|name| format!("&{key}={name}")).unwrap_or_default();
    }
    worker.get(&path)
}

fn json(page: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(page).expect("a page is a JSON object") + "\n"
}
