use std::sync::Arc;

use tankline_hil::scenario::{Outcome, Tamper};

use super::story::{
    BLIND_IS_DOUBTED, FRESH, LATENCY, LEVEL, NOTHING_INVENTED, NOTHING_LOST, NOTHING_TWICE, SILENCE, SILENCE_IS_TOLD,
    TRUE, failures, played_until_judged,
};
use super::tampering::Tampering;

/// Rows that no one else excuses: the newest good ones of a tank that is always there.
macro_rules! newest_rows {
    () => {
        "SELECT id FROM reading WHERE tank = 'T-01' AND quality = 'good' ORDER BY id DESC LIMIT 3 OFFSET 10"
    };
}

/// Something that is wrong with the system, which the story must notice.
struct Mutant {
    name: &'static str,
    /// Events in place of the silence, which is wanted, and beside it.
    events: &'static [&'static str],
    tampering: Option<Tampering>,
    /// Expectations that must fail, with words of why.
    fails: &'static [(&'static str, &'static [&'static str])],
    /// Those that may fail besides.
    may_fail: &'static [&'static str],
}

impl Mutant {
    const UNTOUCHED: Self = Self { name: "", events: &[SILENCE], tampering: None, fails: &[], may_fail: &[] };
}

const MUTANTS: [Mutant; 11] = [
    Mutant {
        name: "the journal is deleted before the edge starts again",
        tampering: Some(Tampering::JournalDeleted),
        fails: &[(NOTHING_LOST, &["lost: ", "T-01: the answer "])],
        ..Mutant::UNTOUCHED
    },
    Mutant {
        name: "rows of the database are deleted",
        tampering: Some(Tampering::Database(concat!("DELETE FROM reading WHERE id IN (", newest_rows!(), ")"))),
        fails: &[(NOTHING_LOST, &["lost: ", "T-01: the answer "])],
        ..Mutant::UNTOUCHED
    },
    Mutant {
        name: "a reading is there a second time under another number",
        tampering: Some(Tampering::Database(concat!(
            "INSERT INTO reading (site, tank, edge, at_ms, journal, seq, level_mm, interface_mm, temperature_c, quality,
             quality_code, committed_ms) SELECT site, tank, edge, at_ms, journal, seq + 1000000, level_mm, interface_mm,
             temperature_c, quality, quality_code, committed_ms FROM reading WHERE id IN (",
            newest_rows!(),
            ")"
        ))),
        fails: &[(NOTHING_TWICE, &["twice: 3 of "])],
        may_fail: &[NOTHING_INVENTED],
        ..Mutant::UNTOUCHED
    },
    Mutant {
        name: "a level is changed by a millimetre on its way",
        tampering: Some(Tampering::Database(concat!(
            "UPDATE reading SET level_mm = level_mm + 1 WHERE id IN (",
            newest_rows!(),
            ")"
        ))),
        fails: &[(NOTHING_INVENTED, &["invented: ", "T-01: "])],
        may_fail: &[NOTHING_LOST],
        ..Mutant::UNTOUCHED
    },
    Mutant {
        name: "the edge has an offset that the gauge has not",
        tampering: Some(Tampering::Site("unit = 1\n", "unit = 1\noffset_mm = 50.0\n")),
        fails: &[(LEVEL, &["level within 10 mm of the truth", "T-01: level 60"])],
        may_fail: &[NOTHING_INVENTED, NOTHING_LOST],
        ..Mutant::UNTOUCHED
    },
    Mutant {
        name: "the edge knows nothing of the blind zone",
        tampering: Some(Tampering::Site("top_blind_zone_mm = 150\n", "")),
        fails: &[(BLIND_IS_DOUBTED, &["T-03: no reading is good", "the first is good"])],
        ..Mutant::UNTOUCHED
    },
    Mutant {
        name: "the edge takes two gauges for each other",
        tampering: Some(Tampering::UnitsSwapped),
        fails: &[
            (LEVEL, &["level within 10 mm of the truth", " apart"]),
            (SILENCE_IS_TOLD, &["T-02: bad:no-reply within 6 polls", "seen good"]),
            (NOTHING_INVENTED, &["invented: "]),
        ],
        may_fail: &[NOTHING_LOST],
        ..Mutant::UNTOUCHED
    },
    Mutant {
        name: "the edge is cut off and does not come back",
        events: &[SILENCE, "[[event]]\nat = \"3.5 min\"\ndo = \"cut rtu-01\"\n"],
        fails: &[(FRESH, &["T-01: newest reading never older than 20 polls, which is 5000 ms"])],
        may_fail: &[LATENCY],
        ..Mutant::UNTOUCHED
    },
    Mutant {
        name: "the connection is slow",
        events: &[SILENCE, "[[event]]\nat = \"3.5 min\"\ndo = \"slow rtu-01 delay=4s\"\n"],
        fails: &[(LATENCY, &["p50 at most 2000 ms from gauge to database"])],
        may_fail: &[FRESH],
        ..Mutant::UNTOUCHED
    },
    Mutant {
        name: "a gauge shows what was right once",
        events: &[SILENCE, "[[event]]\nat = \"20 s\"\ndo = \"float T-01 stuck\"\n"],
        fails: &[(LEVEL, &["level within 10 mm of the truth", "T-01: level 600"])],
        ..Mutant::UNTOUCHED
    },
    Mutant {
        name: "the gauge that should fall silent does not",
        events: &[],
        fails: &[(SILENCE_IS_TOLD, &["T-02: bad:no-reply within 6 polls", "seen good", "never later"])],
        ..Mutant::UNTOUCHED
    },
];

async fn wrong_with(mutant: &Mutant) -> Option<String> {
    let tamper = mutant.tampering.map(|tampering| Arc::new(tampering) as Arc<dyn Tamper>);
    let wrong_with = |outcome: &Outcome| {
        let failures = failures(outcome);
        let missed = mutant.fails.iter().any(|(expect, words)| {
            let told = failures.iter().find(|(index, _)| TRUE[*index] == *expect);
            told.is_none_or(|(_, told)| !words.iter().all(|word| told.contains(word)))
        });
        let is_meant =
            |expect| mutant.may_fail.contains(&expect) || mutant.fails.iter().any(|(meant, _)| *meant == expect);
        let other = failures.iter().any(|(index, _)| !is_meant(TRUE[*index]));
        (missed || other || outcome.is_passed()).then(|| format!("{}: {:#?}", mutant.name, outcome.verdicts))
    };
    played_until_judged(mutant.name, &mutant.events.concat(), &TRUE, tamper, wrong_with).await
}

#[tokio::test]
async fn each_broken_system_fails_the_story_for_its_own_reason() {
    let mut plays = tokio::task::JoinSet::new();
    for mutant in &MUTANTS {
        plays.spawn(wrong_with(mutant));
    }
    let wrong: Vec<String> = plays.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} of {} mutants live\n{}", wrong.len(), MUTANTS.len(), wrong.join("\n"));
}
