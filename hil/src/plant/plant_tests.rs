use std::path::Path;

use proptest::prelude::*;
use tankline_domain::geometry::Geometry;
use tankline_domain::site;
use tankline_runtime::clock;

use super::*;
use tankline_runtime::site_file;

fn lindong() -> Site {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sites/lindong.toml");
    site_file::load(&file).unwrap()
}

fn models(site: &Site, seed: u64) -> impl Iterator<Item = (&site::Tank, TankModel)> {
    site.tanks().iter().map(move |tank| (tank, TankModel::new(site, tank, seed)))
}

#[test]
fn same_seed_makes_the_same_plant() {
    let (site, now) = (lindong(), clock::now());
    let [one, same, other] =
        [3, 3, 4].map(|seed| Plant::new(&site, seed, Life::Moving, now, Duration::from_secs(1000)));
    let mut differing = 0;
    for tank in site.tanks() {
        let id = one.find(&tank.name).unwrap();
        let later = now + Duration::from_secs(5000);
        assert_eq!(one.state(id, later), same.state(id, later));
        differing += usize::from(one.state(id, later) != other.state(id, later));
    }
    assert_eq!(differing, site.tanks().len());
}

#[test]
fn plant_made_anew_goes_on_where_it_would_be() {
    let (site, now) = (lindong(), clock::now());
    let day = Duration::from_secs(86_400);
    let first = Plant::new(&site, 3, Life::Moving, now, Duration::ZERO);
    let second = Plant::new(&site, 3, Life::Moving, now + day, day);
    let id = first.find(&site.tanks()[0].name).unwrap();
    let later = now + 2 * day;
    assert_eq!(first.state(id, later), second.state(id, later));
}

#[test]
fn frozen_tank_stands_until_it_is_released() {
    let (site, now) = (lindong(), clock::now());
    let plant = Plant::new(&site, 3, Life::Moving, now, Duration::ZERO);
    let id = plant.find(&site.tanks()[0].name).unwrap();
    let moving = plant.state(id, now);
    let frozen = TankState { level_mm: 9641.0, interface_mm: 6367.0, temperature_c: 32.5 };
    plant.set(id, frozen);
    assert_eq!(plant.state(id, now), frozen);
    assert_eq!(plant.state(id, now + Duration::from_secs(3600)), frozen);
    plant.release(id);
    assert_eq!(plant.state(id, now), moving);
}

#[test]
fn still_plant_stands_without_noise() {
    let (site, now) = (lindong(), clock::now());
    let plant = Plant::new(&site, 3, Life::Still, now, Duration::from_secs(60));
    for tank in site.tanks() {
        let id = plant.find(&tank.name).unwrap();
        assert_eq!(plant.state(id, now), plant.state(id, now + Duration::from_secs(3600)));
    }
}

#[test]
fn tanks_move_at_rates_that_a_station_has() {
    let site = lindong();
    for (tank, model) in models(&site, 11) {
        let mut fastest_m3h = 0.0f64;
        let mut travel_mm = 0.0;
        let at = |minute: u64| model.true_after(Duration::from_secs(60 * minute)).level_mm;
        for minute in 0..72 * 60 {
            let step_mm = at(minute + 1) - at(minute);
            travel_mm += step_mm.abs();
            assert!(step_mm.abs() < 60.0, "{}: {step_mm} mm in a minute", tank.name);
            let moved = volume(&tank.geometry, at(minute + 1)) - volume(&tank.geometry, at(minute));
            fastest_m3h = fastest_m3h.max(60.0 * moved.abs());
        }
        assert!(travel_mm > 100.0, "{} hardly moves: {travel_mm} mm in three days", tank.name);
        assert!(fastest_m3h < 320.0, "{}: {fastest_m3h} m3/h", tank.name);
    }
}

fn volume(geometry: &Geometry, level_mm: f64) -> f64 {
    geometry.volume_at(tankline_domain::units::Millimetres::new(level_mm)).unwrap().get()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tank_at_any_time_is_possible(seed: u64, seconds in 0u64..3_000_000_000) {
        let site = lindong();
        let time = Duration::from_secs(seconds);
        for (tank, model) in models(&site, seed) {
            let state = model.seen_after(time);
            let working = model.working_mm();
            let name = &tank.name;
            prop_assert!((working.start() - 5.0..=working.end() + 5.0).contains(&state.level_mm), "{}: {:?}", name, state);
            prop_assert!(state.interface_mm < state.level_mm && state.interface_mm > 0.0, "{}: {:?}", name, state);
            prop_assert!((-10.0..90.0).contains(&state.temperature_c), "{}: {:?}", name, state);
            let noise_mm = (state.level_mm - model.true_after(time).level_mm).abs();
            prop_assert!(noise_mm < 3.0);
            let high = tank.limits.high.map_or(f64::MAX, |limit| limit.get());
            let low = tank.limits.low.map_or(0.0, |limit| limit.get());
            prop_assert!((low..high).contains(&state.level_mm), "{}: {:?} outside {}..{}", name, state, low, high);
        }
    }
}
