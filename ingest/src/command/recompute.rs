//! `recompute`: stored readings derived again.

use std::path::PathBuf;

use clap::Args;
use tankline_domain::names::{SiteName, TankName};
use tankline_domain::settings::Problems;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;

use crate::config;
use crate::stations::{DescribedTank, Stations};
use crate::store::{self, Historians, OpenError, Recomputed};

/// What `recompute` is asked.
#[derive(Debug, Args)]
pub struct RecomputeArgs {
    /// Configuration file (TOML) of the worker: it names the database and the site descriptions.
    #[arg(long, value_name = "FILE", default_value = "/etc/tankline/ingest.toml")]
    config: PathBuf,
    /// Name of the tank.
    #[arg(long)]
    tank: TankName,
    /// Name of its site, where several sites have a tank of this name.
    #[arg(long)]
    site: Option<SiteName>,
    /// First moment, such as 2026-11-20 or 2026-11-20T06:00Z (UTC).
    #[arg(long, value_name = "MOMENT")]
    from: UnixMillis,
    /// Moment up to which readings are computed again; up to now where it is not said.
    #[arg(long, value_name = "MOMENT")]
    to: Option<UnixMillis>,
    /// Let the historian have every reading again from the first that changed. A worker that runs begins with that at once.
    /// Fields that are derived no more stay in it as they were.
    #[arg(long)]
    send_again: bool,
}

/// Why nothing, or not all, was computed again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecomputeError {
    /// The configuration cannot be used.
    #[error("the configuration cannot be used")]
    Config(Problems),
    /// No tank has the name.
    #[error("no site of this configuration has a tank {tank}{}", in_site(site.as_ref()))]
    UnknownTank {
        /// The tank asked for.
        tank: TankName,
        /// The site asked for.
        site: Option<SiteName>,
    },
    /// Several tanks have it.
    #[error("the sites {sites} each have a tank {tank}; say which with --site")]
    SeveralSites {
        /// The tank asked for.
        tank: TankName,
        /// The sites that have one.
        sites: String,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed. What was done until then stays done.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
}

fn in_site(site: Option<&SiteName>) -> String {
    site.map_or_else(String::new, |site| format!(" in site {site}"))
}

/// Derives the readings again; gives the text to print.
///
/// # Errors
/// [`RecomputeError`].
pub fn recompute(args: &RecomputeArgs) -> Result<String, RecomputeError> {
    let config = config::load(&args.config).map_err(RecomputeError::Config)?;
    let stations = Stations::new(&config.sites);
    let tank = find(&stations, args)?;
    let mut connection = store::open(&config.database)?;
    let now = clock::unix_ms();
    store::note_bases(&mut connection, &stations, now)?;
    let to = args.to.unwrap_or(UnixMillis::new(i64::MAX));
    let historians = if args.send_again { Historians::GetAgain } else { Historians::Keep };
    let done = store::recompute(&mut connection, tank, (args.from, to), historians, now)?;
    let mut text = summary(tank, &done);
    match done.lowest_id {
        Some(_) if args.send_again => {
            text += "  the historian gets every reading from the first of these on again\n  \
                     a volume that is derived no more stays in it as it was: delete that stretch there first\n";
        }
        Some(_) if config.historian.is_some() => {
            text += "  the historian keeps the old values; --send-again lets it have the new ones\n";
        }
        _ => {}
    }
    Ok(text)
}

fn find<'s>(stations: &'s Stations, args: &RecomputeArgs) -> Result<&'s DescribedTank, RecomputeError> {
    let is_meant =
        |tank: &&DescribedTank| tank.tank.name == args.tank && args.site.as_ref().is_none_or(|site| tank.site == *site);
    let found: Vec<&DescribedTank> = stations.tanks().map(|(_, tank)| tank).filter(is_meant).collect();
    match found[..] {
        [tank] => Ok(tank),
        [] => Err(RecomputeError::UnknownTank { tank: args.tank.clone(), site: args.site.clone() }),
        _ => {
            let sites: Vec<&str> = found.iter().map(|tank| tank.site.as_str()).collect();
            Err(RecomputeError::SeveralSites { tank: args.tank.clone(), sites: sites.join(", ") })
        }
    }
}

fn summary(tank: &DescribedTank, done: &Recomputed) -> String {
    format!(
        "{} of {}: {} of {} readings changed\n  basis {}: {}\n",
        tank.tank.name,
        tank.site,
        done.changed,
        done.readings,
        tank.basis.digest(),
        tank.basis.description(),
    )
}
