//! Whatever is done to a plant, its oil, water and heat are accounted for.

use std::time::Duration;

use proptest::prelude::*;

use super::test_site::small;
use super::*;

/// Largest share of what was moved that may be missing.
const LEAST: f64 = 1e-9;

fn tank() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["T-01", "T-02", "T-03", "T-04"])
}

fn command() -> impl Strategy<Value = String> {
    let flow = || 1u32..3000;
    let nozzle = || prop::sample::select(vec!["bottom", "oil", "2500mm"]);
    prop_oneof![
        (tank(), flow(), 0u8..=100, -20i8..90).prop_map(|(tank, flow, cut, temperature)| format!(
            "inflow {tank} {flow}m3/h water_cut={cut}% temperature={temperature}C"
        )),
        (tank(), flow(), nozzle()).prop_map(|(tank, flow, from)| format!("outflow {tank} {flow}m3/h from={from}")),
        (flow(), nozzle()).prop_map(|(flow, from)| format!("transfer T-01 T-02 {flow}m3/h from={from}")),
        (flow(), nozzle()).prop_map(|(flow, from)| format!("transfer T-02 T-03 {flow}m3/h from={from}")),
        (tank(), flow()).prop_map(|(tank, litres)| format!("leak {tank} {litres}L/h")),
        (tank(), 1u32..5000).prop_map(|(tank, power)| format!("heater {tank} {power}kW")),
        (tank(), 0u32..3000, 0u32..100, 0u32..2000).prop_map(|(tank, level, share, emulsion)| {
            let interface = level * share / 100;
            format!("set {tank} level_mm={level} interface_mm={interface} emulsion_mm={emulsion}")
        }),
        (-40i8..50).prop_map(|temperature| format!("ambient {temperature}C")),
        tank().prop_map(|tank| format!("hold {tank}")),
        tank().prop_map(|tank| format!("inflow {tank} off")),
        tank().prop_map(|tank| format!("release {tank}")),
        prop::sample::select(vec!["pump P-01 start", "pump P-01 stop", "pump P-02 start"]).prop_map(str::to_owned),
        (0u8..=100).prop_map(|percent| format!("valve V-01 open={percent}%")),
    ]
}

/// A pump from T-01 to T-04, one from outside to T-02, and a pipe between T-02 and T-03.
fn equipment() -> PlantDesign {
    let pump = |name: &str, from: Option<&str>, to: &str| PumpDesign {
        name: name.parse().unwrap(),
        from: from.map(|from| from.parse().unwrap()),
        to: Some(to.parse().unwrap()),
        max_m3h: 500.0,
        run_up_s: 7.0,
        draws_from: Nozzle::Bottom,
        water_cut_percent: 40.0,
        temperature_c: Some(50.0),
    };
    let tanks = ["T-02", "T-03"].map(|tank| tank.parse().unwrap());
    PlantDesign {
        pumps: vec![pump("P-01", Some("T-01"), "T-04"), pump("P-02", None, "T-02")],
        valves: vec![ValveDesign {
            name: "V-01".parse().unwrap(),
            place: ValvePlace::Between { tanks, max_m3h: 300.0 },
            travel_s: 30.0,
            open_percent: 0.0,
        }],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn oil_water_and_heat_are_neither_lost_nor_made(
        seed: u64, story in prop::collection::vec((command(), 1u64..4_000_000), 1..20), has_operator: bool,
    ) {
        let site = small();
        let plant =
            if has_operator { Plant::routine(&site, seed, Duration::ZERO) } else { Plant::new(&site, seed) };
        let mut plant = plant.with_equipment(&equipment()).unwrap();
        for (command, millis) in story {
            plant.command(&command.parse().unwrap()).unwrap();
            plant.advance_to(plant.time() + Duration::from_millis(millis));
            let [is, due, moved] = plant.audit();
            prop_assert!((is.oil_kg - due.oil_kg).abs() <= LEAST * moved.oil_kg, "{:?} {:?}", is, due);
            prop_assert!((is.water_kg - due.water_kg).abs() <= LEAST * moved.water_kg, "{:?} {:?}", is, due);
            prop_assert!((is.heat_j - due.heat_j).abs() <= LEAST * moved.heat_j.abs(), "{:?} {:?}", is, due);
            for (tank, name) in plant.tanks() {
                let state = plant.truth(tank);
                let numbers = [
                    state.level_mm, state.interface_mm, state.oil_m3, state.emulsion_m3, state.water_m3,
                    state.emulsion_mm, state.emulsion_water_cut, state.water_cut, state.mass_kg,
                ];
                prop_assert!(numbers.iter().all(|number| number.is_finite() && *number >= 0.0), "{name}: {state:?}");
                prop_assert!(state.temperature_c.is_finite() && state.temperature_c > -60.0, "{name}: {state:?}");
                prop_assert!(state.interface_mm <= state.level_mm && state.water_cut <= 1.0, "{name}: {state:?}");
            }
        }
    }
}
