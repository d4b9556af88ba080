//! Levels against their limits.

use std::time::Duration;

use tankline_domain::alarm::{Action, AlarmKind, Event, State};

use crate::bench::{Bench, description};

const HH: AlarmKind = AlarmKind::LevelHighHigh;
const H: AlarmKind = AlarmKind::LevelHigh;
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn fill_gives_high_and_then_high_high_each_after_its_delay() {
    let mut bench = Bench::new();
    for level in (10_900..11_700).step_by(20) {
        bench.second("T-01", f64::from(level));
    }
    assert_eq!(bench.told.len(), 2);
    let (high, highest) = (bench.told[0].clone(), bench.told[1].clone());
    // 11000 is there with the sixth reading and counts for 5 s: the newest value by then is of the tenth.
    assert_eq!((high.key.kind, high.value, high.limit), (H, Some(11_080.0), Some(11_000.0)));
    assert_eq!((highest.key.kind, highest.value, highest.limit), (HH, Some(11_520.0), Some(11_500.0)));
    assert_eq!(bench.heard(), ["T-01 level-h", "T-01 level-hh"]);
}

#[test]
fn draw_gives_low_and_then_low_low() {
    let mut bench = Bench::new();
    for level in (300..1100).rev().step_by(20) {
        bench.second("T-01", f64::from(level));
    }
    assert_eq!(bench.heard(), ["T-01 level-l", "T-01 level-ll"]);
}

#[test]
fn delay_ends_by_itself_and_not_with_the_next_reading() {
    let mut bench = Bench::new();
    bench.live("T-01", 11_600.0, "good");
    bench.wait(Duration::from_millis(1999));
    assert_eq!(bench.state("T-01", HH), State::Normal);
    bench.wait(Duration::from_millis(1));
    assert_eq!(bench.state("T-01", HH), State::Unacknowledged);
}

#[test]
fn value_that_is_back_before_the_delay_is_over_raises_nothing() {
    let mut bench = Bench::new();
    for _ in 0..20 {
        bench.second("T-01", 11_501.0);
        bench.second("T-01", 11_499.0);
    }
    assert!(!bench.heard().contains(&"T-01 level-hh".to_owned()));
}

#[test]
fn chatter_at_a_limit_is_one_alarm_until_it_is_back_by_the_deadband() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.second("T-01", 11_505.0);
    }
    for round in 0..600 {
        bench.second("T-01", if round % 20 < 10 { 11_481.0 } else { 11_510.0 });
    }
    assert_eq!(bench.events("T-01", HH), [Event::Raised]);
    bench.live("T-01", 11_479.0, "good");
    bench.wait(Duration::from_secs(9));
    assert_eq!(bench.events("T-01", HH), [Event::Raised]);
    bench.wait(SECOND);
    assert_eq!(bench.events("T-01", HH), [Event::Raised, Event::Cleared]);
}

#[test]
fn bad_and_uncertain_readings_neither_raise_nor_clear_nor_count() {
    for quality in ["uncertain:blind-zone", "uncertain:jump", "bad:crc"] {
        let mut bench = Bench::new();
        bench.second("T-01", 11_600.0);
        bench.live("T-01", 11_600.0, quality);
        bench.wait(Duration::from_secs(30));
        assert_eq!(bench.state("T-01", HH), State::Normal, "{quality} counted");
        // What was counted before goes on counting.
        bench.live("T-01", 11_600.0, "good");
        bench.wait(2 * SECOND);
        assert_eq!(bench.state("T-01", HH), State::Unacknowledged, "{quality}");
        for _ in 0..60 {
            bench.wait(SECOND);
            bench.live("T-01", 5000.0, quality);
        }
        assert_eq!(bench.state("T-01", HH), State::Unacknowledged, "{quality} cleared");
    }
}

/// A rod that cannot be scanned must not cost the overfill alarm.
#[test]
fn level_counts_also_while_the_interface_is_unconfirmed() {
    let mut bench = Bench::new();
    for _ in 0..4 {
        bench.live("T-01", 11_600.0, "uncertain:interface-unconfirmed");
        bench.wait(SECOND);
    }
    assert_eq!(bench.state("T-01", HH), State::Unacknowledged);
    for _ in 0..30 {
        bench.live("T-01", 5000.0, "uncertain:interface-unconfirmed");
        bench.wait(SECOND);
    }
    assert_eq!(bench.events("T-01", HH), [Event::Raised, Event::Cleared]);
}

#[test]
fn silence_counts_towards_nothing() {
    let mut slow = description();
    slow["alarm_defaults"] = serde_json::json!({"level-hh": {"on_delay_s": 90}});
    let mut bench = Bench::of(slow);
    bench.live("T-01", 11_600.0, "good");
    bench.wait(Duration::from_secs(3600));
    assert_eq!(bench.state("T-01", AlarmKind::GaugeStale), State::Unacknowledged);
    assert_eq!(bench.state("T-01", HH), State::Normal);
    // A minute counted before the gauge was stale, and half a minute is left.
    bench.live("T-01", 11_600.0, "good");
    bench.wait(Duration::from_secs(29));
    assert_eq!(bench.state("T-01", HH), State::Normal);
    bench.wait(SECOND);
    assert_eq!(bench.state("T-01", HH), State::Unacknowledged);
}

#[test]
fn restart_changes_no_state_says_nothing_again_and_begins_delays_anew() {
    let mut bench = Bench::new();
    bench.live("T-01", 11_600.0, "good");
    bench.wait(Duration::from_secs(6));
    assert_eq!(bench.heard(), ["T-01 level-hh", "T-01 level-h"]);
    bench.act("T-01", H, Action::Acknowledge).unwrap();
    bench.restart(Duration::from_secs(30));
    assert_eq!((bench.state("T-01", HH), bench.state("T-01", H)), (State::Unacknowledged, State::Acknowledged));
    bench.live("T-01", 11_600.0, "good");
    bench.wait(Duration::from_secs(50));
    assert_eq!(bench.heard(), [""; 0]);

    bench.live("T-02", 11_600.0, "good");
    bench.wait(SECOND);
    bench.restart(SECOND);
    bench.live("T-02", 11_600.0, "good");
    bench.wait(SECOND);
    assert_eq!(bench.heard(), [""; 0], "the delay began anew");
    bench.wait(SECOND);
    assert_eq!(bench.heard(), ["T-02 level-hh"]);
}

#[test]
fn clock_steps_do_no_harm() {
    for step in [-86_400_000, 86_400_000] {
        let mut bench = Bench::new();
        bench.live("T-01", 11_600.0, "good");
        bench.step(step);
        bench.wait(Duration::from_millis(1500));
        assert_eq!(bench.heard(), [""; 0]);
        bench.wait(Duration::from_millis(500));
        assert_eq!(bench.heard(), ["T-01 level-hh"], "{step}");
        // The clock of the edge was set back too: its readings count again after ten seconds at most.
        for _ in 0..60 {
            bench.second("T-01", 5000.0);
        }
        assert_eq!(bench.state("T-01", HH), State::ReturnedUnacknowledged, "{step}");
        assert_eq!(bench.state("T-01", AlarmKind::GaugeStale), State::Normal, "{step}");
    }
}

#[test]
fn backlog_tells_nothing_aloud_and_records_each_stretch_once() {
    let mut bench = Bench::new();
    bench.live("T-01", 5000.0, "good");
    for minute in (0..1440).rev() {
        let level = if minute % 360 < 60 { 11_600.0 } else { 5000.0 };
        bench.late("T-01", level, Duration::from_secs(minute * 60));
    }
    assert_eq!(bench.events("T-01", HH), [Event::FoundInBacklog; 4]);
    assert!(bench.told.iter().all(|told| told.event == Event::FoundInBacklog && told.from == told.to));
    assert_eq!(bench.heard(), [""; 0]);
    assert_eq!(bench.state("T-01", HH), State::Normal);
}

#[test]
fn doubtful_readings_of_the_backlog_show_nothing() {
    let mut bench = Bench::new();
    for age in (10..200).rev() {
        bench.late_of_quality("T-01", 11_600.0, Duration::from_secs(age), "uncertain:jump");
    }
    assert!(bench.told.is_empty(), "{:?}", bench.told);
}

#[test]
fn stretch_in_the_backlog_is_recorded_once_across_a_restart_too() {
    let mut bench = Bench::new();
    for age in (100..200).rev() {
        bench.late("T-01", 11_600.0, Duration::from_secs(age));
        if age % 10 == 0 {
            bench.restart(Duration::ZERO);
        }
    }
    assert_eq!(bench.events("T-01", HH), [Event::FoundInBacklog]);
    bench.late("T-01", 5000.0, Duration::from_secs(90));
    bench.restart(Duration::ZERO);
    bench.late("T-01", 11_600.0, Duration::from_secs(80));
    bench.late("T-01", 11_600.0, Duration::from_secs(70));
    assert_eq!(bench.events("T-01", HH), [Event::FoundInBacklog; 2]);
}

#[test]
fn limit_that_is_described_no_longer_ends_its_alarm_and_loses_no_acknowledgement() {
    let mut bench = Bench::new();
    bench.live("T-01", 11_600.0, "good");
    bench.wait(Duration::from_secs(6));
    bench.act("T-01", H, Action::Acknowledge).unwrap();
    let mut without = description();
    without["tank"][0]["limits"] = serde_json::json!({"l_mm": 1000});
    bench.describe(without);
    assert_eq!(bench.state("T-01", HH), State::ReturnedUnacknowledged);
    assert_eq!(bench.state("T-01", H), State::Normal);
    bench.live("T-01", 11_600.0, "good");
    bench.wait(Duration::from_secs(6));
    assert_eq!(bench.state("T-01", HH), State::ReturnedUnacknowledged);
    bench.act("T-01", HH, Action::Acknowledge).unwrap();
    assert_eq!(bench.state("T-01", HH), State::Normal);
}
