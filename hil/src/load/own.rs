//! A broker and a centre in this process.

use std::path::Path;

use anyhow::{Context, bail};
use tankline_broker::config::Limits;
use tankline_broker::{Broker, BrokerConfig};
use tankline_domain::site::Site;
use tankline_ingest::config::Config;
use tankline_ingest::{Ingest, Observer, store};
use tankline_runtime::clock;
use tankline_runtime::mqtt::BrokerUrl;
use tankline_runtime::supervisor::{Stage, Supervisor};
use tokio::time::{Duration, sleep};

use super::summary::OwnSummary;
use crate::demo::free_port;

/// How long the centre may take to be ready.
const STARTING: Duration = Duration::from_secs(30);
/// Places at the broker for others than edges.
const OTHERS: usize = 100;

/// Starts both; gives where the broker is, and a view of the centre.
///
/// # Errors
/// One of them cannot be started.
pub fn start(
    site: &Site,
    edges: usize,
    database: &Path,
    supervisor: &mut Supervisor,
) -> anyhow::Result<(BrokerUrl, Observer)> {
    let default = free_port();
    let queue_mib = default.queue_mib.max(edges);
    let places = edges + OTHERS;
    let limits = &default.limits;
    let (max_filters, max_topics) = (limits.max_filters.max(places), limits.max_topics.max(10 * places));
    let limits = Limits { max_filters, max_topics, ..limits.clone() };
    let broker = Broker::start(BrokerConfig { max_connections: places, queue_mib, limits, ..default })?;
    let url: BrokerUrl = broker.address().into();
    supervisor.spawn(Stage::Connection, "broker", |stop| async move { Ok(broker.serve(stop).await?) });
    let mut config = Config::new(vec![site.clone()], database.to_owned(), url.clone());
    config.http = None;
    let centre = Ingest::open(config)?;
    let observer = centre.observer();
    supervisor.spawn(Stage::Work, "centre", |stop| centre.run(stop));
    Ok((url, observer))
}

/// Waits until the centre takes readings.
///
/// # Errors
/// It does not, for too long.
pub async fn ready(observer: &Observer) -> anyhow::Result<()> {
    let deadline = clock::now() + STARTING;
    while !observer.health().healthy {
        if clock::now() >= deadline {
            bail!("the centre is not ready: {:?}", observer.health().reasons);
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Looks what the database holds.
///
/// # Errors
/// It cannot be read.
pub fn survey(database: &Path) -> anyhow::Result<OwnSummary> {
    let connection = store::open_read_only(database)?;
    let count = |sql: &str| -> anyhow::Result<u64> {
        let count: i64 = connection.query_row(sql, [], |row| row.get(0)).context("cannot look into the database")?;
        Ok(count.cast_unsigned())
    };
    let stored = count("SELECT count(*) FROM reading")?;
    let apart = count("SELECT count(*) FROM (SELECT DISTINCT journal, seq FROM reading)")?;
    Ok(OwnSummary { stored, stored_twice: stored - apart, dead_letters: count("SELECT count(*) FROM dead_letter")? })
}
