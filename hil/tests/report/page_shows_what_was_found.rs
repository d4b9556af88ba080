use std::time::Duration;

use tankline_hil::scenario::{MarkKind, Outcome, report};

use super::example;
use super::xml::Element;

fn written(outcomes: &[Outcome]) -> String {
    let mut out = Vec::new();
    report::html(outcomes, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn with_class<'a>(root: &'a Element, element: &str, class: &str) -> Vec<&'a Element> {
    let has =
        |found: &&Element| found.attributes.get("class").is_some_and(|of| of.split(' ').any(|word| word == class));
    root.all(element).into_iter().filter(has).collect()
}

/// A whole text as a reader sees it.
fn text(element: &Element) -> String {
    element.children.iter().fold(element.text.clone(), |all, child| all + " " + &text(child))
}

#[test]
fn failures_stand_first_and_open() {
    let page = written(&example::outcomes());
    let root = Element::read(&page);
    assert_eq!(text(root.all("h1")[0]).trim(), "1 of 4 scenarios failed, 1 could not be played to the end");
    let stories: Vec<_> = root.all("details").into_iter().map(|story| text(story.all("h2")[0])).collect();
    assert_eq!(stories, ["fill to high-high", "InfluxDB away", "dead gauge", "leak overnight"]);
    let open: Vec<_> = root.all("details").into_iter().map(|story| story.attributes.contains_key("open")).collect();
    assert_eq!(open, [true, true, false, false]);
    let links: Vec<_> = root.all("a").into_iter().map(|link| link.attribute("href").replace('#', "")).collect();
    let anchors: Vec<_> = root.all("details").into_iter().map(|story| story.attribute("id").to_owned()).collect();
    assert_eq!(links, anchors);
    // Left for a person to look at.
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/scenarios.html"), page).unwrap();
}

#[test]
fn failed_expectation_shows_what_was_seen_and_how_to_play_it_again() {
    let root = Element::read(&written(&example::outcomes()));
    let story = text(root.all("details")[0]);
    for part in [
        "level of T-01 is within 5 mm of the truth",
        "at most 5 mm off the plant's truth",
        "638 mm off: 10650 mm read, 11288 mm true",
        "0:12:03",
        "tankline-hil run hil/scenarios/fill-to-high-high.toml --seed 7",
        "kill ingest",
        "latency p99",
    ] {
        assert!(story.contains(part), "{part} is not in {story}");
    }
    let summary = with_class(&root, "ol", "summary")[0];
    assert!(text(summary).contains("638 mm off"), "the failure is visible in the summary");
    assert!(text(summary).contains("ingest ended while it was needed"), "the trouble is visible in the summary");
}

#[test]
fn tank_in_question_is_plotted_first_with_all_that_there_is() {
    let root = Element::read(&written(&example::outcomes()));
    let figures = root.all("details")[0].all("figure");
    assert_eq!(figures[0].all("figcaption")[0].children[0].text, "T-01");
    let of = |class| with_class(figures[0], "path", class).len();
    // Level and its deviation; interface and its deviation; truths of level, interface and temperature.
    assert_eq!((of("level"), of("interface"), of("temperature"), of("truth"), of("bad")), (2, 2, 1, 3, 1));
    let lanes = with_class(figures[0], "div", "lane");
    assert_eq!(lanes.len(), 4, "plant, faults, system and alarms");
    let names = text(with_class(figures[0], "div", "limits")[0]);
    assert_eq!(names.split_whitespace().collect::<Vec<_>>(), ["HH", "H", "L", "LL"]);
    let caption = text(figures[0].all("figcaption")[0]);
    for part in ["901 readings", "uncertain:stuck", "bad:no-reply", "good levels at most"] {
        assert!(caption.contains(part), "{part} is not in {caption}");
    }
    assert!(text(figures[0]).contains("stored after, s"), "the outage made readings late");
    assert!(!text(figures[1]).contains("T-01 HH raised"), "alarms of other tanks are not its own");
}

#[test]
fn page_needs_nothing_beside_itself() {
    let page = written(&example::outcomes());
    for outside in ["http:", "https:", "//", "@import", "url(", "src="] {
        let found = page.lines().find(|line| line.contains(outside) && !line.trim_start().starts_with("//"));
        assert!(found.is_none(), "{outside} is in {found:?}");
    }
}

#[test]
fn no_text_becomes_markup() {
    let hostile = "</style><script>alert(1)</script> \" onload='x' & \u{0}\u{1b}[31m";
    let mut outcome = example::outcomes().remove(0);
    outcome.name = hostile.to_owned();
    outcome.protects = hostile.to_owned();
    outcome.file = hostile.into();
    outcome.replay = hostile.to_owned();
    outcome.trouble = Some(hostile.to_owned());
    outcome.figures.push((hostile.to_owned(), hostile.to_owned()));
    outcome.verdicts.push(example::failed(hostile, 1, hostile, hostile, Some(Duration::ZERO)));
    outcome.verdicts.push(example::met(hostile, 1, hostile));
    outcome.marks.push(example::mark(1.0, Some(2.0), MarkKind::Fault, None, hostile));
    outcome.tanks[0].limits_mm.push((hostile.to_owned(), 6000.0));
    let root = Element::read(&written(&[outcome]));
    assert_eq!((root.all("script").len(), root.all("style").len()), (1, 1));
    let shown = "</style><script>alert(1)</script> \" onload='x' & ␀␛[31m";
    assert_eq!(text(root.all("h2")[0]), shown);
    assert!(root.all("i").iter().any(|bar| bar.attributes.get("title").is_some_and(|title| title.contains(shown))));
}

#[test]
fn lone_outlier_in_a_long_run_is_drawn() {
    let outlier = |at: u64| {
        let steady = |_| example::tank(5000.0, 1000.0, 20.0);
        example::trace("T-01", Duration::from_secs(86_400), Duration::from_secs(2), steady, move |sample, _| {
            let mut arrival = example::sound(sample, &mut fastrand::Rng::with_seed(1));
            (arrival.level_mm, arrival.interface_mm) = (Some(5000.0), Some(1000.0));
            if sample.at.as_secs() == at {
                arrival.level_mm = Some(9000.0);
            }
            Some(arrival)
        })
    };
    let levels = |at| {
        let mut outcome = example::bare("day");
        (outcome.played, outcome.tanks) = (Duration::from_secs(86_400), vec![outlier(at)]);
        let root = Element::read(&written(&[outcome]));
        with_class(&root, "path", "level")[0].attribute("d").to_owned()
    };
    let plain = levels(1);
    assert_eq!(plain.matches(['h', 'v']).count(), 1, "a level that stands still is one stroke: {plain}");
    assert!(levels(43_202).matches(['h', 'v']).count() > 1);
}

#[test]
fn long_run_of_a_whole_station_stays_small() {
    let wave =
        |minute: f64| example::tank(6000.0 + 4000.0 * (minute / 70.0).sin(), 2000.0, 30.0 + (minute / 100.0).cos());
    let day = Duration::from_secs(86_400);
    let trace = |index: usize| {
        example::trace(&format!("T-{index:02}"), day, Duration::from_secs(10), wave, |sample, random| {
            Some(match random.u32(..500) {
                0 => example::silent(sample, "bad:crc"),
                _ => example::sound(sample, random),
            })
        })
    };
    let mut outcome = example::bare("a day of 28 tanks");
    outcome.played = day;
    outcome.tanks = (1..=28).map(trace).collect();
    outcome.marks =
        (0..2000).map(|n| example::mark(f64::from(n) * 0.7, None, MarkKind::Alarm, None, "alarm")).collect();
    let length = written(&[outcome]).len();
    assert!(length < 1_100_000, "{length} bytes");
}

#[test]
fn nothing_played_is_said_so() {
    assert!(written(&[]).contains("<h1>No scenario was played</h1>"));
}
