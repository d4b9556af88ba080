//! Which database, and the sites whose readings it holds.

use std::path::PathBuf;

use clap::Args;
use tankline_domain::names::{SiteName, TankName};
use tankline_domain::settings::Problems;
use tankline_domain::site::Site;
use tankline_runtime::site_file;

use crate::config::{self, ReportConfig};
use crate::stations::{DescribedTank, Stations};

/// Where the database is, and the descriptions of its sites.
#[derive(Debug, Args)]
pub struct StationArgs {
    /// Configuration file (TOML) of the worker: it names the database and the site descriptions.
    #[arg(long, value_name = "FILE", required_unless_present = "db")]
    config: Option<PathBuf>,
    /// The database, in place of a configuration.
    #[arg(long, value_name = "FILE", requires = "description", conflicts_with = "config")]
    db: Option<PathBuf>,
    /// Site description (TOML), with --db.
    #[arg(long, value_name = "FILE", requires = "db")]
    description: Option<PathBuf>,
    /// Name of the site, where there are several.
    #[arg(long)]
    pub(super) site: Option<SiteName>,
}

/// A database with the sites whose readings it holds.
#[derive(Debug)]
pub(super) struct Station {
    pub(super) database: PathBuf,
    pub(super) sites: Vec<Site>,
    pub(super) stations: Stations,
    pub(super) report: ReportConfig,
}

/// Why it is not known which tank or site is meant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StationError {
    /// The configuration or the site's description cannot be used.
    #[error("the configuration cannot be used")]
    Config(Problems),
    /// No site has the name.
    #[error("there is no site {site}; there are {known}")]
    UnknownSite {
        /// The site asked for.
        site: SiteName,
        /// Those that there are.
        known: String,
    },
    /// One of several sites is meant.
    #[error("there are the sites {known}; say which with --site")]
    SeveralSites {
        /// Those that there are.
        known: String,
    },
    /// No tank has the name.
    #[error("no site has a tank {tank}; there are {known}")]
    UnknownTank {
        /// The tank asked for.
        tank: TankName,
        /// Those that there are.
        known: String,
    },
    /// Several tanks have it.
    #[error("the sites {known} each have a tank {tank}; say which with --site")]
    SeveralTanks {
        /// The tank asked for.
        tank: TankName,
        /// The sites that have one.
        known: String,
    },
}

impl StationArgs {
    /// Reads what is named.
    ///
    /// # Errors
    /// [`StationError::Config`], and [`StationError::UnknownSite`] when --site names none.
    pub(super) fn load(&self) -> Result<Station, StationError> {
        let (database, sites, report) = match (&self.config, &self.db, &self.description) {
            (Some(path), ..) => {
                let config = config::load(path).map_err(StationError::Config)?;
                (config.database, config.sites, config.report)
            }
            (None, Some(database), Some(description)) => {
                let site = site_file::load(description).map_err(StationError::Config)?;
                (database.clone(), vec![site], ReportConfig::default())
            }
            _ => unreachable!("the command line wants --config, or --db with --description"),
        };
        let station = Station { database, stations: Stations::new(&sites), sites, report };
        match &self.site {
            Some(site) if !station.stations.has_site(site) => {
                Err(StationError::UnknownSite { site: site.clone(), known: station.site_names() })
            }
            _ => Ok(station),
        }
    }
}

impl Station {
    fn site_names(&self) -> String {
        listed(self.sites.iter().map(|site| site.name().as_str()))
    }

    /// Finds the site that is meant.
    pub(super) fn the_site(&self, asked: Option<&SiteName>) -> Result<&Site, StationError> {
        let mut meant = self.sites.iter().filter(|site| asked.is_none_or(|asked| site.name() == asked));
        match (meant.next(), meant.next()) {
            (Some(site), None) => Ok(site),
            _ => Err(StationError::SeveralSites { known: self.site_names() }),
        }
    }

    /// Finds the tank that is meant.
    pub(super) fn the_tank(&self, tank: &TankName, asked: Option<&SiteName>) -> Result<&DescribedTank, StationError> {
        let of_site = |one: &&DescribedTank| asked.is_none_or(|asked| one.site == *asked);
        let all: Vec<&DescribedTank> = self.stations.tanks().map(|(_, one)| one).filter(of_site).collect();
        let found: Vec<&DescribedTank> = all.iter().copied().filter(|one| one.tank.name == *tank).collect();
        match found[..] {
            [one] => Ok(one),
            [] => {
                let known = listed(all.iter().map(|one| one.tank.name.as_str()));
                Err(StationError::UnknownTank { tank: tank.clone(), known })
            }
            _ => {
                let known = listed(found.iter().map(|one| one.site.as_str()));
                Err(StationError::SeveralTanks { tank: tank.clone(), known })
            }
        }
    }
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
