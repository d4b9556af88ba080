//! Tests of the uncertainties.

use proptest::prelude::*;

use super::super::testing::{basis, mm};
use super::super::{Conditions, Water};
use super::*;

/// m3 a millimetre in the tank of these tests.
const AREA: f64 = 4253.129988297989 / 9641.0;

fn none() -> Uncertainties {
    Uncertainties {
        level: mm(0.0),
        interface: mm(0.0),
        temperature_c: 0.0,
        table: 0.0,
        density: KilogramsPerCubicMetre::new(0.0),
        s_and_w: 0.0,
    }
}

fn read(level: f64, interface: f64) -> Measured<'static> {
    Measured { level: mm(level), water: Water::Interface(mm(interface)), temperature: Some(Celsius::new(32.5)) }
}

fn of(uncertainties: Uncertainties, measured: &Measured<'_>) -> Expanded {
    basis(Conditions { uncertainties, ..Conditions::default() }).uncertainty(measured).unwrap()
}

#[track_caller]
fn assert_near(value: f64, expected: f64) {
    assert!((value - expected).abs() <= 1e-6 * expected.abs().max(1e-3), "{value} is not {expected}");
}

#[test]
fn each_input_contributes_what_its_derivative_says() {
    let measured = read(9641.0, 6367.0);
    let level = of(Uncertainties { level: mm(4.0), ..none() }, &measured);
    assert_near(level.tov.get(), 4.0 * AREA);
    assert_near(level.ullage.get(), 4.0 * AREA);
    assert_near(level.water.unwrap().get(), 0.0);
    assert_near(level.gov.unwrap().get(), 4.0 * AREA);
    let interface = of(Uncertainties { interface: mm(10.0), ..none() }, &measured);
    assert_near(interface.tov.get(), 0.0);
    assert_near(interface.water.unwrap().get(), 10.0 * AREA);
    assert_near(interface.gov.unwrap().get(), 10.0 * AREA);
    // The table's error is in the total and in the water alike, so the oil has it once, for itself.
    let table = of(Uncertainties { table: 0.002, ..none() }, &measured);
    assert_near(table.tov.get(), 0.002 * 9641.0 * AREA);
    assert_near(table.gov.unwrap().get(), 0.002 * (9641.0 - 6367.0) * AREA);
    assert_near(table.ullage.get(), 0.002 * (11_800.0 - 9641.0) * AREA);
    let cut = of(Uncertainties { s_and_w: 0.001, ..none() }, &measured);
    assert_near(cut.gsv.unwrap().get(), 0.0);
    assert_near(cut.nsv.unwrap().get(), 0.001 * 1429.39);
    let temperature = of(Uncertainties { temperature_c: 0.5, ..none() }, &measured);
    assert_near(temperature.gov.unwrap().get(), 0.0);
    let per_degree = temperature.gsv.unwrap().get() / 1429.39 / 0.5;
    assert!((0.000_82..0.000_85).contains(&per_degree), "{per_degree}");
}

#[test]
fn contributions_add_in_squares() {
    let measured = read(9641.0, 6367.0);
    let both = of(Uncertainties { level: mm(3.0), interface: mm(4.0), ..none() }, &measured);
    assert_near(both.gov.unwrap().get(), 5.0 * AREA);
}

#[test]
fn denser_oil_is_more_mass_but_expands_less() {
    let measured = read(9641.0, 6367.0);
    let density = of(Uncertainties { density: KilogramsPerCubicMetre::new(1.0), ..none() }, &measured);
    let mass = density.mass.unwrap().get();
    let volume = 1423.67;
    assert!((mass / (volume / 1000.0) - 1.0).abs() < 0.05, "{mass}");
    assert!(density.gsv.unwrap().get() > 0.0);
}

#[test]
fn where_there_is_no_room_one_way_the_other_counts_for_both() {
    let level = Uncertainties { level: mm(4.0), ..none() };
    assert_near(of(level, &read(12_530.0, 0.0)).tov.get(), 4.0 * AREA);
    assert_near(of(level, &read(5000.0, 5000.0)).tov.get(), 4.0 * AREA);
    let interface = Uncertainties { interface: mm(4.0), ..none() };
    assert_near(of(interface, &read(5000.0, 5000.0)).gov.unwrap().get(), 4.0 * AREA);
    assert_near(of(interface, &read(5000.0, 0.0)).gov.unwrap().get(), 4.0 * AREA);
}

#[test]
fn profile_is_as_uncertain_as_its_height() {
    let profile = WaterCutProfile::new(vec![(mm(4000.0), 1.0), (mm(5000.0), 0.0)]).unwrap();
    let measured = Measured { water: Water::Profile(&profile), ..read(9641.0, 0.0) };
    let found = of(Uncertainties { interface: mm(10.0), ..none() }, &measured);
    assert!((found.gov.unwrap().get() / (10.0 * AREA) - 1.0).abs() < 1e-6);
}

#[test]
fn points_that_fall_together_when_they_are_moved_do_no_harm() {
    let profile = WaterCutProfile::new(vec![(mm(0.0), 1.0), (mm(1e-17), 0.5), (mm(10.0), 0.0)]).unwrap();
    let measured = Measured { water: Water::Profile(&profile), ..read(9641.0, 0.0) };
    assert!(of(Uncertainties::default(), &measured).gov.unwrap().get() > 0.0);
}

#[test]
fn what_is_not_known_has_no_uncertainty() {
    let measured = Measured { level: mm(5000.0), water: Water::Unknown, temperature: None };
    let found = of(Uncertainties::default(), &measured);
    assert!(found.tov.get() > 0.0);
    assert_eq!((found.water, found.gov, found.gsv, found.nsv, found.mass), (None, None, None, None, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Chance inputs within their standard uncertainties leave the result within its own about as often as they should.
    #[test]
    fn expanded_uncertainty_covers_what_chance_does(level in 2000.0..11_000.0f64, part in 0.1..0.9f64, seed in 1..u64::MAX) {
        let uncertainties = Uncertainties::default();
        let basis = basis(Conditions { uncertainties, ..Conditions::default() });
        let nominal = read(level, part * level);
        let expanded = basis.uncertainty(&nominal).unwrap().nsv.unwrap().get();
        let truth = basis.quantities(&nominal).unwrap().net.unwrap().nsv.get();
        let mut state = seed;
        // Twelve uniform numbers less six: near enough to normal, with a deviation of 1.
        let mut normal = || (0..12).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from(u32::try_from(state >> 33).unwrap()) / f64::from(1_u32 << 31)
        }).sum::<f64>() - 6.0;
        let mut inside = 0;
        for _ in 0..2000 {
            let measured = Measured {
                level: mm(level + normal() * uncertainties.level.get() / 2.0),
                water: Water::Interface(mm(part * level + normal() * uncertainties.interface.get() / 2.0)),
                temperature: Some(Celsius::new(32.5 + normal() * uncertainties.temperature_c / 2.0)),
            };
            let table = normal() * uncertainties.table / 2.0;
            let moved = Moved { table, s_and_w: normal() * uncertainties.s_and_w / 2.0, ..Moved::default() };
            let found = basis.moved(&measured, moved);
            inside += u32::from((found.unwrap().net.unwrap().nsv.get() - truth).abs() <= expanded);
        }
        prop_assert!((1855..=1960).contains(&inside), "{inside} of 2000 inside");
    }
}
