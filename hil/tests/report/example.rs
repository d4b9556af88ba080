//! Made-up outcomes of four stories, of the kinds that there are.

use std::time::Duration;

use tankline_domain::reading::Quality;
use tankline_hil::scenario::{Arrival, Failing, Judgement, Mark, MarkKind, Outcome, Sample, TankTrace, Verdict};

/// Gives one story that failed, one with trouble and two that passed.
pub fn outcomes() -> Vec<Outcome> {
    vec![fill_to_high_high(), dead_gauge(), trouble(), night()]
}

/// Gives the outcome of a story without tanks in which everything was met.
pub fn bare(name: &str) -> Outcome {
    Outcome {
        name: name.to_owned(),
        protects: "A normal day passes without an alarm.".to_owned(),
        file: format!("hil/scenarios/{}.toml", name.replace(' ', "-")).into(),
        seed: 7,
        speed: 60.0,
        played: minutes(20.0),
        took: Duration::from_millis(20_340),
        stalled: Duration::ZERO,
        verdicts: vec![met("no reading is lost", 31, "1204 answers, all in the database once")],
        trouble: None,
        replay: format!("tankline-hil run hil/scenarios/{}.toml --seed 7", name.replace(' ', "-")),
        tanks: Vec::new(),
        marks: Vec::new(),
        figures: vec![("readings committed".to_owned(), "1204".to_owned())],
    }
}

/// A verdict that an expectation was met.
pub fn met(expectation: &str, line: usize, seen: &str) -> Verdict {
    Verdict { expectation: expectation.to_owned(), line, judgement: Judgement::Met { seen: seen.to_owned() } }
}

/// A verdict that it was not.
pub fn failed(expectation: &str, line: usize, expected: &str, seen: &str, at: Option<Duration>) -> Verdict {
    let failing = Failing { expected: expected.to_owned(), seen: seen.to_owned(), at };
    Verdict { expectation: expectation.to_owned(), line, judgement: Judgement::Failed(failing) }
}

/// Story time.
pub fn minutes(minutes: f64) -> Duration {
    Duration::from_secs_f64(minutes * 60.0)
}

/// A trace of a tank over a time: truth by a function, and a gauge that shows it with its own error.
pub fn trace(
    tank: &str,
    length: Duration,
    every: Duration,
    truth: impl Fn(f64) -> Sample,
    seen: impl Fn(&Sample, &mut fastrand::Rng) -> Option<Arrival>,
) -> TankTrace {
    let mut random = fastrand::Rng::with_seed(7);
    let steps = length.as_millis() / every.as_millis();
    let times = (0..=steps).map(|step| every * u32::try_from(step).unwrap());
    let truth: Vec<Sample> = times.map(|at| Sample { at, ..truth(at.as_secs_f64() / 60.0) }).collect();
    let arrived = truth.iter().filter_map(|sample| seen(sample, &mut random)).collect();
    let limits = [("LL", 700.0), ("L", 1200.0), ("H", 11_300.0), ("HH", 11_800.0)];
    TankTrace {
        tank: tank.parse().unwrap(),
        height_mm: 12_530.0,
        limits_mm: limits.map(|(name, at)| (name.to_owned(), at)).into(),
        truth,
        arrived,
    }
}

/// What a sound gauge gives: the truth with a noise of 1 mm, committed three seconds later.
pub fn sound(sample: &Sample, random: &mut fastrand::Rng) -> Arrival {
    let mut noise = || (random.f64() - random.f64()) * 2.0;
    Arrival {
        at: sample.at,
        committed_at: sample.at + Duration::from_secs(3),
        level_mm: Some((sample.level_mm + noise()).round()),
        interface_mm: Some((sample.interface_mm + noise()).round()),
        temperature_c: Some(sample.temperature_c + (noise() / 10.0)),
        quality: Quality::Good,
    }
}

/// A reading that failed.
pub fn silent(sample: &Sample, quality: &str) -> Arrival {
    Arrival {
        at: sample.at,
        committed_at: sample.at + Duration::from_secs(3),
        level_mm: None,
        interface_mm: None,
        temperature_c: None,
        quality: quality.parse().unwrap(),
    }
}

/// A tank as it is at a moment, its time aside.
pub fn tank(level_mm: f64, interface_mm: f64, temperature_c: f64) -> Sample {
    Sample { at: Duration::ZERO, level_mm, interface_mm, temperature_c }
}

/// Something that happened, in minutes of the story.
pub fn mark(from: f64, until: Option<f64>, kind: MarkKind, tank: Option<&str>, text: &str) -> Mark {
    let tank = tank.map(|tank| tank.parse().unwrap());
    Mark { at: minutes(from), until: until.map(minutes), kind, tank, text: text.to_owned() }
}

fn fill_to_high_high() -> Outcome {
    let truth = |minute: f64| {
        let level = (9200.0 + 145.0 * (minute - 2.0).clamp(0.0, 18.0)).min(11_830.0);
        tank(level, 6367.0 - 40.0 * (minute / 5.0).sin(), 32.5 + minute / 12.0)
    };
    let length = minutes(30.0);
    let every = Duration::from_secs(2);
    let loose = trace("T-01", length, every, truth, |sample, random| {
        let minute = sample.at.as_secs_f64() / 60.0;
        let mut arrival = sound(sample, random);
        if (12.0..16.5).contains(&minute) {
            // The float hangs: the level stays where it was while the tank fills.
            arrival.level_mm = Some(10_650.0);
            if minute > 14.0 {
                arrival.quality = "uncertain:stuck".parse().unwrap();
            }
        }
        if (21.0..23.0).contains(&minute) {
            return Some(silent(sample, "bad:no-reply"));
        }
        if (24.0..26.0).contains(&minute) {
            arrival.committed_at = minutes(26.0);
        }
        Some(arrival)
    });
    let steady = trace(
        "T-02",
        length,
        every,
        |_| tank(5400.0, 2100.0, 41.0),
        |s, r| {
            let mut arrival = sound(s, r);
            if s.at == Duration::from_secs(610) {
                arrival.level_mm = Some(8800.0);
            }
            Some(arrival)
        },
    );
    Outcome {
        protects:
            "The high-high alarm of a tank that fills is raised before the product stands at the overflow, also with \
                   a float that hangs for a while."
                .to_owned(),
        speed: 60.0,
        played: length,
        took: Duration::from_millis(30_871),
        stalled: Duration::ZERO,
        verdicts: vec![
            met("quality of T-01 is bad:no-reply within 2 polls after 0:21:00", 44, "bad:no-reply after 1 poll"),
            failed(
                "level of T-01 is within 5 mm of the truth from 0:01:00 to 0:20:00",
                49,
                "at most 5 mm off the plant's truth",
                "638 mm off: 10650 mm read, 11288 mm true",
                Some(minutes(12.05)),
            ),
            met("alarm T-01 HH is raised by 0:20:30", 53, "raised at 0:20:02"),
            failed(
                "nothing is lost",
                58,
                "each of 1802 answers in the database",
                "1799 there; missing 3: seq 611, 612, 613",
                None,
            ),
            met("p99 of the latency is at most 500 ms", 62, "p99 212 ms"),
        ],
        tanks: vec![steady, loose],
        marks: vec![
            mark(2.0, Some(20.0), MarkKind::Plant, Some("T-01"), "inflow T-01 400m3/h water_cut=30%"),
            mark(12.0, Some(16.5), MarkKind::Fault, Some("T-01"), "fault T-01 stuck-float"),
            mark(16.6, None, MarkKind::Alarm, Some("T-01"), "T-01 H raised"),
            mark(20.03, None, MarkKind::Alarm, Some("T-01"), "T-01 HH raised"),
            mark(21.0, Some(23.0), MarkKind::Fault, Some("T-01"), "fault T-01 silent"),
            mark(24.0, Some(26.0), MarkKind::Infrastructure, None, "cut rtu-01 for 2 min"),
            mark(26.3, None, MarkKind::Infrastructure, None, "kill ingest"),
            mark(26.5, None, MarkKind::Infrastructure, None, "start ingest"),
        ],
        figures: vec![
            ("readings committed".to_owned(), "1799".to_owned()),
            ("latency p50".to_owned(), "48 ms".to_owned()),
            ("latency p99".to_owned(), "212 ms".to_owned()),
        ],
        ..bare("fill to high-high")
    }
}

fn dead_gauge() -> Outcome {
    let length = minutes(20.0);
    let dead = trace(
        "V-103",
        length,
        Duration::from_secs(1),
        |_| tank(3200.0, 900.0, 18.0),
        |sample, random| {
            let dead = sample.at > minutes(5.0) && sample.at < minutes(14.0);
            if !dead {
                return Some(sound(sample, random));
            }
            (sample.at.as_secs() % 16 == 0).then(|| silent(sample, "bad:no-reply"))
        },
    );
    Outcome {
        protects: "A dead gauge tells so and costs the other gauges of its line nothing.".to_owned(),
        verdicts: vec![
            met("quality of V-103 is bad within 2 polls after 0:05:00", 30, "bad:no-reply after 1 poll"),
            met("nothing is lost", 36, "731 answers, all in the database once"),
        ],
        tanks: vec![dead],
        marks: vec![mark(5.0, Some(14.0), MarkKind::Fault, Some("V-103"), "fault V-103 silent")],
        ..bare("dead gauge")
    }
}

fn trouble() -> Outcome {
    Outcome {
        protects: "Without InfluxDB nothing waits.".to_owned(),
        played: Duration::from_secs(75),
        took: Duration::from_millis(2_100),
        stalled: Duration::ZERO,
        verdicts: vec![],
        trouble: Some("ingest ended while it was needed, with exit code 1\n\nthe last lines that it wrote:\nERROR cannot open the database \u{1b}[31m/data/ops.db\u{1b}[0m: disk I/O error".to_owned()),
        figures: vec![],
        ..bare("InfluxDB away")
    }
}

fn night() -> Outcome {
    let length = minutes(600.0);
    let truth = |minute: f64| {
        let level = 7400.0 - (minute - 120.0).max(0.0) * 1.4;
        tank(level, 3100.0, 28.0 + 6.0 * (minute / 230.0).cos())
    };
    let leak = trace("T-03", length, Duration::from_secs(10), truth, |sample, random| Some(sound(sample, random)));
    Outcome {
        protects: "A leak overnight is noticed before a cubic metre is gone.".to_owned(),
        played: length,
        speed: 1200.0,
        tanks: vec![leak],
        marks: vec![
            mark(120.0, None, MarkKind::Plant, Some("T-03"), "leak T-03 0.37m3/h"),
            mark(181.0, None, MarkKind::Alarm, Some("T-03"), "T-03 unexpected movement raised"),
        ],
        ..bare("leak overnight")
    }
}
