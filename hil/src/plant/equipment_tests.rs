use std::time::Duration;

use super::super::test_site::small;
use super::super::{Nozzle, Plant, PlantError, PumpDesign, TankState, ValveDesign};
use super::*;

const S: fn(u64) -> Duration = Duration::from_secs;

fn pump(name: &str, from: Option<&str>, to: Option<&str>) -> PumpDesign {
    let tank = |name: &str| name.parse().unwrap();
    PumpDesign {
        name: name.parse().unwrap(),
        from: from.map(tank),
        to: to.map(tank),
        max_m3h: 360.0,
        run_up_s: 10.0,
        draws_from: Nozzle::Oil,
        water_cut_percent: 0.0,
        temperature_c: None,
    }
}

fn valve(name: &str, place: ValvePlace) -> ValveDesign {
    ValveDesign { name: name.parse().unwrap(), place, travel_s: 20.0, open_percent: 0.0 }
}

fn plant(pumps: Vec<PumpDesign>, valves: Vec<ValveDesign>) -> Plant {
    let mut plant = Plant::new(&small(), 1).with_equipment(&PlantDesign { pumps, valves }).unwrap();
    told(&mut plant, &["set T-01 level_mm=6000 interface_mm=1000", "set T-02 level_mm=3000 interface_mm=500"]);
    plant
}

fn told(plant: &mut Plant, commands: &[&str]) {
    commands.iter().for_each(|command| plant.command(&command.parse().unwrap()).unwrap());
}

fn truth(plant: &Plant, tank: &str) -> TankState {
    plant.truth(plant.find(&tank.parse().unwrap()).unwrap())
}

fn flow(plant: &Plant, pump: &str) -> f64 {
    plant.pump(&pump.parse().unwrap()).unwrap().flow_m3h
}

#[test]
fn pump_runs_up_pumps_and_runs_down() {
    let mut plant = plant(vec![pump("P-01", Some("T-01"), Some("T-02"))], Vec::new());
    let before = (truth(&plant, "T-01"), truth(&plant, "T-02"));
    told(&mut plant, &["pump P-01 start"]);
    for (second, m3h) in [(5, 180.0), (10, 360.0), (300, 360.0)] {
        plant.advance_to(S(second));
        assert!((flow(&plant, "P-01") - m3h).abs() < 1e-6, "{second} s: {}", flow(&plant, "P-01"));
    }
    told(&mut plant, &["pump P-01 stop"]);
    plant.advance_to(S(320));
    assert_eq!(flow(&plant, "P-01"), 0.0);
    let (from, to) = (truth(&plant, "T-01"), truth(&plant, "T-02"));
    // 300 s at 0.1 m3/s, and half of 10 s more at each end, as far as steps of a second tell.
    assert!((before.0.mass_kg - from.mass_kg - (to.mass_kg - before.1.mass_kg)).abs() < 1e-6);
    assert!((before.0.total_m3() - from.total_m3() - 30.0).abs() < 0.2, "{from:?}");
    assert!((to.total_m3() - before.1.total_m3() - 30.0).abs() < 0.2, "{to:?}");
}

#[test]
fn pump_that_draws_air_trips_until_it_is_started_anew() {
    let mut plant = plant(vec![pump("P-01", Some("T-02"), None)], Vec::new());
    told(&mut plant, &["set T-02 level_mm=100 interface_mm=0 emulsion_mm=0", "pump P-01 start"]);
    plant.advance_to(S(600));
    let state = plant.pump(&"P-01".parse().unwrap()).unwrap();
    assert_eq!((state.is_running, state.is_tripped, state.flow_m3h), (false, true, 0.0));
    assert_eq!(truth(&plant, "T-02").level_mm, 0.0);
    told(&mut plant, &["set T-02 level_mm=3000"]);
    plant.advance_to(S(700));
    assert_eq!(flow(&plant, "P-01"), 0.0);
    told(&mut plant, &["pump P-01 start"]);
    plant.advance_to(S(720));
    assert!((flow(&plant, "P-01") - 360.0).abs() < 1e-6);
}

#[test]
fn pump_brings_from_outside_what_it_is_said_to() {
    let wet = PumpDesign { water_cut_percent: 50.0, temperature_c: Some(60.0), ..pump("P-01", None, Some("T-02")) };
    let mut plant = plant(vec![wet], Vec::new());
    let before = truth(&plant, "T-02");
    told(&mut plant, &["pump P-01 start"]);
    plant.advance_to(S(1000));
    let after = truth(&plant, "T-02");
    let water = |state: &TankState| state.water_cut * state.total_m3();
    let more = after.total_m3() - before.total_m3();
    assert!((more - 99.5).abs() < 1.0, "{more}");
    assert!((water(&after) - water(&before) - more / 2.0).abs() < 0.5, "{after:?}");
}

#[test]
fn valve_on_a_pump_throttles_it_as_far_as_it_has_travelled() {
    let on = ValvePlace::OnPump("P-01".parse().unwrap());
    let mut plant = plant(vec![pump("P-01", Some("T-01"), None)], vec![valve("V-01", on)]);
    told(&mut plant, &["pump P-01 start"]);
    plant.advance_to(S(20));
    assert_eq!(flow(&plant, "P-01"), 0.0);
    told(&mut plant, &["valve V-01 open=50%"]);
    for (second, share) in [(25, 0.25), (30, 0.5), (60, 0.5)] {
        plant.advance_to(S(second));
        assert!((plant.valve(&"V-01".parse().unwrap()).unwrap() - share).abs() < 1e-9);
        assert!((flow(&plant, "P-01") - 360.0 * share).abs() < 1e-6, "{second} s: {}", flow(&plant, "P-01"));
    }
}

#[test]
fn liquid_finds_its_level_through_an_open_valve() {
    let tanks = ["T-01", "T-02"].map(|tank| tank.parse().unwrap());
    let between = valve("V-01", ValvePlace::Between { tanks, max_m3h: 800.0 });
    let mut plant = plant(Vec::new(), vec![between]);
    let mass = |plant: &Plant| truth(plant, "T-01").mass_kg + truth(plant, "T-02").mass_kg;
    let before = mass(&plant);
    told(&mut plant, &["valve V-01 open=100%"]);
    plant.advance_to(S(2 * 3600));
    let (one, other) = (truth(&plant, "T-01"), truth(&plant, "T-02"));
    assert!((one.level_mm - other.level_mm).abs() < 1.0, "{} {}", one.level_mm, other.level_mm);
    assert!((mass(&plant) - before).abs() < 1e-9 * before);
    told(&mut plant, &["set T-02 level_mm=2000", "hold T-01"]);
    plant.advance_to(S(3 * 3600));
    assert!((truth(&plant, "T-02").level_mm - 2000.0).abs() < 1.0, "hold shuts it");
}

#[test]
fn a_wide_pipe_does_not_make_the_levels_swing() {
    let tanks = ["T-01", "T-02"].map(|tank| tank.parse().unwrap());
    let wide = valve("V-01", ValvePlace::Between { tanks, max_m3h: 1e6 });
    let mut plant = plant(Vec::new(), vec![wide]);
    told(&mut plant, &["valve V-01 open=100%"]);
    for second in 1..120 {
        plant.advance_to(S(second));
        let difference_mm = truth(&plant, "T-01").level_mm - truth(&plant, "T-02").level_mm;
        assert!(difference_mm > -0.1, "{second} s: {difference_mm}");
    }
}

#[test]
fn equipment_that_cannot_be_is_refused() {
    let between = |one: &str, other: &str| ValvePlace::Between {
        tanks: [one, other].map(|tank| tank.parse().unwrap()),
        max_m3h: 1.0,
    };
    let good = || pump("P-01", Some("T-01"), None);
    for (pumps, valves, told) in [
        (vec![pump("P-01", Some("T-77"), None)], Vec::new(), "there is no tank T-77"),
        (vec![pump("P-01", None, None)], Vec::new(), "P-01: it pumps from a tank or to one"),
        (vec![pump("P-01", Some("T-01"), Some("T-01"))], Vec::new(), "P-01: it pumps from one tank to another"),
        (vec![good(), good()], Vec::new(), "P-01: there are two pumps of this name"),
        (
            vec![good()],
            vec![valve("V-01", ValvePlace::OnPump("P-02".parse().unwrap()))],
            "no pump P-02; the plant has P-01",
        ),
        (Vec::new(), vec![valve("V-01", between("T-01", "T-01"))], "V-01: it is between one tank and another"),
    ] {
        let design = PlantDesign { pumps, valves };
        let error: PlantError = Plant::new(&small(), 1).with_equipment(&design).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
    let mut plant = plant(vec![good()], Vec::new());
    let error = plant.command(&"valve V-01 open=5%".parse().unwrap()).unwrap_err().to_string();
    assert_eq!(error, "there is no valve V-01; the plant has none");
}
