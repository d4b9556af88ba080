//! `tankline-hil`: gauges, lines and tanks in software.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tankline_hil::bench::{self, BenchArgs};
use tankline_hil::control::{self, ControlCommand};
use tankline_hil::demo::{self, DemoArgs};
use tankline_hil::gauges_command::{self, GaugesArgs};
use tankline_hil::load::{self, LoadArgs};
use tankline_hil::role::{self, RoleArgs};
use tankline_hil::scenario::{self, RunArgs};
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
    /// Runs the gauges of a site, on pseudo-terminals, at serial ports or behind TCP, until it is told to stop.
    Gauges(GaugesArgs),
    /// Runs everything in one process: gauges, edges, broker, centre and database; shows the station live.
    Demo(DemoArgs),
    /// Plays scenarios against the real system and says whether what they expect was seen.
    ///
    /// Exit code 0 when all is as expected, 1 when something is not, 2 when a scenario is none.
    Run(RunArgs),
    /// Measures how much the parts can take on this machine.
    Bench(BenchArgs),
    /// Loads a broker and a centre with many edges, and says what was committed, lost and late.
    ///
    /// Exit code 0 when every reading is committed, 1 when one is lost.
    Load(LoadArgs),
    /// Is one of the product's processes, for `run`.
    #[command(hide = true)]
    Role(RoleArgs),
    #[command(flatten)]
    Control(ControlCommand),
}

fn main() -> ExitCode {
    let cli = Cli::parse_from(without_separator(std::env::args_os().collect()));
    exit::conclude("tankline-hil", run(&cli))
}

/// Drops a `--` right behind the command: `cargo demo -- --for 30s` hands it on, because the alias has one of its own.
fn without_separator(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.get(2).is_some_and(|argument| argument == "--") {
        arguments.remove(2);
    }
    arguments
}

fn run(cli: &Cli) -> Result<(), Failure> {
    if let Command::Role(args) = &cli.command {
        // It has a runtime as the product has it.
        logging::init(&cli.log);
        return role::run(args);
    }
    // Who waits for a person at a terminal ends with it, at the first signal.
    if let Command::Control(command) = &cli.command {
        return control::run(command, &mut io::stdout());
    }
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        let stop = signals::stop_on_signals();
        match &cli.command {
            Command::Gauges(args) => {
                logging::init(&cli.log);
                gauges_command::run(args, &mut io::stdout(), stop).await
            }
            Command::Demo(args) => demo::run(args, &cli.log, stop).await,
            Command::Run(args) => {
                logging::init(&quieter(&cli.log, "warn,tankline_runtime::mqtt=error"));
                scenario::run(args, &mut io::stdout(), stop).await
            }
            Command::Bench(args) => {
                logging::init(&quieter(&cli.log, "warn,tankline_ingest::alarms=error"));
                bench::run(args, &mut io::stdout(), stop).await
            }
            // They are gone by now.
            Command::Role(_) | Command::Control(_) => Ok(()),
            Command::Load(args) => {
                logging::init(&quieter(&cli.log, "warn"));
                load::run(args, &mut io::stdout(), stop).await
            }
        }
    })
}

/// Logs no more than this unless more is asked for: what is logged costs time where time is measured, and lies between what
/// is told where something is told.
fn quieter(log: &LogArgs, usual: &str) -> LogArgs {
    let usual = std::env::var_os("RUST_LOG").is_none().then(|| usual.to_owned());
    LogArgs { log_level: log.log_level.clone().or(usual), ..log.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_takes_its_options_with_and_without_a_separator() {
        for line in ["tankline-hil demo --for 30s", "tankline-hil demo -- --for 30s"] {
            let arguments = line.split(' ').map(OsString::from).collect();
            let cli = Cli::try_parse_from(without_separator(arguments)).unwrap();
            assert!(matches!(cli.command, Command::Demo(_)), "{line}");
        }
    }
}
