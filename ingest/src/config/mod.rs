//! What the worker is told to do.

mod load;
mod report;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tankline_domain::site::Site;
use tankline_runtime::mqtt::{BrokerSettings, BrokerUrl};
use tankline_runtime::secret::Secret;
use url::Url;

use crate::notify::Target;

pub use load::{ENV_PREFIX, load};
pub use report::{Language, ReportConfig};

/// Where operators are served when nothing else is said.
pub const DEFAULT_HTTP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// Everything that an ingest worker needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The sites that this worker takes readings of.
    pub sites: Vec<Site>,
    /// The operational database.
    pub database: PathBuf,
    /// The broker.
    pub broker: BrokerConfig,
    /// Where operators are served; absent when they are not.
    pub http: Option<SocketAddr>,
    /// The tokens of those who may do something over HTTP; absent where nobody may and everybody may read.
    pub tokens_file: Option<PathBuf>,
    /// How long readings are kept.
    pub retention: Retention,
    /// The historian; absent when there is none.
    pub historian: Option<HistorianConfig>,
    /// How many dead letters are kept; beyond that the oldest go.
    pub dead_letter_max_rows: u32,
    /// Those who are told of alarms.
    pub targets: Vec<Target>,
    /// What daily reports go by.
    pub report: ReportConfig,
}

/// How the broker is reached.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// Where it is and how to be known there.
    pub settings: BrokerSettings,
    /// What the client ids begin with; a dot and the name of the site follow.
    pub client_id: String,
}

/// How long readings are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days that a reading is kept.
    pub raw_days: u32,
    /// Days that a reading is kept when the historian has not got it yet; never less than `raw_days`.
    pub unsent_days: u32,
    /// Days that what happened to an alarm is kept.
    pub alarm_days: u32,
}

/// An InfluxDB, or what takes its v2 writes.
#[derive(Debug, Clone)]
pub struct HistorianConfig {
    /// Its address, without a path.
    pub url: Url,
    /// The organization.
    pub org: String,
    /// The bucket.
    pub bucket: String,
    /// The token; absent where none is wanted.
    pub token: Option<Secret>,
    /// Most lines of one write.
    pub batch_lines: usize,
    /// Most writes under way at a time.
    pub in_flight: usize,
    /// How long a write may take.
    pub timeout: Duration,
    /// Whether texts are written, which some servers turn into 0.
    pub text_fields: TextFields,
    /// How often the figures of now are written for dashboards; absent when they are not.
    pub figures_interval: Option<Duration>,
}

/// Whether texts are written to the historian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFields {
    /// They are.
    Written,
    /// They are left out.
    LeftOut,
}

impl Config {
    /// Makes a configuration with defaults for all that need not be said: HTTP on a free port of loopback, no historian.
    #[must_use]
    pub fn new(sites: Vec<Site>, database: PathBuf, broker: BrokerUrl) -> Self {
        let client_id = BrokerConfig::DEFAULT_CLIENT_ID.to_owned();
        Self {
            sites,
            database,
            broker: BrokerConfig { settings: BrokerSettings::new(broker), client_id },
            http: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            tokens_file: None,
            retention: Retention::default(),
            historian: None,
            dead_letter_max_rows: Self::DEAD_LETTER_MAX_ROWS,
            targets: Vec::new(),
            report: ReportConfig::default(),
        }
    }

    const DEAD_LETTER_MAX_ROWS: u32 = 2000;
}

impl BrokerConfig {
    const DEFAULT_CLIENT_ID: &'static str = "tankline-ingest";
}

impl Default for Retention {
    fn default() -> Self {
        Self { raw_days: 30, unsent_days: 90, alarm_days: 1830 }
    }
}

impl HistorianConfig {
    /// Most lines of one write that are asked of any server.
    pub const MAX_BATCH_LINES: usize = 5000;

    /// How often figures of now are written when nothing else is said, in seconds.
    pub const FIGURES_INTERVAL_S: u64 = 5;

    /// Makes a configuration with defaults for all that need not be said.
    #[must_use]
    pub fn new(url: Url, org: impl Into<String>, bucket: impl Into<String>) -> Self {
        Self {
            url,
            org: org.into(),
            bucket: bucket.into(),
            token: None,
            batch_lines: Self::MAX_BATCH_LINES,
            in_flight: 4,
            timeout: Duration::from_secs(10),
            text_fields: TextFields::Written,
            figures_interval: Some(Duration::from_secs(Self::FIGURES_INTERVAL_S)),
        }
    }

    /// Names the place that is written to: where its cursor is found again.
    #[must_use]
    pub fn target(&self) -> String {
        format!("{} {}/{}", self.url.as_str().trim_end_matches('/'), self.org, self.bucket)
    }
}
