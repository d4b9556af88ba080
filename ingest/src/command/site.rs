//! `site export` and `site import`: a site moves from one worker to another.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use tankline_domain::names::SiteName;
use tankline_domain::settings::Problems;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;

use crate::config::{self, HistorianConfig};
use crate::upkeep::{
    ExportError, Exported, Feeding, Files, ImportError, Imported, Replace, Seal, Taker, export, import,
};

/// Moving a site from one worker to another.
#[derive(Debug, Subcommand)]
pub enum SiteCommand {
    /// Write all that is known of a site into a file, and serve it from here no more. The worker must not be running.
    ///
    /// The file holds its readings, the ranges of its journals, alarms and what happened to them, what the detectors of
    /// leaks have learnt, dips, dead letters, and what has yet to be told. What is history stays in this database too.
    Export(ExportArgs),
    /// Take in a site that another worker handed over. The worker must not be running.
    Import(ImportArgs),
}

/// What `site export` is asked.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Configuration file (TOML) of the worker that hands the site over.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Name of the site.
    #[arg(long)]
    site: SiteName,
    /// The file to write. Its SHA-256 goes beside it, as FILE.sha256.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Let only readings from this moment on go along, such as 2026-11-20 (UTC). All else goes whole.
    #[arg(long, value_name = "MOMENT")]
    readings_from: Option<UnixMillis>,
    /// Replace the file when it is there already.
    #[arg(long)]
    replace: bool,
}

/// What `site import` is asked.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Configuration file (TOML) of the worker that takes the site in.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The file that `site export` wrote.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Do not check the file by its SHA-256, but only look through it for damage.
    #[arg(long)]
    no_digest: bool,
    /// Let the historian of this worker have all readings, also those that the other worker's historian has got.
    #[arg(long)]
    send_again: bool,
    /// Take in a file that was taken in before, because the database that took it in is lost.
    #[arg(long)]
    again: bool,
}

/// Why a site was not moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SiteCommandError {
    /// The configuration cannot be used.
    #[error("the configuration cannot be used")]
    Config(Problems),
    /// It was not handed over.
    #[error("the site is not handed over")]
    Export(#[from] ExportError),
    /// It was not taken in.
    #[error("the site is not taken in")]
    Import(#[from] ImportError),
}

/// Moves a site; gives the text to print.
///
/// # Errors
/// [`SiteCommandError`].
pub fn site(command: &SiteCommand) -> Result<String, SiteCommandError> {
    let mut text = String::new();
    match command {
        SiteCommand::Export(args) => hand_over(&mut text, args)?,
        SiteCommand::Import(args) => take_in(&mut text, args)?,
    }
    Ok(text)
}

fn hand_over(text: &mut String, args: &ExportArgs) -> Result<(), SiteCommandError> {
    let config = config::load(&args.config).map_err(SiteCommandError::Config)?;
    let replace = if args.replace { Replace::Yes } else { Replace::No };
    let from = args.readings_from.unwrap_or(UnixMillis::new(i64::MIN));
    let historian = config.historian.as_ref().map(HistorianConfig::target);
    let (site, now) = (&args.site, clock::unix_ms());
    let exported = export(&config.database, site, &args.to, replace, from, historian.as_deref(), now)?;
    let Exported { readings, alarms, notifications, digest } = exported;
    let described = config.sites.iter().any(|described| described.name() == site);
    let words = write!(
        text,
        "site {site} is handed over: {readings} readings, {alarms} alarms that stand, {notifications} messages yet to tell\n  \
         {} (SHA-256 {digest})\n\
         Until it is taken in, its edges keep their readings.\n{}\
         Bring the file and its .sha256 to the other machine and run there, with its worker stopped:\n  \
         tankline-ingest site import --from {} --config FILE\n",
        args.to.display(),
        if described { "Take the site out of `sites` of this worker; it does not start before.\n" } else { "" },
        args.to.display(),
    );
    words.expect("writing to a text does not fail");
    Ok(())
}

fn take_in(text: &mut String, args: &ImportArgs) -> Result<(), SiteCommandError> {
    let config = config::load(&args.config).map_err(SiteCommandError::Config)?;
    let seal = if args.no_digest { Seal::Ignored } else { Seal::Wanted };
    let feeding = if args.send_again { Feeding::All } else { Feeding::Rest };
    let historian = config.historian.as_ref().map(HistorianConfig::target);
    let taker = Taker {
        database: &config.database,
        historian: historian.as_deref(),
        max_dead_letters: config.dead_letter_max_rows,
        files: if args.again { Files::Any } else { Files::Fresh },
    };
    let imported = import(taker, &args.from, seal, feeding, clock::unix_ms())?;
    in_words(text, args, &config, &imported).expect("writing to a text does not fail");
    Ok(())
}

fn in_words(text: &mut String, args: &ImportArgs, config: &config::Config, imported: &Imported) -> std::fmt::Result {
    let Imported { site, readings, alarms, targets, letters_left, is_marked } = imported;
    writeln!(text, "site {site} is taken in: {readings} readings, {alarms} alarms that stand as they stood")?;
    for (target, count) in targets {
        if config.targets.iter().any(|known| known.name == *target) {
            writeln!(text, "  {count} messages have yet to be told to {target}")?;
        } else {
            writeln!(text, "  {count} messages for {target} will be given up: no target of this worker has that name")?;
        }
    }
    if *letters_left > 0 {
        writeln!(
            text,
            "  {letters_left} older dead letters found no room here; they are still in {}",
            args.from.display()
        )?;
    }
    if !is_marked {
        writeln!(
            text,
            "  {} cannot be marked as taken in: see to it that nobody imports it again",
            args.from.display()
        )?;
    }
    if !config.sites.iter().any(|described| described.name() == site) {
        writeln!(text, "Add the description of {site} to `sites` of this worker.")?;
    }
    writeln!(text, "Now start the worker; edges send it what they have kept.")
}
