//! `tankline-hil run`: plays scenarios, tells how they go, and writes reports.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use tankline_domain::settings::Problems;
use tankline_runtime::exit::Failure;
use tankline_runtime::mqtt::BrokerUrl;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::outcome::Outcome;
use super::play::{EdgeProgram, PlayOptions, Playing, play};
use super::progress::Progress;
use super::report;
use super::story::{Story, load};
use crate::gauges_command::PlaceArgs;

/// Between two looks at what runs.
const LOOK: Duration = Duration::from_millis(200);

/// What `tankline-hil run` is asked to do.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Scenario files, or folders of them.
    #[arg(required = true, value_name = "FILE|DIR")]
    pub files: Vec<PathBuf>,
    /// Writes what came of them as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Writes a report with a plot per tank, one HTML file.
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Plays them with this seed instead of their own.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Plays only those with this in their name or file name; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// How many are played at once.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,
    /// Plays one again, so many times at most, that failed while the machine held the bench up.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub again: u8,
    /// Tests this tankline-edge instead of the code inside this program; `none` waits for edges that somebody else runs.
    #[arg(long, value_name = "none|PATH", default_value = "own", hide_default_value = true)]
    pub edge: EdgeProgram,
    /// Where the gauges answer that edges of somebody else read.
    #[command(flatten)]
    pub places: PlaceArgs,
    /// Uses this broker instead of one of its own.
    #[arg(long, value_name = "mqtt://HOST:PORT")]
    pub broker: Option<BrokerUrl>,
    /// Keeps configurations, logs, journals and databases, a folder for each scenario in this one.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

impl FromStr for EdgeProgram {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "own" => Ok(Self::Own),
            "none" => Ok(Self::External),
            path => {
                let found = Path::new(path).canonicalize().map_err(|error| format!("{path}: {error}"))?;
                Ok(Self::Program(found))
            }
        }
    }
}

/// Plays the scenarios and tells on `out` how they went.
///
/// # Errors
/// [`Failure`]: a scenario is none, one failed, or a report cannot be written.
pub async fn run(args: &RunArgs, out: &mut (dyn Write + Send), stop: CancellationToken) -> Result<(), Failure> {
    let stories = stories(args)?;
    let options = Arc::new(PlayOptions {
        program: std::env::current_exe().context("this program cannot be found")?,
        edge: args.edge.clone(),
        places: args.places.clone(),
        broker: args.broker.clone(),
        keep: args.keep.clone(),
        tamper: None,
    });
    let outcomes = play_all(stories, &options, args, out, &stop).await.context("cannot write")?;
    write_reports(args, &outcomes)?;
    let failed = outcomes.iter().filter(|outcome| !outcome.is_passed()).count();
    if failed > 0 {
        return Err(anyhow!("{failed} of {} scenarios failed", outcomes.len()).into());
    }
    Ok(())
}

/// Reads all that is to be played; what is wrong with any of them is said at once.
fn stories(args: &RunArgs) -> Result<Vec<Story>, Failure> {
    let (mut stories, mut problems): (Vec<Story>, Option<Problems>) = (Vec::new(), None);
    for file in files(&args.files)? {
        match load(&file) {
            Ok(story) => stories.push(story),
            Err(wrong) => {
                problems = Some(match problems {
                    Some(problems) => problems.and(wrong),
                    None => wrong,
                });
            }
        }
    }
    if let Some(problems) = problems {
        return Err(problems.into());
    }
    let is_meant = |story: &Story, only: &String| {
        story.name.contains(only.as_str())
            || story.file.file_name().is_some_and(|file| file.to_string_lossy().contains(only.as_str()))
    };
    stories.retain(|story| args.only.is_empty() || args.only.iter().any(|only| is_meant(story, only)));
    if stories.is_empty() {
        let message = format!("no scenario has {} in its name", args.only.join(" or "));
        return Err(Problems::of_file("--only", message).into());
    }
    if let Some(seed) = args.seed {
        stories.iter_mut().for_each(|story| story.seed = seed);
    }
    Ok(stories)
}

/// Finds the scenario files of folders, in the order of their names.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Problems> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let unreadable =
            |error: io::Error| Problems::of_file(path.display().to_string(), format!("cannot be read: {error}"));
        let mut found = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            if file.extension().is_some_and(|extension| extension == "toml") {
                found.push(file);
            }
        }
        if found.is_empty() {
            return Err(Problems::of_file(
                path.display().to_string(),
                "has no scenario; they are files that end in .toml",
            ));
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// Plays some at a time; gives the outcomes in the order of the stories.
async fn play_all(
    stories: Vec<Story>,
    options: &Arc<PlayOptions>,
    args: &RunArgs,
    out: &mut (dyn Write + Send),
    stop: &CancellationToken,
) -> io::Result<Vec<Outcome>> {
    let count = stories.len();
    let mut waiting: VecDeque<(usize, Story, u8)> =
        stories.into_iter().enumerate().map(|(index, story)| (index, story, args.again)).collect();
    let mut running: JoinSet<((usize, Story, u8), Outcome)> = JoinSet::new();
    let mut outcomes: Vec<Option<Outcome>> = (0..count).map(|_| None).collect();
    let mut progress = Progress::new(count);
    while !running.is_empty() || (!waiting.is_empty() && !stop.is_cancelled()) {
        while running.len() < usize::from(args.jobs) && !stop.is_cancelled() {
            let Some((index, story, again)) = waiting.pop_front() else { break };
            let (options, playing, stop) = (options.clone(), Playing::default(), stop.clone());
            progress.begin(out, index, &story, playing.clone())?;
            running.spawn(async move {
                let outcome = play(&story, &options, &playing, &stop).await;
                ((index, story, again), outcome)
            });
        }
        tokio::select! {
            Some(ended) = running.join_next() => {
                let ((index, story, again), outcome) = ended.map_err(io::Error::other)?;
                if again > 0 && !outcome.is_passed() && !outcome.has_kept_time() && !stop.is_cancelled() {
                    progress.again(out, index, &outcome)?;
                    waiting.push_back((index, story, again - 1));
                    continue;
                }
                progress.end(out, index, &outcome)?;
                outcomes[index] = Some(outcome);
            }
            () = tokio::time::sleep(LOOK) => progress.show(out)?,
        }
    }
    let outcomes: Vec<_> = outcomes.into_iter().flatten().collect();
    progress.conclude(out, &outcomes)?;
    Ok(outcomes)
}

fn write_reports(args: &RunArgs, outcomes: &[Outcome]) -> anyhow::Result<()> {
    type Report = fn(&[Outcome], &mut BufWriter<File>) -> io::Result<()>;
    let reports: [(&Option<PathBuf>, Report); 2] = [(&args.junit, report::junit), (&args.report, report::html)];
    for (file, report) in reports {
        let Some(file) = file else { continue };
        let write = || {
            let mut out = BufWriter::new(File::create(file)?);
            report(outcomes, &mut out)?;
            out.flush()
        };
        write().with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
