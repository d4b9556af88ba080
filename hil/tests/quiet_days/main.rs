//! Weeks of tanks at rest under the bench's gauges: no false alarm, and a leak is found as the stated power says.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use station::{DAY, HOUR, Station, TANKS};
use tankline_domain::alarm::watch::{Duty, LeakTest};
use tankline_domain::units::{Millimetres, SquareMetres};

const LEAK_L_H: f64 = 20.0;

/// What the gauges of the bench are taken for: `hil/src/gauge` has a stiction of 0.4 mm.
fn test_of(surface_m2: f64) -> LeakTest {
    LeakTest {
        surface: SquareMetres::new(surface_m2),
        noise: Millimetres::new(0.7),
        stiction: Millimetres::new(0.5),
        level_step: Millimetres::new(1.0),
        thermal: Millimetres::new(0.15),
        readings_per_hour: 360.0,
    }
}

#[test]
fn thirty_quiet_days_have_no_false_alarm_and_a_leak_of_one_night_is_found() {
    for seed in [1, 2] {
        let mut station = Station::new(seed, Duty::Idle);
        for (tank, found) in station.run(30 * DAY) {
            assert_eq!((found.movement, found.leak), (None, None), "seed {seed}, {tank}: a false alarm");
        }
        for tank in &TANKS {
            station.leak(tank.name, LEAK_L_H);
        }
        let found = station.run(48 * HOUR);
        for tank in &TANKS {
            let test = test_of(tank.surface_m2());
            let sure_h = (3..=48).find(|&hours| test.detection(f64::from(hours)).is_some_and(|it| it <= LEAK_L_H));
            let leak = found[tank.name].leak;
            let said = leak.map_or("not found in two days".to_owned(), |(hours, leak)| {
                format!("found after {hours:4.1} h as {:.0} L/h, limit {:.0}", leak.value, leak.limit)
            });
            let surely = sure_h.map_or("not surely".to_owned(), |hours| format!("surely within {hours} h"));
            println!("seed {seed}, {}, {:.0} m2: {said}; {surely}", tank.name, tank.surface_m2());
            if let Some(sure_h) = sure_h {
                assert!(
                    leak.is_some_and(|(hours, _)| hours <= f64::from(sure_h)),
                    "seed {seed}, {}: {said}",
                    tank.name
                );
            }
        }
    }
}

#[test]
fn only_a_flow_against_the_duty_is_told_of() {
    let mut station = Station::new(4, Duty::DrawOnly);
    let quiet = station.run(4 * DAY);
    assert!(quiet.values().all(|found| found.reverse_flow.is_none()), "at rest: {quiet:?}");
    for (m3_h, is_reverse) in [(-30.0, false), (30.0, true)] {
        for tank in &TANKS {
            if m3_h < 0.0 { station.draw(tank.name, -m3_h) } else { station.fill(tank.name, m3_h, 40.0) }
        }
        let found = station.run(HOUR / 2);
        for tank in &TANKS {
            let reverse = found[tank.name].reverse_flow;
            println!("{}, {m3_h} m3/h: {reverse:?}", tank.name);
            assert_eq!(reverse.is_some(), is_reverse, "{}, {m3_h} m3/h: {reverse:?}", tank.name);
        }
        TANKS.iter().for_each(|tank| station.hold(tank.name));
        station.run(HOUR);
    }
}

/// Hot crude comes in, stands, is drawn: what cools and mixes afterwards is no leak, nor is what was drawn.
#[test]
fn days_of_filling_and_drawing_have_no_false_leak() {
    let mut station = Station::new(3, Duty::Any);
    for round in 0..4 {
        for (fills, hours) in [(Some(55.0), 4), (None, 30), (Some(-1.0), 4), (None, 20)] {
            for tank in &TANKS {
                // 300 mm of level.
                let m3_h = 0.3 * tank.surface_m2() / 4.0;
                match fills {
                    Some(temperature_c) if temperature_c > 0.0 => station.fill(tank.name, m3_h, temperature_c),
                    Some(_) => station.draw(tank.name, m3_h),
                    None => station.hold(tank.name),
                }
            }
            for (tank, found) in station.run(hours * HOUR) {
                assert_eq!((found.movement, found.leak), (None, None), "round {round}, {tank}, {fills:?}");
            }
        }
    }
    assert!(TANKS.iter().all(|tank| station.was_tested(tank.name)), "all of them are tested between");
}
