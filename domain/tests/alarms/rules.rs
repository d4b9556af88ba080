//! Rules beside those of levels and gauges: interface, temperature, speed, minutes left, detectors, missing readings.

use std::time::Duration;

use serde_json::json;
use tankline_domain::alarm::watch::{Finding, Findings, Verdict, WhyNot};
use tankline_domain::alarm::{AlarmKind, Event, Sample, State};
use tankline_domain::flow::FlowMeter;
use tankline_domain::units::{Celsius, CubicMetres, Millimetres};

use crate::bench::{Bench, description};

const SECOND: Duration = Duration::from_secs(1);

/// A description of the first tank with these alarms.
fn with(alarms: serde_json::Value) -> Bench {
    let mut root = description();
    root["tank"][0]["alarms"] = alarms;
    Bench::of(root)
}

#[test]
fn interface_and_temperature_have_limits_where_they_are_described() {
    let mut bench = with(json!({
        "interface-h": {"limit_mm": 2000, "on_delay_s": 5},
        "interface-l": {"limit_mm": 100, "on_delay_s": 5},
        "temperature-h": {"limit_c": 45, "on_delay_s": 5},
        "temperature-l": {"limit_c": -5, "on_delay_s": 5},
    }));
    let mut play = |interface: f64, temperature: f64| {
        for _ in 0..7 {
            bench.wait(SECOND);
            let mut reading = bench.reading("T-01", 5000.0, "good");
            reading.interface = Some(Millimetres::new(interface));
            reading.temperature = Some(Celsius::new(temperature));
            bench.alarms.handle_live(bench.now, bench.place("T-01"), &Sample::of(&reading));
            bench.told.extend(bench.alarms.take_transitions());
        }
        bench.heard()
    };
    assert_eq!(play(1999.0, 44.9), [""; 0]);
    assert_eq!(play(2000.0, 45.0), ["T-01 interface-h", "T-01 temperature-h"]);
    assert_eq!(play(100.0, -5.0), ["T-01 interface-l", "T-01 temperature-l"]);
}

#[test]
fn level_that_moves_too_fast_either_way_is_told_of_with_its_speed() {
    for (step, said) in [(1.0, 60.0), (-1.0, -60.0)] {
        let mut bench = with(json!({"rate-of-change": {"limit_mm_min": 30}}));
        let mut level = 5000.0;
        for second in 0..300 {
            level += if second < 120 { 0.0 } else { step };
            bench.second("T-01", level);
        }
        let told: Vec<_> = bench.told.iter().filter(|told| told.key.kind == AlarmKind::RateOfChange).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!((told[0].value.unwrap() - said).abs() < 25.0, "{told:?}");
        assert_eq!((told[0].limit, told[0].unit.as_str()), (Some(30.0), "mm/min"));
        for _ in 0..300 {
            bench.second("T-01", level);
        }
        assert_eq!(bench.events("T-01", AlarmKind::RateOfChange), [Event::Raised, Event::Cleared]);
    }
}

#[test]
fn noise_is_no_movement_however_low_the_limit() {
    let mut bench = with(json!({"rate-of-change": {"limit_mm_min": 0.5, "on_delay_s": 0}}));
    for second in 0..900_u32 {
        // Noise that repeats itself only after minutes.
        let noise = f64::from(second.wrapping_mul(2_654_435_761) >> 30);
        bench.second("T-01", 5000.0 + noise);
    }
    assert_eq!(bench.events("T-01", AlarmKind::RateOfChange), []);
}

#[test]
fn speed_is_known_again_after_a_clock_was_set_back() {
    let mut bench = with(json!({"rate-of-change": {"limit_mm_min": 30}}));
    let mut level = 5000.0;
    for _ in 0..120 {
        bench.second("T-01", level);
    }
    bench.step(-3_600_000);
    for _ in 0..180 {
        level += 1.0;
        bench.second("T-01", level);
    }
    assert_eq!(bench.events("T-01", AlarmKind::RateOfChange), [Event::Raised]);
}

/// Fills or draws from `level`, by so many mm a second, for so long; gives what was told aloud.
fn flows(bench: &mut Bench, level: &mut f64, mm_s: f64, seconds: u32) -> Vec<String> {
    const M3_MM: f64 = 0.441_150_3;
    let mut meter = FlowMeter::default();
    for _ in 0..seconds {
        bench.wait(SECOND);
        *level += mm_s;
        let reading = bench.reading("T-01", level.round(), "good");
        let tov = level.round() * M3_MM;
        let flow = meter.push(reading.at, CubicMetres::new(tov), CubicMetres::new(M3_MM));
        let sample = Sample {
            tov_m3: Some(tov),
            tov_flow_m3h: flow.map(|flow| flow.flow.get()),
            tov_flow_uncertainty_m3h: flow.map(|flow| flow.uncertainty.get()),
            ..Sample::of(&reading)
        };
        bench.alarms.handle_live(bench.now, bench.place("T-01"), &sample);
        bench.told.extend(bench.alarms.take_transitions());
    }
    bench.heard().into_iter().filter(|heard| heard.starts_with("T-01")).collect()
}

#[test]
fn fill_is_told_of_before_it_reaches_its_limits() {
    let mut bench = Bench::new();
    let mut level = 10_000.0;
    // 1000 mm to H at 0.5 mm/s: 33 minutes, and 15 minutes before H at 10 550 mm.
    assert_eq!(flows(&mut bench, &mut level, 0.5, 1000), [""; 0]);
    assert_eq!(flows(&mut bench, &mut level, 0.5, 220), ["T-01 overfill-soon"]);
    assert_eq!(flows(&mut bench, &mut level, 0.5, 2000), ["T-01 level-h", "T-01 level-hh"]);
    assert_eq!(bench.state("T-01", AlarmKind::OverfillSoon), State::Unacknowledged);
    // The flow has stopped: nothing is soon any more, but the limits are still exceeded.
    assert_eq!(flows(&mut bench, &mut level, 0.0, 400), [""; 0]);
    assert_eq!(bench.state("T-01", AlarmKind::OverfillSoon), State::ReturnedUnacknowledged);
}

#[test]
fn doubtful_reading_says_nothing_of_how_soon_a_tank_is_full() {
    for (quality, expected) in [("good", State::Unacknowledged), ("uncertain:jump", State::Normal)] {
        let mut bench = Bench::new();
        for _ in 0..30 {
            bench.wait(SECOND);
            let reading = bench.reading("T-01", 10_900.0, quality);
            let sample = Sample {
                tov_m3: Some(4808.0),
                tov_flow_m3h: Some(800.0),
                tov_flow_uncertainty_m3h: Some(10.0),
                ..Sample::of(&reading)
            };
            bench.alarms.handle_live(bench.now, bench.place("T-01"), &sample);
        }
        assert_eq!(bench.state("T-01", AlarmKind::OverfillSoon), expected, "{quality}");
    }
}

#[test]
fn draw_is_told_of_before_it_reaches_its_limits_and_a_fill_is_not() {
    let mut bench = Bench::new();
    let mut level = 1800.0;
    assert_eq!(flows(&mut bench, &mut level, -0.5, 1900), ["T-01 dry-soon", "T-01 level-l"]);
    let mut bench = Bench::new();
    let mut level = 1100.0;
    assert_eq!(flows(&mut bench, &mut level, 0.5, 900), [""; 0]);
}

#[test]
fn tank_at_rest_just_below_its_limit_is_not_soon_full() {
    let mut bench = Bench::new();
    let mut level = 10_990.0;
    assert_eq!(flows(&mut bench, &mut level, 0.0, 1800), [""; 0]);
}

#[test]
fn what_detectors_find_is_an_alarm_until_they_find_it_gone() {
    let mut bench = Bench::new();
    let mut play = |leak: Verdict| {
        bench.wait(SECOND);
        let findings = Findings { leak, ..Findings::default() };
        let reading = bench.reading("T-01", 5000.0, "good");
        let sample = Sample { findings: Some(&findings), ..Sample::of(&reading) };
        bench.alarms.handle_live(bench.now, bench.place("T-01"), &sample);
        let told = bench.alarms.take_transitions();
        (bench.state("T-01", AlarmKind::Leak), told)
    };
    let (state, told) = play(Verdict::Found(Finding { value: 21.5, limit: 12.0 }));
    assert_eq!(state, State::Unacknowledged);
    assert_eq!((told[0].value, told[0].limit, told[0].unit.as_str()), (Some(21.5), Some(12.0), "L/h"));
    for _ in 0..100 {
        assert_eq!(play(Verdict::NotTestable(WhyNot::Moving)).0, State::Unacknowledged);
    }
    for _ in 0..70 {
        play(Verdict::Clear);
    }
    assert_eq!(play(Verdict::Clear).0, State::ReturnedUnacknowledged);
}

#[test]
fn missing_readings_are_told_of_once_and_wait_for_somebody() {
    let mut bench = Bench::new();
    bench.gap(0);
    bench.wait(SECOND);
    assert_eq!(bench.state("rtu-01", AlarmKind::Completeness), State::Normal);
    bench.gap(500);
    bench.wait(SECOND);
    assert_eq!(bench.heard(), ["rtu-01 completeness"]);
    bench.restart(SECOND);
    bench.wait(Duration::from_secs(59));
    assert_eq!(bench.state("rtu-01", AlarmKind::Completeness), State::Unacknowledged);
    bench.wait(SECOND);
    assert_eq!(bench.state("rtu-01", AlarmKind::Completeness), State::ReturnedUnacknowledged);
    assert!(!bench.heard().contains(&"rtu-01 completeness".to_owned()));
    bench.gap(1);
    bench.wait(SECOND);
    assert!(bench.heard().contains(&"rtu-01 completeness".to_owned()));
}
