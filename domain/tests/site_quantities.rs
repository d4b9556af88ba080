//! What a site's description says for the quantity chain: read with its defaults, and refused with key and value.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tankline_domain::quantity::{Basis, FloatingRoof, Insulation, Shell, Uncertainties};
use tankline_domain::settings::Document;
use tankline_domain::site::{Site, parse};
use tankline_domain::units::{Celsius, KilogramsPerCubicMetre, Millimetres};

fn read(root: Value) -> Result<Site, Vec<String>> {
    let document = Document { origin: "site.toml".into(), root, from_environment: BTreeMap::new() };
    parse(&document, &|_| Err("is not there".to_owned()))
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn small() -> Value {
    let geometry = json!({"shape": "vertical-cylinder", "diameter_m": 10.0, "height_m": 12.0});
    json!({
        "site": "demo",
        "product": [{"name": "crude", "density_20c_kg_m3": 862.0, "s_and_w_percent": 0.5}],
        "line": [{"name": "line-01", "edge": "rtu-01", "port": "/dev/ttyUSB0"}],
        "tank_defaults": {
            "shell": {"ambient_c": -10},
            "uncertainty": {"level_mm": 3}
        },
        "tank": [
            {"name": "T-01", "product": "crude", "geometry": geometry},
            {
                "name": "T-02", "product": "crude", "geometry": geometry, "s_and_w_percent": 0.1,
                "safe_fill_mm": 11000, "least_fill_mm": 500,
                "limits": {"ll_mm": 600, "hh_mm": 11500},
                "shell": {"insulated": true, "expansion_per_c": 1.6e-5, "reference_c": 15},
                "roof": {"mass_kg": 20000, "landed_mm": 1600, "afloat_mm": 1800, "table_density_kg_m3": 850},
                "uncertainty": {"table_percent": 0.1, "density_kg_m3": 1}
            },
        ],
        "gauge": [{"tank": "T-01", "line": "line-01", "unit": 1}, {"tank": "T-02", "line": "line-01", "unit": 2}]
    })
}

#[test]
fn what_a_tank_says_wins_over_the_defaults_of_all_tanks() {
    let site = read(small()).unwrap();
    let [plain, own] = site.tanks() else { panic!("two tanks") };
    let bare = Insulation::Bare { ambient: Celsius::new(-10.0) };
    let steel = Shell { insulation: bare, expansion_per_c: Shell::CARBON_STEEL_PER_C, reference: Celsius::new(20.0) };
    assert_eq!(plain.conditions.shell, Some(steel));
    let level = Millimetres::new(3.0);
    assert_eq!(plain.conditions.uncertainties, Uncertainties { level, ..Uncertainties::default() });
    assert_eq!((plain.conditions.roof, plain.conditions.s_and_w), (None, None));
    let insulated = Insulation::Insulated;
    let steel = Shell { insulation: insulated, expansion_per_c: 1.6e-5, reference: Celsius::new(15.0) };
    assert_eq!(own.conditions.shell, Some(steel));
    let density = KilogramsPerCubicMetre::new(1.0);
    assert_eq!(own.conditions.uncertainties, Uncertainties { table: 0.001, density, ..Uncertainties::default() });
    let roof = FloatingRoof {
        mass_kg: 20_000.0,
        landed: Millimetres::new(1600.0),
        afloat: Millimetres::new(1800.0),
        table_density: Some(KilogramsPerCubicMetre::new(850.0)),
    };
    assert_eq!(own.conditions.roof, Some(roof));
    assert_eq!(own.conditions.s_and_w, Some(0.001));
    let ends = |tank| {
        let basis = Basis::new(tank, site.product_of(tank).unwrap()).unwrap();
        (basis.least_fill().0.get(), basis.safe_fill().0.get())
    };
    assert_eq!(ends(plain), (0.0, 12_000.0));
    assert_eq!(ends(own), (500.0, 11_000.0));
}

#[test]
fn without_a_shell_nothing_is_corrected_for_it() {
    let mut root = small();
    root["tank_defaults"] = json!({});
    assert_eq!(read(root).unwrap().tanks()[0].conditions.shell, None);
}

#[test]
fn each_mistake_is_named_with_key_and_value() {
    let tank = "site.toml: tank[T-02]";
    for (pointer, value, said) in [
        (
            "/product/0/density_20c_kg_m3",
            json!(1200),
            "site.toml: product[crude].density_20c_kg_m3 = 1200: density at 20 degC 1200 kg/m3 is outside 604.955 to \
             1072.14 kg/m3 of crude by GB/T 1885-1998"
                .to_owned(),
        ),
        (
            "/product/0/s_and_w_percent",
            json!(101),
            "site.toml: product[crude].s_and_w_percent = 101: must be 0 to 100".to_owned(),
        ),
        ("/tank/1/safe_fill_mm", json!(13_000), format!("{tank}.safe_fill_mm = 13000: must be 0 to 12000")),
        (
            "/tank/1/least_fill_mm",
            json!(11_000),
            format!("{tank}.least_fill_mm = 11000: must be below safe_fill_mm (11000)"),
        ),
        (
            "/tank/1/shell/insulated",
            json!(false),
            format!(
                "{tank}.shell.ambient_c: is missing: bare steel takes a part of the air's temperature; or insulated = true"
            ),
        ),
        (
            "/tank/1/shell/ambient_c",
            json!(5),
            format!("{tank}.shell.ambient_c = 5: has no effect where insulated = true; leave one of the two out"),
        ),
        (
            "/tank/1/roof/landed_mm",
            json!(1800),
            format!("{tank}.roof.landed_mm = 1800: must be below afloat_mm (1800)"),
        ),
        ("/tank/1/uncertainty/level_mm", json!(-1), format!("{tank}.uncertainty.level_mm = -1: must be 0 to 1000")),
        (
            "/tank/1/uncertainty/levl_mm",
            json!(1),
            format!("{tank}.uncertainty.levl_mm = 1: is not a key here; did you mean \"level_mm\"?"),
        ),
        (
            "/tank_defaults/shel",
            json!({}),
            "site.toml: tank_defaults.shel: is not a key here; did you mean \"shell\"?".to_owned(),
        ),
    ] {
        let mut root = small();
        let (table, key) = pointer.rsplit_once('/').unwrap();
        root.pointer_mut(table).unwrap()[key] = value;
        let all = read(root).expect_err(pointer);
        assert!(all.contains(&said), "{pointer}: {said}\nnot among {all:#?}");
    }
}
