//! Gauges that fail, edges that go, and who speaks for whom.

use std::time::Duration;

use serde_json::json;
use tankline_domain::alarm::{Action, AlarmKind, ClockShown, Event, Reach, State};
use tankline_domain::message::Presence;

use crate::bench::{Bench, description};

const TANKS: [&str; 7] = ["T-01", "T-02", "T-03", "T-04", "T-05", "T-06", "T-07"];
const SECOND: Duration = Duration::from_secs(1);

fn all(bench: &mut Bench, seconds: u32, quality: &str) {
    for _ in 0..seconds {
        bench.wait(SECOND);
        for tank in TANKS {
            bench.live(tank, 5000.0, quality);
        }
    }
}

#[test]
fn lost_edge_gives_one_alarm_and_none_when_it_comes_back() {
    // The last will comes at once when the process dies, and after 45 s when the network does.
    for (told_after, off_delay_s) in [(0, 30), (45, 30), (55, 30), (45, 0)] {
        let mut root = description();
        root["alarm_defaults"] = json!({"edge-offline": {"off_delay_s": off_delay_s}});
        let mut bench = Bench::of(root);
        all(&mut bench, 5, "good");
        bench.wait(Duration::from_secs(told_after));
        bench.presence(Presence::Offline);
        bench.wait(Duration::from_secs(3600));
        assert_eq!(bench.heard(), ["rtu-01 edge-offline"], "told after {told_after} s");
        assert_eq!(bench.state("T-01", AlarmKind::GaugeStale), State::SuppressedByDesign);
        bench.restart(SECOND);
        bench.presence(Presence::Offline);
        bench.wait(Duration::from_secs(3600));
        bench.presence(Presence::Online);
        bench.wait(3 * SECOND);
        all(&mut bench, 120, "good");
        assert_eq!(bench.heard(), [""; 0], "told after {told_after} s");
        assert_eq!(bench.state("rtu-01", AlarmKind::EdgeOffline), State::ReturnedUnacknowledged);
        assert_eq!(bench.state("T-01", AlarmKind::GaugeStale), State::Normal);
    }
}

#[test]
fn gauge_that_is_read_seldom_has_time_to_be_heard_of_when_its_edge_is_back() {
    let mut root = description();
    root["alarm_defaults"] = json!({"edge-offline": {"off_delay_s": 0}});
    root["tank"].as_array_mut().unwrap().truncate(1);
    root["gauge"].as_array_mut().unwrap().truncate(1);
    root["gauge"][0]["poll_interval_ms"] = json!(60_000);
    let mut bench = Bench::of(root);
    bench.live("T-01", 5000.0, "good");
    bench.presence(Presence::Offline);
    bench.wait(Duration::from_secs(3600));
    bench.presence(Presence::Online);
    bench.wait(Duration::from_secs(50));
    bench.live("T-01", 5000.0, "good");
    bench.wait(Duration::from_secs(60));
    assert_eq!(bench.heard(), ["rtu-01 edge-offline"]);
    assert_eq!(bench.state("T-01", AlarmKind::GaugeStale), State::Normal);
}

#[test]
fn edge_that_comes_back_without_its_gauges_is_followed_by_their_alarms() {
    let mut bench = Bench::new();
    all(&mut bench, 5, "good");
    bench.presence(Presence::Offline);
    bench.wait(Duration::from_secs(600));
    bench.presence(Presence::Online);
    bench.wait(Duration::from_secs(120));
    let heard = bench.heard();
    assert_eq!(heard.len(), 8, "{heard:?}");
    assert_eq!(heard[0], "rtu-01 edge-offline");
}

#[test]
fn edge_that_is_back_within_its_delay_is_no_alarm() {
    let mut bench = Bench::new();
    all(&mut bench, 5, "good");
    bench.presence(Presence::Offline);
    bench.wait(Duration::from_secs(9));
    bench.presence(Presence::Online);
    all(&mut bench, 120, "good");
    assert!(bench.told.is_empty(), "{:?}", bench.told);
}

#[test]
fn silent_gauge_is_stale_and_its_level_alarms_stay_what_they_are() {
    let mut bench = Bench::new();
    bench.live("T-01", 11_600.0, "good");
    bench.wait(Duration::from_secs(59));
    assert_eq!(bench.heard(), ["T-01 level-hh", "T-01 level-h"]);
    bench.wait(SECOND);
    assert_eq!(
        bench.heard(),
        [
            "T-01 gauge-stale",
            "T-02 gauge-stale",
            "T-03 gauge-stale",
            "T-04 gauge-stale",
            "T-05 gauge-stale",
            "T-06 gauge-stale",
            "T-07 gauge-stale"
        ]
    );
    bench.wait(Duration::from_secs(3600));
    assert_eq!(bench.state("T-01", AlarmKind::LevelHighHigh), State::Unacknowledged);
    bench.live("T-01", 5000.0, "good");
    bench.wait(Duration::from_secs(10));
    assert_eq!(bench.events("T-01", AlarmKind::GaugeStale), [Event::Cleared]);
}

#[test]
fn bad_gauge_is_one_alarm_with_its_reason_and_an_uncertain_one_is_none() {
    let mut bench = Bench::new();
    all(&mut bench, 11, "bad:no-reply");
    assert_eq!(bench.told.len(), 7 + 14, "{:?}", bench.told);
    let bad = bench.told.iter().find(|told| told.event == Event::Raised).unwrap();
    assert_eq!((bad.key.kind, bad.note.as_deref()), (AlarmKind::GaugeBad, Some("bad:no-reply")));
    assert_eq!(bench.heard().len(), 7);
    // A dead gauge is read ever less often, and then not at all: it is bad, and not stale too.
    bench.wait(Duration::from_secs(3600));
    assert_eq!(bench.heard(), [""; 0]);
    all(&mut bench, 12, "uncertain:blind-zone");
    assert_eq!(bench.state("T-01", AlarmKind::GaugeBad), State::ReturnedUnacknowledged);
    assert_eq!(bench.heard(), [""; 0]);
}

#[test]
fn gauge_that_the_edge_finds_stuck_is_frozen() {
    let mut bench = Bench::new();
    all(&mut bench, 2, "uncertain:stuck");
    assert_eq!(bench.heard().len(), 7);
    bench.act("T-01", AlarmKind::GaugeFrozen, Action::Acknowledge).unwrap();
    all(&mut bench, 62, "good");
    assert_eq!(bench.state("T-01", AlarmKind::GaugeFrozen), State::Normal);
    assert_eq!(bench.state("T-02", AlarmKind::GaugeFrozen), State::ReturnedUnacknowledged);
}

#[test]
fn lost_broker_is_one_alarm_that_speaks_for_edges_and_gauges() {
    for restarted in [false, true] {
        let mut bench = Bench::new();
        all(&mut bench, 5, "good");
        bench.presence(Presence::Online);
        bench.reach(Reach::CutOff);
        bench.presence(Presence::Offline);
        bench.wait(Duration::from_secs(3600));
        assert_eq!(bench.heard(), ["lindong broker-lost"]);
        assert_eq!(bench.state("rtu-01", AlarmKind::EdgeOffline), State::SuppressedByDesign);
        assert_eq!(bench.state("T-01", AlarmKind::GaugeStale), State::SuppressedByDesign);
        if restarted {
            bench.restart(SECOND);
            bench.reach(Reach::CutOff);
            bench.presence(Presence::Offline);
            bench.wait(Duration::from_secs(3600));
        }
        bench.reach(Reach::Connected);
        // An edge waits for up to 30 s until it tries the broker again.
        bench.wait(Duration::from_secs(32));
        bench.presence(Presence::Online);
        all(&mut bench, 120, "good");
        assert_eq!(bench.heard(), [""; 0], "restarted: {restarted}");
        assert_eq!(bench.state("lindong", AlarmKind::BrokerLost), State::ReturnedUnacknowledged);
        assert_eq!(bench.state("rtu-01", AlarmKind::EdgeOffline), State::Normal);
        assert_eq!(bench.state("T-01", AlarmKind::GaugeStale), State::Normal);
    }
}

#[test]
fn edge_that_does_not_come_back_with_the_broker_has_its_own_alarm() {
    let mut bench = Bench::new();
    all(&mut bench, 5, "good");
    bench.reach(Reach::CutOff);
    bench.presence(Presence::Offline);
    bench.wait(Duration::from_secs(600));
    bench.reach(Reach::Connected);
    bench.wait(Duration::from_secs(600));
    assert_eq!(bench.heard(), ["lindong broker-lost", "rtu-01 edge-offline"]);
    assert_eq!(bench.state("T-01", AlarmKind::GaugeStale), State::SuppressedByDesign);
}

#[test]
fn edge_that_was_gone_before_the_broker_keeps_its_alarm() {
    let mut bench = Bench::new();
    all(&mut bench, 5, "good");
    bench.presence(Presence::Offline);
    bench.wait(Duration::from_secs(60));
    assert_eq!(bench.heard(), ["rtu-01 edge-offline"]);
    bench.act("rtu-01", AlarmKind::EdgeOffline, Action::Acknowledge).unwrap();
    bench.reach(Reach::CutOff);
    bench.presence(Presence::Offline);
    bench.wait(Duration::from_secs(600));
    bench.reach(Reach::Connected);
    bench.presence(Presence::Offline);
    bench.wait(Duration::from_secs(600));
    assert_eq!(bench.heard(), ["lindong broker-lost"]);
    assert_eq!(bench.state("rtu-01", AlarmKind::EdgeOffline), State::Acknowledged);
}

#[test]
fn gauges_that_are_stale_before_their_edge_is_known_to_be_gone_are_spoken_for_too() {
    let mut root = description();
    root["alarm_defaults"] = json!({"gauge-stale": {"limit_s": 7}});
    let mut bench = Bench::of(root);
    all(&mut bench, 5, "good");
    bench.reach(Reach::CutOff);
    bench.presence(Presence::Offline);
    bench.wait(Duration::from_secs(600));
    assert_eq!(bench.heard(), ["lindong broker-lost"]);
}

#[test]
fn broker_that_is_back_within_its_delay_is_no_alarm() {
    let mut bench = Bench::new();
    all(&mut bench, 5, "good");
    bench.reach(Reach::CutOff);
    bench.presence(Presence::Offline);
    bench.wait(Duration::from_secs(9));
    bench.reach(Reach::Connected);
    bench.presence(Presence::Online);
    all(&mut bench, 120, "good");
    assert!(bench.told.is_empty(), "{:?}", bench.told);
}

#[test]
fn clock_that_is_wrong_for_long_is_told_and_one_late_message_is_not() {
    let mut bench = Bench::new();
    let mut shown = |behind: &[ClockShown]| {
        for clock in behind {
            bench.clock(*clock);
            bench.wait(Duration::from_secs(30));
        }
        bench.heard().into_iter().filter(|heard| heard.ends_with("clock-wrong")).collect::<Vec<_>>()
    };
    let seconds = ClockShown::Behind;
    assert_eq!(shown(&[seconds(0.2), seconds(60.0), seconds(0.1), seconds(-9.0), seconds(9.0)]), [""; 0]);
    for wrong in [seconds(11.0), seconds(-86_400.0), ClockShown::Unset] {
        assert_eq!(shown(&[wrong; 3]), ["rtu-01 clock-wrong"], "{wrong:?}");
        assert_eq!(shown(&[seconds(0.0); 3]), [""; 0]);
    }
}

#[test]
fn wrong_clock_is_one_alarm_and_speaks_for_the_gauges_of_which_nothing_is_fresh() {
    let mut bench = Bench::new();
    all(&mut bench, 5, "good");
    for _ in 0..10 {
        bench.clock(ClockShown::Unset);
        bench.wait(Duration::from_secs(30));
    }
    assert_eq!(bench.heard(), ["rtu-01 clock-wrong"]);
    assert_eq!(bench.state("T-07", AlarmKind::GaugeStale), State::SuppressedByDesign);
    for _ in 0..5 {
        bench.clock(ClockShown::Behind(0.0));
        all(&mut bench, 30, "good");
    }
    assert_eq!(bench.heard(), [""; 0]);
    assert_eq!(bench.state("rtu-01", AlarmKind::ClockWrong), State::ReturnedUnacknowledged);
    assert_eq!(bench.state("T-07", AlarmKind::GaugeStale), State::Normal);
}

#[test]
fn clock_that_is_ahead_hides_no_gauge_that_is_silent() {
    let mut bench = Bench::new();
    all(&mut bench, 5, "good");
    for _ in 0..10 {
        bench.clock(ClockShown::Behind(-15.0));
        for _ in 0..30 {
            bench.wait(SECOND);
            for tank in &TANKS[..6] {
                bench.live(tank, 5000.0, "good");
            }
        }
    }
    // Its readings are as fresh as ever, so a gauge of which none comes is dead.
    assert_eq!(bench.state("T-07", AlarmKind::GaugeStale), State::Unacknowledged);
    assert_eq!(bench.state("rtu-01", AlarmKind::ClockWrong), State::Unacknowledged);
    // A clock that falls behind speaks for what is silent from then on.
    for _ in 0..3 {
        bench.clock(ClockShown::Behind(60.0));
        bench.wait(Duration::from_secs(30));
    }
    assert_eq!(bench.state("T-06", AlarmKind::GaugeStale), State::SuppressedByDesign);
}
