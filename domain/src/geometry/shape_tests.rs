//! Tests of the shapes.

use proptest::prelude::*;

use super::*;

/// m in an inch and m3 in a US gallon of 231 cubic inches, both exact.
const INCH_M: f64 = 0.0254;
const GALLON_M3: f64 = 231.0 * INCH_M * INCH_M * INCH_M;

fn inches(number: f64) -> Metres {
    Metres::new(number * INCH_M)
}

fn metres(number: f64) -> Metres {
    Metres::new(number)
}

/// A published worked example: a horizontal tank of 108 in diameter, 156 in length, heads 42 in deep.
#[test]
fn published_horizontal_tank_holds_the_published_gallons() {
    let depth = inches(42.0);
    let published = [
        ("flat", Heads::Flat, 36.0, 1805.1882879544487),
        ("ellipsoidal", Heads::Ellipsoidal { depth }, 36.0, 2380.9565415578145),
        ("conical", Heads::Conical { depth }, 54.0, 3648.490668241736),
    ];
    for (name, heads, level_in, gallons) in published {
        let tank = Shape::horizontal_cylinder(inches(108.0), inches(156.0), heads).unwrap();
        let volume = tank.volume_at(Millimetres::new(level_in * 25.4)).unwrap().get() / GALLON_M3;
        let error = (volume / gallons - 1.0).abs();
        assert!(error < 1e-12, "{name}: {volume} is not {gallons}, relative error {error:e}");
    }
}

#[test]
fn hemispherical_heads_are_ellipsoidal_ones_as_deep_as_the_radius() {
    let (diameter, length, depth) = (metres(3.0), metres(8.0), metres(1.5));
    let round = Shape::horizontal_cylinder(diameter, length, Heads::Hemispherical).unwrap();
    let dished = Shape::horizontal_cylinder(diameter, length, Heads::Ellipsoidal { depth }).unwrap();
    for level_mm in [0.0, 1.0, 700.0, 1500.0, 2999.0, 3000.0] {
        let level = Millimetres::new(level_mm);
        assert_eq!(round.volume_at(level), dished.volume_at(level));
    }
}

#[test]
fn sphere_and_half_cylinder_hold_what_their_formulas_say() {
    let sphere = Shape::sphere(metres(2.0)).unwrap();
    let full = 4.0 / 3.0 * PI;
    assert_eq!(sphere.height(), Millimetres::new(2000.0));
    assert!((sphere.capacity().get() - full).abs() < 1e-12);
    assert!((sphere.volume_at(Millimetres::new(1000.0)).unwrap().get() - full / 2.0).abs() < 1e-12);
    // A cap of a quarter of the diameter is 5/32 of the sphere.
    assert!((sphere.volume_at(Millimetres::new(500.0)).unwrap().get() - full * 5.0 / 32.0).abs() < 1e-12);
    let trough = Shape::half_cylinder(metres(2.0), metres(3.0)).unwrap();
    let whole = Shape::horizontal_cylinder(metres(2.0), metres(3.0), Heads::Flat).unwrap();
    assert_eq!(trough.height(), Millimetres::new(1000.0));
    assert!((trough.capacity().get() - 1.5 * PI).abs() < 1e-12);
    for level_mm in [1.0, 333.0, 999.0] {
        let level = Millimetres::new(level_mm);
        assert_eq!(trough.volume_at(level), whole.volume_at(level));
    }
    assert!(trough.volume_at(Millimetres::new(1000.001)).is_err());
    assert_eq!(sphere.to_string(), "sphere diameter_m=2");
    assert_eq!(trough.to_string(), "half-cylinder diameter_m=2 length_m=3");
}

#[test]
fn volume_that_the_tank_does_not_hold_has_no_level() {
    let tank = Shape::rectangular_box(metres(2.0), metres(3.0), metres(4.0)).unwrap();
    for volume in [-0.001, 24.001, f64::INFINITY, f64::NAN] {
        assert!(tank.level_at(CubicMetres::new(volume)).is_err(), "{volume} passed");
    }
    assert_eq!(
        tank.level_at(CubicMetres::new(30.0)).unwrap_err().to_string(),
        "volume 30 m3 is outside the tank, whose levels are known from 0 m3 to 24 m3"
    );
    assert_eq!(tank.level_at(CubicMetres::new(24.0)).unwrap(), Millimetres::new(4000.0));
    assert_eq!(tank.level_at(CubicMetres::new(0.0)).unwrap(), Millimetres::new(0.0));
}

#[test]
fn level_outside_the_tank_is_refused_with_level_and_height() {
    let tank = Shape::vertical_cylinder(metres(10.0), metres(12.5)).unwrap();
    for level_mm in [-0.001, 12_500.001, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        assert!(tank.volume_at(Millimetres::new(level_mm)).is_err(), "{level_mm} passed");
    }
    assert_eq!(
        tank.volume_at(Millimetres::new(13_600.0)).unwrap_err().to_string(),
        "level 13600 mm is outside the tank, whose volumes are known from 0 mm to 12500 mm"
    );
}

#[test]
fn minus_zero_is_the_bottom() {
    let tank = Shape::rectangular_box(metres(2.0), metres(3.0), metres(4.0)).unwrap();
    let volume = tank.volume_at(Millimetres::new(-0.0)).unwrap().get();
    assert!(volume == 0.0 && volume.is_sign_positive());
}

#[test]
fn dimension_that_cannot_be_is_refused_by_name_and_value() {
    for wrong in [0.0, -0.0, -3.0, f64::NAN, f64::INFINITY, 23_700.0] {
        let shape = Shape::vertical_cylinder(metres(wrong), metres(1.0));
        assert!(shape.is_err(), "{wrong} passed");
    }
    let refused = [
        (Shape::vertical_cylinder(metres(1.0), metres(-1.0)), "height_m"),
        (Shape::horizontal_cylinder(metres(0.0), metres(1.0), Heads::Flat), "diameter_m"),
        (Shape::horizontal_cylinder(metres(1.0), metres(0.0), Heads::Flat), "length_m"),
        (Shape::horizontal_cylinder(metres(1.0), metres(1.0), Heads::Conical { depth: metres(-1.0) }), "head_depth_m"),
        (
            Shape::horizontal_cylinder(metres(1.0), metres(1.0), Heads::Ellipsoidal { depth: metres(0.0) }),
            "head_depth_m",
        ),
        (Shape::rectangular_box(metres(1.0), metres(0.0), metres(1.0)), "width_m"),
    ];
    for (shape, dimension) in refused {
        assert_eq!(shape.unwrap_err().dimension, dimension);
    }
    assert_eq!(
        Shape::vertical_cylinder(metres(-3.0), metres(1.0)).unwrap_err().to_string(),
        "diameter_m is -3, but must be a number of metres from 0.001 to 1000"
    );
}

/// The digest stands in stored history, so it must stay what it is from release to release.
#[test]
fn digest_is_that_of_the_canonical_text_and_changes_with_a_dimension() {
    let tank = Shape::vertical_cylinder(metres(23.7), metres(12.53)).unwrap();
    assert_eq!(tank.to_string(), "vertical-cylinder diameter_m=23.7 height_m=12.53");
    assert_eq!(tank.digest(), "3ea294782c06f200");
    let taller = Shape::vertical_cylinder(metres(23.7), metres(12.54)).unwrap();
    assert_ne!(tank.digest(), taller.digest());
}

fn any_shape() -> impl Strategy<Value = Shape> {
    let dimension = || (0.1..100.0f64).prop_map(Metres::new);
    let heads = prop_oneof![
        Just(Heads::Flat),
        Just(Heads::Hemispherical),
        dimension().prop_map(|depth| Heads::Ellipsoidal { depth }),
        dimension().prop_map(|depth| Heads::Conical { depth }),
    ];
    let constructed = "dimensions of the strategy are a tank's";
    prop_oneof![
        (dimension(), dimension())
            .prop_map(move |(diameter, height)| Shape::vertical_cylinder(diameter, height).expect(constructed)),
        (dimension(), dimension())
            .prop_map(move |(diameter, length)| Shape::half_cylinder(diameter, length).expect(constructed)),
        dimension().prop_map(move |diameter| Shape::sphere(diameter).expect(constructed)),
        (dimension(), dimension(), dimension())
            .prop_map(move |(length, width, height)| Shape::rectangular_box(length, width, height).expect(constructed)),
        (dimension(), dimension(), heads).prop_map(move |(diameter, length, heads)| {
            Shape::horizontal_cylinder(diameter, length, heads).expect(constructed)
        }),
    ]
}

proptest! {
    #[test]
    fn shape_is_empty_at_its_bottom_and_holds_its_capacity_at_its_top(shape in any_shape()) {
        prop_assert_eq!(shape.volume_at(Millimetres::new(0.0)).unwrap().get(), 0.0);
        prop_assert_eq!(shape.volume_at(shape.height()).unwrap(), shape.capacity());
        prop_assert!(shape.capacity().get() > 0.0);
    }

    #[test]
    fn higher_level_is_never_less_volume(shape in any_shape(), one in 0.0..=1.0f64, other in 0.0..=1.0f64) {
        let at = |part: f64| shape.volume_at(Millimetres::new(part * shape.height().get())).unwrap().get();
        let rounding = 1e-12 * shape.capacity().get();
        prop_assert!(at(one.min(other)) <= at(one.max(other)) + rounding);
    }

    #[test]
    fn level_and_volume_lead_back_to_each_other(shape in any_shape(), part in 0.0..=1.0f64) {
        let level = Millimetres::new(part * shape.height().get());
        let volume = shape.volume_at(level).unwrap();
        let found = shape.level_at(volume).unwrap();
        let there = shape.volume_at(found).unwrap();
        // Within a micrometre of level; where a sphere or cone ends in a point, a micrometre holds less than rounding does.
        let near = |level: Millimetres, by: f64| (level.get() + by).clamp(0.0, shape.height().get());
        let around = [-0.001, 0.001].map(|by| shape.volume_at(Millimetres::new(near(found, by))).unwrap().get());
        let rounding = 1e-14 * shape.capacity().get();
        prop_assert!(around[0] - rounding <= volume.get() && volume.get() <= around[1] + rounding);
        prop_assert!((there.get() - volume.get()).abs() <= around[1] - around[0] + rounding);
        if part > 0.01 && part < 0.99 {
            prop_assert!((found.get() - level.get()).abs() < 0.001, "{found} is not {level}");
        }
    }
}
