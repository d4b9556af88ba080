//! `tankline-edge`: the edge agent as a process, and the technician's tools.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tankline_edge::agent::{self, Observer};
use tankline_edge::command::{read, scan, status};
use tankline_edge::config::EdgeConfig;
use tankline_edge::reload;
use tankline_runtime::clock;
use tankline_runtime::exit::{self, Failure};
use tankline_runtime::logging::{self, LogArgs};
use tankline_runtime::service::Service;
use tankline_runtime::signals;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const ROLE: &str = "tankline-edge";

/// What a thread that blocks has when all else has ended.
const LAST_MOMENT: Duration = Duration::from_secs(2);

const CONFIGURATION: &str = "\
Configuration (TOML):
  edge = \"rtu-01\"                  which edge of the site this is
  site = \"lindong.toml\"            the site's description; paths are sought beside this file
  [broker]
  url = \"mqtts://broker:8883\"      or mqtt://broker:1883 without encryption
  ca_file = \"ca.pem\"               who signs the broker's certificate; else whom the system trusts
  client_certificate_file = \"rtu-01.pem\"   where the broker wants one, with
  client_key_file = \"rtu-01.key\"   its key, which others must not read
  user = \"rtu-01\"                  where the broker wants one, with
  password_file = \"password\"       the password on the first line of this file
  keep_alive_s = 30                a broker that falls silent is given up within twice this
  [journal]
  dir = \"/var/lib/tankline-edge\"   readings stay here until the centre has them; of this edge alone
  max_mb = 64                      when it is full the oldest go, counted
  segment_kb = 256
  sync_interval_ms = 1000          what a power cut may cost at most
  [line.line-01]                   what is different here from the site's description
  port = \"/dev/ttyUSB0\"            or rtu+tcp://host:port, or tcp://host:port (Modbus TCP)
  reply_timeout_ms = 1000          longest wait; shorter ones are learned from the gauge
  longest_probe_interval_ms = 10000
  join_hole_registers = 8
  [clock]
  synced_file = \"/run/systemd/timesync/synchronized\"   the clock is set once this file is there
  [uplink]
  window_readings = 4000           most readings on their way; a slow link gets fewer
  ack_timeout_s = 5
  longest_ack_timeout_s = 60

Any key may be given by an environment variable instead: TANKLINE_EDGE__BROKER__URL=mqtt://broker:1883

Exit code: 0 stopped as asked (SIGINT, SIGTERM), 1 failed, 2 misused or misconfigured.";

/// Polls the gauges of RS-485 lines, keeps what they say, and publishes it over MQTT until the centre has it.
#[derive(Debug, Parser)]
#[command(name = ROLE, version, after_long_help = "Is the gauge there?\n  tankline-edge scan --port /dev/ttyUSB0\n  tankline-edge read --port /dev/ttyUSB0 --unit 1")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the agent until SIGINT or SIGTERM.
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
    /// Shows how the agent that runs here gets on with its gauges.
    Status(status::StatusArgs),
    /// Reads one gauge and shows everything about it; when it fails, says what to check.
    Read(read::ReadArgs),
    /// Finds the gauges on a line.
    Scan(scan::ScanArgs),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    logging::init(&arguments.log);
    exit::conclude(ROLE, run(&arguments.command))
}

fn run(command: &Command) -> Result<(), Failure> {
    // One thread beside the journal's: handing work to a second one costs an RTU more than it gains.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let outcome = runtime.block_on(async {
        let stop = signals::stop_on_signals();
        match command {
            Command::Run { config } => run_agent(config, stop).await,
            Command::Check { config } => check(config),
            Command::Status(args) => status::run(args, &mut io::stdout()).await,
            Command::Read(args) => read::run(args, &mut io::stdout(), stop).await,
            Command::Scan(args) => scan::run(args, &mut io::stdout(), stop).await,
        }
    });
    // A disk that hangs must not keep the process: what was synced is safe, and who starts it again is waiting.
    runtime.shutdown_timeout(LAST_MOMENT);
    outcome
}

/// Runs the agent with its configuration watched beside it.
async fn run_agent(file: &Path, stop: CancellationToken) -> Result<(), Failure> {
    let config = EdgeConfig::load(file)?;
    let (configs, reloads) = mpsc::channel(1);
    // Not the agent's own token: what watches must not end before the agent has stopped in good order.
    let unwatched = CancellationToken::new();
    let watching = reload::watch(file.to_owned(), config.clone(), configs, unwatched);
    let observer = Observer::default();
    let mut running = pin!(agent::run_reloading(config, reloads, stop.clone(), observer.clone()));
    let attending = observer.attend(Service::from_environment(), stop.clone());
    tokio::select! {
        () = attending => unreachable!("it never ends"),
        ended = &mut running => Ok(ended?),
        watched = watching => {
            stop.cancel();
            running.await?;
            Ok(watched?)
        }
    }
}

fn check(file: &Path) -> Result<(), Failure> {
    let config = EdgeConfig::load(file)?;
    println!("{}: can be used; edge {} of site {}", file.display(), config.edge, config.site);
    for line in &config.lines {
        let tanks: Vec<String> = line.gauges.iter().map(|gauge| format!("{} {}", gauge.unit, gauge.tank)).collect();
        println!("  {} on {}: {}", line.line.name, line.line.port, tanks.join(", "));
    }
    for warning in config.broker.warnings(clock::unix_ms()) {
        println!("warning: {warning}");
    }
    Ok(())
}
