//! The demo site's description is right and describes the station that it says it does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat};
use tankline_domain::geometry::{Geometry, volumes};
use tankline_domain::settings::Document;
use tankline_domain::site::{Framing, Site, Tank, parse};
use tankline_domain::units::Millimetres;

fn sites() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sites")
}

fn lindong() -> Site {
    let text = std::fs::read_to_string(sites().join("lindong.toml")).expect("the description can be read");
    let tree = Config::builder().add_source(File::from_str(&text, FileFormat::Toml)).build().expect("it is TOML");
    let root = tree.try_deserialize().expect("it is a tree of values");
    let document = Document { origin: "lindong.toml".into(), root, from_environment: BTreeMap::new() };
    let table = |path: &Path| std::fs::read_to_string(sites().join(path)).map_err(|error| error.to_string());
    parse(&document, &table).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Gives the capacities, m3, of the tanks whose title states this nominal volume.
fn capacities(site: &Site, nominal: &str) -> Vec<f64> {
    let named = |tank: &&Tank| tank.name.as_str().starts_with("T-") && tank.title.ends_with(nominal);
    site.tanks().iter().filter(named).map(|tank| tank.geometry.capacity().get()).collect()
}

#[test]
fn twenty_eight_tanks_stand_on_four_lines_of_seven_gauges_each() {
    let site = lindong();
    assert_eq!(site.name().as_str(), "lindong");
    assert_eq!((site.tanks().len(), site.gauges().len()), (28, 28));
    let edges: Vec<&str> = site.edges().into_iter().map(|edge| edge.as_str()).collect();
    assert_eq!(edges, ["rtu-01", "rtu-02", "rtu-03", "rtu-04"]);
    let lines: Vec<&str> = site.lines().iter().map(|line| line.name.as_str()).collect();
    assert_eq!(lines, ["line-01", "line-02", "line-03", "line-04"]);
    for line in site.lines() {
        assert_eq!(line.framing, Framing::default(), "{}", line.name);
        let units: Vec<u8> = site.gauges_of(&line.name).map(|gauge| gauge.unit).collect();
        assert_eq!(units, [1, 2, 3, 4, 5, 6, 7], "{}", line.name);
    }
    let gauged: BTreeSet<&str> = site.gauges().iter().map(|gauge| gauge.tank.as_str()).collect();
    assert_eq!(gauged.len(), 28);
}

#[test]
fn six_crude_tanks_hold_what_they_are_named_for() {
    let site = lindong();
    for (nominal, number, volume) in [("5000 m3", 2, 5000.0), ("2000 m3", 4, 2000.0)] {
        let found = capacities(&site, nominal);
        assert_eq!(found.len(), number, "{nominal}");
        assert!(found.iter().all(|capacity| (volume..volume * 1.15).contains(capacity)), "{nominal}: {found:?}");
    }
}

#[test]
fn every_limit_lies_where_the_gauge_can_see_it() {
    let site = lindong();
    for gauge in site.gauges() {
        let tank = site.tank(&gauge.tank).expect("the description was checked");
        let lowest = gauge.mounting.offset.get() + gauge.mounting.bottom_blind_zone.get();
        let highest = tank.height.get() - gauge.mounting.top_blind_zone.get();
        let limits = [tank.limits.low_low, tank.limits.low, tank.limits.high, tank.limits.high_high];
        for limit in limits {
            let limit = limit.unwrap_or_else(|| panic!("{} lacks a limit", tank.name)).get();
            assert!(lowest < limit && limit < highest, "{}: {limit} not in {lowest}..{highest}", tank.name);
        }
    }
}

#[test]
fn every_tank_has_volumes_from_its_bottom_to_its_height() {
    let site = lindong();
    for tank in site.tanks() {
        let full = volumes(&tank.geometry, tank.height, Some(Millimetres::new(0.0)));
        let full = full.unwrap_or_else(|error| panic!("{}: {error}", tank.name));
        assert_eq!(full.total, tank.geometry.capacity(), "{}", tank.name);
        assert!(full.layers.is_some_and(|layers| layers.water.get() == 0.0), "{}", tank.name);
    }
}

#[test]
fn strapping_table_of_the_first_tank_wins_and_is_near_its_shape() {
    let site = lindong();
    let [table, shape] = ["T-01", "T-02"].map(|name| {
        let tank = site.tanks().iter().find(|tank| tank.name.as_str() == name);
        &tank.expect("the crude tanks are described").geometry
    });
    assert!(matches!((table, shape), (Geometry::Table(_), Geometry::Shape(_))));
    for level in [1000.0, 5000.0, 9641.0, 12_530.0].map(Millimetres::new) {
        let [by_table, by_shape] = [table, shape].map(|geometry| geometry.volume_at(level).unwrap().get());
        let floor_and_coils = by_shape - by_table;
        assert!((20.0..40.0).contains(&floor_and_coils), "{level}: {by_table} m3 by table, {by_shape} m3 by shape");
    }
}
