//! The stated power, held against simulated tanks.

use super::super::testing::Tank;
use super::*;

/// The bench's gauge, read each half minute, with the stiction that it is taken to have, on water that keeps its temperature.
fn test(surface_m2: f64) -> LeakTest {
    LeakTest {
        surface: SquareMetres::new(surface_m2),
        noise: Millimetres::new(0.7),
        stiction: Millimetres::new(0.5),
        level_step: Millimetres::new(1.0),
        thermal: Millimetres::new(0.01),
        readings_per_hour: 120.0,
    }
}

fn tank(surface_m2: f64, seed: u64) -> Tank {
    let mut tank = Tank::new(surface_m2, 77 + seed * 1_000_003);
    (tank.every_s, tank.stiction_mm) = (30, 0.5);
    tank
}

#[test]
fn larger_tanks_and_shorter_times_find_larger_leaks_only() {
    for hours in [8.0, 12.0, 24.0, 48.0] {
        let found = [33.7, 63.5, 82.7, 105.3, 195.6, 441.2].map(|surface| test(surface).detection(hours).unwrap());
        assert!(found.is_sorted());
    }
    assert_eq!(test(100.0).detection(2.0), None);
    assert_eq!(test(100.0).detection(100.0), test(100.0).detection(49.25));
    assert!(test(82.7).detection(12.0).unwrap() < 20.0);
    assert!(test(441.2).detection(24.0).unwrap() > 20.0);
}

/// How many of a hundred leaks are found in time, from floats that stand anywhere within their stiction.
fn found_of_100(surface_m2: f64, litres_h: f64, hours: f64) -> usize {
    let is_found = |trial: &u32| {
        let mut tank = tank(surface_m2, u64::from(*trial));
        let turn = 2.0 * (f64::from(*trial) + 0.5) / 100.0 - 1.0;
        tank.float_m3 += turn * tank.stiction_mm * tank.per_mm;
        // Anywhere within a block, too.
        let before = 4.0 + 0.5 * tank.normal().abs().fract();
        assert_eq!(tank.run(before, 0.0, |now| now.leak.found().is_some()), None, "trial {trial}");
        tank.run(hours, -litres_h / 1000.0, |now| now.leak.found().is_some()).is_some()
    };
    (0..100).filter(is_found).count()
}

#[test]
fn leak_of_the_stated_size_is_found_in_time_in_95_percent_of_cases_and_a_smaller_one_is_not() {
    for (surface_m2, hours) in [(63.5, 8.0), (105.3, 12.0), (441.2, 24.0)] {
        let litres_h = test(surface_m2).detection(hours).unwrap();
        let found = [1.0, 0.7].map(|share| found_of_100(surface_m2, share * litres_h, hours));
        println!("{surface_m2} m2, {litres_h:.1} L/h, {hours} h: {found:?} of 100");
        assert!(
            found[0] >= 95 && found[1] < 90,
            "{surface_m2} m2, {litres_h:.1} L/h within {hours} h: {found:?} of 100"
        );
    }
}

/// The table of the documentation: the gauge of the bench each ten seconds, crude that cools.
#[test]
fn table_of_the_documentation_is_right() {
    let documented = include_str!("mod.rs");
    for (surface_m2, nominal) in
        [(33.7, "200"), (63.5, "500"), (82.7, "700"), (105.3, "1000"), (195.6, "2000"), (441.2, "5000")]
    {
        let test = LeakTest { thermal: Millimetres::new(0.15), readings_per_hour: 360.0, ..test(surface_m2) };
        let found = [8.0, 12.0, 24.0, 48.0].map(|hours| format!("{:.0}", test.detection(hours).unwrap().ceil()));
        let row = format!("//! | {surface_m2:.0} m2 ({nominal} m3) | {} |", found.join(" | "));
        assert!(documented.contains(&row), "{row}");
    }
}

/// Four tank-years with a day's swing of heat, in which the float goes back and forth.
#[test]
fn quiet_tank_years_have_no_false_alarm() {
    for seed in 0..24 {
        let mut tank = tank(105.3, 1000 + seed).idle();
        tank.every_s = 60;
        for hour in 0..60 * 24 {
            let turn = std::f64::consts::TAU * f64::from(hour) / 24.0;
            tank.temperature_c = 30.0 + 0.4 * turn.sin() - 0.003 * f64::from(hour);
            let any = tank.run(1.0, 0.0, |now| now.leak.found().is_some() || now.movement.found().is_some());
            assert_eq!(any, None, "seed {seed}, hour {hour}: {:?}", tank.last);
        }
    }
}
