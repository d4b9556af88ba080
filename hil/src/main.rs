//! `tankline-hil`: gauges, lines and tanks in software.

use std::io;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tankline_hil::demo::{self, DemoArgs};
use tankline_hil::gauges_command::{self, GaugesArgs};
use tankline_runtime::exit::{self, Failure};
use tankline_runtime::logging::{self, LogArgs};
use tankline_runtime::signals;

/// Gauges, RS-485 lines and tanks in software, for demonstration and tests without hardware.
#[derive(Debug, Parser)]
#[command(name = "tankline-hil", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the gauges of a site, each line on a pseudo-terminal, until it is told to stop.
    Gauges(GaugesArgs),
    /// Runs everything in one process: gauges, edges, broker, centre and database; shows the station live.
    Demo(DemoArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    exit::conclude("tankline-hil", run(&cli))
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        let stop = signals::stop_on_signals();
        match &cli.command {
            Command::Gauges(args) => {
                logging::init(&cli.log);
                gauges_command::run(args, &mut io::stdout(), stop).await
            }
            Command::Demo(args) => demo::run(args, &cli.log, stop).await,
        }
    })
}
