use std::time::Duration;

use proptest::prelude::*;
use tankline_domain::site::Site;

use super::chance::seed_of;
use super::routine::Routine;
use super::test_site::{lindong, small};
use super::vessel::Vessel;
use super::*;

const S: fn(u64) -> Duration = Duration::from_secs;

fn tank(plant: &Plant, name: &str) -> TankId {
    plant.find(&name.parse().unwrap()).unwrap()
}

fn told(plant: &mut Plant, commands: &[&str]) {
    for command in commands {
        plant.command(&command.parse().unwrap()).unwrap();
    }
}

fn truths(plant: &Plant) -> Vec<TankState> {
    plant.tanks().map(|(tank, _)| plant.truth(tank)).collect()
}

fn shown(plant: &Plant) -> Vec<crate::gauge::GaugeValues> {
    plant.tanks().map(|(tank, _)| plant.shown(tank)).collect()
}

#[test]
fn one_seed_makes_one_plant_and_another_another() {
    let site = lindong();
    let after = |seed| {
        let mut plant = Plant::routine(&site, seed, S(1_000_000));
        plant.advance_to(S(5000));
        truths(&plant)
    };
    let (one, same, other) = (after(3), after(3), after(4));
    assert_eq!(one, same);
    assert!(one.iter().zip(&other).all(|(one, other)| one != other));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn it_is_the_same_in_however_many_pieces_time_passes(pieces in prop::collection::vec(1u64..9_000_000, 1..12)) {
        let site = small();
        let commands = ["inflow T-01 400m3/h water_cut=30%", "outflow T-02 200m3/h from=bottom", "transfer T-03 T-04 50m3/h"];
        let begin = || {
            let mut plant = Plant::routine(&site, 7, S(99));
            for (index, command) in (1..).zip(commands) {
                plant.schedule(Duration::from_millis(777 * index), command.parse().unwrap()).unwrap();
            }
            plant
        };
        let (mut one, mut many) = (begin(), begin());
        let mut time = Duration::ZERO;
        for piece in pieces {
            time += Duration::from_micros(piece);
            many.advance_to(time);
            let _ = truths(&many);
        }
        one.advance_to(time);
        prop_assert_eq!(truths(&one), truths(&many));
        prop_assert_eq!(shown(&one), shown(&many));
    }
}

#[test]
fn what_flows_in_and_out_is_in_the_tank() {
    let site = small();
    let mut plant = Plant::new(&site, 1);
    let id = tank(&plant, "T-02");
    told(&mut plant, &["set T-02 level_mm=5000 interface_mm=1000 temperature_c=20 emulsion_mm=0"]);
    let before = plant.truth(id);
    told(&mut plant, &["inflow T-02 360m3/h temperature=20C"]);
    plant.advance_to(S(1000));
    let filled = plant.truth(id);
    assert!((filled.total_m3() - before.total_m3() - 100.0).abs() < 0.05, "{filled:?}");
    assert!((filled.interface_mm - 1000.0).abs() < 0.5, "{filled:?}");
    told(&mut plant, &["inflow T-02 off", "outflow T-02 180m3/h from=bottom"]);
    plant.advance_to(S(3000));
    let drawn = plant.truth(id);
    assert!((filled.water_m3 - drawn.water_m3 - 100.0).abs() < 0.05, "{drawn:?}");
    assert!((filled.oil_m3 - drawn.oil_m3).abs() < 0.05, "{drawn:?}");
}

#[test]
fn a_set_tank_shows_what_it_was_set_to() {
    let site = small();
    let mut plant = Plant::new(&site, 1);
    told(&mut plant, &["set T-02 level_mm=9641 interface_mm=6367 temperature_c=32.5 emulsion_mm=300"]);
    let truth = plant.truth(tank(&plant, "T-02"));
    for (found, wanted) in [
        (truth.level_mm, 9641.0),
        (truth.interface_mm, 6367.0),
        (truth.temperature_c, 32.5),
        (truth.emulsion_mm, 300.0),
    ] {
        assert!((found - wanted).abs() < 1e-6, "{truth:?}");
    }
    assert_eq!(plant.shown(tank(&plant, "T-02")).temperature_tenths / 10, 32);
}

#[test]
fn film_of_oil_floats_up_and_down_with_the_water_under_it() {
    let mut plant = Plant::new(&small(), 1);
    let film_mm = |plant: &Plant| {
        let truth = plant.truth(tank(plant, "T-04"));
        truth.level_mm - truth.interface_mm
    };
    let before = film_mm(&plant);
    assert!((25.0..=60.0).contains(&before), "{before}");
    told(&mut plant, &["set T-04 level_mm=7000"]);
    assert!((film_mm(&plant) - before).abs() < 1e-6);
    told(&mut plant, &["set T-04 level_mm=7000 interface_mm=6000"]);
    assert!((film_mm(&plant) - 1000.0).abs() < 1e-6);
}

#[test]
fn a_full_tank_runs_over_and_an_empty_one_stays_empty() {
    let site = small();
    let mut plant = Plant::new(&site, 1);
    told(&mut plant, &["set T-02 level_mm=12500", "inflow T-02 2000m3/h water_cut=50%"]);
    told(&mut plant, &["set T-03 level_mm=100 interface_mm=50", "outflow T-03 2000m3/h"]);
    plant.advance_to(S(7200));
    let full = plant.truth(tank(&plant, "T-02"));
    assert!((full.level_mm - 12_530.0).abs() < 1e-6, "{full:?}");
    assert!((full.spilled_m3 - 3994.0).abs() < 20.0, "{full:?}");
    assert!(full.oil_m3 == 0.0 && full.water_m3 > 1000.0, "what is on top runs over first: {full:?}");
    let empty = plant.truth(tank(&plant, "T-03"));
    assert_eq!((empty.level_mm, empty.interface_mm, empty.mass_kg), (0.0, 0.0, 0.0));
}

#[test]
fn frozen_gauge_stands_until_it_is_released() {
    let site = small();
    let mut plant = Plant::routine(&site, 3, S(0));
    let id = tank(&plant, "T-02");
    told(&mut plant, &["freeze T-02 level_mm=9691 interface_mm=6417 temperature_c=32.5"]);
    for second in [0, 3600] {
        plant.advance_to(S(second));
        assert_eq!(plant.shown(id).to_string(), "9641/6367/32.5");
        assert_eq!(plant.truth(id).level_mm, 9691.0);
    }
    told(&mut plant, &["release T-02"]);
    let mut other = Plant::routine(&site, 3, S(0));
    other.advance_to(S(3600));
    assert_eq!(plant.truth(id).level_mm, other.truth(id).level_mm);
}

#[test]
fn what_the_plant_does_not_have_is_refused() {
    let mut plant = Plant::new(&small(), 1);
    for (command, told) in [
        ("hold T-77", "there is no tank T-77; the plant has "),
        ("pump P-01 start", "there is no pump P-01; the plant has none"),
        ("transfer T-01 T-01 5m3/h", "a transfer goes to another tank"),
        ("set T-02 level_mm=20000", "level_mm=20000 is outside the tank, which reaches from 0 to 12530 mm"),
        ("set T-02 level_mm=200 interface_mm=300", "interface_mm=300 is above level_mm=200"),
    ] {
        let before = truths(&plant);
        let error = plant.command(&command.parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains(told), "{command}: {error}");
        assert_eq!(truths(&plant), before);
    }
}

/// Limits of a tank within which its operator keeps it.
fn within_limits(site: &Site, plant: &Plant) {
    for tank in site.tanks() {
        let state = plant.truth(plant.find(&tank.name).unwrap());
        let high = tank.limits.high.map_or(f64::MAX, |limit| limit.get());
        let low = tank.limits.low.map_or(0.0, |limit| limit.get());
        let name = &tank.name;
        assert!((low..high).contains(&state.level_mm), "{name}: {state:?} outside {low}..{high}");
        assert!(state.interface_mm < state.level_mm && state.interface_mm > 0.0, "{name}: {state:?}");
        assert!((-10.0..90.0).contains(&state.temperature_c), "{name}: {state:?}");
    }
}

#[test]
fn tanks_of_a_routine_move_within_their_limits_at_rates_that_a_station_has() {
    let site = lindong();
    let mut plant = Plant::routine(&site, 11, S(1_795_000_000));
    let mut before = truths(&plant);
    let mut travel_mm = vec![0.0; before.len()];
    for minute in 1..=24 * 60 {
        plant.advance_to(S(60 * minute));
        let now = truths(&plant);
        for (index, (before, now)) in before.iter().zip(&now).enumerate() {
            let (step_mm, name) = (now.level_mm - before.level_mm, &site.tanks()[index].name);
            travel_mm[index] += step_mm.abs();
            assert!(step_mm.abs() < 60.0, "{name}: {step_mm} mm in a minute");
            let flow_m3h = 60.0 * (now.total_m3() - before.total_m3()).abs();
            assert!(flow_m3h < 320.0, "{name}: {flow_m3h} m3/h");
        }
        within_limits(&site, &plant);
        before = now;
    }
    for (tank, travel_mm) in site.tanks().iter().zip(travel_mm) {
        assert!(travel_mm > 50.0, "{} hardly moves: {travel_mm} mm in a day", tank.name);
    }
}

#[test]
fn plant_made_anew_goes_on_about_where_it_ended() {
    let site = lindong();
    let (age, run) = (S(1_795_000_000), S(20_000));
    let mut first = Plant::routine(&site, 3, age);
    first.advance_to(run);
    let second = Plant::routine(&site, 3, age + run);
    for (tank, name) in first.tanks() {
        let (ended, begun) = (first.truth(tank), second.truth(tank));
        assert!((ended.level_mm - begun.level_mm).abs() < 2.0, "{name}: {ended:?} {begun:?}");
        assert!((ended.interface_mm - begun.interface_mm).abs() < 5.0, "{name}: {ended:?} {begun:?}");
        assert!((ended.temperature_c - begun.temperature_c).abs() < 0.5, "{name}: {ended:?} {begun:?}");
    }
}

#[test]
fn operator_lets_go_of_a_tank_that_is_told_otherwise_and_takes_it_back() {
    let site = small();
    let mut plant = Plant::routine(&site, 3, S(0));
    let id = tank(&plant, "T-02");
    told(&mut plant, &["hold T-02"]);
    let held = plant.truth(id).total_m3();
    plant.advance_to(S(4 * 3600));
    assert!((plant.truth(id).total_m3() - held).abs() < 1.0, "only its temperature changes");
    told(&mut plant, &["release T-02"]);
    let mut other = Plant::routine(&site, 3, S(0));
    for plant in [&mut plant, &mut other] {
        plant.advance_to(S(16 * 3600));
    }
    assert!((plant.truth(id).level_mm - other.truth(id).level_mm).abs() < 2.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_routine_plans_what_its_gauge_can_see(seed: u64, seconds in 0u64..3_000_000_000) {
        let site = lindong();
        for tank in site.tanks() {
            let routine = Routine::new(&site, tank, seed_of(seed, "plan"));
            let plan = routine.plan_at(&Vessel::of(tank), S(seconds));
            prop_assert!(routine.working_mm().contains(&plan.level_mm), "{}: {:?}", tank.name, plan);
            prop_assert!(plan.interface_mm > 0.0, "{}: {:?}", tank.name, plan);
            prop_assert!(plan.interface_mm + plan.emulsion_mm < plan.level_mm, "{}: {:?}", tank.name, plan);
        }
    }
}
