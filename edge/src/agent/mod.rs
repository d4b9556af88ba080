//! The agent as a whole: lines, journal and uplink.

mod group;
mod reloading;
mod standing;
mod tasks;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tankline_domain::message::GaugeHealth;
use tankline_runtime::service::Service;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::reloading::Agent;
use self::standing::Inquiries;
pub use self::standing::Standing;
use crate::config::EdgeConfig;
use crate::journal::Host;
use crate::line::board::HealthBoard;
use crate::reload::Change;

/// Counts what an agent does, for who started it in the same process.
#[derive(Debug, Clone, Default)]
pub struct Observer {
    journalled: Arc<AtomicU64>,
    board: HealthBoard,
    inquiries: Inquiries,
}

impl Observer {
    /// Counts the readings that were journalled since the start.
    #[must_use]
    pub fn journalled(&self) -> u64 {
        self.journalled.load(Ordering::Relaxed)
    }

    /// Gives the counters of all gauges.
    #[must_use]
    pub fn gauges(&self) -> Vec<GaugeHealth> {
        self.board.snapshot()
    }

    /// Asks the agent how it stands; answered when the agent and its journal are at work.
    ///
    /// # Errors
    /// When the agent has ended, or names what of it is stuck.
    pub async fn standing(&self) -> Result<Standing, String> {
        self.inquiries.ask().await
    }

    /// Tells the service manager how the agent stands, and that it stops when told to. Never ends: the agent does.
    pub async fn attend(&self, service: Service, stop: CancellationToken) {
        service.attend(stop, async || self.standing().await.map(|standing| standing.to_string())).await;
        std::future::pending().await
    }
}

/// Runs the agent until told to stop.
///
/// # Errors
/// When the journal cannot be opened, or a task fails.
pub async fn run(config: EdgeConfig, stop: CancellationToken, observer: Observer) -> anyhow::Result<()> {
    run_on(Host::default(), config, stop, observer).await
}

/// Runs the agent with its journal on another machine than this one: a simulated one, whose disk fails when told to.
///
/// # Errors
/// When the journal cannot be opened, or a task fails.
pub async fn run_on(host: Host, config: EdgeConfig, stop: CancellationToken, observer: Observer) -> anyhow::Result<()> {
    let (_never, changes) = mpsc::channel(1);
    Agent::start(host, config, observer)?.run(changes, stop).await
}

/// Runs the agent until told to stop, and takes new configurations meanwhile.
///
/// Only what differs is stopped and started: lines that have changed, the session with the broker, or, for another journal,
/// everything. A configuration that cannot be run with is refused, and the old one stays.
///
/// # Errors
/// When the journal cannot be opened, or a task fails.
pub async fn run_reloading(
    config: EdgeConfig,
    changes: mpsc::Receiver<Change>,
    stop: CancellationToken,
    observer: Observer,
) -> anyhow::Result<()> {
    Agent::start(Host::default(), config, observer)?.run(changes, stop).await
}
