//! Playing a story: the processes, the network and the lines of it, each for real.

mod acts;
mod bench;
mod gather;
mod historian;
mod machine;
mod process;
mod relay;
mod stamp;
mod tamper;
mod telling;
mod witness;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tankline_domain::names::TankName;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tankline_runtime::mqtt::BrokerUrl;
use tokio_util::sync::CancellationToken;

pub use self::tamper::{Tamper, TamperMoment};

use self::bench::Bench;
use super::command::{Command, Role};
use super::judge::judge;
use super::outcome::{Outcome, Sample};
use super::record::Record;
use super::story::{Begins, Expected, Story, in_words};
use crate::gauges_command::PlaceArgs;
use crate::plant::TankState;
use crate::stall::StallWatch;

/// How long the gauges may take to be read once before the story begins.
const WARM_WITHIN: Duration = Duration::from_secs(60);

/// The same when a person has to bring the edges.
const OTHERS_WITHIN: Duration = Duration::from_secs(600);

/// How long it may take until all that is under way has arrived, when the story is over.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// Between two looks at processes and clock.
const LOOK: Duration = Duration::from_millis(50);

/// Between two looks at the database.
const LOOK_AT_DATABASE: Duration = Duration::from_millis(100);

/// The truth is sampled at least so often in a second of real time.
const SAMPLES_A_SECOND: f64 = 20.0;

/// Samples of the truth of each tank at most.
const MOST_SAMPLES: f64 = 20_000.0;

/// What stories are played with.
#[derive(Debug, Clone)]
pub struct PlayOptions {
    /// This program, which is run again in each role.
    pub program: PathBuf,
    /// The edges under test.
    pub edge: EdgeProgram,
    /// Where lines answer, in place of what the scenarios say.
    pub places: PlaceArgs,
    /// A broker in place of the bench's own.
    pub broker: Option<BrokerUrl>,
    /// The folder that each story gets a folder of its own in; temporary when absent.
    pub keep: Option<PathBuf>,
    /// What breaks the system while it is played; nothing does when absent.
    pub tamper: Option<Arc<dyn Tamper>>,
}

impl PlayOptions {
    fn tamper(&self, moment: TamperMoment<'_>, folder: &Path) -> anyhow::Result<()> {
        let tamper = |tamper: &Arc<dyn Tamper>| tamper.tamper(moment, folder).context("cannot tamper with the play");
        self.tamper.as_ref().map_or(Ok(()), tamper)
    }
}

/// The edges under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EdgeProgram {
    /// The product's code inside this program.
    Own,
    /// An installed tankline-edge.
    Program(PathBuf),
    /// Edges that somebody else runs on the lines of the bench.
    External,
}

/// How far a story is, for who watches.
#[derive(Debug, Clone, Default)]
pub struct Playing(Arc<Mutex<(Duration, String)>>);

impl Playing {
    /// Gives the story time, and what happened last.
    #[must_use]
    pub fn look(&self) -> (Duration, String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, time: Duration, words: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (time, words.into());
    }

    fn pass(&self, time: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = time;
    }
}

/// A moment by both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    instant: Instant,
    unix: UnixMillis,
}

impl Moment {
    fn now() -> Self {
        Self { instant: clock::now(), unix: clock::unix_ms() }
    }

    /// Gives story time for a time of day; what was before the beginning gives 0.
    fn story_time(&self, at: UnixMillis, speed: f64) -> Duration {
        let millis = u64::try_from(at.millis_since(self.unix)).unwrap_or(0);
        Duration::from_millis(millis).mul_f64(speed)
    }
}

/// Plays a story and judges it. It never fails: what goes wrong is told in the outcome.
pub async fn play(story: &Story, options: &PlayOptions, playing: &Playing, stop: &CancellationToken) -> Outcome {
    let (began, stalls) = (clock::now(), StallWatch::start());
    let mut tale = Tale::default();
    let trouble = play_to_the_end(story, options, playing, stop, &mut tale).await.err();
    let record = tale.record.unwrap_or_else(|| Record { speed: story.speed, played: tale.played, ..Record::default() });
    let verdicts = if trouble.is_none() { judge(&story.expectations, &record) } else { Vec::new() };
    Outcome {
        name: story.name.clone(),
        protects: story.protects.clone(),
        file: story.file.clone(),
        seed: story.seed,
        speed: story.speed,
        played: tale.played,
        took: clock::now() - began,
        stalled: stalls.take(),
        verdicts,
        trouble: trouble.map(|error| format!("{error:#}")),
        replay: telling::replay(story, options),
        tanks: telling::traces(story, &record),
        marks: telling::marks(story, &record),
        figures: telling::figures(&record),
    }
}

/// What came of playing, also when it did not come to its end.
#[derive(Debug, Default)]
struct Tale {
    played: Duration,
    record: Option<Record>,
}

async fn play_to_the_end(
    story: &Story,
    options: &PlayOptions,
    playing: &Playing,
    stop: &CancellationToken,
    tale: &mut Tale,
) -> anyhow::Result<()> {
    let folder = Folder::make(options.keep.as_deref(), &story.name).context("there is no folder for the story")?;
    playing.tell(Duration::ZERO, "starting");
    let mut bench = Bench::prepare(story, options, folder.path()).await?;
    options.tamper(TamperMoment::Configured, folder.path())?;
    if bench.is_of_others() {
        playing.tell(Duration::ZERO, format!("waiting for the edges:\n{}", bench.for_others()));
    }
    let run = async {
        if story.begins == Begins::Warm || bench.is_of_others() {
            start_all(&mut bench).await?;
            let patience = if bench.is_of_others() { OTHERS_WITHIN } else { WARM_WITHIN };
            warm_up(story, &mut bench, patience).await?;
        }
        let began = Moment::now();
        bench.plant.resume(began.instant);
        bench.begin_day(began.unix)?;
        playing.tell(Duration::ZERO, "it has begun");
        tell_events(story, &mut bench, began, playing, &mut tale.played).await?;
        playing.tell(tale.played, "waiting until all has arrived");
        settle(story, &mut bench).await?;
        options.tamper(TamperMoment::Settled, folder.path())?;
        tale.record = Some(gather::gather(story, &bench, began, tale.played)?);
        bench.end().await;
        anyhow::Ok(())
    };
    // A future that is dropped takes the bench with it: every process ends.
    tokio::select! {
        played = run => played,
        () = stop.cancelled() => bail!("stopped before its end"),
    }
}

async fn start_all(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    for role in bench.roles() {
        bench.start(&role).await?;
        // What edges say while nobody is there is kept; a story that begins warm begins with a centre.
        if role == Role::Ingest {
            bench.centre_is_there().await?;
        }
    }
    Ok(())
}

async fn warm_up(story: &Story, bench: &mut Bench<'_>, patience: Duration) -> anyhow::Result<()> {
    let (until, tanks) = (clock::now() + patience, story.site.site.gauges().len());
    loop {
        let seen = gather::tanks_seen(&bench.database())?;
        if seen >= tanks {
            return Ok(());
        }
        bench.check()?;
        if clock::now() >= until {
            bail!("only {seen} of {tanks} gauges were read within {} s", patience.as_secs());
        }
        tokio::time::sleep(LOOK_AT_DATABASE).await;
    }
}

/// Lets the story happen.
async fn tell_events(
    story: &Story,
    bench: &mut Bench<'_>,
    began: Moment,
    playing: &Playing,
    played: &mut Duration,
) -> anyhow::Result<()> {
    let real = |story_time: Duration| began.instant + story_time.div_f64(story.speed);
    let mut events = story.events.iter().peekable();
    let mut is_started = story.begins == Begins::Warm || bench.is_of_others();
    loop {
        let now = clock::now();
        *played = now.duration_since(began.instant).mul_f64(story.speed).min(story.lasts);
        playing.pass(*played);
        while let Some(event) = events.next_if(|event| real(event.at) <= now) {
            playing.tell(event.at, event.command.to_string());
            let happened = match &event.command {
                // The plant knows it from the beginning.
                Command::Plant(_) => Ok(()),
                Command::Fault(fault, _) => bench.fault(fault),
                Command::Bench(act, _) => {
                    bench.options.tamper(TamperMoment::Before(act), bench.folder())?;
                    bench.act(act).await
                }
            };
            happened.with_context(|| format!("at {}: {}", in_words(event.at), event.command))?;
        }
        if !std::mem::replace(&mut is_started, true) {
            // Whatever a cold story begins with has happened now.
            for role in bench.roles().into_iter().filter(|role| !bench.is_kept_down(role)).collect::<Vec<_>>() {
                bench.start(&role).await?;
            }
        }
        bench.check().with_context(|| format!("at {}", in_words(*played)))?;
        let end = real(story.lasts);
        if now >= end {
            return Ok(());
        }
        let next = events.peek().map_or(end, |event| real(event.at).min(end));
        tokio::time::sleep_until(next.min(now + LOOK).into()).await;
    }
}

/// Mends what is disturbed and waits until all that is under way has arrived; then the edges have stopped.
async fn settle(story: &Story, bench: &mut Bench<'_>) -> anyhow::Result<()> {
    bench.mend().await?;
    bench.centre_is_there().await?;
    if story.expectations.iter().any(|expectation| matches!(expectation.what, Expected::Counter { .. })) {
        hear_health(bench).await?;
    }
    let until = clock::now() + SETTLED_WITHIN;
    let rtus: Vec<_> = bench.machines.keys().filter(|name| bench.owns(&Role::Edge((*name).clone()))).cloned().collect();
    for rtu in &rtus {
        bench.stop(&Role::Edge(rtu.clone())).await?;
    }
    // Where the centre was too slow for the goodbye, what is left goes out with the next start, of one at a time.
    for rtu in &rtus {
        while clock::now() < until {
            let waiting = gather::waiting_numbers(bench, rtu)?;
            if waiting.is_empty() {
                break;
            }
            bench.start(&Role::Edge(rtu.clone())).await?;
            while clock::now() < until && !gather::has_numbers(bench, &waiting)? {
                bench.check()?;
                tokio::time::sleep(LOOK_AT_DATABASE).await;
            }
            bench.stop(&Role::Edge(rtu.clone())).await?;
        }
    }
    while !gather::historian_has_all(story, bench)? && clock::now() < until {
        bench.check()?;
        tokio::time::sleep(LOOK_AT_DATABASE).await;
    }
    Ok(())
}

/// Has every edge say how it fares, and waits until all have.
async fn hear_health(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (asked, until) = (clock::now(), clock::now() + SETTLED_WITHIN);
    bench.ask_for_health();
    loop {
        let told = bench.witness.heard(|heard| {
            let since = heard.healths.iter().filter(|(at, ..)| *at > asked);
            since.map(|(_, edge, _)| edge.clone()).collect::<std::collections::BTreeSet<_>>()
        });
        if bench.machines.keys().all(|edge| told.contains(edge)) {
            return Ok(());
        }
        bench.check()?;
        if clock::now() >= until {
            bail!("not every edge said how it fares within {} s", SETTLED_WITHIN.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Gives the truth of each tank at fixed times: the same for one seed, to the last bit, however the story was played.
fn truth(story: &Story) -> anyhow::Result<BTreeMap<TankName, Vec<Sample>>> {
    let mut plant = story.plant()?;
    let step = (story.speed / SAMPLES_A_SECOND).max(story.lasts.as_secs_f64() / MOST_SAMPLES);
    let gauges = story.site.site.gauges();
    let ids: Vec<_> = gauges.iter().filter_map(|gauge| Some((gauge.tank.clone(), plant.find(&gauge.tank)?))).collect();
    let mut truths: BTreeMap<TankName, Vec<Sample>> = BTreeMap::new();
    for index in 0_u32.. {
        let at = Duration::from_secs_f64(step * f64::from(index));
        plant.advance_to(at.min(story.lasts));
        for (tank, id) in &ids {
            let TankState { level_mm, interface_mm, temperature_c, .. } = plant.truth(*id);
            let sample = Sample { at: at.min(story.lasts), level_mm, interface_mm, temperature_c };
            truths.entry(tank.clone()).or_default().push(sample);
        }
        if at >= story.lasts {
            break;
        }
    }
    Ok(truths)
}

/// The folder of a story.
enum Folder {
    Temporary(tempfile::TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn make(keep: Option<&Path>, name: &str) -> std::io::Result<Self> {
        let Some(keep) = keep else { return tempfile::tempdir().map(Self::Temporary) };
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let folder = keep.join(name.chars().map(plain).collect::<String>());
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        folder.canonicalize().map(Self::Kept)
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }
}
