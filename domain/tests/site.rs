//! The site description: what is right is read, and all that is wrong is said at once.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tankline_domain::profile::ProfileBlock;
use tankline_domain::settings::Document;
use tankline_domain::site::{Port, Site, parse};
use tankline_domain::units::{CubicMetres, Millimetres};

fn read(root: Value) -> Result<Site, Vec<String>> {
    let document = Document { origin: "site.toml".into(), root, from_environment: BTreeMap::new() };
    let table = |path: &Path| match path.to_str() {
        Some("good.csv") => Ok("level_mm,volume_m3\n0,0\n1000,10\n2000,30\n".to_owned()),
        Some("bad.csv") => Ok("level_mm,volume_m3\n0,0\n1000,10\n900,30\n".to_owned()),
        _ => Err("cannot be read: no such file".to_owned()),
    };
    parse(&document, &table).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn small() -> Value {
    json!({
        "site": "demo",
        "product": [{"name": "crude", "density_20c_kg_m3": 862.0}],
        "line": [{"name": "line-01", "edge": "rtu-01", "port": "/dev/ttyUSB0"}],
        "tank": [
            {
                "name": "T-01", "product": "crude",
                "geometry": {"shape": "vertical-cylinder", "diameter_m": 10.0, "height_m": 12.0},
                "limits": {"ll_mm": 500, "l_mm": 900, "h_mm": 11000, "hh_mm": 11500}
            },
            {"name": "T-02", "product": "crude", "geometry": {"strapping_table": "good.csv"}},
        ],
        "gauge": [
            {"tank": "T-01", "line": "line-01", "unit": 1},
            {"tank": "T-02", "line": "line-01", "unit": 2, "poll_interval_ms": 500, "offset_mm": 40},
        ]
    })
}

/// Changes one value of the small site and gives the problems that this makes.
fn problems(pointer: &str, value: Value) -> Vec<String> {
    let mut root = small();
    match root.pointer_mut(pointer) {
        Some(place) => *place = value,
        None => {
            let (table, key) = pointer.rsplit_once('/').unwrap();
            root.pointer_mut(table).unwrap()[key] = value;
        }
    }
    read(root).expect_err(pointer)
}

#[test]
fn a_small_site_is_read_with_its_defaults() {
    let site = read(small()).unwrap();
    assert_eq!(site.edges().iter().map(|edge| edge.as_str()).collect::<Vec<_>>(), ["rtu-01"]);
    assert_eq!(site.lines()[0].port, Port::Serial("/dev/ttyUSB0".into()));
    assert_eq!(site.lines()[0].framing.baud, 9600);
    assert_eq!(site.lines()[0].framing.direction, None);
    assert_eq!(site.gauges()[0].poll_interval, Duration::from_millis(1000));
    assert_eq!(site.tanks()[0].title, "T-01");
    assert_eq!(site.tanks()[0].limits.high_high, Some(Millimetres::new(11_500.0)));
    assert_eq!(site.tanks()[1].geometry.volume_at(Millimetres::new(1500.0)).unwrap(), CubicMetres::new(20.0));
    assert_eq!(site.gauges()[1].mounting.offset, Millimetres::new(40.0));
    assert_eq!(site.gauges()[1].mounting.tank_height, Millimetres::new(2000.0));
}

#[test]
fn a_line_may_want_its_driver_turned_by_the_kernel() {
    let mut root = small();
    root["line"][0]["rs485"] = json!({"rts_on_send": false, "delay_after_send_ms": 1});
    let direction = read(root.clone()).unwrap().lines()[0].framing.direction.unwrap();
    assert_eq!((direction.rts_on_send, direction.delay_before_send_ms, direction.delay_after_send_ms), (false, 0, 1));
    root["line"][0]["rs485"] = json!({"delay_after_send_ms": 1000});
    assert_eq!(
        read(root).unwrap_err(),
        ["site.toml: line[line-01].rs485.delay_after_send_ms = 1000: must be 0 to 100"]
    );
}

#[test]
fn each_mistake_is_named_with_file_key_and_value() {
    for (pointer, value, said) in [
        ("/gauge/0/unit", json!(0), "site.toml: gauge[T-01].unit = 0: must be 1 to 247"),
        (
            "/gauge/1/unit",
            json!(1),
            "site.toml: gauge[T-02].unit = 1: is the unit of the gauge of T-01 on line-01 too; units on a line must differ",
        ),
        (
            "/gauge/0/tank",
            json!("T-99"),
            "site.toml: gauge[T-99].tank = \"T-99\": no [[tank]] has this name; there are T-01, T-02",
        ),
        (
            "/gauge/0/line",
            json!("line-9"),
            "site.toml: gauge[T-01].line = \"line-9\": no [[line]] has this name; there are line-01",
        ),
        (
            "/gauge/0/register_map",
            json!("x"),
            "site.toml: gauge[T-01].register_map = \"x\": no [[register_map]] has this name; there is none",
        ),
        ("/gauge/0/unt", json!(3), "site.toml: gauge[T-01].unt = 3: is not a key here; did you mean \"unit\"?"),
        (
            "/tank/0/limits/ll_mm",
            json!(900),
            "site.toml: tank[T-01].limits.ll_mm = 900: must be below l_mm (900): ll_mm < l_mm < h_mm < hh_mm",
        ),
        (
            "/tank/0/limits/hh_mm",
            json!(12500),
            "site.toml: tank[T-01].limits.hh_mm = 12500: must not be above the tank's height (12000 mm)",
        ),
        (
            "/tank/0/product",
            json!("wine"),
            "site.toml: tank[T-01].product = \"wine\": no [[product]] has this name; there are crude",
        ),
        (
            "/tank/0/name",
            json!("T 1"),
            "site.toml: tank[T 1].name = \"T 1\": \"T 1\" is not a name: 1 to 64 of the characters A-Z a-z 0-9 _ - are allowed",
        ),
        (
            "/tank/1/name",
            json!("T-01"),
            "site.toml: tank[T-01].name = \"T-01\": is the name of two [[tank]] tables; names must differ",
        ),
        (
            "/tank/1/geometry/strapping_table",
            json!("none.csv"),
            "site.toml: tank[T-02].geometry.strapping_table = \"none.csv\": cannot be read: no such file",
        ),
        (
            "/tank/0/geometry/shape",
            json!("cone"),
            "site.toml: tank[T-01].geometry.shape = \"cone\": must be one of \"vertical-cylinder\", \"horizontal-cylinder\", \"half-cylinder\", \"sphere\", \"box\"",
        ),
        (
            "/line/0/edge",
            json!("centre"),
            "site.toml: line[line-01].edge = \"centre\": centre is kept for the centre's own topics; choose another name",
        ),
        (
            "/line/0/port",
            json!("tcp://x"),
            "site.toml: line[line-01].port = \"tcp://x\": \"tcp://x\" is not a port: write /dev/ttyUSB0, rtu+tcp://host:port or tcp://host:port",
        ),
        ("/line/0/baud", json!(9600.5), "site.toml: line[line-01].baud = 9600.5: must be 300 to 921600 and whole"),
        ("/sites", json!("x"), "site.toml: sites = \"x\": is not a key here; did you mean \"site\"?"),
    ] {
        let all = problems(pointer, value);
        assert!(all.iter().any(|problem| problem == said), "{pointer}: {said}\nnot among {all:#?}");
    }
}

#[test]
fn rows_of_a_wrong_strapping_table_are_named() {
    let all = problems("/tank/1/geometry/strapping_table", json!("bad.csv"));
    assert_eq!(all.len(), 1, "{all:#?}");
    assert!(all[0].contains("row 4"), "{all:#?}");
}

#[test]
fn all_mistakes_come_at_once_and_each_once() {
    let mut root = small();
    root["gauge"][0]["unit"] = json!(0);
    root["tank"][0]["limits"]["ll_mm"] = json!(1000);
    root["line"][0]["baud"] = json!(1);
    root["gauge"][1] = json!("nonsense");
    let all = read(root).unwrap_err();
    for part in ["gauge[T-01].unit", "limits.ll_mm", "line[line-01].baud", "gauge[2] = \"nonsense\": must be a table"] {
        assert_eq!(all.iter().filter(|problem| problem.contains(part)).count(), 1, "{part} in {all:#?}");
    }
}

#[test]
fn an_empty_description_says_what_is_needed() {
    let all = read(json!({})).unwrap_err();
    assert_eq!(all[0], "site.toml: site: is missing");
    let all = read(json!({"site": "x"})).unwrap_err();
    assert!(all[0].contains("no [[gauge]] is described"), "{all:#?}");
}

#[test]
fn other_register_maps_are_read_and_checked() {
    let mut root = small();
    root["register_map"] = json!([{"name": "other", "level": {"register": 1, "type": "f32", "kind": "input", "word_order": "little", "scale": 1000.0}}]);
    root["gauge"][0]["register_map"] = json!("other");
    let site = read(root.clone()).unwrap();
    assert_eq!(site.gauges()[0].registers.level.decode(&[0, 0x4120]), Some(10_000.0));
    assert_eq!(site.gauges()[0].registers.interface, None);
    root["register_map"][0]["level"]["register"] = json!(0);
    root["register_map"][0]["level"]["scale"] = json!(0.0);
    let all = read(root).unwrap_err();
    assert_eq!(all.len(), 2, "{all:#?}");
}

#[test]
fn register_map_may_have_the_profile_of_a_rod() {
    let mut root = small();
    root["register_map"] =
        json!([{"name": "rod", "level": {"register": 50, "type": "u16"}, "profile": {"register": 200}}]);
    root["gauge"][0]["register_map"] = json!("rod");
    let profile = read(root.clone()).unwrap().gauges()[0].registers.profile.unwrap();
    assert_eq!((profile.block, profile.interval), (ProfileBlock::default(), Duration::from_secs(60)));
    root["register_map"][0]["profile"] =
        json!({"register": 300, "points": 40, "window_points": 0, "climb": 2.0, "interval_s": 5});
    let profile = read(root.clone()).unwrap().gauges()[0].registers.profile.unwrap();
    assert_eq!((profile.block.read().count, profile.rod.climb), (48, 2.0));
    root["register_map"][0]["profile"] = json!({"register": 200, "points": 100, "window_points": 100, "clim": 2.0});
    let all = read(root).unwrap_err();
    assert!(all.iter().any(|told| told.contains("are at most 117 together")), "{all:#?}");
    assert!(all.iter().any(|told| told.contains("did you mean \"climb\"?")), "{all:#?}");
}

#[test]
fn gauge_defaults_stand_behind_each_gauge() {
    let mut root = small();
    root["gauge_defaults"] = json!({
        "max_rate_mm_s": 20.0, "stuck_after_s": 3600, "level_stuck_after_s": 900, "poll_interval_ms": 700, "sensor_max_mm": 11000,
        "report": {"level_deadband_mm": 2, "heartbeat_s": 30},
    });
    root["gauge"][0]["max_rate_mm_s"] = json!(5.0);
    root["gauge"][0]["alarm_poll_interval_ms"] = json!(200);
    let site = read(root.clone()).unwrap();
    let [first, second] = site.gauges() else { panic!("two gauges") };
    assert_eq!((first.max_rate_mm_s, second.max_rate_mm_s), (Some(5.0), Some(20.0)));
    assert_eq!((first.poll_interval.as_millis(), second.poll_interval.as_millis()), (700, 500));
    assert_eq!(first.alarm_poll_interval, Some(Duration::from_millis(200)));
    assert_eq!(second.level_stuck_after, Some(Duration::from_secs(900)));
    assert_eq!(first.longest_silence(), Duration::from_secs(30));
    assert_eq!(second.report.as_ref().unwrap().level_deadband, Millimetres::new(2.0));
    assert_eq!(second.mounting.sensor_range.unwrap().1, Millimetres::new(11_000.0));
    root["gauge_defaults"]["max_rate"] = json!(1);
    root["gauge"][0]["alarm_poll_interval_ms"] = json!(900);
    let all = read(root).unwrap_err();
    assert_eq!(
        all,
        [
            "site.toml: gauge[T-01].alarm_poll_interval_ms = 900: must not be longer than poll_interval_ms",
            "site.toml: gauge_defaults.max_rate = 1: is not a key here; did you mean \"max_rate_mm_s\"?",
        ]
    );
}
