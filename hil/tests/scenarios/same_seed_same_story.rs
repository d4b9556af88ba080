use std::path::PathBuf;

use tankline_hil::gauges_command::PlaceArgs;
use tankline_hil::scenario::{EdgeProgram, Judgement, Outcome, PlayOptions, Playing, load, play};
use tokio_util::sync::CancellationToken;

use super::support::Folder;

const TABLES: &str = r#"
[[event]]
at = "30 s"
do = ["inflow T-01 300m3/h water_cut=30%", "fault T-02 noise=30%"]
[[event]]
at = "1 min"
do = "outflow T-02 200m3/h"

[[expect]]
level = { within_mm = 10 }
[[expect]]
tank = "T-02"
counted = "crc_errors"
at_least = 1
[[expect]]
tank = "T-01"
never_quality = "good"
[[expect]]
nothing = ["lost", "twice", "invented"]
"#;

async fn played(folder: &Folder, seed: u64) -> Outcome {
    let file = folder.scenario("same", "speed = 60\nlasts = \"3 min\"", TABLES);
    let mut story = load(&file).unwrap();
    story.seed = seed;
    let program = PathBuf::from(env!("CARGO_BIN_EXE_tankline-hil"));
    let options = PlayOptions {
        program,
        edge: EdgeProgram::Own,
        places: PlaceArgs::default(),
        broker: None,
        keep: None,
        tamper: None,
    };
    play(&story, &options, &Playing::default(), &CancellationToken::new()).await
}

/// The truth of all tanks, each number bit for bit.
fn truth(outcome: &Outcome) -> Vec<(String, u128, [u64; 3])> {
    let samples =
        outcome.tanks.iter().flat_map(|trace| trace.truth.iter().map(move |sample| (trace.tank.to_string(), sample)));
    samples
        .map(|(tank, sample)| {
            let numbers = [sample.level_mm, sample.interface_mm, sample.temperature_c];
            (tank, sample.at.as_nanos(), numbers.map(f64::to_bits))
        })
        .collect()
}

fn verdicts(outcome: &Outcome) -> Vec<bool> {
    outcome.verdicts.iter().map(|verdict| matches!(verdict.judgement, Judgement::Met { .. })).collect()
}

#[tokio::test]
async fn two_runs_of_one_seed_have_the_same_truth_and_the_same_verdicts() {
    let folder = Folder::new();
    let (first, second, other) = (played(&folder, 7).await, played(&folder, 7).await, played(&folder, 8).await);
    assert_eq!((&first.trouble, &second.trouble), (&None, &None));
    assert!(truth(&first).len() > 100, "{}", truth(&first).len());
    assert_eq!(truth(&first), truth(&second));
    assert_eq!(verdicts(&first), [true, true, false, true], "{:#?}", first.verdicts);
    assert_eq!(verdicts(&first), verdicts(&second), "{:#?}", second.verdicts);
    assert_ne!(truth(&first), truth(&other), "another seed, another plant");
}
