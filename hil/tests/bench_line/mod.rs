//! A line with two gauges on frozen tanks, for the tests of one behaviour each.

#![allow(dead_code, reason = "each test takes the part that it needs")]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tankline_domain::profile::ProfileBlock;
use tankline_domain::site::Site;
use tankline_hil::gauge::GaugeValues;
use tankline_hil::line::{EmulatedLine, LineError, LineSpec, Place, ServedLog, UnitSpec};
use tankline_hil::plant::{LivePlant, Plant};
use tankline_runtime::clock;
use tankline_runtime::site_file;

/// Source: the published exchange of the gauge.
pub const REQUEST: [u8; 8] = [0x01, 0x03, 0x00, 0x31, 0x00, 0x03, 0x54, 0x04];
pub const REPLY: [u8; 11] = [0x01, 0x03, 0x06, 0x25, 0xA9, 0x18, 0xDF, 0x01, 0x45, 0x8D, 0x61];
pub const PUBLISHED: GaugeValues = GaugeValues { level_mm: 9641, interface_mm: 6367, temperature_tenths: 325 };
pub const WINTER: GaugeValues = GaugeValues { level_mm: 1200, interface_mm: 300, temperature_tenths: -42 };

/// Two tanks, two gauges, one line: unit 1 on T-01 with its origin at the bottom, unit 2 on T-02 with a foot of 50 mm.
pub const SITE: &str = r#"
site = "bench"
[[product]]
name = "crude"
kind = "crude"
density_20c_kg_m3 = 862.0
standard = "gb-1885-1998"
[[line]]
name = "line-01"
edge = "rtu-01"
port = "/dev/tankline/line-01"
[[tank]]
name = "T-01"
title = "One"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 20.0, height_m = 14.0 }
[[gauge]]
tank = "T-01"
line = "line-01"
unit = 1
[[tank]]
name = "T-02"
title = "Two"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 20.0, height_m = 14.0 }
[[gauge]]
tank = "T-02"
line = "line-01"
unit = 2
offset_mm = 50
"#;

pub fn site(folder: &Path) -> Site {
    let file = folder.join("site.toml");
    std::fs::write(&file, SITE).unwrap();
    site_file::load(&file).unwrap()
}

pub struct Bench {
    pub line: EmulatedLine,
    pub plant: Arc<LivePlant>,
    pub served: Arc<ServedLog>,
}

/// Starts the line on a pseudo-terminal; unit 1 shows [`PUBLISHED`] and unit 2 [`WINTER`].
pub fn start() -> Bench {
    start_at(&Place::Pty)
}

/// The same, with the impedance along the rods in a block of registers.
pub fn start_with(profile: Option<ProfileBlock>) -> Bench {
    try_start_with(&Place::Pty, profile).unwrap()
}

/// Starts the line at a place.
pub fn start_at(place: &Place) -> Bench {
    try_start_at(place).unwrap()
}

/// Starts the line at a place, if it can be had.
pub fn try_start_at(place: &Place) -> Result<Bench, LineError> {
    try_start_with(place, None)
}

fn try_start_with(place: &Place, profile: Option<ProfileBlock>) -> Result<Bench, LineError> {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path());
    let plant = Arc::new(LivePlant::new(Plant::routine(&site, 5, Duration::ZERO), clock::now(), 1.0));
    for (tank, values) in [("T-01", PUBLISHED), ("T-02", WINTER)] {
        plant.freeze(plant.find(&tank.parse().unwrap()).unwrap(), values);
    }
    let served = Arc::new(ServedLog::new(100));
    let line = &site.lines()[0];
    let mut units = UnitSpec::all_of(&site, &line.name);
    units.iter_mut().for_each(|unit| unit.profile = profile);
    let line = EmulatedLine::start_at(place, LineSpec::of(line, 5), units, &plant, served.clone())?;
    Ok(Bench { line, plant, served })
}
