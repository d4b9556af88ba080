use tankline_hil::scenario::Outcome;

use super::story::{SILENCE, TRUE, failures, played_until_judged};

/// Expectations of the same story that are each wrong in one thing, with words of why they fail.
const WRONG: [(&str, &[&str]); 9] = [
    ("tank = \"T-01\"\nlevel = { within_mm = 0 }", &["level within 0 mm of the truth", " apart"]),
    (
        "tank = \"T-02\"\nquality = \"bad:crc\"\nafter = \"4 min\"\nwithin_polls = 6",
        &["T-02: bad:crc within 6 polls", "bad:no-reply", "never later"],
    ),
    (
        "tank = \"T-02\"\nquality = \"bad:no-reply\"\nafter = \"8.5 min\"\nwithin_polls = 2",
        &["T-02: bad:no-reply within 2 polls after 8 min 30 s", "seen good"],
    ),
    (
        "tank = \"T-02\"\nquality = \"bad:no-reply\"\nafter = \"4 min\"\nwithin_polls = 6\nuntil = \"10 min\"",
        &["T-02: bad:no-reply until 10 min", "seen good"],
    ),
    ("tank = \"T-03\"\nquality = \"good\"", &["T-03: every reading is good", "the first is uncertain"]),
    ("tank = \"T-02\"\ncounted = \"timeouts\"\nat_most = 0", &["T-02: timeouts 0"]),
    ("dead_letters = { at_least = 1 }", &["dead letters: at least 1", "seen 0"]),
    ("log = { of = \"rtu-01\", contains = \"a thing that nobody says\" }", &["a thing that nobody says"]),
    ("latency = { max_ms = 0 }\nfrom = \"4 min\"", &["the longest at most 0 ms"]),
];

#[tokio::test]
async fn the_story_passes_and_each_wrong_expectation_of_it_fails() {
    let wrong = WRONG.map(|(expect, _)| expect);
    let expects: Vec<&str> = TRUE.into_iter().chain(wrong).collect();
    let wanted: Vec<usize> = (TRUE.len()..expects.len()).collect();
    let wrong_with = |outcome: &Outcome| {
        let failures = failures(outcome);
        let failed: Vec<usize> = failures.iter().map(|(index, _)| *index).collect();
        let unsaid =
            WRONG.iter().zip(&failures).filter(|((_, words), (_, told))| !words.iter().all(|word| told.contains(word)));
        let unsaid: Vec<_> = unsaid.map(|((_, words), (_, told))| format!("{words:?} in {told}")).collect();
        (failed != wanted || !unsaid.is_empty()).then(|| format!("{unsaid:#?} {:#?}", outcome.verdicts))
    };
    assert_eq!(played_until_judged("untouched", SILENCE, &expects, None, wrong_with).await, None);
}
