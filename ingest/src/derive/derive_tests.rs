//! Tests of what is derived from readings.

use tankline_domain::geometry::StrappingTable;
use tankline_domain::units::Celsius;

use super::*;
use crate::testing;

/// A box of 1 m2 and 10 m height with crude of 862 kg/m3.
fn basis() -> Basis {
    testing::stations().tanks().next().unwrap().1.basis.clone()
}

fn reading(level: Option<f64>, interface: Option<f64>, quality: &str) -> Reading {
    Reading {
        tank: "T-01".parse().unwrap(),
        at: UnixMillis::new(1),
        level: level.map(Millimetres::new),
        interface: interface.map(Millimetres::new),
        temperature: None,
        layer: None,
        quality: quality.parse().unwrap(),
    }
}

#[test]
fn what_cannot_be_known_is_absent() {
    for (level, interface, quality, tov, fw, oil) in [
        (Some(5000.0), Some(2000.0), "good", Some(5.0), Some(2.0), Some(3.0)),
        (Some(5000.0), None, "good", Some(5.0), None, None),
        (Some(5000.0), Some(0.0), "uncertain:blind-zone", Some(5.0), Some(0.0), Some(5.0)),
        (Some(5000.0), Some(5001.0), "uncertain:interface-above-level", Some(5.0), None, None),
        (Some(-4.0), Some(-4.0), "uncertain:blind-zone", Some(0.0), Some(0.0), Some(0.0)),
        (Some(10_009.0), None, "uncertain:blind-zone", Some(10.0), None, None),
        (Some(10_011.0), None, "good", None, None, None),
        (None, None, "bad:no-reply", None, None, None),
        (Some(5000.0), Some(2000.0), "bad:crc", None, None, None),
    ] {
        let derived = Deriver::default().derive(&basis(), &reading(level, interface, quality));
        let volumes = (derived.tov_m3, derived.fw_m3, derived.oil_m3);
        assert_eq!(volumes, (tov, fw, oil), "{level:?} {interface:?} {quality}");
        assert_eq!((derived.gov_m3, derived.ullage_m3), (oil, tov.map(|tov| 10.0 - tov)));
        assert_eq!((derived.gsv_m3, derived.mass_t, derived.flow_m3h), (None, None, None));
    }
}

fn layered(text: &str, quality: &str) -> Reading {
    let layer = Some(serde_json::from_str(text).unwrap());
    Reading { layer, ..reading(Some(5000.0), Some(2000.0), quality) }
}

/// On 1 m2: 200 mm with a cut that falls evenly from 0.8 to 0.2 are 0.1 m3 of water and 0.1 m3 of oil.
#[test]
fn layer_is_divided_by_its_water_cut_and_what_nobody_vouches_for_is_a_step() {
    let near = |found: Option<f64>, expected: Option<f64>| match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
        (found, expected) => found.is_none() && expected.is_none(),
    };
    let falling = "[[2000,0.8],[2200,0.2]]";
    for (layer, quality, fw, oil, emulsion, water) in [
        (falling, "good", 2.0, 2.9, Some(0.2), Some(0.1)),
        (falling, "uncertain:clock", 2.0, 2.9, Some(0.2), Some(0.1)),
        (falling, "uncertain:interface-unconfirmed", 2.0, 3.0, None, None),
        (falling, "uncertain:stuck", 2.0, 3.0, None, None),
        ("[[2000,1],[2000,0]]", "good", 2.0, 3.0, Some(0.0), Some(0.0)),
        // Of no use, and the interface is.
        ("[[5005,1],[5006,0]]", "good", 2.0, 3.0, None, None),
    ] {
        let derived = Deriver::default().derive(&basis(), &layered(layer, quality));
        let said = format!("{layer} {quality}: {derived:?}");
        assert!(near(derived.tov_m3, Some(5.0)) && near(derived.fw_m3, Some(fw)), "{said}");
        assert!(near(derived.oil_m3, Some(oil)) && near(derived.gov_m3, Some(oil)), "{said}");
        assert!(near(derived.emulsion_m3, emulsion) && near(derived.emulsion_water_m3, water), "{said}");
    }
}

#[test]
fn layer_that_appears_or_is_gone_is_no_flow() {
    let (basis, mut deriver) = (basis(), Deriver::default());
    let mut flows = Vec::new();
    for second in 0..900 {
        let layer = (300..600).contains(&second);
        let text = if layer { "[[2000,0.8],[2200,0.2]]" } else { "[[2000,1],[2000,0]]" };
        let reading = Reading {
            at: UnixMillis::new(second * 1000),
            temperature: Some(Celsius::new(20.0)),
            layer: Some(serde_json::from_str(text).unwrap()).filter(|_| layer),
            ..reading(Some(5000.0), Some(2000.0), "good")
        };
        flows.push(deriver.derive(&basis, &reading).flow_m3h);
        // A reading of a backlog between them, without a layer, changes nothing.
        let late = Reading { at: UnixMillis::new(second * 1000 - 500_000), layer: None, ..reading };
        assert_eq!(deriver.derive(&basis, &late).flow_m3h, None);
    }
    assert!(flows.iter().flatten().all(|flow| flow.abs() < 0.01), "{flows:?}");
    assert!([299, 599, 899].iter().all(|second| flows[*second].is_some()));
}

#[test]
fn temperature_leads_to_standard_volume_and_mass() {
    let reading = Reading { temperature: Some(Celsius::new(32.5)), ..reading(Some(9641.0), Some(6367.0), "good") };
    let derived = Deriver::default().derive(&basis(), &reading);
    // The factor of the worked example in the README; 862 - 1.1 kg/m3 in air.
    let nsv = 3.274 * 0.989_658_636_751_579;
    assert!((derived.nsv_m3.unwrap() - nsv).abs() < 1e-9);
    assert!((derived.mass_t.unwrap() - nsv * 0.8609).abs() < 1e-9);
}

#[test]
fn flow_is_that_of_the_readings_in_their_order_and_a_backlog_has_none() {
    let (basis, mut deriver) = (basis(), Deriver::default());
    let at = |second: i32, level: f64| Reading {
        at: UnixMillis::new(i64::from(second) * 1000),
        temperature: Some(Celsius::new(20.0)),
        ..reading(Some(level), Some(0.0), "good")
    };
    let mut newest = None;
    for second in 0..300 {
        newest = deriver.derive(&basis, &at(second, 1000.0 + f64::from(second))).flow_m3h;
    }
    // 1 mm/s on 1 m2 is 3.6 m3/h.
    assert!((newest.unwrap() - 3.6).abs() < 0.01, "{newest:?}");
    assert_eq!(deriver.derive(&basis, &at(100, 1100.0)).flow_m3h, None);
    assert!(deriver.derive(&basis, &at(300, 1300.0)).flow_m3h.is_some());
}

/// The pre-alarm of an overfill needs the flow also where the oil's volume at 20 degC cannot be known.
#[test]
fn flow_of_the_total_goes_on_without_temperature_and_interface() {
    let (basis, mut deriver) = (basis(), Deriver::default());
    let mut newest = Derived::default();
    for second in 0..300 {
        let at = UnixMillis::new(i64::from(second) * 1000);
        newest = deriver.derive(&basis, &Reading { at, ..reading(Some(1000.0 + f64::from(second)), None, "good") });
    }
    assert_eq!(newest.flow_m3h, None);
    let (flow, uncertainty) = (newest.tov_flow_m3h.unwrap(), newest.tov_flow_uncertainty_m3h.unwrap());
    assert!((flow - 3.6).abs() <= uncertainty && uncertainty < 0.1, "{flow} +- {uncertainty}");
}

#[test]
fn table_is_never_extrapolated_below_its_first_row() {
    let mut tank = testing::stations().tanks().next().unwrap().1.tank.clone();
    tank.geometry = Geometry::Table(StrappingTable::from_csv("100,1\n1000,10\n").unwrap());
    let site = testing::site();
    let basis = Basis::new(&tank, site.product_of(&tank).unwrap()).unwrap();
    let at = |level| Deriver::default().derive(&basis, &reading(Some(level), None, "good")).tov_m3;
    assert_eq!((at(50.0), at(95.0), at(1000.0)), (None, Some(1.0), Some(10.0)));
}
