//! The product's processes inside this program, on a machine whose disk and clock a bench can disturb.
//!
//! What runs is the code of the product. A bench talks to it over standard input, a line each; when that ends, the
//! bench is gone and the process ends too.

mod console;
mod disk;

pub use console::{Told, unset_offset_ms};
pub use disk::BenchDisk;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use tankline_broker::{Broker, BrokerConfig};
use tankline_edge::agent::{self, Observer};
use tankline_edge::config::EdgeConfig;
use tankline_edge::journal::{Boot, Host};
use tankline_ingest::Ingest;
use tankline_runtime::exit::Failure;
use tankline_runtime::service::Service;
use tankline_runtime::signals;

use console::{Console, Tangle};

/// What a thread that blocks has when all else has ended, as in the product.
const LAST_MOMENT: Duration = Duration::from_secs(2);

/// Which process this is to be.
#[derive(Debug, Clone, Args)]
pub struct RoleArgs {
    #[command(subcommand)]
    role: RoleCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum RoleCommand {
    /// An edge.
    Edge {
        /// Its configuration.
        #[arg(long)]
        config: PathBuf,
        /// Which boot of its machine this is.
        #[arg(long)]
        boot: u64,
        /// What it is told before it begins, as it could be told on standard input.
        #[arg(long)]
        told: Vec<Told>,
    },
    /// A broker.
    Broker {
        /// Its configuration.
        #[arg(long)]
        config: PathBuf,
        /// The file that its address is written to when it takes clients.
        #[arg(long)]
        ready: PathBuf,
    },
    /// The worker of the centre.
    Ingest {
        /// Its configuration.
        #[arg(long)]
        config: PathBuf,
    },
}

/// Runs the process until SIGINT, SIGTERM, or the end of standard input.
///
/// # Errors
/// [`Failure`] as the process of the product would have it.
pub fn run(args: &RoleArgs) -> Result<(), Failure> {
    match &args.role {
        RoleCommand::Edge { config, boot, told } => edge(config, *boot, told),
        RoleCommand::Broker { config, ready } => broker(config, ready),
        RoleCommand::Ingest { config } => ingest(config),
    }
}

fn edge(config: &Path, boot: u64, told: &[Told]) -> Result<(), Failure> {
    let disk = Arc::new(BenchDisk::default());
    let tangle = Tangle::default();
    let console = Console { disk: Some(disk.clone()), tangle: tangle.clone() };
    told.iter().for_each(|told| console.hear(*told));
    console.listen()?;
    let config = EdgeConfig::load(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let host = Host { storage: disk, boot: Boot::new(boot) };
    let ended = runtime.block_on(async {
        let (stop, observer) = (signals::stop_on_signals(), Observer::default());
        let attending = observer.attend(Service::from_environment(), stop.clone());
        let running = agent::run_on(host, config, stop.clone(), observer.clone());
        tokio::select! {
            ended = tangle.held_up(running) => ended,
            () = attending => unreachable!("it never ends"),
        }
    });
    runtime.shutdown_timeout(LAST_MOMENT);
    Ok(ended?)
}

fn broker(config: &Path, ready: &Path) -> Result<(), Failure> {
    let tangle = Tangle::default();
    Console { disk: None, tangle: tangle.clone() }.listen()?;
    let config = BrokerConfig::load(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(async {
        let stop = signals::stop_on_signals();
        let broker = Broker::start(config).map_err(anyhow::Error::from)?;
        tell(ready, &broker.address().to_string())?;
        tangle.held_up(broker.run(Service::from_environment(), stop)).await.map_err(anyhow::Error::from)?;
        Ok(())
    })
}

fn ingest(config: &Path) -> Result<(), Failure> {
    let tangle = Tangle::default();
    Console { disk: None, tangle: tangle.clone() }.listen()?;
    let config = tankline_ingest::config::load(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(async {
        let stop = signals::stop_on_signals();
        let ingest = Ingest::open(config).map_err(anyhow::Error::from)?;
        tangle.held_up(ingest.run_as(Service::from_environment(), stop)).await?;
        Ok(())
    })
}

/// Writes a file that is there whole or not at all.
fn tell(file: &Path, text: &str) -> anyhow::Result<()> {
    let beside = file.with_extension("new");
    let told = fs::write(&beside, text).and_then(|()| fs::rename(&beside, file));
    told.with_context(|| format!("cannot write {}", file.display()))
}
