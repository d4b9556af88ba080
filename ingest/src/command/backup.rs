//! `backup` and `restore`: the database as a whole.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use tankline_domain::settings::Problems;
use tankline_runtime::clock;

use crate::config;
use crate::upkeep::{self, BackedUp, BackupError, Lacking, Moved, Replace, RestoreError, Restored, Seal, TakenIn};

/// Gaps that are spelled out.
const GAPS_SHOWN: usize = 20;

/// Which database is meant.
#[derive(Debug, Args)]
pub struct DatabaseArgs {
    /// Configuration file (TOML) of the worker: it names the database.
    #[arg(long, value_name = "FILE", required_unless_present = "db")]
    config: Option<PathBuf>,
    /// The database, in place of a configuration.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    db: Option<PathBuf>,
}

/// What `backup` is asked.
#[derive(Debug, Args)]
pub struct BackupArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The file to write. Its SHA-256 goes beside it, as FILE.sha256.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Replace the file when it is there already.
    #[arg(long)]
    replace: bool,
}

/// What `restore` is asked.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The backup.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Do not check the backup by its SHA-256, but only look through it for damage.
    #[arg(long)]
    no_digest: bool,
}

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupCommandError {
    /// The configuration cannot be used.
    #[error("the configuration cannot be used")]
    Config(Problems),
    /// There is no backup.
    #[error("there is no backup")]
    Backup(#[from] BackupError),
    /// Nothing was restored.
    #[error("nothing is restored")]
    Restore(#[from] RestoreError),
}

impl DatabaseArgs {
    /// Gives the path of the database.
    ///
    /// # Errors
    /// [`Problems`] of the configuration that is to name it.
    pub fn path(&self) -> Result<PathBuf, Problems> {
        match (&self.db, &self.config) {
            (Some(db), _) => Ok(db.clone()),
            (None, Some(path)) => config::load(path).map(|config| config.database),
            (None, None) => unreachable!("clap wants one of the two"),
        }
    }
}

/// Makes a backup; gives the text to print.
///
/// # Errors
/// [`BackupCommandError`].
pub fn backup(args: &BackupArgs) -> Result<String, BackupCommandError> {
    let database = args.database.path().map_err(BackupCommandError::Config)?;
    let replace = if args.replace { Replace::Yes } else { Replace::No };
    let BackedUp { readings, bytes, digest } = upkeep::backup(&database, &args.to, replace, clock::unix_ms())?;
    let (to, mib) = (args.to.display(), bytes.div_ceil(1 << 20));
    Ok(format!("{to}: {readings} readings, {mib} MiB, looked through and whole\n  SHA-256 {digest}\n"))
}

/// Restores a backup; gives the text to print.
///
/// # Errors
/// [`BackupCommandError`].
pub fn restore(args: &RestoreArgs) -> Result<String, BackupCommandError> {
    let database = args.database.path().map_err(BackupCommandError::Config)?;
    let seal = if args.no_digest { Seal::Ignored } else { Seal::Wanted };
    let restored = upkeep::restore(&args.from, &database, seal, clock::unix_ms())?;
    Ok(in_words(&database, &args.from, &restored))
}

fn in_words(database: &Path, from: &Path, restored: &Restored) -> String {
    let mut text = String::new();
    write_all(&mut text, database, from, restored).expect("writing to a text does not fail");
    text
}

fn write_all(text: &mut String, database: &Path, from: &Path, restored: &Restored) -> std::fmt::Result {
    let made = restored.made.map(|made| format!(", made {made}")).unwrap_or_default();
    writeln!(text, "{} is restored from {}{made}", database.display(), from.display())?;
    if let Some(kept) = &restored.kept {
        writeln!(text, "  the database that was there is kept as {}", kept.display())?;
    }
    let Restored { readings, alarms, notifications, .. } = restored;
    writeln!(text, "  {readings} readings; {alarms} alarms stand as they stood, and nobody is called again for them")?;
    if *notifications > 0 {
        writeln!(text, "  {notifications} messages had yet to be told then, and are told again under the same ids")?;
    }
    match &restored.moved {
        Some(moved) => write_moved(text, moved)?,
        None if restored.kept.is_some() => writeln!(
            text,
            "  the database that was there cannot be read: whether sites were handed over or taken in after the backup is \
             not\n  known. See to it that none is served twice. A site that was taken in comes back by `tankline-ingest \
             site import\n  --again` of its file, before the worker starts with it"
        )?,
        None => writeln!(
            text,
            "  whether sites were handed over or taken in after the backup is not known: see to it that none is served twice"
        )?,
    }
    match &restored.lacking {
        Some(lacking) => write_lacking(text, lacking)?,
        None => writeln!(text, "  what was committed after the backup is not known")?,
    }
    writeln!(
        text,
        "Now start the worker. Edges send again what they still have and this database lacks. What they have let go\n\
         is missing here for good: `tankline-ingest status` shows it as missing when newer readings have come. InfluxDB\n\
         keeps what it has."
    )
}

fn write_moved(text: &mut String, moved: &Moved) -> std::fmt::Result {
    for site in &moved.handed_over {
        writeln!(
            text,
            "  site {site} was handed over after the backup and stays so: its alarms and what was to be told of \
             them are let go here too"
        )?;
    }
    for TakenIn { site, brought } in &moved.taken_in {
        match brought {
            Ok(readings) => writeln!(
                text,
                "  site {site} was taken in after the backup and is brought along, with {readings} readings and its alarms"
            )?,
            Err(trouble) => writeln!(
                text,
                "  site {site} was taken in after the backup and is NOT brought along: {trouble}\n    Import its file \
                 before the worker starts with it: tankline-ingest site import --again --from FILE --config FILE"
            )?,
        }
    }
    Ok(())
}

fn write_lacking(text: &mut String, lacking: &[Lacking]) -> std::fmt::Result {
    let all: u64 = lacking.iter().map(|lacking| lacking.ranges.count()).sum();
    if all == 0 {
        return writeln!(text, "  nothing was committed after the backup");
    }
    writeln!(text, "  {all} readings were committed after the backup and are not in it:")?;
    for Lacking { site, edge, journal, ranges } in lacking.iter().take(GAPS_SHOWN) {
        let (first, last) = (ranges.first().unwrap_or_default(), ranges.last().unwrap_or_default());
        writeln!(text, "    {site}/{edge} journal {journal}: {} from {first} to {last}", ranges.count())?;
    }
    match lacking.len().checked_sub(GAPS_SHOWN) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(text, "    and of {more} more journals"),
    }
}
