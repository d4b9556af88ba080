//! Sites for the tests of the plant.

use std::path::Path;

use tankline_domain::site::Site;
use tankline_runtime::site_file;

/// The demo station.
pub(crate) fn lindong() -> Site {
    site_file::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sites/lindong.toml")).unwrap()
}

/// T-01 and T-02, upright, T-03, lying, for crude; T-04 for water. T-02 has a gauge on a foot, T-04 has none.
pub(crate) fn small() -> Site {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    std::fs::write(&file, SMALL).unwrap();
    site_file::load(&file).unwrap()
}

const SMALL: &str = r#"
site = "small"
[[product]]
name = "crude"
kind = "crude"
density_20c_kg_m3 = 862.0
standard = "gb-1885-1998"
[[product]]
name = "sewage"
kind = "water"
density_20c_kg_m3 = 1002.5
[[line]]
name = "line-01"
edge = "rtu-01"
port = "/dev/tankline/line-01"
[[tank]]
name = "T-01"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 23.7, height_m = 12.53 }
[[gauge]]
tank = "T-01"
line = "line-01"
unit = 1
[[tank]]
name = "T-02"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 15.78, height_m = 12.53 }
[[gauge]]
tank = "T-02"
line = "line-01"
unit = 2
offset_mm = 50
bottom_blind_zone_mm = 100
top_blind_zone_mm = 150
[[tank]]
name = "T-03"
product = "crude"
[tank.geometry]
shape = "horizontal-cylinder"
diameter_m = 3.0
length_m = 9.6
heads = "ellipsoidal"
head_depth_m = 0.75
[[gauge]]
tank = "T-03"
line = "line-01"
unit = 3
[[tank]]
name = "T-04"
product = "sewage"
geometry = { shape = "vertical-cylinder", diameter_m = 8.99, height_m = 8.92 }
"#;
