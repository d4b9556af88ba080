//! Tests with curves of a rod of our own that show a window around the jump: spots, patches of deposit that lift the jump.

use super::super::{Curve, Found, Layering, ProfileReader, Rod, Window};
use crate::units::{Millimetres, UnixMillis};

const HOUR_MS: i64 = 3_600_000;
const BLUR_MM: f64 = 4.0;

/// A tank and its rod as they are.
#[derive(Clone, Copy)]
struct Truth {
    interface: f64,
    layer: f64,
    water: f64,
    oil: f64,
    deposit: f64,
    /// Where the gauge puts its window.
    window: f64,
}

const TANK: Truth =
    Truth { interface: 3367.0, layer: 300.0, water: 2500.0, oil: 52_000.0, deposit: 0.0, window: 3240.0 };

impl Truth {
    /// Deposit differs from place to place.
    fn deposit_at(&self, height: f64) -> f64 {
        self.deposit * (1.0 + 0.15 * (height / 700.0).sin())
    }

    /// What stands right at the rod.
    fn medium(&self, height: f64) -> f64 {
        if height < self.interface + 6.0 * self.deposit_at(self.interface) {
            return self.water;
        }
        // A layer whose cut does not quite fall in a straight line.
        let risen = ((height - self.interface) / self.layer.max(1e-9)).min(1.0);
        let cut = if risen < 1.0 { 0.7 * (1.0 - risen) + 0.04 * (risen * std::f64::consts::PI).sin() } else { 0.0 };
        self.oil * (1.0 - 0.05 * self.deposit_at(height)) * (1.0 - 0.55 * cut)
    }

    /// What a point sees: the medium, weighted by how near it is.
    fn seen(&self, height: f64) -> f64 {
        let blur = BLUR_MM + 3.0 * self.deposit_at(height);
        let weight = |distance: f64| 1.0 / (distance / 2.0).cosh().powi(2);
        let (mut sum, mut weights) = (0.0, 0.0);
        for step in -160..=160 {
            let distance = f64::from(step) / 10.0;
            sum += weight(distance) * self.medium(height + distance * blur);
            weights += weight(distance);
        }
        (sum / weights).round()
    }

    fn points(&self, first: f64, spacing: f64, count: u16) -> Vec<f64> {
        (0..count).map(|index| self.seen(first + f64::from(index) * spacing)).collect()
    }

    fn read(&self, reader: &mut ProfileReader, at_ms: i64) -> Layering {
        let (coarse, fine) = (self.points(0.0, 245.0, 52), self.points(self.window, 8.0, 64));
        let mm = Millimetres::new;
        let window = Window { first: mm(self.window), spacing: mm(8.0), points: &fine };
        let (first, spacing, level) = (mm(0.0), mm(245.0), mm(9641.0));
        let at = UnixMillis::new(at_ms);
        match reader.read(&Curve { at, first, spacing, points: &coarse, level, window: Some(window) }) {
            Ok(Found::Layered(layering)) => layering,
            other => panic!("it is layered, not {other:?}"),
        }
    }
}

fn reader() -> ProfileReader {
    ProfileReader::new(Rod::of_spots(Millimetres::new(BLUR_MM), 0.55, 2.0))
}

#[track_caller]
fn assert_found(found: &Layering, truth: &Truth, within_mm: f64) {
    let error = found.interface.get() - truth.interface;
    assert!(error.abs() <= within_mm && found.doubt.is_none(), "off by {error} mm: {found:?}");
    let (layer, wanted) = (found.transition.get(), truth.layer);
    assert!((layer - wanted).abs() <= 0.15 * wanted + 3.0, "layer of {layer} mm, not {wanted} mm");
}

#[test]
fn interface_is_found_between_the_points_of_the_window_from_the_first_curve_on() {
    for tenth in 0..10 {
        for layer in [0.0, 40.0, 300.0, 1500.0] {
            let truth = Truth { interface: 3360.0 + 1.7 * f64::from(tenth), layer, ..TANK };
            assert_found(&truth.read(&mut reader(), 0), &truth, 1.5);
        }
    }
}

#[test]
fn deposit_that_lifts_the_jump_does_not_lift_the_interface() {
    let mut reader = reader();
    for day in 0..90_i32 {
        let interface = 3330.0 + 30.0 * (f64::from(day) / 5.0).sin();
        let truth = Truth { deposit: f64::from(day) / 30.0, interface, ..TANK };
        assert_found(&truth.read(&mut reader, i64::from(day) * 24 * HOUR_MS), &truth, 6.0);
    }
    // The rod is cleaned: from one curve to the next nothing lifts the jump any more.
    assert_found(&TANK.read(&mut reader, 90 * 24 * HOUR_MS), &TANK, 2.0);
}

#[test]
fn another_oil_or_salinity_is_taken_from_the_curve_itself() {
    let mut reader = reader();
    for (hour, water, oil) in
        [(0, 2500.0, 52_000.0), (1, 1200.0, 52_000.0), (2, 6000.0, 41_000.0), (3, 2500.0, 60_000.0)]
    {
        let truth = Truth { water, oil, deposit: 1.0, ..TANK };
        assert_found(&truth.read(&mut reader, hour * HOUR_MS), &truth, 3.0);
    }
}

#[test]
fn window_beside_the_jump_leaves_what_the_whole_rod_tells() {
    for window in [500.0, 6000.0] {
        let truth = Truth { window, ..TANK };
        let found = truth.read(&mut reader(), 0);
        let error = found.interface.get() - truth.interface;
        assert!(error.abs() <= 123.0 && error.abs() <= found.uncertainty.get() && found.doubt.is_some(), "{found:?}");
    }
}
