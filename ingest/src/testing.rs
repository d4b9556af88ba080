//! What unit tests of several modules need.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use tankline_domain::alarm::AlarmKey;
use tankline_domain::settings::Document;
use tankline_domain::site::{Site, parse};

use crate::stations::Stations;

/// A site "s" with two edges: rtu-01 has the tanks T-01 and T-02, rtu-02 has T-03; T-04 has no gauge. Each tank is a box
/// of 1 m2 and 10 m height.
pub fn site() -> Site {
    let geometry = json!({"shape": "box", "length_m": 1.0, "width_m": 1.0, "height_m": 10.0});
    let tank = |name: &str| json!({"name": name, "product": "crude", "geometry": geometry.clone()});
    let line = |name: &str, edge: &str| json!({"name": name, "edge": edge, "port": format!("/dev/{name}")});
    let gauge = |tank: &str, line: &str, unit: u8| json!({"tank": tank, "line": line, "unit": unit});
    let root = json!({
        "site": "s",
        "product": [{"name": "crude", "kind": "crude", "density_20c_kg_m3": 862.0, "standard": "gb-1885-1998"}],
        "line": [line("line-01", "rtu-01"), line("line-02", "rtu-02")],
        "tank": [tank("T-01"), tank("T-02"), tank("T-03"), tank("T-04")],
        "gauge": [gauge("T-01", "line-01", 1), gauge("T-02", "line-01", 2), gauge("T-03", "line-02", 1)],
    });
    let document = Document { origin: "s.toml".into(), root, from_environment: BTreeMap::new() };
    parse(&document, &|_: &Path| Err("there are no tables".to_owned())).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The same as the worker looks things up in it.
pub fn stations() -> Stations {
    Stations::new(&[site()])
}

/// A moment.
pub fn instant() -> Instant {
    tankline_runtime::clock::now()
}

/// An alarm of the tank T-01.
pub fn alarm_key(kind: &str) -> AlarmKey {
    AlarmKey { site: "s".parse().unwrap(), source: "T-01".parse().unwrap(), kind: kind.parse().unwrap() }
}
