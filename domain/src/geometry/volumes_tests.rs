//! Tests of the division into water and oil.

use proptest::prelude::*;

use super::*;
use crate::geometry::Heads;
use crate::units::Metres;

fn mm(number: f64) -> Millimetres {
    Millimetres::new(number)
}

fn box_of_one_square_metre() -> Geometry {
    let (side, height) = (Metres::new(1.0), Metres::new(10.0));
    Geometry::Shape(Shape::rectangular_box(side, side, height).unwrap())
}

#[test]
fn interface_divides_the_total_into_water_and_oil_by_a_step() {
    let found = volumes(&box_of_one_square_metre(), mm(9641.0), Some(mm(6367.0))).unwrap();
    let layers = found.layers.unwrap();
    assert!((found.total.get() - 9.641).abs() < 1e-12);
    assert!((layers.water.get() - 6.367).abs() < 1e-12);
    assert!((layers.oil.get() - 3.274).abs() < 1e-12);
    assert_eq!(layers.transition, Transition::Step);
}

#[test]
fn without_an_interface_water_and_oil_are_absent_and_not_nothing() {
    let found = volumes(&box_of_one_square_metre(), mm(5000.0), None).unwrap();
    assert_eq!(found.total, CubicMetres::new(5.0));
    assert_eq!(found.layers, None);
}

#[test]
fn interface_at_the_level_is_all_water_and_at_the_bottom_all_oil() {
    let tank = box_of_one_square_metre();
    let at = |interface| volumes(&tank, mm(5000.0), Some(mm(interface))).unwrap().layers.unwrap();
    assert_eq!((at(5000.0).water.get(), at(5000.0).oil.get()), (5.0, 0.0));
    assert_eq!((at(0.0).water.get(), at(0.0).oil.get()), (0.0, 5.0));
}

#[test]
fn level_and_interface_that_cannot_be_are_refused_by_name_and_value() {
    let refused = [
        (
            10_001.0,
            Some(5.0),
            "liquid level 10001 mm is outside the tank, whose volumes are known from 0 mm to 10000 mm",
        ),
        (
            5000.0,
            Some(-1.0),
            "interface level -1 mm is outside the tank, whose volumes are known from 0 mm to 10000 mm",
        ),
        (5000.0, Some(6000.0), "interface 6000 mm is above the level 5000 mm, but must be at or below it"),
    ];
    for (level, interface, message) in refused {
        let error = volumes(&box_of_one_square_metre(), mm(level), interface.map(mm)).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    assert!(volumes(&box_of_one_square_metre(), mm(5000.0), Some(mm(f64::NAN))).is_err());
    assert!(volumes(&box_of_one_square_metre(), mm(f64::NAN), None).is_err());
}

#[test]
fn geometry_of_a_table_begins_at_its_first_row() {
    let table = StrappingTable::from_csv("100,1\n1000,10\n").unwrap();
    let digest = table.digest().to_owned();
    let geometry = Geometry::Table(table);
    assert_eq!((geometry.bottom(), geometry.height()), (mm(100.0), mm(1000.0)));
    assert_eq!(geometry.capacity(), CubicMetres::new(10.0));
    assert_eq!(geometry.digest(), digest);
    assert!(volumes(&geometry, mm(500.0), Some(mm(50.0))).is_err());
}

#[test]
fn profile_divides_the_transition_layer_by_its_water_cut() {
    let profile = WaterCutProfile::new(vec![(mm(2000.0), 0.9), (mm(3000.0), 0.3)]).unwrap();
    let found = volumes_by_profile(&box_of_one_square_metre(), mm(5000.0), &profile).unwrap().layers.unwrap();
    assert!((found.water.get() - 2.6).abs() < 1e-12 && (found.oil.get() - 2.4).abs() < 1e-12);
    assert!((found.free_water().get() - 2.0).abs() < 1e-12);
    let Transition::Profile { bottom, top, water, oil } = found.transition else { panic!("it is a profile") };
    assert_eq!((bottom, top), (mm(2000.0), mm(3000.0)));
    assert!((water.get() - 0.6).abs() < 1e-12 && (oil.get() - 0.4).abs() < 1e-12);
}

#[test]
fn profile_counts_as_far_as_there_is_liquid() {
    let profile = WaterCutProfile::new(vec![(mm(2000.0), 1.0), (mm(3000.0), 0.0)]).unwrap();
    let at = |level| volumes_by_profile(&box_of_one_square_metre(), mm(level), &profile);
    let layers = at(2500.0).unwrap().layers.unwrap();
    assert!((layers.water.get() - 2.375).abs() < 1e-12 && (layers.oil.get() - 0.125).abs() < 1e-12);
    assert_eq!(at(2000.0).unwrap().layers.unwrap().oil.get(), 0.0);
    assert!(matches!(at(1999.0), Err(VolumeError::InterfaceAboveLevel { .. })));
}

/// In a sphere a cut of `w(h) = 1 - h/D` holds, by the integral of `w(h) pi h (D - h) dh`, half of the water.
#[test]
fn profile_in_a_round_tank_is_integrated_over_the_volume_and_not_the_height() {
    let sphere = Geometry::Shape(Shape::sphere(Metres::new(4.0)).unwrap());
    let profile = WaterCutProfile::new(vec![(mm(0.0), 1.0), (mm(4000.0), 0.0)]).unwrap();
    let full = volumes_by_profile(&sphere, mm(4000.0), &profile).unwrap().layers.unwrap();
    let capacity = sphere.capacity().get();
    assert!((full.water.get() / capacity - 0.5).abs() < 1e-6);
    // Of the lower half: the integral of (1 - h/4) pi h (4 - h) from 0 to 2 is 11/3 pi.
    let half = volumes_by_profile(&sphere, mm(2000.0), &profile).unwrap().layers.unwrap();
    assert!((half.water.get() - 11.0 / 3.0 * std::f64::consts::PI).abs() < 1e-4, "{}", half.water.get());
}

fn any_geometry() -> impl Strategy<Value = Geometry> {
    let dimension = || (0.1..100.0f64).prop_map(Metres::new);
    let shape = (dimension(), dimension(), dimension()).prop_map(|(diameter, length, depth)| {
        Shape::horizontal_cylinder(diameter, length, Heads::Conical { depth }).expect("dimensions are a tank's")
    });
    let table = (1.0..900.0f64, 0.0..500.0f64, 500.0..1000.0f64).prop_map(|(level, middle, top)| {
        StrappingTable::from_csv(&format!("0,0\n{level},{middle}\n1000,{top}\n")).expect("rows increase")
    });
    prop_oneof![shape.prop_map(Geometry::Shape), table.prop_map(Geometry::Table)]
}

proptest! {
    #[test]
    fn oil_and_water_are_the_total(geometry in any_geometry(), one in 0.0..=1.0f64, other in 0.0..=1.0f64) {
        let level = mm(one.max(other) * geometry.height().get());
        let interface = mm(one.min(other) * geometry.height().get());
        let found = volumes(&geometry, level, Some(interface)).unwrap();
        let layers = found.layers.unwrap();
        prop_assert!(layers.water.get() >= 0.0 && layers.oil.get() >= 0.0);
        let sum = layers.water.get() + layers.oil.get();
        prop_assert!((sum - found.total.get()).abs() <= 1e-12 * geometry.capacity().get());
    }

    #[test]
    fn layer_of_no_height_is_a_step(
        geometry in any_geometry(),
        one in 0.0..=1.0f64,
        other in 0.0..=1.0f64,
        cuts in prop::array::uniform2(0.0..=1.0f64),
    ) {
        let level = mm(one.max(other) * geometry.height().get());
        let interface = mm(one.min(other) * geometry.height().get());
        let profile = WaterCutProfile::new(vec![(interface, cuts[0]), (interface, cuts[1])]).unwrap();
        let layer = volumes_by_profile(&geometry, level, &profile).unwrap().layers.unwrap();
        let step = volumes(&geometry, level, Some(interface)).unwrap().layers.unwrap();
        let rounding = 1e-12 * geometry.capacity().get();
        prop_assert!((layer.water.get() - step.water.get()).abs() <= rounding);
        prop_assert!((layer.oil.get() - step.oil.get()).abs() <= rounding);
    }

    #[test]
    fn profile_divides_the_total_too(geometry in any_geometry(), at in prop::array::uniform3(0.0..=1.0f64), cut in 0.0..=1.0f64) {
        let height = |part: f64| mm(part * geometry.height().get());
        let mut parts = at;
        parts.sort_by(f64::total_cmp);
        prop_assume!(parts[0] < parts[1]);
        let profile = WaterCutProfile::new(vec![(height(parts[0]), 1.0), (height(parts[1]), cut)]).unwrap();
        let found = volumes_by_profile(&geometry, height(parts[2]), &profile).unwrap();
        let layers = found.layers.unwrap();
        let rounding = 1e-12 * geometry.capacity().get();
        prop_assert!((layers.water.get() + layers.oil.get() - found.total.get()).abs() <= rounding);
        let as_step = |part: f64| geometry.volume_at(height(part)).unwrap().get();
        prop_assert!(layers.water.get() >= as_step(parts[0]) - rounding);
        prop_assert!(layers.water.get() <= as_step(parts[1]) + rounding);
    }
}
