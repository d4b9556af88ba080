//! One gauge with each fault of the catalogue beside two healthy ones.

use std::collections::BTreeSet;
use std::time::Duration;

use tankline_hil::line::{CATALOGUE, FaultTarget, Reach};
use tokio::task::JoinSet;

use super::rig::{AFFECTED, Rig, Seen, Setup, objections, period_ms, qualities};

/// How long a fault is watched.
const STRETCH: Duration = Duration::from_secs(12);

/// Lines that run at the same time.
const AT_ONCE: usize = 15;

/// What may speak against the values of the affected gauge.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Values {
    /// Each reading holds the values of its own request.
    OfTheirRequest,
    /// The gauge itself shows values that it does not measure, and always the same.
    AsShown,
}

/// A fault and what may be read of the affected gauge from the second poll on.
struct Row {
    faults: &'static str,
    expected: &'static [&'static str],
    /// Whether the first of these must be read.
    is_first_wanted: bool,
    values: Values,
}

const fn row(faults: &'static str, expected: &'static [&'static str]) -> Row {
    Row { faults, expected, is_first_wanted: true, values: Values::OfTheirRequest }
}

/// What is read depends on how the fault's rhythm meets the slots.
const fn any(faults: &'static str, expected: &'static [&'static str]) -> Row {
    Row { is_first_wanted: false, ..row(faults, expected) }
}

const fn shown(faults: &'static str, expected: &'static [&'static str]) -> Row {
    Row { values: Values::AsShown, ..row(faults, expected) }
}

const ROWS: &[Row] = &[
    row("silent", &["bad:no-reply"]),
    // A gauge that is a little slower than usual is waited for.
    row("late=40ms", &["good"]),
    // One that became much slower is waited for once its late reply was heard, and as often as the line can bear it.
    row("late=120ms", &["good", "bad:no-reply", "bad:crc"]),
    any("late=250ms", &["good", "bad:no-reply", "bad:crc"]),
    any("late=325ms", &["good", "bad:no-reply", "bad:crc"]),
    any("late=450ms", &["good", "bad:no-reply", "bad:crc"]),
    row("late=1500ms", &["bad:no-reply", "bad:crc"]),
    row("late=3s", &["bad:no-reply", "bad:crc"]),
    row("late=150ms@50%", &["good", "bad:no-reply", "bad:crc"]),
    row("behind=1", &["bad:no-reply", "bad:crc"]),
    row("behind=2", &["bad:no-reply", "bad:crc"]),
    row("other-unit=99", &["bad:no-reply"]),
    row("other-unit=2", &["bad:no-reply"]),
    row("crc", &["bad:crc"]),
    row("short", &["bad:crc"]),
    row("short=1", &["bad:crc"]),
    row("short=10", &["bad:crc"]),
    // What a serial adapter does is forgiven, more is not.
    row("split=10ms", &["good"]),
    row("split=60ms", &["bad:crc"]),
    row("trailing=1", &["good"]),
    row("trailing=20", &["good"]),
    row("glitch=1", &["good"]),
    row("glitch=5", &["good"]),
    row("other-master=99", &["good", "bad:crc", "bad:no-reply"]),
    row("other-master=2", &["good", "bad:crc", "bad:no-reply"]),
    // Whether an answer to the own request stands alone in its slot depends on how the other master's rhythm meets it.
    any("other-master=1", &["good", "bad:wrong-reply", "bad:crc", "bad:no-reply"]),
    row("echo", &["good"]),
    row("exception=1", &["bad:exception-1"]),
    row("exception=2", &["bad:exception-2"]),
    row("exception=3", &["bad:exception-3"]),
    row("exception=4", &["bad:exception-4"]),
    row("exception=5", &["bad:exception-5"]),
    row("exception=6", &["bad:exception-6"]),
    row("exception=8", &["bad:exception-8"]),
    row("exception=10", &["bad:exception-10"]),
    row("exception=11", &["bad:exception-11"]),
    row("count=+1", &["bad:wrong-reply", "bad:no-reply"]),
    row("count=-1", &["bad:wrong-reply", "bad:no-reply"]),
    row("count=+20", &["bad:wrong-reply"]),
    row("function=4", &["bad:wrong-reply"]),
    row("function=6", &["bad:crc"]),
    shown("stuck", &["good"]),
    shown("zero", &["uncertain:blind-zone"]),
    shown("word=0x8000", &["bad:out-of-range"]),
    shown("word=0xFFFF", &["bad:out-of-range"]),
    row("shorted=50ms", &["bad:crc"]),
    row("babble=50ms", &["bad:crc"]),
    row("noise=30%", &["good", "bad:crc", "bad:no-reply", "bad:wrong-reply"]),
    row("noise=bit", &["bad:crc"]),
    row("noise=burst", &["bad:crc"]),
    row("asleep=3", &["bad:no-reply", "good"]),
    row("baud=19200", &["bad:crc"]),
    row("baud=4800", &["bad:crc"]),
    row("twin=collides", &["bad:crc"]),
    row("twin=follows", &["bad:wrong-reply", "bad:crc"]),
    row("repeat=30ms", &["good"]),
    row("repeat=90ms", &["good"]),
    row("early", &["good"]),
    row("trickle=5ms", &["good"]),
    row("trickle=15ms", &["good", "bad:crc", "bad:no-reply"]),
    row("crc@20% late=40ms@20% glitch=2", &["good", "bad:crc", "bad:no-reply"]),
];

/// What one run gave.
struct Run {
    name: String,
    before: Vec<Seen>,
    during: Vec<Seen>,
    after: Vec<Seen>,
    has_kept_time: bool,
}

async fn run(faults: String, seed: u64) -> Run {
    let mut rig = Rig::start(&Setup { seed, ..Setup::default() });
    let units = 1..=rig.units;
    let before = rig.until_good(units.clone(), 6).await;
    rig.set(FaultTarget::Unit(AFFECTED), &faults);
    let during = rig.watch(STRETCH).await;
    rig.set(FaultTarget::Unit(AFFECTED), "");
    let after = rig.until_good(units, 3).await;
    let has_kept_time = rig.has_kept_time();
    rig.stop().await;
    Run { name: faults, before, during, after, has_kept_time }
}

/// What is not as it should be.
#[derive(Default)]
struct Wrong {
    /// A value that was attributed to another request. Once is too often.
    values: Vec<String>,
    /// What a busy machine can bring about too: a fault of the edge brings it about each time.
    course: Vec<String>,
    /// Whether the machine kept the time of a line; where it did not, the course tells nothing.
    has_kept_time: bool,
}

impl Run {
    /// Says what is not as it should be. `control` is a line without faults that ran at the same time.
    fn judge(&self, row: &Row, control: &Run) -> Wrong {
        let (mut values, mut wrong) = (Vec::new(), Vec::new());
        let all = || self.before.iter().chain(&self.during).chain(&self.after);
        let excused = |one: &&Seen| one.unit == AFFECTED && row.values == Values::AsShown;
        let checked: Vec<Seen> = all().filter(|one| !excused(one)).cloned().collect();
        values.extend(objections(&checked));

        let mut levels = self.during.iter().filter(|one| one.unit == AFFECTED).skip(2).map(|one| one.level);
        let first = levels.next();
        if row.values == Values::AsShown && levels.any(|level| Some(level) != first) {
            values.push("the values change".to_owned());
        }
        // The poll that was on its way when the fault came is not counted.
        let affected = qualities(&self.during, AFFECTED);
        let settled = affected.get(2..).unwrap_or_default();
        let strange = settled.iter().filter(|quality| !row.expected.contains(&quality.as_str())).count();
        // A machine that is busy for longer than a time-out makes a poll fail; the line without faults tells how often.
        let hiccups = 1 + control.during.iter().filter(|one| !one.quality.is_good()).count();
        if strange > hiccups.min(settled.len() / 10) {
            wrong.push(format!("after two polls other qualities than {:?}: {affected:?}", row.expected));
        }
        if row.is_first_wanted && !affected.iter().any(|quality| quality == row.expected[0]) {
            wrong.push(format!("never {}: {affected:?}", row.expected[0]));
        }
        // How long the others take to be good is no matter of this gauge.
        let again = qualities(&self.after, AFFECTED);
        let polls = again.windows(3).position(|three| three.iter().all(|quality| quality == "good"));
        let polls = polls.map_or(again.len(), |before| before + 3);
        if polls > 8 {
            wrong.push(format!("good again only after {polls} polls: {again:?}"));
        }
        for unit in AFFECTED + 1..=3 {
            let (usual, now) = (period_ms(&control.during, unit), period_ms(&self.during, unit));
            if now > usual * 1.05 {
                wrong.push(format!("unit {unit} is read every {now:.1} ms instead of {usual:.1} ms"));
            }
            let told = qualities(&self.during, unit);
            let bad = told.iter().filter(|quality| *quality != "good").count();
            // Who talks into the others' slots costs them an answer now and then.
            if bad * 10 > told.len() {
                wrong.push(format!("unit {unit} has {bad} bad readings: {:?}", qualities(&self.during, unit)));
            }
        }
        Wrong { values, course: wrong, has_kept_time: self.has_kept_time && control.has_kept_time }
    }
}

#[test]
fn every_fault_of_the_catalogue_has_its_row() {
    let first = |faults: &str| faults.split(['=', '@', ' ']).next().unwrap().to_owned();
    let tried: BTreeSet<String> = ROWS.iter().map(|row| first(row.faults)).collect();
    let on_a_wire = CATALOGUE.iter().filter(|entry| entry.reach() != Reach::ModbusTcp);
    let known: BTreeSet<String> = on_a_wire.map(|entry| entry.name.to_owned()).collect();
    assert_eq!(tried, known);
    assert!(known.len() >= 25);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn affected_gauge_tells_its_fault_and_the_others_do_not_feel_it() {
    let only = std::env::var("TANKLINE_LINE_FAULT").ok();
    let rows: Vec<&Row> =
        ROWS.iter().filter(|row| only.as_ref().is_none_or(|only| row.faults.starts_with(only))).collect();
    let mut failures = Vec::new();
    for (batch, rows) in rows.chunks(AT_ONCE).enumerate() {
        let mut runs = JoinSet::new();
        let names = std::iter::once("").chain(rows.iter().map(|row| row.faults));
        for (index, faults) in names.enumerate() {
            let seed = (batch * 100 + index) as u64;
            runs.spawn(async move { (index, run(faults.to_owned(), seed).await) });
        }
        let mut runs = runs.join_all().await;
        runs.sort_by_key(|(index, _)| *index);
        let control = &runs[0].1;
        for (row, (_, run)) in rows.iter().zip(&runs[1..]) {
            let mut wrong = run.judge(row, control);
            let told = qualities(&run.during, AFFECTED);
            let periods: Vec<String> = (2..=3).map(|unit| format!("{:.1}", period_ms(&run.during, unit))).collect();
            println!("{:<34} {:<30} others {} ms", run.name, summary(&told), periods.join(", "));
            for again in 1..=3 {
                if wrong.course.is_empty() || !wrong.values.is_empty() {
                    break;
                }
                println!("{:<34} again, because {}", run.name, wrong.course.join("; "));
                wrong = once_more(row, again).await;
            }
            if !wrong.course.is_empty() && !wrong.has_kept_time {
                println!("{:<34} not judged on a machine as busy, but for its values", run.name);
                wrong.course.clear();
            }
            let said = wrong.values.into_iter().chain(wrong.course);
            failures.extend(said.map(|wrong| format!("{}: {wrong}", run.name)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs one row beside a line without faults and nothing else.
async fn once_more(row: &Row, seed: u64) -> Wrong {
    let (control, run) = tokio::join!(run(String::new(), seed), run(row.faults.to_owned(), seed));
    run.judge(row, &control)
}

/// Counts what is the same, in the order in which it came first.
fn summary(qualities: &[String]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for quality in qualities {
        match counts.iter_mut().find(|(known, _)| known == quality) {
            Some((_, count)) => *count += 1,
            None => counts.push((quality, 1)),
        }
    }
    counts.iter().map(|(quality, count)| format!("{count} {quality}")).collect::<Vec<_>>().join(", ")
}
