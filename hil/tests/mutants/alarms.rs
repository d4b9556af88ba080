//! A centre whose alarms are late, call for what came late, or are forgotten fails a story of alarms.

use std::sync::Arc;

use tankline_hil::scenario::{Outcome, Tamper};

use super::story::{failures, played_until_judged_of};
use super::tampering::Tampering;

/// Two RTUs: one with a tank that goes over its limits at once, one that is cut off while its tank does. Then the centre is
/// killed.
const BEFORE_EXPECTATIONS: &str = r#"
protects = "This bench."
lasts = "75 s"
start = ["set T-01 level_mm=11000", "set T-02 level_mm=11000"]

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

[[site.line]]
name = "line-02"
edge = "rtu-02"
port = "/dev/ttyS1"

[[site.tank]]
name = "T-01"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 20.0, height_m = 12.5 }
limits = { hh_mm = 11800 }
alarms = { level-hh = { on_delay_s = 2 } }

[[site.tank]]
name = "T-02"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 20.0, height_m = 12.5 }
limits = { hh_mm = 11800 }

[[site.gauge]]
tank = "T-01"
line = "line-01"
unit = 1
poll_interval_ms = 250

[[site.gauge]]
tank = "T-02"
line = "line-02"
unit = 1
poll_interval_ms = 250

[[event]]
at = "1 s"
do = "cut rtu-02 for 20 s"

[[event]]
at = "3 s"
do = ["set T-01 level_mm=11900", "set T-02 level_mm=11900"]

[[event]]
at = "8 s"
do = "set T-02 level_mm=11000"

[[event]]
at = "12 s"
do = "kill ingest for 2 s"
"#;

const SOON: &str = "alarm = \"T-01 level-hh\"\nraised_within_ms = 500";
const ONCE: &str = "alarm = \"T-01 level-hh\"\nraised_times = 1";
const FOUND: &str = "alarm = \"T-02 level-hh\"\nfound_in_backlog = true";
const TRUE: [&str; 3] = [SOON, ONCE, FOUND];

/// An expectation that must fail alone, and words of why.
type Fails = (&'static str, &'static str);

/// What is wrong with the alarms, and what must fail.
const MUTANTS: [(&str, Option<Tampering>, Option<Fails>); 4] = [
    ("nothing is wrong with the alarms", None, None),
    (
        "an alarm is three seconds late",
        Some(Tampering::Site("on_delay_s = 2\n", "on_delay_s = 5\n")),
        Some((SOON, "after it")),
    ),
    (
        "what came late calls",
        Some(Tampering::Database(
            "INSERT INTO alarm_transition (site, source, alarm, priority, at_ms, event, state_from, state_to, unit, recorded_ms)
             SELECT site, source, alarm, priority, at_ms, 'raised', 'normal', 'unacknowledged', unit, recorded_ms
             FROM alarm_transition WHERE source = 'T-02' AND event = 'found-in-backlog' LIMIT 1",
        )),
        Some((FOUND, "T-02 level-hh at ")),
    ),
    ("alarms are forgotten with the centre", Some(Tampering::AlarmsForgotten), Some((ONCE, "T-01 level-hh at "))),
];

async fn wrong_with(name: &str, tampering: Option<Tampering>, fails: Option<Fails>) -> Option<String> {
    let tamper = tampering.map(|tampering| Arc::new(tampering) as Arc<dyn Tamper>);
    let is_wrong = |outcome: &Outcome| {
        let told: Vec<_> = failures(outcome).into_iter().map(|(index, told)| (TRUE[index], told)).collect();
        let is_as_meant = match (fails, told.as_slice()) {
            (None, []) => true,
            (Some((meant, words)), [(failed, told)]) => *failed == meant && told.contains(words),
            _ => false,
        };
        (!is_as_meant).then(|| format!("{name}: {:#?}", outcome.verdicts))
    };
    played_until_judged_of(BEFORE_EXPECTATIONS, name, &TRUE, tamper, is_wrong).await
}

#[tokio::test]
async fn each_wrong_alarm_fails_the_story_for_its_own_reason() {
    let mut plays = tokio::task::JoinSet::new();
    for (name, tampering, fails) in MUTANTS {
        plays.spawn(wrong_with(name, tampering, fails));
    }
    let wrong: Vec<String> = plays.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
