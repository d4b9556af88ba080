use std::fs;

use super::support::{Folder, said};

const HEAD: &str =
    "seed = 7\nspeed = 60\nlasts = \"4 min\"\nstart = [\"set T-01 level_mm=6000\", \"set T-02 level_mm=3000\"]";

const EVENTS: &str = "[[event]]\nat = \"30 s\"\ndo = [\"inflow T-02 300m3/h\", \"fault T-01 silent for 2 min\"]\n";

#[test]
fn a_story_that_goes_as_expected_passes() {
    let folder = Folder::new();
    let expects = "[[expect]]\nlevel = { within_mm = 10 }\n\
                   [[expect]]\ntank = \"T-01\"\nquality = \"bad:no-reply\"\nafter = \"30 s\"\nwithin_polls = 4\nuntil = \"2 min\"\n\
                   [[expect]]\ntank = \"T-02\"\nnever_quality = \"bad\"\n\
                   [[expect]]\nnothing = [\"lost\", \"twice\", \"invented\"]\n";
    folder.scenario("goes well", HEAD, &format!("{EVENTS}{expects}"));
    let output = folder.run(&["goes well.toml", "--junit", "junit.xml"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.lines().any(|line| line.starts_with("ok     goes well (4 min in ")), "{text}");
    assert!(text.contains("4 of 4 expectations met") && text.ends_with("1 passed, 0 failed\n"), "{text}");
    let junit = fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(junit.contains("goes well") && junit.contains("failures=\"0\""), "{junit}");
    assert!(folder.path().join("kept/goes-well/ops.db").exists(), "its data is kept");
}

#[test]
fn a_story_that_goes_otherwise_fails_and_says_how() {
    let folder = Folder::new();
    // T-02 moves, T-01 is silent: each of these is wrong.
    let expects = "[[expect]]\ntank = \"T-02\"\nlevel = { within_mm = 0 }\n\
                   [[expect]]\ntank = \"T-01\"\nnever_quality = \"bad\"\n\
                   [[expect]]\ntank = \"T-01\"\nfresh_within_polls = 1\n\
                   [[expect]]\nlog = { of = \"ingest\", contains = \"a thing that nobody says\" }\n\
                   [[expect]]\nalarm = \"T-01 level-hh\"\nraised_by = \"3 min\"\n\
                   [[expect]]\ntank = \"T-01\"\ncounted = \"timeouts\"\nat_most = 0\n\
                   [[expect]]\ndead_letters = { at_least = 1 }\n\
                   [[expect]]\nlatency = { max_ms = 0 }\n\
                   [[expect]]\nnothing = [\"lost\"]\n";
    folder.scenario("goes wrong", HEAD, &format!("{EVENTS}{expects}"));
    let output = folder.run(&["goes wrong.toml"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.lines().any(|line| line.starts_with("FAILED goes wrong (4 min in "))
            && text.contains("1 of 9 expectations met"),
        "{text}"
    );
    for part in [
        "T-01: no reading is bad, from 0 ms to 4 min",
        "expected",
        "seen",
        "at       ",
        "seed     7",
        "replay   tankline-hil run 'goes wrong.toml' --seed 7",
        "timeouts 0",
        "never heard of",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn a_scenario_that_is_none_is_told_with_its_lines_and_nothing_is_played() {
    let folder = Folder::new();
    folder.scenario("good", HEAD, "[[expect]]\nnothing = \"lost\"\n");
    let bad = folder.scenario("bad", "lasts = \"soon\"", "[[event]]\nat = \"1 s\"\ndo = \"explode\"\n");
    let output = folder.run(&["."]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    let line = |words: &str| {
        let content = fs::read_to_string(&bad).unwrap();
        content.lines().position(|line| line.contains(words)).unwrap() + 1
    };
    for (words, told) in [("lasts", "lasts = \"soon\""), ("explode", "event[1].do = \"explode\"")] {
        let told = format!("bad.toml:{}: {told}: ", line(words));
        assert!(text.contains(&told), "{told}\n{text}");
    }
    assert!(text.contains("expects nothing") && !text.contains("ok "), "{text}");
    assert!(!folder.path().join("kept").exists(), "nothing was played");
    let output = folder.run(&["good.toml", "--only", "other"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let output = folder.run(&["none.toml"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}
