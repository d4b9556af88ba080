//! Tests with the curves of a rod of our own: segments, a transition layer whose cut falls steadily, a deposit.

use super::*;
use crate::geometry::{Geometry, Shape, volumes_by_profile};
use crate::units::{Metres, UnixMillis};

const DAY_MS: i64 = 86_400_000;

/// A tank and its rod as they are.
#[derive(Clone, Copy)]
struct Truth {
    level: f64,
    interface: f64,
    transition: f64,
    /// Water cut at the foot of the transition layer; it falls to 0 at its top.
    foot_cut: f64,
    water: f64,
    oil: f64,
    /// Thickness of the deposit, mm, most of it in the lower half of the rod.
    deposit: f64,
    spacing: f64,
    blur: Option<f64>,
}

impl Truth {
    const fn tank() -> Self {
        Self {
            level: 9641.0,
            interface: 3367.0,
            transition: 400.0,
            foot_cut: 0.6,
            water: 2500.0,
            oil: 52_000.0,
            deposit: 0.0,
            spacing: 100.0,
            blur: None,
        }
    }

    fn at(&self, height: f64) -> f64 {
        if height > self.level {
            return 62_000.0;
        }
        // Patches: the lower half of the rod has more, and it differs from place to place.
        let patch = if height < 6000.0 { 1.0 } else { 0.3 } * (1.0 + 0.3 * (height / 700.0).sin());
        let deposit = self.deposit * patch;
        if height < self.interface {
            return self.water * (1.0 + 0.6 * deposit);
        }
        let risen = (height - self.interface) / self.transition.max(1e-9);
        let cut = if risen < 1.0 { self.foot_cut * (1.0 - risen) } else { 0.0 };
        self.oil * (1.0 - 0.05 * deposit) * (1.0 - 0.55 * cut)
    }

    fn points(&self) -> Vec<f64> {
        let mut noise = 12_345_u64;
        (0..125)
            .map(|index| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let tremble = f64::from(u32::try_from(noise >> 33).unwrap()) / f64::from(1_u32 << 31) - 0.5;
                let middle = f64::from(index) * self.spacing;
                let seen = match self.blur {
                    None => {
                        let within = |part: i32| middle + (f64::from(part) + 0.5) / 100.0 * self.spacing;
                        (-50..50).map(|part| self.at(within(part))).sum::<f64>() / 100.0
                    }
                    Some(blur) => {
                        let above = 1.0 / (1.0 + (-(middle - self.interface) / blur).exp());
                        self.at(self.interface - 1.0) * (1.0 - above) + self.at(middle.max(self.interface)) * above
                    }
                };
                seen * (1.0 + 0.002 * tremble)
            })
            .collect()
    }
}

fn read(reader: &mut ProfileReader, truth: &Truth, at_ms: i64) -> Result<Found, CurveError> {
    let points = truth.points();
    reader.read(&Curve {
        at: UnixMillis::new(at_ms),
        first: Millimetres::new(0.0),
        spacing: Millimetres::new(truth.spacing),
        points: &points,
        level: Millimetres::new(truth.level),
        window: None,
    })
}

#[track_caller]
fn layering(reader: &mut ProfileReader, truth: &Truth, at_ms: i64) -> Layering {
    match read(reader, truth, at_ms) {
        Ok(Found::Layered(layering)) => layering,
        other => panic!("it is layered, not {other:?}"),
    }
}

#[track_caller]
fn assert_interface(found: &Layering, truth: &Truth) {
    let error = found.interface.get() - truth.interface;
    assert!(error.abs() <= 10.0, "{} is off by {error} mm", found.interface);
}

#[test]
fn interface_and_transition_layer_are_found_from_the_first_curve_on() {
    for tenth in 0..40 {
        let truth = Truth { interface: 3300.0 + f64::from(tenth) * 7.0, ..Truth::tank() };
        let found = layering(&mut ProfileReader::new(Rod::default()), &truth, 0);
        assert_interface(&found, &truth);
        assert!((found.transition.get() - truth.transition).abs() < 60.0, "{}", found.transition);
        assert_eq!(found.doubt, None);
        assert!((found.interface.get() - truth.interface).abs() <= found.uncertainty.get(), "{found:?}");
    }
}

#[test]
fn water_cut_is_that_of_the_layer() {
    let truth = Truth { interface: 3350.0, ..Truth::tank() };
    let found = layering(&mut ProfileReader::new(Rod::default()), &truth, 0);
    for (height, cut) in &found.water_cut {
        let risen = (height.get() - truth.interface) / truth.transition;
        let wanted = if risen < 0.0 { 1.0 } else { (0.6 * (1.0 - risen)).max(0.0) };
        assert!((cut - wanted).abs() < 0.02, "{height}: {cut} is not {wanted}");
    }
}

#[test]
fn volumes_by_the_layer_are_within_two_parts_in_a_thousand_of_the_tank() {
    let tank = Geometry::Shape(Shape::vertical_cylinder(Metres::new(23.7), Metres::new(12.53)).unwrap());
    let truth = Truth::tank();
    let found = layering(&mut ProfileReader::new(Rod::default()), &truth, 0);
    let layer = found.layer.expect("there is a layer");
    let by_rod = volumes_by_profile(&tank, Millimetres::new(truth.level), &layer).unwrap().layers.unwrap();
    let (foot, top) = (Millimetres::new(truth.interface), Millimetres::new(truth.interface + truth.transition));
    let true_layer = WaterCutProfile::new(vec![(foot, truth.foot_cut), (top, 0.0)]).unwrap();
    let by_truth = volumes_by_profile(&tank, Millimetres::new(truth.level), &true_layer).unwrap().layers.unwrap();
    let off = (by_rod.water.get() - by_truth.water.get()).abs() / tank.capacity().get();
    assert!(off < 0.002, "{off}");
}

#[test]
fn ninety_days_of_deposit_do_not_move_the_interface() {
    let mut reader = ProfileReader::new(Rod::default());
    let (mut worst, mut worst_layer): (f64, f64) = (0.0, 0.0);
    for quarter in 0..360_i32 {
        let day = f64::from(quarter) / 4.0;
        // The tank is worked: the interface goes up and down by a metre and a half in four days.
        let interface = 3300.0 + 1500.0 * (day / 4.0 * std::f64::consts::TAU).sin();
        let truth = Truth { deposit: day / 90.0 * 3.0, interface, ..Truth::tank() };
        let found = layering(&mut reader, &truth, i64::from(quarter) * DAY_MS / 4);
        worst = worst.max((found.interface.get() - interface).abs());
        worst_layer = worst_layer.max((found.transition.get() - truth.transition).abs());
    }
    assert!(worst <= 6.4, "off by {worst} mm");
    assert!(worst_layer <= 60.0, "layer off by {worst_layer} mm");
}

#[test]
fn another_oil_or_salinity_does_not_move_the_interface() {
    let mut reader = ProfileReader::new(Rod::default());
    let plain = Truth::tank();
    layering(&mut reader, &plain, 0);
    let mut at = 0;
    for truth in [
        Truth { oil: 40_000.0, ..plain },
        Truth { oil: 60_000.0, ..plain },
        Truth { water: 1200.0, ..plain },
        Truth { water: 7000.0, ..plain },
        Truth { water: 5000.0, oil: 45_000.0, ..plain },
    ] {
        at += 60_000;
        let found = layering(&mut reader, &truth, at);
        assert_interface(&found, &truth);
        assert!((found.transition.get() - truth.transition).abs() < 60.0, "{}", found.transition);
    }
}

#[test]
fn thin_boundary_is_found_too() {
    let truth = Truth { transition: 0.0, ..Truth::tank() };
    let found = layering(&mut ProfileReader::new(Rod::default()), &truth, 0);
    assert_interface(&found, &truth);
    assert_eq!(found.transition.get(), 0.0);
    assert_eq!(found.layer, None);
}

#[test]
fn faulty_points_move_nothing_and_many_are_doubted() {
    let truth = Truth::tank();
    let read = |points: &[f64]| {
        let (first, spacing) = (Millimetres::new(0.0), Millimetres::new(100.0));
        let level = Millimetres::new(truth.level);
        let curve = Curve { at: UnixMillis::new(0), first, spacing, points, level, window: None };
        match ProfileReader::new(Rod::default()).read(&curve) {
            Ok(Found::Layered(found)) => found,
            other => panic!("it is layered, not {other:?}"),
        }
    };
    let mut points = truth.points();
    points[10] = 52_000.0;
    points[60] = 2000.0;
    assert_interface(&read(&points), &truth);
    // Neither water nor dry oil: one such point is no transition layer.
    points[80] = 40_000.0;
    assert!((read(&points).transition.get() - truth.transition).abs() < 60.0);
    for index in (2..30).step_by(2) {
        points[index] = 52_000.0;
    }
    assert_eq!(read(&points).doubt, Some(Doubt::Contradicted));
}

#[test]
fn points_that_see_only_their_own_height_say_that_they_do_not_know_better() {
    let rod = Rod { sight: Sight::Spot(Millimetres::new(4.0)), ..Rod::default() };
    let between = Truth { interface: 3345.0, blur: Some(4.0), ..Truth::tank() };
    let found = layering(&mut ProfileReader::new(rod), &between, 0);
    assert_eq!(found.doubt, Some(Doubt::BetweenPoints));
    assert!((found.interface.get() - between.interface).abs() <= found.uncertainty.get());
    let seen = Truth { interface: 3403.0, ..between };
    let found = layering(&mut ProfileReader::new(rod), &seen, 0);
    assert_interface(&found, &seen);
    assert_eq!(found.doubt, None);
}

#[test]
fn one_liquid_is_told_by_what_was_learnt_before() {
    let oil = Truth { interface: -1000.0, ..Truth::tank() };
    let water = Truth { interface: 20_000.0, ..Truth::tank() };
    let mut reader = ProfileReader::new(Rod::default());
    assert_eq!(read(&mut reader, &oil, 0), Err(CurveError::NoContrast));
    layering(&mut reader, &Truth::tank(), 1000);
    assert!(matches!(read(&mut reader, &oil, 2000), Ok(Found::OilOnly { .. })));
    assert_eq!(read(&mut reader, &water, 3000), Ok(Found::WaterOnly));
    assert_interface(&layering(&mut reader, &Truth::tank(), 4000), &Truth::tank());
}

#[test]
fn curve_that_cannot_be_is_refused() {
    let mut reader = ProfileReader::new(Rod::default());
    let read = |spacing: f64, points: &[f64], level: f64, reader: &mut ProfileReader| {
        let curve = Curve {
            at: UnixMillis::new(0),
            first: Millimetres::new(0.0),
            spacing: Millimetres::new(spacing),
            points,
            level: Millimetres::new(level),
            window: None,
        };
        reader.read(&curve).unwrap_err().to_string()
    };
    for (spacing, points, level, said) in [
        (0.0, &[1.0; 9][..], 900.0, "spacing 0 mm is no distance between points; it must be more than 0"),
        (100.0, &[1.0, 0.0, 1.0, 1.0, 1.0], 900.0, "point 1 from below is 0, but must be an impedance above 0"),
        (100.0, &[1.0; 9], 300.0, "3 point(s) of the rod are in the liquid, but at least 4 are needed"),
        (100.0, &[1.0; 9], f64::NAN, "0 point(s) of the rod are in the liquid, but at least 4 are needed"),
    ] {
        assert_eq!(read(spacing, points, level, &mut reader), said);
    }
}
