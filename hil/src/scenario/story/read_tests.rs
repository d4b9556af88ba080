use std::path::Path;

use super::*;
use crate::scenario::story::Expected;

const SITE: &str = r#"
[site]
name = "small"
product = [{ name = "crude", kind = "crude", density_20c_kg_m3 = 862.0 }]
line = [{ name = "line-01", edge = "rtu-01", port = "/dev/ttyS1" }]

[[site.tank]]
name = "T-01"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 20.0, height_m = 12.0 }

[[site.gauge]]
tank = "T-01"
line = "line-01"
unit = 1
"#;

const HEAD: &str = "name = \"a\"\nprotects = \"b\"\nlasts = \"10 min\"\n";

const EXPECT: &str = "[[expect]]\nnothing = \"lost\"\n";

/// Reads a scenario of these parts.
fn read(head: &str, rest: &str) -> Result<Story, String> {
    parse(Path::new("a.toml"), &format!("{head}{SITE}{rest}")).map_err(|problems| problems.to_string())
}

fn story(rest: &str) -> Story {
    read(HEAD, &format!("{EXPECT}{rest}")).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn a_story_is_read() {
    let head = format!("{HEAD}seed = 7\nspeed = 60\nbegins = \"cold\"\nstart = [\"set T-01 level_mm=6000\"]\n");
    let rest = "[[event]]\nat = \"2 min\"\ndo = [\"inflow T-01 400m3/h\", \"kill rtu-01 for 30 s\"]\n\
                [[expect]]\ntank = \"T-01\"\nlevel = { within_mm = 5 }\ninterface = { within_mm = 7 }\nfrom = \"1 min\"\n\
                [edge.journal]\nmax_mb = 1\n";
    let story = read(&head, rest).unwrap();
    assert_eq!((story.seed, story.speed, story.lasts, story.begins), (7, 60.0, Duration::from_secs(600), Begins::Cold));
    let events: Vec<_> =
        story.events.iter().map(|event| (event.at.as_secs(), event.command.to_string(), event.is_end)).collect();
    assert_eq!(
        events,
        [
            (120, "inflow T-01 400m3/h water_cut=0%".to_owned(), false),
            (120, "kill rtu-01 for 30 s".to_owned(), false),
            (150, "start rtu-01".to_owned(), true),
        ]
    );
    let words = story.expectations[0].what.to_string();
    assert_eq!(words, "T-01: level within 5 mm, interface within 7 mm of the truth, from 1 min to 10 min");
    assert_eq!(story.expectations[0].line, 26);
    assert_eq!(story.overlays.edge["journal"]["max_mb"], 1);
    assert_eq!(story.site.site.name().as_str(), "small");
}

#[test]
fn what_happens_again_and_again_is_many_events() {
    let story =
        story("[[event]]\nat = \"1 min\"\nevery = \"2 min\"\nuntil = \"6 min\"\ndo = \"cut rtu-01 for 30 s\"\n");
    let cuts: Vec<_> = story.events.iter().filter(|event| !event.is_end).map(|event| event.at.as_secs()).collect();
    assert_eq!(cuts, [60, 180, 300]);
    let mends: Vec<_> = story.events.iter().filter(|event| event.is_end).map(|event| event.at.as_secs()).collect();
    assert_eq!(mends, [90, 210, 330]);
}

#[test]
fn every_kind_of_expectation_is_read() {
    for (table, words) in [
        ("tank = \"T-01\"\ntemperature = { within_c = 0.5 }", "temperature within 0.5 degC of the truth"),
        ("quality = \"bad:no-reply\"\nafter = \"1 min\"\nwithin_polls = 2", "bad:no-reply within 2 polls after 1 min"),
        ("quality = \"good\"\nuntil = \"1 min\"", "every reading is good, from 0 ms to 1 min"),
        ("never_quality = \"uncertain\"", "no reading is uncertain"),
        ("alarm = \"T-01 level-hh\"\nraised_by = \"5 min\"", "alarm level-hh raised between 0 ms and 5 min"),
        ("alarm = \"T-01 level-hh\"\nfrom = \"5 min\"\ncleared_by = \"9 min\"", "cleared between 5 min and 9 min"),
        ("alarm = \"T-01 level-hh\"\nnever = true", "alarm level-hh not raised"),
        ("alarm = \"T-01 level-hh\"\nraised_times = 1", "alarm level-hh raised 1 times"),
        ("alarm = \"T-01 level-hh\"\nfound_in_backlog = true", "not told but found in the backlog"),
        ("alarm = \"rtu-01 edge-offline\"\nraised_times = 1", "rtu-01: alarm edge-offline raised 1 times"),
        ("alarms_in_order = [\"T-01 level-h\", \"T-01 level-hh\"]", "in this order: T-01 level-h, T-01 level-hh"),
        ("alarms = { at_most = 0 }", "alarms raised in all: 0"),
        ("nothing = [\"lost\", \"twice\", \"invented\"]", "no reading is lost or twice or invented"),
        ("latency = { p50_ms = 100, p99_ms = 500 }", "p50 at most 100 ms, p99 at most 500 ms"),
        ("fresh_within_polls = 3", "never older than 3 polls"),
        ("log = { of = \"rtu-01\", contains = \"x\" }", "the log of rtu-01 says \"x\" at least 1 times"),
        ("log = { of = \"ingest\", contains = \"x\", at_most = 0 }", "the log of ingest says \"x\" 0 times"),
        ("counted = \"late\"\nat_least = 1", "at least 1 counted as late"),
        ("gap_readings = { at_most = 0 }", "readings dropped by full journals: 0"),
        ("dead_letters = { at_least = 2, at_most = 3 }", "dead letters: 2 to 3"),
        ("influxdb = \"complete\"", "the historian has every committed reading once"),
    ] {
        let story = read(HEAD, &format!("[[expect]]\n{table}\n")).unwrap_or_else(|problems| panic!("{problems}"));
        let said = story.expectations[0].what.to_string();
        assert!(said.contains(words), "{table}\n{said}");
    }
}

#[test]
fn a_historian_has_a_part_where_it_is_named() {
    assert!(!story("").has_influxdb());
    assert!(story("[[event]]\nat = \"1 min\"\ndo = \"stall influxdb\"\n").has_influxdb());
    let expects = story("[[expect]]\ninfluxdb = \"complete\"\n");
    assert!(expects.has_influxdb() && matches!(expects.expectations[1].what, Expected::InfluxdbComplete));
}

#[test]
fn what_is_wrong_is_told_with_file_line_and_key() {
    // The head has 3 lines, the site 15; what follows begins in line 19.
    for (rest, told) in [
        (
            "[[event]]\nat = \"1 min\"\ndo = \"explode T-01\"\n",
            "a.toml:23: event[1].do = \"explode T-01\": there is no command",
        ),
        (
            "[[event]]\nat = \"1 min\"\ndo = [\n\"hold T-01\",\n\"hold T-09\",\n]\n",
            "a.toml:25: event[1].do[2]: \"hold T-09\": ",
        ),
        (
            "[[event]]\nat = \"1 min\"\ndo = [\n\"hold T-01\",\n\"kill rtu-09\",\n]\n",
            "a.toml:25: event[1].do[2]: \"kill rtu-09\": there is no process rtu-09; there are broker, ingest, influxdb, rtu-01",
        ),
        (
            "[[event]]\nat = \"1 min\"\ndo = \"fault T-09 crc\"\n",
            "\"T-09\" is no tank with a gauge and no line; there are T-01, line-01",
        ),
        ("[[event]]\nat = \"1 min\"\ndo = \"fault line-01/9 crc\"\n", "\"line-01/9\" is no tank"),
        ("[[event]]\nat = \"soon\"\ndo = \"hold T-01\"\n", "a.toml:22: event[1].at = \"soon\": \"soon\" is not a time"),
        (
            "[[event]]\nat = \"11 min\"\ndo = \"hold T-01\"\n",
            "a.toml:22: event[1].at = \"11 min\": is after the end of the story, which lasts 10 min",
        ),
        (
            "[[event]]\nat = \"1 min\"\nuntil = \"2 min\"\ndo = \"hold T-01\"\n",
            "event[1].until = \"2 min\": says when `every` ends",
        ),
        ("[[event]]\nat = \"1 min\"\n", "a.toml:21: event[1].do: is missing"),
        ("[[event]]\nat = \"1 min\"\ndo = \"hold T-01\"\nwhy = 1\n", "a.toml:24: event[1].why = 1: is not a key here"),
        ("[[expect]]\ntank = \"T-01\"\n", "a.toml:21: expect[2]: says nothing that is expected; write one of level, "),
        ("[[expect]]\nnothing = \"lost\"\nquality = \"bad\"\n", "expect[2]: expects several things (quality, nothing)"),
        (
            "[[expect]]\ntank = \"T-09\"\nquality = \"bad\"\n",
            "a.toml:22: expect[2].tank = \"T-09\": there is no gauge on a tank \"T-09\"; there are T-01",
        ),
        ("[[expect]]\nquality = \"worse\"\n", "expect[2].quality = \"worse\": must be a quality"),
        ("[[expect]]\nquality = \"bad\"\nwithin_polls = 2\n", "expect[2].after: is missing"),
        (
            "[[expect]]\nlevel = { within = 2 }\n",
            "expect[2].level.within = 2: is not a key here; did you mean \"within_mm\"?",
        ),
        (
            "[[expect]]\nlevel = { within_mm = 2 }\nfrom = \"5 min\"\nuntil = \"4 min\"\n",
            "expect[2].from = \"5 min\": must be before the end, 4 min",
        ),
        ("[[expect]]\nalarm = \"T-01\"\nnever = true\n", "expect[2].alarm = \"T-01\": must name a tank and its alarm"),
        ("[[expect]]\nalarm = \"T-01 level-h\"\n", "expect[2].alarm = \"T-01 level-h\": needs one of raised_by"),
        (
            "[[expect]]\nnothing = [\"broken\"]\n",
            "expect[2].nothing: must be a list of \"lost\", \"twice\", \"invented\"",
        ),
        ("[[expect]]\nlatency = {}\n", "expect[2].latency: needs one of p50_ms"),
        (
            "[[expect]]\nlog = { of = \"rtu-09\", contains = \"x\" }\n",
            "expect[2].log.of = \"rtu-09\": must be broker, ingest or an edge: rtu-01",
        ),
        ("[[expect]]\ncounted = \"lat\"\nat_least = 1\n", "expect[2].counted = \"lat\": must be one of \"polls\""),
        ("[[expect]]\ncounted = \"late\"\n", "expect[2]: needs at_least, at_most or both"),
        ("[[expect]]\ndead_letters = { at_least = 3, at_most = 2 }\n", "must not be above at_most = 2"),
        (
            "[[expect]]\ntanks = \"some\"\nquality = \"bad\"\n",
            "expect[2].tanks = \"some\": must be a list of tanks, or \"all\"",
        ),
        (
            "[[site.gauge]]\ntank = \"T-01\"\nline = \"line-09\"\nunit = 0\n",
            "a.toml:24: site.gauge[T-01].unit = 0: must be 1 to 247",
        ),
    ] {
        let said = read(HEAD, &format!("{EXPECT}{rest}")).unwrap_err();
        assert!(said.contains(told), "{rest}\n{said}\nlacks\n{told}");
    }
    for (head, told) in [
        ("name = \"a\"\nprotects = \"b\"\n", "a.toml:1: lasts: is missing"),
        (
            "name = \"a\"\nprotects = \"b\"\nlasts = \"1 min\"\nspeed = 0\n",
            "a.toml:4: speed = 0: must be 0.01 to 10000",
        ),
        ("name = \"a\"\nprotects = \"b\"\nlasts = \"1 min\"\nbegins = \"hot\"\n", "must be one of \"warm\", \"cold\""),
        (
            "name = \"a\"\nprotects = \"b\"\nlasts = \"1 min\"\nstart = [\"cut rtu-01\"]\n",
            "a.toml:4: start[1]: \"cut rtu-01\" is none of the plant's",
        ),
        (
            "name = \"a\"\nprotects = \"b\"\nlasts = \"1 min\"\nstart = [\"set T-01 level_mm=99999\"]\n",
            "a.toml:4: start[1]: ",
        ),
        (
            "name = \"a\"\nprotects = \"b\"\nlasts = \"1 min\"\ntanks = [\"T-02\"]\n",
            "the site has no gauge on a tank \"T-02\"",
        ),
    ] {
        let said = read(head, EXPECT).unwrap_err();
        assert!(said.contains(told), "{head}\n{said}\nlacks\n{told}");
    }
    let said = read(HEAD, "").unwrap_err();
    assert!(said.contains("expects nothing; write at least one [[expect]]"), "{said}");
}

#[test]
fn everything_wrong_is_told_at_once() {
    let rest = "[[event]]\nat = \"soon\"\ndo = \"explode\"\n[[expect]]\nquality = \"worse\"\n";
    let said = read("name = 1\nlasts = \"1 min\"\n", rest).unwrap_err();
    for part in ["name = 1", "protects: is missing", "\"soon\"", "\"explode\"", "\"worse\""] {
        assert!(said.contains(part), "{part}\n{said}");
    }
}

#[test]
fn a_site_is_changed_by_name() {
    let changes = "[site_changes.gauge_defaults]\npoll_interval_ms = 200\n\
                   [[site_changes.tank]]\nname = \"T-01\"\nlimits = { h_mm = 9000 }\n";
    let story = story(changes);
    let (gauge, tank) = (&story.site.site.gauges()[0], &story.site.site.tanks()[0]);
    assert_eq!((gauge.poll_interval.as_millis(), tank.limits.high.map(|limit| limit.get())), (200, Some(9000.0)));
    assert_eq!(tank.height.get(), 12_000.0, "what is not named stays");
    let wrong = "[[site_changes.tank]]\nname = \"T-01\"\nlimits = { h_mm = -9000 }\n";
    let said = read(HEAD, &format!("{EXPECT}{wrong}")).unwrap_err();
    assert!(said.contains("h_mm = -9000"), "{said}");
}

#[test]
fn pumps_and_valves_belong_to_the_plant() {
    let pump = "[[pump]]\nname = \"P-01\"\nto = \"T-01\"\nmax_m3h = 300\n";
    let starts = "[[event]]\nat = \"1 min\"\ndo = \"pump P-01 start\"\n";
    let story = story(&format!("{pump}{starts}"));
    assert_eq!(story.design.pumps.len(), 1);
    let mut plant = story.plant().unwrap();
    let tank = plant.find(&"T-01".parse().unwrap()).unwrap();
    let before = plant.truth(tank).level_mm;
    plant.advance_to(Duration::from_secs(600));
    assert!(plant.truth(tank).level_mm > before + 100.0);
    for (rest, told) in [
        (starts.to_owned(), "a.toml:23: event[1].do = \"pump P-01 start\": "),
        (pump.replace("T-01", "T-09"), "a.toml:21: pump: "),
        (pump.replace("300", "0"), "a.toml:24: pump[P-01].max_m3h = 0: must be"),
    ] {
        let said = read(HEAD, &format!("{EXPECT}{rest}")).unwrap_err();
        assert!(said.contains(told), "{said}\nlacks\n{told}");
    }
}

#[test]
fn lines_are_placed() {
    let story = read(&format!("{HEAD}lines = {{ line-01 = \"tcp\" }}\n"), EXPECT).unwrap();
    assert!(matches!(story.places.as_slice(), [(line, Place::ModbusTcp(_))] if line.as_str() == "line-01"));
    for (lines, told) in [
        ("line-09 = \"tcp\"", "lines.line-09 = \"tcp\": is not a key here"),
        ("line-01 = \"x\"", "must be one of \"pty\", \"rtu+tcp\", \"tcp\""),
    ] {
        let said = read(&format!("{HEAD}lines = {{ {lines} }}\n"), EXPECT).unwrap_err();
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn a_file_of_a_site_is_taken_with_some_of_its_tanks() {
    let sites = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sites/lindong.toml");
    let text = format!("{HEAD}site = {:?}\ntanks = [\"T-01\", \"T-02\"]\n{EXPECT}", sites.display().to_string());
    let story = parse(Path::new("a.toml"), &text).unwrap_or_else(|problems| panic!("{problems}"));
    let site = &story.site.site;
    assert_eq!((site.tanks().len(), site.gauges().len()), (2, 2));
    // The processes read what is written for them.
    let folder = tempfile::tempdir().unwrap();
    let file = story.site.write(folder.path()).unwrap();
    let written = tankline_runtime::site_file::load(&file).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(written, *site);
}

#[test]
fn day_of_a_story_is_not_mixed_with_set_clocks() {
    let head = format!("{HEAD}speed = 60\nday = \"story\"\n");
    assert_eq!(read(&head, EXPECT).unwrap().day, DayOf::Story);
    assert_eq!(story("").day, DayOf::Clock);
    let said = read(&head, &format!("{EXPECT}[[event]]\nat = \"1 min\"\ndo = \"clock rtu-01 +1 h\"\n")).unwrap_err();
    assert!(said.contains("no clock can be set"), "{said}");
}
