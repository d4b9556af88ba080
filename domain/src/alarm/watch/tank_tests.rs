//! Tests of the watch: a tank of 5000 m3 and smaller ones, whose float sticks and whose gauge reads whole millimetres.

use std::time::Duration;

use super::super::Liquid;
use super::super::testing::Tank;
use super::*;
use crate::units::{CubicMetresPerHour, Millimetres};

fn any(findings: &Findings) -> bool {
    findings.movement.found().is_some() || findings.leak.found().is_some()
}

fn leak(findings: &Findings) -> bool {
    findings.leak.found().is_some()
}

fn movement(findings: &Findings) -> bool {
    findings.movement.found().is_some()
}

#[test]
fn quiet_tank_is_clear_and_says_why_it_was_not_before() {
    let mut tank = Tank::new(105.0, 1).idle();
    let why = |tank: &Tank| match tank.last.leak {
        Verdict::NotTestable(why) => Some(why),
        Verdict::Clear | Verdict::Found(_) => None,
    };
    assert_eq!(tank.run(0.4, 0.0, any), None);
    assert_eq!(why(&tank), Some(WhyNot::Moving));
    assert_eq!(tank.run(0.4, 0.0, any), None);
    assert_eq!(why(&tank), Some(WhyNot::Settling));
    assert_eq!(tank.run(0.4, 0.0, any), None);
    assert_eq!(why(&tank), Some(WhyNot::TooFewReadings));
    assert_eq!(tank.run(30.0, 0.0, any), None);
    assert_eq!((tank.last.movement, tank.last.leak), (Verdict::Clear, Verdict::Clear));
}

#[test]
fn leak_is_found_with_its_rate_and_a_movement_ends_the_test() {
    let mut tank = Tank::new(63.5, 2);
    assert_eq!(tank.run(20.0, 0.0, any), None);
    let after = tank.run(12.0, -0.020, leak).expect("it is found within the night");
    assert!(after > 2.0, "{after}");
    let found = tank.last.leak.found().unwrap();
    assert!((5.0..=30.0).contains(&found.value) && found.limit < found.value, "{found:?}");
    assert_eq!(tank.last.movement, Verdict::NotTestable(WhyNot::NotAsked));
    tank.run(0.2, 30.0, |_| false);
    assert_eq!(tank.last.leak, Verdict::NotTestable(WhyNot::Moving));
    // It begins anew: what was before the movement is not compared with what is after.
    tank.run(1.8, 0.0, |_| false);
    assert_eq!(tank.last.leak, Verdict::NotTestable(WhyNot::TooFewReadings));
}

#[test]
fn movement_of_an_idle_tank_is_found_within_minutes_and_over_when_it_rests_again() {
    for (m3_h, minutes) in [(50.0, 4.0), (-50.0, 4.0), (-5.0, 20.0), (2.0, 40.0)] {
        let mut tank = Tank::new(441.0, 3).idle();
        assert_eq!(tank.run(3.0, 0.0, any), None);
        let after = tank.run(2.0, m3_h, movement).expect("it is found");
        assert!(after * 60.0 <= minutes, "{m3_h} m3/h: {after} h");
        tank.run(0.5, m3_h, |_| false);
        let value = tank.last.movement.found().expect("it stands").value;
        assert!(value * m3_h > 0.0, "{value}");
        let over = tank.run(4.0, 0.0, |now| now.movement == Verdict::Clear);
        assert!(over.is_some(), "{m3_h} m3/h: {:?}", tank.last);
        assert_eq!(tank.run(6.0, 0.0, any), None);
    }
}

#[test]
fn idle_tank_that_never_rests_is_told_of() {
    let mut tank = Tank::new(100.0, 4).idle();
    let after = tank.run(3.0, -10.0, movement).unwrap();
    assert!((0.9..1.2).contains(&after), "{after}");
}

#[test]
fn heat_does_not_move_a_tank() {
    let mut tank = Tank::new(441.0, 5).idle();
    for quarter in 0..96 * 3 {
        let turn = std::f64::consts::TAU * f64::from(quarter) / 96.0;
        // 2 degC of a day's swing are 3 mm of level.
        tank.temperature_c = 30.0 + 2.0 * turn.sin();
        let found = tank.run(0.25, 0.0, any);
        assert_eq!(found, None, "{:?} after {quarter} quarters", tank.last);
    }
}

#[test]
fn restart_at_any_time_changes_nothing() {
    let (mut whole, mut broken) = (Tank::new(63.5, 6).idle(), Tank::new(63.5, 6).idle());
    for _ in 0..120 {
        for tank in [&mut whole, &mut broken] {
            tank.run(0.21, -0.02, |_| false);
        }
        let stored = serde_json::to_string(&broken.watch).unwrap();
        assert!(stored.len() < 10_000, "{}", stored.len());
        broken.watch = serde_json::from_str(&stored).unwrap();
        assert_eq!(whole.watch, broken.watch);
    }
    assert!(whole.last.leak.found().is_some());
}

#[test]
fn clock_steps_and_gaps_begin_a_new_rest_and_find_nothing() {
    for step in [-3 * 86_400, 3 * 86_400, 366 * 86_400, -600, 3 * 3600] {
        let mut tank = Tank::new(63.5, 7).idle();
        assert_eq!(tank.run(12.0, 0.0, any), None);
        tank.second += step;
        // What was drawn while nothing was read is not told of.
        tank.volume_m3 -= if step.abs() > 3600 { 20.0 } else { 0.0 };
        assert_eq!(tank.run(12.0, 0.0, any), None, "{step} s");
        assert_eq!(tank.last.leak, Verdict::Clear, "{step} s");
        assert!(tank.run(1.0, -5.0, movement).is_some(), "{step} s");
    }
}

#[test]
fn without_temperature_there_is_no_leak_and_movement_is_watched_coarsely() {
    let mut tank = Tank::new(100.0, 8).idle();
    let push = |tank: &mut Tank, m3: f64| {
        tank.second += 10;
        tank.volume_m3 += m3;
        let seen = Seen { temperature: None, liquid: Liquid::Unknown, ..tank.seen() };
        tank.watch.push(&tank.settings, &seen, None)
    };
    assert_eq!((0..360 * 2).map(|_| push(&mut tank, 0.0)).last().unwrap().movement, Verdict::Clear);
    // 3 mm of heat that is not seen.
    for _ in 0..360 * 2 {
        tank.temperature_c += 2.0 / (360.0 * 2.0);
        let quiet = push(&mut tank, 0.0);
        assert!(quiet.movement == Verdict::Clear && quiet.leak.found().is_none(), "{quiet:?}");
    }
    assert_eq!(tank.watch.findings().leak, Verdict::NotTestable(WhyNot::NoTemperature));
    assert!((0..360).any(|_| push(&mut tank, -0.01).movement.found().is_some()));
}

#[test]
fn reverse_flow_is_told_with_each_reading() {
    let mut tank = Tank::new(100.0, 9);
    tank.settings.duty = Duty::FillOnly;
    let flow = Flow {
        flow: CubicMetresPerHour::new(-30.0),
        uncertainty: CubicMetresPerHour::new(2.0),
        window: Duration::from_secs(600),
        at: UnixMillis::new(0),
    };
    let seen = tank.seen();
    let found = tank.watch.push(&tank.settings, &seen, Some(&flow)).reverse_flow.found().unwrap();
    assert_eq!(found.value, -30.0);
    tank.settings.stiction = Millimetres::new(50.0);
    tank.second += 10;
    let seen = tank.seen();
    assert_eq!(tank.watch.push(&tank.settings, &seen, Some(&flow)).reverse_flow, Verdict::Clear);
}
