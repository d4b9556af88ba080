//! Tests with a rod whose jump a deposit has lifted by 12 mm, and whose gauge shows the lifted one.
#![expect(clippy::disallowed_methods, reason = "any moment serves as the origin of a virtual clock")]

use tankline_domain::profile::{ProfileBlock, Rod};
use tankline_domain::units::UnixMillis;

use super::*;

const S: fn(u64) -> Duration = Duration::from_secs;
const MOUNTING: Mounting = Mounting {
    tank_height: Millimetres::new(12_480.0),
    offset: Millimetres::new(0.0),
    bottom_blind_zone: Millimetres::new(0.0),
    top_blind_zone: Millimetres::new(0.0),
    sensor_range: None,
};
const LIFT_MM: f64 = 12.0;
const BLUR_MM: f64 = 10.0;

fn watch(start: Instant) -> RodWatch {
    let rod = Rod::of_spots(Millimetres::new(4.0), 0.55, 2.0);
    RodWatch::new(start, RodProfile { block: ProfileBlock::default(), rod, interval: S(60) })
}

fn reading(level: f64, interface: f64) -> Reading {
    Reading {
        tank: "T-01".parse().unwrap(),
        at: UnixMillis::new(0),
        level: Some(Millimetres::new(level)),
        interface: Some(Millimetres::new(interface)),
        temperature: None,
        layer: None,
        quality: Quality::Good,
    }
}

/// The registers of a rod whose jump is at a height; without one, all of it is in oil.
fn words(jump: Option<f64>) -> Vec<u16> {
    let value = |height: f64| {
        let above = jump.map_or(1.0, |jump| 1.0 / (1.0 + (-(height - jump) / BLUR_MM).exp()));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "2500 to 50000")]
        let count = (2500.0 + 47_500.0 * above).round() as u16;
        count
    };
    let first: u16 = 2900;
    let rod = (0..52_u16).map(|index| value(f64::from(index * 245)));
    let window = (0..64_u16).map(|index| value(f64::from(first + index * 8)));
    let heading = [2, 1, 52, 245, 0, if jump.is_some() { 64 } else { 0 }, 8, first];
    heading.into_iter().chain(rod).chain(window).collect()
}

/// Scans the rod while the gauge's own interface shows the lifted jump.
fn scan(watch: &mut RodWatch, now: Instant, interface: f64) -> Tell {
    let jump = interface + LIFT_MM;
    watch.handle_scan(now, &words(Some(jump)), &reading(9000.0, jump.round()), &MOUNTING)
}

/// The registers of a rod with a layer on its jump whose water cut falls evenly from a half to nothing.
fn layered_words(jump: f64, thickness: f64) -> Vec<u16> {
    let value = |height: f64| {
        let above = 1.0 / (1.0 + (-(height - jump) / BLUR_MM).exp());
        let cut = 0.5 * (1.0 - (height - jump).max(0.0) / thickness).max(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "2500 to 50000")]
        let count = (2500.0 + (50_000.0 * (1.0 - 0.55 * cut) - 2500.0) * above).round() as u16;
        count
    };
    let first: u16 = 2900;
    let rod = (0..52_u16).map(|index| value(f64::from(index * 245)));
    let window = (0..64_u16).map(|index| value(f64::from(first + index * 8)));
    [2, 1, 52, 245, 0, 64, 8, first].into_iter().chain(rod).chain(window).collect()
}

#[test]
fn layer_of_the_rod_goes_with_the_interface_and_not_without_a_scan_that_confirms_it() {
    let start = Instant::now();
    let mut watch = watch(start);
    let layer_at = |watch: &RodWatch, now: Instant, own: f64, level: f64| {
        let mut reading = reading(level, own);
        watch.apply(now, &mut reading, &MOUNTING);
        (reading.interface.unwrap(), reading.layer)
    };
    assert_eq!(layer_at(&watch, start, 3112.0, 9000.0).1, None);
    watch.handle_scan(start, &layered_words(3100.0, 200.0), &reading(9000.0, 3112.0), &MOUNTING);
    for (second, own, level) in [(1, 3112.0, 9000.0), (59, 4112.0, 9000.0)] {
        let (interface, layer) = layer_at(&watch, start + S(second), own, level);
        let layer = layer.unwrap();
        assert!((layer.bottom().get() - interface.get()).abs() < 0.1, "{interface}: {layer:?}");
        assert!((layer.top().get() - interface.get() - 200.0).abs() < 20.0, "{interface}: {layer:?}");
    }
    // As far as there is liquid.
    let (_, cut_off) = layer_at(&watch, start + S(59), 4112.0, 4200.0);
    assert_eq!(cut_off.unwrap().top(), Millimetres::new(4200.0));
    // Scans that fail say nothing of a layer any more, nor does one of a clean jump.
    watch.handle_failure(start + S(60), "no answer".to_owned());
    assert_eq!(layer_at(&watch, start + S(200), 3112.0, 9000.0).1, None);
    watch.handle_scan(start + S(201), &layered_words(3100.0, 200.0), &reading(9000.0, 3112.0), &MOUNTING);
    assert!(layer_at(&watch, start + S(202), 3112.0, 9000.0).1.is_some());
    scan(&mut watch, start + S(260), 3100.0);
    assert_eq!(layer_at(&watch, start + S(261), 3112.0, 9000.0).1, None);
}

#[test]
fn noise_of_single_scans_hardly_moves_the_layer_and_another_layer_is_taken_at_once() {
    let start = Instant::now();
    let mut watch = watch(start);
    let mut second = 0;
    let mut thickness = |shown: f64| {
        second += 60;
        let now = start + S(second);
        watch.handle_scan(now, &layered_words(3100.0, shown), &reading(9000.0, 3112.0), &MOUNTING);
        let mut reading = reading(9000.0, 3112.0);
        watch.apply(now, &mut reading, &MOUNTING);
        let layer = reading.layer.unwrap();
        layer.top().get() - layer.bottom().get()
    };
    let first = thickness(200.0);
    for shown in [208.0, 192.0, 208.0, 192.0] {
        let seen = thickness(shown);
        assert!((seen - first).abs() < 5.0, "{seen} after {first}");
    }
    let another = thickness(300.0);
    assert!((another - 300.0).abs() < 20.0, "{another}");
}

fn applied(watch: &RodWatch, now: Instant, own: f64) -> (f64, String) {
    let mut reading = reading(9000.0, own);
    watch.apply(now, &mut reading, &MOUNTING);
    (reading.interface.unwrap().get(), reading.quality.to_string())
}

#[test]
fn interface_is_unconfirmed_until_the_rod_was_scanned_and_then_without_the_lift() {
    let start = Instant::now();
    let mut watch = watch(start);
    assert_eq!(watch.due(start), Some(ProfileBlock::default().read()));
    assert_eq!(applied(&watch, start, 3112.0), (3112.0, "uncertain:interface-unconfirmed".to_owned()));
    assert_eq!(scan(&mut watch, start, 3100.0), Tell::Nothing);
    // Until the next scan the register follows the tank.
    for (second, own, true_mm) in [(1, 3112.0, 3100.0), (30, 3162.0, 3150.0), (59, 2112.0, 2100.0)] {
        let (interface, quality) = applied(&watch, start + S(second), own);
        assert!((interface - true_mm).abs() < 1.0 && quality == "good", "{own}: {interface} {quality}");
        assert_eq!(watch.due(start + S(second)), None);
    }
    assert!(watch.due(start + S(60)).is_some());
}

#[test]
fn scans_that_fail_leave_the_level_and_the_gauges_own_interface() {
    let start = Instant::now();
    let mut watch = watch(start);
    scan(&mut watch, start, 3100.0);
    assert!(matches!(watch.handle_failure(start + S(60), "no answer".to_owned()), Tell::Failing(_)));
    assert_eq!(watch.handle_failure(start + S(120), "no answer".to_owned()), Tell::Nothing);
    // A correction changes by little in three minutes.
    assert_eq!(applied(&watch, start + S(170), 3112.0).1, "good");
    assert_eq!(applied(&watch, start + S(200), 3112.0), (3112.0, "uncertain:interface-unconfirmed".to_owned()));
    let mut bad = Reading { quality: Quality::Uncertain(Uncertain::Stuck), ..reading(9000.0, 3112.0) };
    watch.apply(start + S(200), &mut bad, &MOUNTING);
    assert_eq!(bad.quality, Quality::Uncertain(Uncertain::Stuck), "what was known before says more");
    assert_eq!(scan(&mut watch, start + S(240), 3100.0), Tell::Recovered);
    assert_eq!(applied(&watch, start + S(241), 3112.0).1, "good");
    let told = watch.handle_scan(start + S(300), &[0; 124], &reading(9000.0, 3112.0), &MOUNTING);
    assert_eq!(told, Tell::Failing("the profile block is of version 0, but must be of version 2".to_owned()));
}

#[test]
fn one_liquid_leaves_the_gauges_own_interface() {
    let start = Instant::now();
    let mut watch = watch(start);
    let oil = words(None);
    assert_eq!(watch.handle_scan(start, &oil, &reading(9000.0, 0.0), &MOUNTING), Tell::Nothing);
    assert_eq!(applied(&watch, start, 0.0), (0.0, "good".to_owned()));
}

#[test]
fn interface_never_passes_the_level_nor_the_bottom() {
    let start = Instant::now();
    let mut watch = watch(start);
    scan(&mut watch, start, 3100.0);
    assert_eq!(applied(&watch, start, 4.0).0, 0.0);
    let mut low = reading(3000.0, 3020.0);
    watch.apply(start, &mut low, &MOUNTING);
    assert_eq!(low.interface, Some(Millimetres::new(3000.0)));
}

#[test]
fn gauge_without_an_interface_register_has_that_of_the_rod() {
    let start = Instant::now();
    let mut watch = watch(start);
    let own = Reading { interface: None, ..reading(9000.0, 0.0) };
    watch.handle_scan(start, &words(Some(3112.0)), &own, &MOUNTING);
    let mut read = own.clone();
    watch.apply(start + S(5), &mut read, &MOUNTING);
    assert!((read.interface.unwrap().get() - 3100.0).abs() < 1.0, "{read:?}");
    // Low in the tank too little is seen to tell; the register, where there is one, is off by as much as before.
    watch.handle_scan(
        start + S(60),
        &words(Some(3112.0)),
        &Reading { interface: None, ..reading(600.0, 0.0) },
        &MOUNTING,
    );
    assert_eq!(applied(&watch, start + S(61), 0.0).1, "good");
}
