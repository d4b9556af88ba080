//! Measuring, case after case.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use tankline_domain::message::MAX_READINGS_PER_MESSAGE;
use tankline_runtime::exit::Failure;
use tokio_util::sync::CancellationToken;

use super::arguments::{BenchArgs, BenchCommand, IngestArgs};
use super::case::Case;
use super::outage::{outage, show};
use super::report::{Figures, table};
use super::{alarm, line};
use crate::demo::{demo_site, write_json};

/// Measures what is asked for, and says on `out` what came of it.
///
/// # Errors
/// [`Failure`] when something cannot be started, fails, or loses a reading.
pub async fn run(args: &BenchArgs, out: &mut (dyn Write + Send), stop: CancellationToken) -> Result<(), Failure> {
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let writing = "cannot write to standard output";
    match &args.command {
        BenchCommand::Ingest(args) => {
            let figures = ingest(args, out, &stop).await?;
            write!(out, "{}", table(&figures, build)).context(writing)?;
            save(&figures, args.json.as_deref())
        }
        BenchCommand::Outage(args) => {
            let figures = outage(args, out, &stop).await?;
            show(&figures, build, out).context(writing)?;
            save(&figures, args.json.as_deref())
        }
        BenchCommand::Alarm(args) => {
            let figures = alarm::alarm(args, out, &stop).await?;
            alarm::show(&figures, build, out).context(writing)?;
            save(&figures, args.json.as_deref())
        }
        BenchCommand::Line(args) => {
            let figures = line::line(args, out, &stop).await?;
            line::show(&figures, build, out).context(writing)?;
            save(&figures, args.json.as_deref())
        }
    }
}

fn save(figures: &impl Serialize, file: Option<&Path>) -> Result<(), Failure> {
    if let Some(file) = file {
        write_json(figures, file).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

async fn ingest(
    args: &IngestArgs,
    out: &mut (dyn Write + Send),
    stop: &CancellationToken,
) -> anyhow::Result<Vec<Figures>> {
    let folder = tempfile::tempdir().context("there is no temporary folder")?;
    let site = demo_site(folder.path())?;
    let edge = site.edges().first().copied().context("the demo station has edges")?;
    writeln!(out, "The database is in {}.\n", folder.path().display())?;
    let mut figures = Vec::new();
    for per_message in [1, MAX_READINGS_PER_MESSAGE as u64] {
        let case = Case { site: &site, edge, per_message, window: args.window, enough: args.enough() };
        figures.push(case.measure(folder.path(), stop).await?);
    }
    Ok(figures)
}
