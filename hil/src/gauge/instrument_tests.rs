use tankline_domain::units::Millimetres;

use super::*;

const S: fn(u64) -> Duration = Duration::from_secs;

/// Zones of 100 and 200 mm, an origin 50 mm above the bottom, a float for 860 kg/m3, a tank of 12 m.
fn instrument() -> Instrument {
    let mounting = Mounting {
        tank_height: Millimetres::new(12_000.0),
        offset: Millimetres::new(50.0),
        bottom_blind_zone: Millimetres::new(100.0),
        top_blind_zone: Millimetres::new(200.0),
        sensor_range: None,
    };
    Instrument::new(Some(mounting), 12_000.0, 860.0, 7)
}

fn around(level_mm: f64) -> Surroundings {
    Surroundings { level_mm, density: 860.0, temperature_c: 40.0 }
}

fn tank(level_mm: f64, interface_mm: f64) -> TankState {
    TankState { level_mm, interface_mm, temperature_c: 40.0, ..TankState::default() }
}

/// A gauge without noise that has come to rest at a level.
fn at_rest(level_mm: f64) -> InstrumentState {
    let mut now = instrument().at_rest(&around(level_mm));
    now.change(&GaugeParameters { noise: Some(0.0), ..GaugeParameters::default() });
    now
}

fn shown(now: &InstrumentState, tank: &TankState) -> String {
    instrument().shown(now, tank, S(100)).to_string()
}

#[test]
fn values_count_from_the_measuring_origin_until_its_parameter_is_changed() {
    let mut now = at_rest(9641.0);
    assert_eq!(shown(&now, &tank(9641.0, 6367.0)), "9591/6317/40.0");
    now.change(&GaugeParameters { offset_mm: Some(20.0), ..GaugeParameters::default() });
    assert_eq!(shown(&now, &tank(9641.0, 6367.0)), "9621/6347/40.0");
}

#[test]
fn float_sinks_deeper_in_lighter_liquid() {
    let level_in = |density| {
        let now = instrument().at_rest(&Surroundings { density, ..around(5000.0) });
        now.float_mm
    };
    assert!((level_in(860.0) - 5000.0).abs() < 1e-9);
    assert!((level_in(840.0) - 4999.05).abs() < 0.01, "{}", level_in(840.0));
    assert!((level_in(1000.0) - 5005.6).abs() < 0.01, "{}", level_in(1000.0));
}

#[test]
fn float_rests_on_its_stops_within_the_blind_zones() {
    for (level_mm, seen) in [(0.0, "0"), (40.0, "0"), (60.0, "10"), (11_850.0, "11800"), (11_990.0, "11850")] {
        let shown = shown(&at_rest(level_mm), &tank(level_mm, 0.0));
        assert!(shown.starts_with(&format!("{seen}/0/")), "{level_mm}: {shown}");
    }
}

#[test]
fn float_moves_only_when_the_liquid_has_moved_enough() {
    let mut now = at_rest(5000.0);
    now.change(&GaugeParameters { stiction_mm: Some(5.0), ..GaugeParameters::default() });
    for (level_mm, float_mm) in [(5004.0, 5000.0), (4996.0, 5000.0), (5006.0, 5006.0), (5002.0, 5006.0)] {
        instrument().advance(&mut now, &around(level_mm), 1.0);
        assert_eq!(now.float_mm, float_mm, "{level_mm}");
    }
}

#[test]
fn stuck_float_stays_until_it_is_free() {
    let mut now = at_rest(5000.0);
    now.set_float(FloatMobility::Stuck);
    instrument().advance(&mut now, &around(3000.0), 60.0);
    assert_eq!(shown(&now, &tank(3000.0, 500.0)), "4950/450/40.0");
    now.set_float(FloatMobility::Free);
    instrument().advance(&mut now, &around(3000.0), 1.0);
    assert_eq!(shown(&now, &tank(3000.0, 500.0)), "2950/450/40.0");
}

#[test]
fn float_is_blind_to_foam_unless_it_is_told_to_see_it() {
    let mut now = at_rest(5000.0);
    let foaming = TankState { foam_mm: 300.0, ..tank(5000.0, 500.0) };
    assert_eq!(shown(&now, &foaming), "4950/450/40.0");
    assert_eq!(foaming.dip_mm(), 5300.0);
    now.change(&GaugeParameters { foam: Some(FoamSight::Seen), ..GaugeParameters::default() });
    assert_eq!(shown(&now, &foaming), "5250/450/40.0");
}

#[test]
fn deposit_on_the_rod_moves_the_interface_that_is_shown() {
    let mut now = at_rest(5000.0);
    now.set_build_up(2.0);
    assert_eq!(shown(&now, &tank(5000.0, 500.0)), "4950/462/40.0");
}

#[test]
fn thermometer_comes_after() {
    let mut now = at_rest(5000.0);
    let warmer = Surroundings { temperature_c: 50.0, ..around(5000.0) };
    for (seconds, tenths) in [(0, "40.0"), (60, "46.3"), (60, "48.6"), (600, "50.0")] {
        (0..seconds).for_each(|_| instrument().advance(&mut now, &warmer, 1.0));
        assert!(shown(&now, &tank(5000.0, 500.0)).ends_with(tenths), "{}", shown(&now, &tank(5000.0, 500.0)));
    }
}

#[test]
fn gauge_that_starts_anew_shows_zeros_meanwhile() {
    let mut now = at_rest(5000.0);
    now.reboot(S(105));
    let (instrument, tank) = (instrument(), tank(5000.0, 500.0));
    assert_eq!(instrument.shown(&now, &tank, S(104)).to_string(), "0/0/0.0");
    assert_eq!(instrument.profile(&now, &tank, S(104), &ProfileBlock::default()), Profile::default());
    assert_eq!(instrument.shown(&now, &tank, S(105)).to_string(), "4950/450/40.0");
}

#[test]
fn noise_is_about_a_millimetre_and_never_puts_the_interface_above_the_level() {
    let now = instrument().at_rest(&around(5000.0));
    let all_water = tank(5000.0, 5000.0);
    for second in 0..2000 {
        let values = instrument().shown(&now, &all_water, S(second));
        assert!((4946..=4954).contains(&values.level_mm), "{values}");
        assert!(values.interface_mm <= values.level_mm, "{values}");
    }
}

#[test]
fn profile_jumps_where_the_interface_is_shown() {
    let now = at_rest(9000.0);
    let profile = instrument().profile(&now, &tank(9000.0, 3050.0), S(0), &ProfileBlock::default()).window;
    let steps: Vec<u16> = profile.points.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let jump = (0..steps.len()).max_by_key(|index| steps[*index]).unwrap();
    let from_mm = f64::from(profile.first_mm) + jump as f64 * f64::from(profile.spacing_mm);
    assert!((from_mm..=from_mm + f64::from(profile.spacing_mm)).contains(&3000.0), "{from_mm}");
}

#[test]
fn sensor_shows_no_more_than_its_range() {
    let mounting = Mounting {
        tank_height: Millimetres::new(12_000.0),
        offset: Millimetres::new(0.0),
        bottom_blind_zone: Millimetres::new(0.0),
        top_blind_zone: Millimetres::new(0.0),
        sensor_range: Some((Millimetres::new(200.0), Millimetres::new(9000.0))),
    };
    let instrument = Instrument::new(Some(mounting), 12_000.0, 860.0, 7);
    for (level_mm, seen) in [(100.0, 200), (5000.0, 5000), (11_000.0, 9000)] {
        let mut now = instrument.at_rest(&around(level_mm));
        now.change(&GaugeParameters { noise: Some(0.0), ..GaugeParameters::default() });
        assert_eq!(instrument.shown(&now, &tank(level_mm, 0.0), S(0)).level_mm, seen, "{level_mm}");
    }
}
