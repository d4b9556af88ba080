//! Orders against a bench with real lines, without a socket.

use std::sync::Arc;
use std::time::Duration;

use tankline_domain::site::Site;
use tankline_runtime::clock;
use tokio_util::sync::CancellationToken;

use super::SteeredBench;
use crate::line::{EmulatedLine, FaultTarget, LineSpec, Place, UnitSpec};
use crate::plant::{LivePlant, Plant};

struct Bench {
    steered: SteeredBench,
    _lines: Vec<EmulatedLine>,
}

fn site() -> Site {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sites/lindong.toml");
    tankline_runtime::site_file::load(&file).unwrap()
}

/// The first line of the demo station at a pseudo-terminal, and the second one behind Modbus TCP.
fn bench() -> Bench {
    let site = site();
    let plant = Plant::routine(&site, 1, Duration::ZERO).without_noise();
    let plant = Arc::new(LivePlant::paused(plant, clock::now()));
    let places = [Place::Pty, Place::ModbusTcp(([127, 0, 0, 1], 0).into())];
    let start = |(place, name): (Place, &str)| {
        let line = site.line(&name.parse().unwrap()).unwrap();
        let units = UnitSpec::all_of(&site, &line.name);
        EmulatedLine::start_at(&place, LineSpec::of(line, 1), units, &plant, Arc::new(|_| ())).unwrap()
    };
    let lines: Vec<_> = places.into_iter().zip(["line-01", "line-02"]).map(start).collect();
    let handles = lines.iter().map(|line| line.handle().clone()).collect();
    let steered =
        SteeredBench { title: "gauges of lindong".into(), plant, lines: handles, stop: CancellationToken::new() };
    Bench { steered, _lines: lines }
}

impl Bench {
    fn say(&self, order: &str) -> Result<String, String> {
        let said = self.steered.carry_out(clock::now(), order);
        said.map(|lines| lines.join("\n")).map_err(|error| error.to_string())
    }

    fn faults(&self, unit: u8) -> String {
        let faults = self.steered.lines[0].faults(FaultTarget::Unit(unit));
        faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn a_level_that_is_set_is_shown() {
    let bench = bench();
    bench.say("set T-02 level_mm=5000 interface_mm=1200 temperature_c=-3.5").unwrap();
    let shown = bench.say("show T-02").unwrap();
    for part in
        ["level          5000.0 mm", "interface      1200.0 mm", "temperature    -3.50 degC", "unit           2 on"]
    {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    let all = bench.say("show").unwrap();
    let row = all.lines().find(|line| line.starts_with("T-02 ")).unwrap();
    assert!(row.contains("line-01/2") && row.contains("5000.0") && row.contains("1200.0"), "{all}");
    assert!(all.contains("line-02    tcp://127.0.0.1:"), "{all}");
}

#[test]
fn faults_are_given_to_tanks_units_lines_and_all_and_taken_away() {
    let bench = bench();
    bench.say("fault T-01 late=120ms crc@20%").unwrap();
    assert_eq!(bench.faults(1), "late=120ms crc=20%");
    assert!(bench.say("show T-01").unwrap().contains("faults         late=120ms crc=20%"));
    bench.say("fault line-01/2 silent").unwrap();
    bench.say("fault line-01 babble=50ms").unwrap();
    assert!(bench.say("show line-01").unwrap().contains("faults         babble=50ms"));
    bench.say("fault T-01 none").unwrap();
    assert_eq!((bench.faults(1).as_str(), bench.faults(2).as_str()), ("", "silent"));
    bench.say("fault all none").unwrap();
    assert_eq!(bench.faults(2), "");
    assert!(!bench.say("show").unwrap().contains("babble"));
    bench.say("fault all exception=6").unwrap();
    assert_eq!(bench.faults(7), "exception=6");
}

#[test]
fn what_is_refused_says_what_would_be_right_and_changes_nothing() {
    let bench = bench();
    bench.say("fault T-01 stuck").unwrap();
    let before = bench.say("show").unwrap();
    for (order, told) in [
        ("fault T-99 crc", "there is no gauge on T-99 and no line of this name; there are T-01, T-02"),
        ("fault line-01/99 crc", "there is no gauge on line-01/99"),
        ("fault T-01 slow", "there is no line fault \"slow\""),
        // The second line has no wire, so none of them gets it.
        ("fault all crc", "fault crc cannot be had on line line-02 at tcp://127.0.0.1:"),
        ("fault T-01 hang-up", "it works with Modbus TCP only"),
        ("set T-01 level_mm=99999", "outside the tank"),
        ("set T-99 level_mm=1", "there is no tank T-99"),
        ("pump P-99 start", "there is no pump P-99"),
        ("show T-99", "there is no gauge on T-99"),
        ("open sesame", "there is no \"open\""),
    ] {
        let error = bench.say(order).unwrap_err();
        assert!(error.contains(told), "{order}: {error}");
    }
    assert_eq!(bench.say("show").unwrap(), before);
    assert_eq!(bench.faults(1), "stuck");
}

#[test]
fn the_plants_time_stands_and_passes_as_it_is_told() {
    let bench = bench();
    let now = clock::now();
    let time = |after: u64| bench.steered.plant.time(now + Duration::from_secs(after)).as_secs();
    assert_eq!(time(10), 0);
    bench.steered.carry_out(now + Duration::from_secs(10), "speed 60").unwrap();
    bench.steered.carry_out(now + Duration::from_secs(10), "resume").unwrap();
    assert_eq!(time(20), 600);
    bench.steered.carry_out(now + Duration::from_secs(20), "pause").unwrap();
    assert_eq!(time(30), 600);
}

#[test]
fn help_lists_every_order_and_the_end_is_an_order() {
    let bench = bench();
    let help = bench.say("help").unwrap();
    for word in ["show", "fault", "speed", "inflow T-01 400m3/h", "reboot", "stop"] {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
    assert!(bench.say("faults").unwrap().contains("late          TIME              late=300ms       late=120ms"));
    assert!(!bench.steered.stop.is_cancelled());
    bench.say("stop").unwrap();
    assert!(bench.steered.stop.is_cancelled());
}
