//! Command line of the ingest worker.

use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use tankline_ingest::command::{
    AlarmsCommand, AlarmsError, AskError, BackupArgs, BackupCommandError, DatabaseArgs, DipCommand, DipCommandError,
    RecomputeArgs, RecomputeError, ReportCommand, ReportError, RestoreArgs, SiteCommand, SiteCommandError,
    StationError, TableCommand, VcfArgs, VolumeArgs, VolumeCommandError, alarms, backup, dip, recompute, report,
    restore, site, table, vcf, volume,
};
use tankline_ingest::dips::{RecordError, RevokeError};
use tankline_ingest::kpi::KpiError;
use tankline_ingest::upkeep::{BackupError, ExportError, ImportError, RestoreError, SealError};
use tankline_ingest::{Config, Ingest, config, status, status_of};
use tankline_runtime::exit::{Failure, conclude};
use tankline_runtime::logging::{self, LogArgs};
use tankline_runtime::service::Service;
use tankline_runtime::{clock, signals};
use tokio::runtime::Runtime;

const ROLE: &str = "tankline-ingest";

/// Threads that run tasks: a worker is far from keeping as many busy.
const MOST_WORKERS: usize = 8;

/// Threads that read the database and look up names; what comes beyond waits for one of them.
const MOST_BLOCKING: usize = 32;

/// Takes the readings of tank gauges from MQTT, derives volumes, stores them in ops.db, acknowledges them to the edges,
/// feeds InfluxDB and serves operators over HTTP.
#[derive(Debug, Parser)]
#[command(name = ROLE, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run until SIGINT or SIGTERM.
    ///
    /// Exit code 0 after a clean stop, 1 when something failed, 2 when the configuration is wrong.
    Run(ConfigArgs),
    /// Say everything that is wrong with a configuration, the site descriptions and secret files that it names.
    Check(ConfigArgs),
    /// Say what a database holds: readings, gaps, dead letters, how far the historian is behind.
    ///
    /// A worker may be using the database.
    Status(StatusArgs),
    /// Derive the quantities of a tank's stored readings again, by the site as it is described now.
    ///
    /// For after a strapping table or anything else of the tank was corrected. What was derived before is kept in the table
    /// superseded with the digest of what it came of. A worker may be using the database.
    Recompute(RecomputeArgs),
    /// Copy the database into a file while a worker may be using it, look through the copy, and put its SHA-256 beside it.
    Backup(BackupArgs),
    /// Put a backup in the place of the database, which is kept under another name. The worker must not be running.
    Restore(RestoreArgs),
    /// Move a site from one worker to another, with its readings, alarms and all that is known of it.
    #[command(subcommand)]
    Site(SiteCommand),
    /// See the alarms, and acknowledge, shelve or take them out of service.
    ///
    /// Asks the running worker over HTTP. `list` and `history` read a database too, with --db.
    #[command(subcommand)]
    Alarms(AlarmsCommand),
    /// Hand measurements beside what the gauge read at that time.
    #[command(subcommand)]
    Dip(DipCommand),
    /// Reports for people to read, print and sign.
    #[command(subcommand)]
    Report(ReportCommand),
    /// Work with strapping tables.
    #[command(subcommand)]
    Table(TableCommand),
    /// Compute the volumes and the mass of one reading, step by step, with formulas, editions and uncertainties.
    Volume(VolumeArgs),
    /// Compute volume correction factors by API MPMS 11.1-2004 or GB/T 1885-1998, one `name value` a line.
    Vcf(VcfArgs),
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// Configuration file (TOML). Single keys can be set by environment variables: TANKLINE_INGEST__BROKER__URL sets
    /// broker.url.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Args)]
struct StatusArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    logging::init(&arguments.log);
    conclude(
        ROLE,
        match arguments.command {
            Command::Run(args) => run(&args.config),
            Command::Check(args) => check(&args.config),
            Command::Status(args) => show_status(&args),
            Command::Recompute(args) => print(recompute(&args).map_err(not_recomputed)),
            Command::Backup(args) => print(backup(&args).map_err(not_backed_up)),
            Command::Restore(args) => print(restore(&args).map_err(not_backed_up)),
            Command::Site(command) => print(site(&command).map_err(not_moved)),
            Command::Dip(command) => print(dip(&command).map_err(not_in_the_book)),
            Command::Alarms(command) => print(alarms(&command).map_err(not_answered)),
            Command::Report(command) => report(&command).map_err(not_reported),
            Command::Table(command) => print(table(&command).map_err(misused)),
            Command::Volume(args) => print(volume(&args).map_err(not_computed)),
            Command::Vcf(args) => print(vcf(&args).map_err(misused)),
        },
    )
}

fn run(path: &Path) -> Result<(), Failure> {
    let config = config::load(path)?;
    tracing::info!(config = %path.display(), database = %config.database.display(), "starting");
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = runtime(processors).context("cannot start the asynchronous runtime")?;
    let stop = {
        let _context = runtime.enter();
        signals::stop_on_signals()
    };
    let ingest = Ingest::open(config).map_err(anyhow::Error::from)?;
    if let Some(address) = ingest.observer().http() {
        tracing::info!(%address, "serving HTTP");
    }
    runtime.block_on(ingest.run_as(Service::from_environment(), stop))?;
    Ok(())
}

/// Makes the runtime. However many processors there are, its threads are no more than the unit allows.
fn runtime(processors: usize) -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.min(MOST_WORKERS))
        .max_blocking_threads(MOST_BLOCKING)
        .enable_all()
        .build()
}

fn check(path: &Path) -> Result<(), Failure> {
    let config = config::load(path)?;
    println!("{}: nothing is wrong", path.display());
    print!("{}", summary(&config));
    for warning in config.broker.settings.warnings(clock::unix_ms()) {
        println!("warning: {warning}");
    }
    Ok(())
}

fn summary(config: &Config) -> String {
    let sites = config.sites.iter().map(|site| {
        let (tanks, edges) = (site.tanks().len(), site.edges().len());
        format!("  site {}: {tanks} tanks on {edges} edges\n", site.name())
    });
    let historian = config.historian.as_ref().map_or_else(|| "none".to_owned(), config::HistorianConfig::target);
    let database = config.database.display();
    let targets = config.targets.iter().map(|target| format!("  tells {}, {}\n", target.name, target.way.summary()));
    sites
        .chain([format!("  broker {}\n  database {database}\n  historian {historian}\n", config.broker.settings.url)])
        .chain(targets)
        .collect()
}

fn show_status(args: &StatusArgs) -> Result<(), Failure> {
    let found = status_of(&args.database.path()?)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found).context("cannot write JSON")?);
    } else {
        print!("{}", status::in_words(&found, clock::unix_ms()));
    }
    Ok(())
}

fn print(text: Result<String, Failure>) -> Result<(), Failure> {
    print!("{}", text?);
    Ok(())
}

fn not_computed(error: VolumeCommandError) -> Failure {
    match error {
        VolumeCommandError::Site(problems) => Failure::Misconfigured(problems),
        other => misused(other),
    }
}

fn not_answered(error: AlarmsError) -> Failure {
    match error {
        AlarmsError::Ask(AskError::Config(problems)) => Failure::Misconfigured(problems),
        AlarmsError::Ask(AskError::NoHttp | AskError::Address { .. } | AskError::Token(_)) => misused(error),
        AlarmsError::Kpi(KpiError::Backwards { .. }) => misused(error),
        other => Failure::Failed(other.into()),
    }
}

fn not_recomputed(error: RecomputeError) -> Failure {
    match error {
        RecomputeError::Config(problems) => Failure::Misconfigured(problems),
        RecomputeError::UnknownTank { .. } | RecomputeError::SeveralSites { .. } => misused(error),
        other => Failure::Failed(other.into()),
    }
}

fn not_backed_up(error: BackupCommandError) -> Failure {
    match error {
        BackupCommandError::Config(problems) => Failure::Misconfigured(problems),
        BackupCommandError::Backup(BackupError::Exists { .. } | BackupError::Itself { .. })
        | BackupCommandError::Restore(RestoreError::Itself { .. } | RestoreError::Seal(SealError::Missing { .. })) => {
            misused(error)
        }
        other => Failure::Failed(other.into()),
    }
}

fn not_moved(error: SiteCommandError) -> Failure {
    match error {
        SiteCommandError::Config(problems) => Failure::Misconfigured(problems),
        SiteCommandError::Export(
            ExportError::Exists { .. } | ExportError::Unknown { .. } | ExportError::Gone { .. },
        )
        | SiteCommandError::Import(
            ImportError::NoSite { .. }
            | ImportError::TakenIn { .. }
            | ImportError::Exists { .. }
            | ImportError::Older { .. }
            | ImportError::Seal(SealError::Missing { .. }),
        ) => misused(error),
        other => Failure::Failed(other.into()),
    }
}

fn not_in_the_book(error: DipCommandError) -> Failure {
    match error {
        DipCommandError::Station(error) => not_found(error),
        DipCommandError::Record(RecordError::Dip(_))
        | DipCommandError::Revoke(RevokeError::Unknown { .. } | RevokeError::Before { .. }) => misused(error),
        other => Failure::Failed(other.into()),
    }
}

fn not_reported(error: ReportError) -> Failure {
    match error {
        ReportError::Station(error) => not_found(error),
        ReportError::Day(_) | ReportError::Render(_) => misused(error),
        other => Failure::Failed(other.into()),
    }
}

fn not_found(error: StationError) -> Failure {
    match error {
        StationError::Config(problems) => Failure::Misconfigured(problems),
        other => misused(other),
    }
}

fn misused(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::Misused(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: &str = include_str!("../../deploy/systemd/tankline-ingest.service");

    #[test]
    fn machine_with_many_processors_needs_no_more_threads_than_the_unit_allows() {
        let allowed = UNIT.lines().find_map(|line| line.strip_prefix("TasksMax=")).unwrap();
        let allowed: usize = allowed.parse().unwrap();
        // Beside them: the main thread, and the one that writes the database.
        let (others, workers) = (2, runtime(256).unwrap().metrics().num_workers());
        assert!(workers + MOST_BLOCKING + others < allowed, "{workers} and {MOST_BLOCKING} of {allowed}");
        assert_eq!(runtime(1).unwrap().metrics().num_workers(), 1);
    }
}
