//! `tankline-broker`: the broker as a process.

mod command;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use command::ca::CaArgs;
use command::rights::RightsArgs;
use command::user::UserArgs;
use tankline_broker::{Broker, BrokerConfig, Users};
use tankline_runtime::clock;
use tankline_runtime::exit::{self, Failure};
use tankline_runtime::logging::{self, LogArgs};
use tankline_runtime::service::Service;
use tankline_runtime::signals;

const ROLE: &str = "tankline-broker";

/// What the help says of the configuration.
const CONFIGURATION: &str = include_str!("configuration.txt");

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
    /// Adds and removes users, who log in with a password.
    User(UserArgs),
    /// Makes and revokes certificates, for a company that has no authority of its own.
    Ca(CaArgs),
    /// Prints the rights for another broker: mosquitto, NATS, RMQTT or EMQX.
    Rights(RightsArgs),
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
            Command::User(args) => command::user::run(&args).map_err(Failure::from),
            Command::Ca(args) => command::ca::run(&args).map_err(Failure::from),
            Command::Rights(args) => command::rights::run(&args),
        },
    )
}

fn check(file: &Path) -> Result<(), Failure> {
    let config = BrokerConfig::load(file)?;
    let users = config.files.users.as_deref().map(Users::read_file).transpose()?;
    let who = match (&users, &config.files.tls) {
        (Some(users), _) => format!("{} users", users.len()),
        (None, Some(tls)) if tls.client_ca.is_some() => "clients with a certificate".to_owned(),
        (None, _) => "everybody".to_owned(),
    };
    println!("{}: can be used; listens on {} for {who}", file.display(), config.listen);
    for warning in config.warnings() {
        println!("warning: {warning}");
    }
    let warnings = config.files.tls.as_ref().map(|tls| tls.warnings(clock::unix_ms())).transpose()?;
    for warning in warnings.into_iter().flatten() {
        println!("warning: {warning}");
    }
    Ok(())
}

fn run(file: &Path) -> Result<(), Failure> {
    let config = BrokerConfig::load(file)?;
    for warning in config.warnings() {
        tracing::warn!(warning, "the configuration can be used, and had better be otherwise");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the main thread's runtime")?;
    runtime.block_on(async {
        let stop = signals::stop_on_signals();
        let broker = Broker::start(config).map_err(anyhow::Error::from)?;
        broker.run(Service::from_environment(), stop).await.map_err(anyhow::Error::from)?;
        Ok(())
    })
}
