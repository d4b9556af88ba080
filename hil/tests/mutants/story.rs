use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use tankline_hil::gauges_command::PlaceArgs;
use tankline_hil::scenario::{EdgeProgram, Judgement, Outcome, PlayOptions, Playing, Tamper, load, play};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Three tanks on one line: one fills, one stands and its gauge falls silent for a while, one stands in the blind zone
/// of its gauge. The edge is cut off, killed and started again in the first minutes.
const BEFORE_EVENTS: &str = r#"
protects = "This bench."
seed = 7
speed = 60
lasts = "10 min"
start = ["set T-01 level_mm=6000", "set T-02 level_mm=3000", "set T-03 level_mm=11900"]

[site]
name = "small"

[[site.product]]
name = "crude"
kind = "crude"
density_20c_kg_m3 = 862.0

[[site.line]]
name = "line-01"
edge = "rtu-01"
port = "/dev/ttyS1"

[[site.tank]]
name = "T-01"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 20.0, height_m = 12.0 }

[[site.tank]]
name = "T-02"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 20.0, height_m = 12.0 }

[[site.tank]]
name = "T-03"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 20.0, height_m = 12.0 }

[[site.gauge]]
tank = "T-01"
line = "line-01"
unit = 1
poll_interval_ms = 250

[[site.gauge]]
tank = "T-02"
line = "line-01"
unit = 2
poll_interval_ms = 250

[[site.gauge]]
tank = "T-03"
line = "line-01"
unit = 3
poll_interval_ms = 250
top_blind_zone_mm = 150

[[event]]
at = "10 s"
do = ["inflow T-01 100m3/h", "cut rtu-01 for 2 min"]

[[event]]
at = "100 s"
do = "kill rtu-01 for 20 s"
"#;

/// The gauge that falls silent.
pub const SILENCE: &str = r#"
[[event]]
at = "4 min"
do = "fault T-02 silent for 1 min"
"#;

pub const NOTHING_LOST: &str = r#"nothing = "lost""#;
pub const NOTHING_TWICE: &str = r#"nothing = "twice""#;
pub const NOTHING_INVENTED: &str = r#"nothing = "invented""#;
pub const LEVEL: &str = r#"tanks = ["T-01", "T-02"]
level = { within_mm = 10 }"#;
pub const SILENCE_IS_TOLD: &str = r#"tank = "T-02"
quality = "bad:no-reply"
after = "4 min"
within_polls = 6
until = "4.8 min""#;
pub const BLIND_IS_DOUBTED: &str = r#"tank = "T-03"
never_quality = "good""#;
/// Five seconds of real time.
pub const FRESH: &str = r#"tank = "T-01"
fresh_within_polls = 20
from = "4 min""#;
/// Ends three seconds of real time before the story does: then links are mended, and what is under way comes at once.
pub const LATENCY: &str = r#"latency = { p50_ms = 2000 }
from = "4 min"
until = "7 min""#;

/// All that holds while nothing is broken.
pub const TRUE: [&str; 8] =
    [NOTHING_LOST, NOTHING_TWICE, NOTHING_INVENTED, LEVEL, SILENCE_IS_TOLD, BLIND_IS_DOUBTED, FRESH, LATENCY];

/// Stories that are played at a time: their processes share the machine.
static AT_A_TIME: Semaphore = Semaphore::const_new(6);

/// Plays are told from each other by their own reasons only on a machine that keeps time: so many tries.
const TRIES: u32 = 4;

/// Plays the story with these events and expectations; gives what is wrong with the outcome. It is played again when the
/// machine held it up.
pub async fn played_until_judged(
    name: &str,
    events: &str,
    expects: &[&str],
    tamper: Option<Arc<dyn Tamper>>,
    wrong_with: impl Fn(&Outcome) -> Option<String>,
) -> Option<String> {
    played_until_judged_of(&format!("{BEFORE_EVENTS}{events}"), name, expects, tamper, wrong_with).await
}

/// The same with another story, which is given without its name and its expectations.
pub async fn played_until_judged_of(
    story: &str,
    name: &str,
    expects: &[&str],
    tamper: Option<Arc<dyn Tamper>>,
    wrong_with: impl Fn(&Outcome) -> Option<String>,
) -> Option<String> {
    for _ in 1..TRIES {
        let outcome = played(story, name, expects, tamper.clone()).await;
        let wrong = outcome.trouble.clone().or_else(|| wrong_with(&outcome));
        if wrong.is_none() || outcome.has_kept_time() {
            return wrong;
        }
        println!("{name}: again, because the machine held it up for {} ms", outcome.stalled.as_millis());
    }
    let outcome = played(story, name, expects, tamper).await;
    outcome.trouble.clone().or_else(|| wrong_with(&outcome))
}

/// Plays a story; the verdicts are in the order of the expectations.
async fn played(story: &str, name: &str, expects: &[&str], tamper: Option<Arc<dyn Tamper>>) -> Outcome {
    let _turn = AT_A_TIME.acquire().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("story.toml");
    let mut text = format!("name = \"{name}\"{story}");
    for expect in expects {
        write!(text, "\n[[expect]]\n{expect}\n").unwrap();
    }
    fs::write(&file, text).unwrap();
    let story = load(&file).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
    let program = PathBuf::from(env!("CARGO_BIN_EXE_tankline-hil"));
    let places = PlaceArgs::default();
    let options = PlayOptions { program, edge: EdgeProgram::Own, places, broker: None, keep: None, tamper };
    let outcome = play(&story, &options, &Playing::default(), &CancellationToken::new()).await;
    assert!(outcome.trouble.is_some() || outcome.verdicts.len() == expects.len(), "{name}");
    outcome
}

/// Gives what was expected and seen of each expectation that failed, with its place.
pub fn failures(outcome: &Outcome) -> Vec<(usize, String)> {
    let verdicts = outcome.verdicts.iter().enumerate();
    verdicts
        .filter_map(|(index, verdict)| match &verdict.judgement {
            Judgement::Met { .. } => None,
            Judgement::Failed(failing) => {
                Some((index, format!("expected {}; seen {}", failing.expected, failing.seen)))
            }
        })
        .collect()
}
