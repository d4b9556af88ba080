//! What a site's description says of how its tanks are watched.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tankline_domain::alarm::watch::{Duty, WatchSettings};
use tankline_domain::settings::Document;
use tankline_domain::site::{Site, parse};
use tankline_domain::units::{Celsius, Millimetres};

fn read(own: &Value, all: &Value, gauge: &Value) -> Result<Site, String> {
    let geometry = json!({"shape": "vertical-cylinder", "diameter_m": 10.0, "height_m": 12.0});
    let mut one_gauge = json!({"tank": "T-01", "line": "line-01", "unit": 1});
    one_gauge.as_object_mut().unwrap().extend(gauge.as_object().unwrap().clone());
    let root = json!({
        "site": "demo",
        "product": [{"name": "crude", "density_20c_kg_m3": 862.0}],
        "line": [{"name": "line-01", "edge": "rtu-01", "port": "/dev/ttyUSB0"}],
        "tank_defaults": {"watch": all},
        "tank": [{"name": "T-01", "product": "crude", "geometry": geometry, "watch": own}],
        "gauge": [one_gauge],
    });
    let document = Document { origin: "site.toml".into(), root, from_environment: BTreeMap::new() };
    parse(&document, &|_| Err("is not there".to_owned())).map_err(|problems| problems.to_string())
}

fn settings(own: &Value, all: &Value, gauge: &Value) -> WatchSettings {
    let site = read(own, all, gauge).unwrap();
    site.watch_settings(&site.tanks()[0])
}

#[test]
fn each_key_of_a_tank_wins_over_that_of_all_tanks() {
    let nothing = json!({});
    assert_eq!(settings(&nothing, &nothing, &nothing), WatchSettings::default());
    let all = json!({"duty": "idle", "stiction_mm": 0.8, "settling_h": 12});
    let found = settings(&json!({"duty": "draw-only"}), &all, &nothing);
    assert_eq!((found.duty, found.stiction), (Duty::DrawOnly, Millimetres::new(0.8)));
    assert_eq!(found.settling, Duration::from_secs(12 * 3600));
}

#[test]
fn what_a_gauge_keeps_back_hides_as_much() {
    let report = json!({"report": {"level_deadband_mm": 2, "temperature_deadband_c": 0.2, "heartbeat_s": 60}});
    let found = settings(&json!({}), &json!({}), &report);
    assert_eq!(found.stiction, Millimetres::new(2.5));
    assert_eq!(found.temperature_step, Celsius::new(0.5));
    assert_eq!(found.level_step, Millimetres::new(1.0));
}

#[test]
fn what_is_wrong_is_said_with_key_and_value() {
    let own = json!({"duty": "lazy", "stiction_mm": -1, "settling": 3});
    let said = read(&own, &json!({}), &json!({})).unwrap_err();
    for wanted in [
        "tank[T-01].watch.duty = \"lazy\"",
        "write any, fill-only, draw-only or idle",
        "tank[T-01].watch.stiction_mm = -1: must be 0 to 50",
        "tank[T-01].watch.settling = 3: is not a key here",
    ] {
        assert!(said.contains(wanted), "{wanted} is not in\n{said}");
    }
}
