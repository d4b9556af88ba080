use std::process::Command;
use std::time::Duration;

use tankline_hil::scenario::{Outcome, report};

use super::example;
use super::xml::Element;

fn written(outcomes: &[Outcome]) -> String {
    let mut out = Vec::new();
    report::junit(outcomes, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Texts with everything that XML cannot hold, or holds in another form.
fn hostile() -> Vec<Outcome> {
    let text = "a <b> & \"c\" 'd' ]]> \u{1b}[31mred\u{0}\u{7f}\u{85}\u{ffff}\u{feff}\r\n\tend 原油 \u{1f6e2}";
    let mut outcome = example::bare("hostile");
    outcome.name = text.to_owned();
    outcome.protects = text.to_owned();
    outcome.file = format!("dir/{text}.v2.toml").into();
    outcome.replay = text.to_owned();
    outcome.trouble = Some(text.to_owned());
    outcome.figures = vec![(text.to_owned(), text.to_owned())];
    outcome.verdicts = vec![
        example::failed(text, 3, text, text, Some(Duration::from_millis(61_500))),
        example::failed(text, 9, text, text, None),
        example::met("played to its end", 12, text),
    ];
    vec![outcome]
}

#[test]
fn each_scenario_is_a_suite_and_each_expectation_a_case() {
    let outcomes = example::outcomes();
    let root = Element::read(&written(&outcomes));
    assert_eq!(root.name, "testsuites");
    assert_eq!((root.attribute("tests"), root.attribute("failures"), root.attribute("errors")), ("12", "2", "1"));
    assert_eq!(root.all("testsuite").len(), 4);
    for (suite, outcome) in root.all("testsuite").into_iter().zip(&outcomes) {
        assert_eq!(suite.attribute("name"), outcome.name);
        assert_eq!(suite.all("testcase").len(), outcome.verdicts.len() + 1);
        assert_eq!(suite.attribute("tests"), suite.all("testcase").len().to_string());
        assert_eq!(suite.attribute("failures"), suite.all("failure").len().to_string());
        assert_eq!(suite.attribute("errors"), suite.all("error").len().to_string());
        let properties: Vec<_> =
            suite.all("property").into_iter().map(|p| (p.attribute("name"), p.attribute("value"))).collect();
        assert!(properties.contains(&("seed", "7")), "{properties:?}");
        assert!(properties.contains(&("replay", &outcome.replay)), "{properties:?}");
        assert!(properties.contains(&("speed", &outcome.speed.to_string())), "{properties:?}");
        let time = |element: &Element| element.attribute("time").parse::<f64>().unwrap();
        let of_cases: f64 = suite.all("testcase").into_iter().map(time).sum();
        assert!((of_cases - time(suite)).abs() < 0.001, "the times of the cases add up to that of the suite");
    }
}

#[test]
fn failure_says_what_was_expected_and_how_to_play_it_again() {
    let root = Element::read(&written(&example::outcomes()));
    let failure = root.all("failure")[0];
    assert_eq!(
        failure.attribute("message"),
        "expected at most 5 mm off the plant's truth, seen 638 mm off: 10650 mm read, 11288 mm true at 0:12:03 of the \
         story (hil/scenarios/fill-to-high-high.toml:49)"
    );
    for part in
        ["level of T-01", "seed: 7", "play it again: tankline-hil run hil/scenarios/fill-to-high-high.toml --seed 7"]
    {
        assert!(failure.text.contains(part), "{part} is not in {}", failure.text);
    }
}

#[test]
fn trouble_is_an_error_of_the_story_itself() {
    let root = Element::read(&written(&example::outcomes()));
    let suite = root.all("testsuite")[2];
    assert_eq!(suite.all("testcase")[0].attribute("name"), "played to its end");
    let error = suite.all("testcase")[0].all("error")[0];
    assert_eq!(error.attribute("message"), "ingest ended while it was needed, with exit code 1");
    assert!(error.text.contains("cannot open the database ␛[31m/data/ops.db"), "{}", error.text);
    assert!(error.text.contains("at: 0:01:15 of the story"), "{}", error.text);
}

#[test]
fn any_text_gives_well_formed_xml() {
    let root = Element::read(&written(&hostile()));
    let suite = root.all("testsuite")[0];
    let seen = "a <b> & \"c\" 'd' ]]> ␛[31mred␀␡ \u{fffd}\u{feff} end 原油 \u{1f6e2}";
    assert_eq!(suite.attribute("name"), seen);
    assert!(suite.all("failure")[0].text.contains("'d' ]]> ␛[31mred␀␡"));
    let classes: Vec<_> = suite.all("testcase").into_iter().map(|case| case.attribute("classname")).collect();
    assert!(classes.iter().all(|class| class.matches('.').count() == 1), "{classes:?}");
}

#[test]
fn no_two_cases_of_a_suite_have_one_name() {
    let root = Element::read(&written(&hostile()));
    let names: Vec<_> = root.all("testcase").into_iter().map(|case| case.attribute("name").to_owned()).collect();
    assert_eq!(names[0], "played to its end");
    assert_eq!(names[2], format!("{} (2)", names[1]));
    assert_eq!(names[3], "played to its end (2)");
}

#[test]
fn no_scenario_gives_an_empty_report() {
    let root = Element::read(&written(&[]));
    assert_eq!((root.attribute("tests"), root.children.len()), ("0", 0));
}

#[test]
#[ignore = "needs xmllint"]
fn schema_of_build_servers_is_kept() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/junit.xsd");
    let folder = tempfile::tempdir().unwrap();
    for (name, outcomes) in [("examples", example::outcomes()), ("hostile", hostile()), ("none", Vec::new())] {
        let file = folder.path().join(format!("{name}.xml"));
        std::fs::write(&file, written(&outcomes)).unwrap();
        let said =
            Command::new("xmllint").args(["--noout", "--nonet", "--schema", schema]).arg(&file).output().unwrap();
        assert!(said.status.success(), "{name}: {}", String::from_utf8_lossy(&said.stderr));
    }
}
