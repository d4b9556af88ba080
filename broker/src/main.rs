//! `tankline-broker`: the broker as a process.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tankline_broker::{Broker, BrokerConfig};
use tankline_runtime::exit::{self, Failure};
use tankline_runtime::logging::{self, LogArgs};
use tankline_runtime::signals;
use tankline_runtime::supervisor::{Stage, Supervisor};

const ROLE: &str = "tankline-broker";
const GRACE: Duration = Duration::from_secs(4);

const CONFIGURATION: &str = "\
Configuration (TOML; every key may be left out):
  listen = \"127.0.0.1:1883\"    where clients connect; port 0 takes any free one and logs it
  users_file = \"users\"         lines that read user:password, # begins a comment; sought beside
                               the configuration. Without it everybody may connect.
  allow_anonymous = false      must be true to listen beyond this machine without a users_file
  max_connections = 1000       clients at once
  max_packet_bytes = 1048576   the largest packet that a client may send
  queue_mib = 64               memory for one topic filter's messages on their way to slow
                               subscribers; beyond it the oldest are lost

Any key may be given by an environment variable instead: TANKLINE_BROKER__LISTEN=127.0.0.1:2883

Try it:
  printf 'listen = \"127.0.0.1:1883\"\\n' > broker.toml
  tankline-broker run --config broker.toml

Exit code: 0 stopped as asked (SIGINT, SIGTERM), 1 failed, 2 misused or misconfigured.";

/// An MQTT 3.1.1 broker for the demo, for tests and for a single station.
///
/// It holds everything in memory: after a restart, sessions and retained messages are gone, and the other parts of
/// tankline publish again what is needed. For many stations use an external broker (EMQX, mosquitto, NATS).
#[derive(Debug, Parser)]
#[command(name = ROLE, version, after_long_help = CONFIGURATION)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the broker until SIGINT or SIGTERM.
    #[command(after_long_help = CONFIGURATION)]
    Run {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Says everything that is wrong with a configuration, and starts nothing.
    #[command(after_long_help = CONFIGURATION)]
    Check {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    logging::init(&arguments.log);
    exit::conclude(
        ROLE,
        match arguments.command {
            Command::Run { config } => run(&config),
            Command::Check { config } => check(&config),
        },
    )
}

fn check(file: &Path) -> Result<(), Failure> {
    let config = BrokerConfig::load(file)?;
    let who = config.users.map_or_else(|| "everybody".to_owned(), |users| format!("{} users", users.len()));
    println!("{}: can be used; listens on {} for {who}", file.display(), config.listen);
    Ok(())
}

fn run(file: &Path) -> Result<(), Failure> {
    let config = BrokerConfig::load(file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the main thread's runtime")?;
    runtime.block_on(async {
        let stop = signals::stop_on_signals();
        let broker = Broker::start(config).map_err(anyhow::Error::from)?;
        let mut supervisor = Supervisor::new(ROLE, GRACE);
        supervisor.spawn(Stage::Connection, "broker", |stop| async move { Ok(broker.serve(stop).await?) });
        supervisor.run(stop).await.map_err(anyhow::Error::from)?;
        Ok(())
    })
}
