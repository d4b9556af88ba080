use std::sync::Arc;

use tankline_domain::alarm::{Priority, State};
use tankline_domain::message::{EdgeHealth, EdgeState, JournalId, Presence};
use tankline_domain::ranges::RangeSet;
use tankline_domain::units::UnixMillis;

use super::{Composer, LimitLines, Now};
use crate::alarms::Standing;
use crate::config::TextFields;
use crate::live::{LiveEdges, Shown, TankState, TankView, view};
use crate::stations::EdgeId;
use crate::testing;

const AT: UnixMillis = UnixMillis::new(1_795_400_000_000);

fn now() -> Now {
    let stations = Arc::new(testing::stations());
    let views = stations.tanks().map(|(_, tank)| view(AT, tank, None, None)).collect();
    Now {
        at: AT,
        text_fields: TextFields::LeftOut,
        stations,
        views,
        edges: LiveEdges::default(),
        standing: vec![],
        committed: vec![],
        alarm_figures: vec![],
    }
}

fn seen(view: &TankView, state: TankState, age_s: f64) -> TankView {
    let shown = Shown {
        level_mm: Some(5000.0),
        tov_m3: Some(5.0),
        flow_m3h: Some(1.5),
        quality: Some("good".into()),
        ..Shown::default()
    };
    TankView { state, stale: state == TankState::Stale, shown, age_s: Some(age_s), ..view.clone() }
}

fn health(depth: u64) -> EdgeHealth {
    let gauge = r#"{"line":"line-01","tank":"T-01","unit":1,"polls":9,"replies":7,"timeouts":2,"reply_ms_p50":41.5}"#;
    let text = format!(
        r#"{{"at":1,"gauges":[{gauge}],"journal_depth":{depth},"gap_readings":3,"clock":"set","held":2,"disk":"hangs"}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn edge(now: &Now) -> EdgeId {
    now.stations.edges().next().unwrap().0
}

fn online() -> EdgeState {
    EdgeState { state: Presence::Online, journal: Some(JournalId::new(255)), ..EdgeState::offline() }
}

/// Gives the lines that begin so.
fn lines(text: &str, start: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with(start)).map(str::to_owned).collect()
}

fn one(text: &str, start: &str) -> String {
    let mut found = lines(text, start);
    assert_eq!(found.len(), 1, "{start}: {text}");
    found.remove(0)
}

#[test]
fn values_of_a_tank_are_written_while_they_hold_and_never_afterwards() {
    let mut now = now();
    let mut composer = Composer::default();
    for (state, holds) in [
        (TankState::Live, true),
        (TankState::Uncertain, true),
        (TankState::Bad, false),
        (TankState::Stale, false),
        (TankState::Never, false),
    ] {
        now.views[0] = seen(&now.views[0], state, 7.5);
        let text = composer.compose(&now, false);
        let (live, bar) = (one(&text, "live,site=s,tank=T-01 "), one(&text, "bar,site=s,tank=T-01 "));
        let values = if holds { "level_mm=5000,level_percent=50,tov_m3=5,flow_m3h=1.5," } else { "" };
        let head = format!("live,site=s,tank=T-01 state={}i,age_s=7.5,", state.code());
        assert_eq!(live, format!("{head}{values}quality_code=192i 1795400000000"));
        assert_eq!(bar.contains(",unknown=100 "), !holds, "{bar}");
    }
    now.views[0] = seen(&now.views[0], TankState::Stale, 60.0);
    now.views[1] = seen(&now.views[1], TankState::Live, 1.0);
    let station = one(&composer.compose(&now, false), "station,site=s ");
    assert!(
        station.contains(" live=1i,uncertain=0i,bad=0i,stale=1i,never=2i,edges_online=0i,edges_away=2i,"),
        "{station}"
    );
    let never = one(&composer.compose(&now, false), "live,site=s,tank=T-04 ");
    assert_eq!(never, "live,site=s,tank=T-04 state=4i 1795400000000");
}

#[test]
fn figures_of_an_edge_are_not_repeated_once_it_is_gone_or_silent() {
    let (mut now, mut composer) = (now(), Composer::default());
    let id = edge(&now);
    let row = |now: &Now, composer: &mut Composer| one(&composer.compose(now, false), "edge,site=s,edge=rtu-01 ");
    assert!(row(&now, &mut composer).contains(" state=2i,offline=0i "), "nothing is known of it");
    now.edges.note_state(AT, id, online());
    now.edges.note_health(AT, id, health(17));
    now.views[0] = seen(&now.views[0], TankState::Live, 4.0);
    now.views[1] = seen(&now.views[1], TankState::Live, 3.0);
    let said = row(&now, &mut composer);
    let head = "edge,site=s,edge=rtu-01 state=0i,offline=0i,heard_age_s=0,newest_reading_age_s=3,journal_depth=17i,";
    let rest = "gap_readings=3i,held=2i,time_unknown=0i,clock_set=1i,disk_trouble=1i 1795400000000";
    assert_eq!(said, format!("{head}{rest}"), "how old what it holds is was not said");
    now.edges.note_health(AT, id, health(0));
    assert!(row(&now, &mut composer).contains("journal_depth=0i,journal_oldest_s=0,"));
    now.at = UnixMillis::new(AT.get() + 95_001);
    assert!(!row(&now, &mut composer).contains("journal_depth"), "its health is too old");
    now.at = AT;
    now.edges.note_state(AT, id, EdgeState::offline());
    let gone = row(&now, &mut composer);
    assert!(gone.contains(" state=1i,offline=1i,heard_age_s=0,") && !gone.contains("journal_depth"), "{gone}");
}

#[test]
fn edge_that_cannot_be_heard_is_not_known_to_be_there_until_it_says_so() {
    let (mut now, mut composer) = (now(), Composer::default());
    let id = edge(&now);
    let shown = |now: &Now, composer: &mut Composer| {
        let page = composer.compose(now, false);
        let (edge, station) = (one(&page, "edge,site=s,edge=rtu-01 "), one(&page, "station,site=s "));
        (edge.contains(" state=0i,"), edge.contains(" state=2i,offline=0i "), station.contains(",edges_online=1i,"))
    };
    now.edges.note_state(AT, id, online());
    assert_eq!(shown(&now, &mut composer), (true, false, true));
    now.edges.cut_off(id);
    assert_eq!(shown(&now, &mut composer), (false, true, false));
    // Of which journal its readings are is known all the same, and that it is as it was is no news.
    assert!(now.edges.get(id).unwrap().state.is_some());
    assert_eq!(now.edges.note_state(AT, id, online()), None);
    assert_eq!(shown(&now, &mut composer), (true, false, true));
}

#[test]
fn counters_of_a_gauge_are_written_once_and_again_when_they_were_lost() {
    let (mut now, mut composer) = (now(), Composer::default());
    let id = edge(&now);
    let came = UnixMillis::new(AT.get() - 2000);
    now.edges.note_health(came, id, health(0));
    let line = one(&composer.compose(&now, false), "line,");
    let expected = "line,site=s,edge=rtu-01,line=line-01,gauge=T-01 polls=9i,replies=7i,timeouts=2i,crc_errors=0i,late=0i,\
                    foreign=0i,exceptions=0i,echoes=0i,skipped=0i,unit=1i,reply_ms_p50=41.5 1795399998000";
    assert_eq!(line, expected);
    assert_eq!(lines(&composer.compose(&now, false), "line,"), [""; 0]);
    composer.handle_lost();
    assert_eq!(one(&composer.compose(&now, false), "line,"), expected);
    now.edges.note_health(AT, id, health(0));
    assert!(one(&composer.compose(&now, false), "line,").ends_with(" 1795400000000"));
}

#[test]
fn completeness_tells_what_is_missing_and_what_the_edge_dropped() {
    let (mut now, mut composer) = (now(), Composer::default());
    let id = edge(&now);
    let (current, earlier) = (JournalId::new(255), JournalId::new(7));
    let set = |ranges: &[(u64, u64)]| RangeSet::try_from(ranges.to_vec()).unwrap();
    now.committed = vec![(id, current, set(&[(1, 40), (51, 60), (62, 100)])), (id, earlier, set(&[(3, 10)]))];
    let mut said = health(0);
    said.gaps = vec![tankline_domain::message::JournalRanges { journal: current, ranges: set(&[(41, 50)]) }];
    now.edges.note_state(AT, id, online());
    now.edges.note_health(AT, id, said);
    assert_eq!(
        lines(&composer.compose(&now, false), "completeness,"),
        ["completeness,site=s,edge=rtu-01 through_seq=60i,newest_seq=100i,missing=3i,dropped=10i,journals=2i \
          1795400000000"]
    );
}

#[test]
fn alarm_that_became_normal_is_written_once_more_so_that_it_goes_at_once() {
    let (mut now, mut composer) = (now(), Composer::default());
    let key = testing::alarm_key("level-hh");
    now.standing = vec![Standing {
        site: key.site,
        source: key.source,
        alarm: key.kind,
        state: State::Unacknowledged,
        priority: Priority::Critical,
        title: "Level high-high (HH)".into(),
        guidance: String::new(),
        value: Some(9001.0),
        limit: Some(9000.0),
        unit: "mm".into(),
        since: UnixMillis::new(AT.get() - 61_000),
        changed: AT,
        acknowledged_by: None,
        put_aside_by: None,
        note: None,
        shelved_until: None,
    }];
    let head = "standing,site=s,tank=T-01,alarm=level-hh,priority=critical";
    let standing =
        format!("{head} state=1i,urgency=1i,since_ms=1795399939000i,age_s=61,value=9001,limit=9000 1795400000000");
    for _ in 0..2 {
        assert_eq!(lines(&composer.compose(&now, false), "standing,"), std::slice::from_ref(&standing));
    }
    now.standing.clear();
    for _ in 0..2 {
        assert_eq!(lines(&composer.compose(&now, false), "standing,"), [format!("{head} state=0i 1795400000000")]);
        composer.handle_lost();
    }
    assert_eq!(lines(&composer.compose(&now, false), "standing,"), [format!("{head} state=0i 1795400000000")]);
    assert_eq!(lines(&composer.compose(&now, false), "standing,"), [""; 0]);
}

#[test]
fn limits_are_written_seldom_and_after_a_loss() {
    let mut composer = Composer::new(LimitLines::new(&[testing::site()]));
    let start = testing::instant();
    assert!(composer.is_seldom_due(start) && !composer.is_seldom_due(start));
    assert!(!composer.is_seldom_due(start + std::time::Duration::from_secs(59)));
    assert!(composer.is_seldom_due(start + std::time::Duration::from_secs(60)));
    composer.handle_lost();
    assert_eq!(lines(&composer.compose(&now(), false), "limit,"), [""; 0], "none of them got lost");
    composer.compose(&now(), true);
    // Only they are written again, and as often as they are lost: nothing is counted for that.
    composer.handle_lost();
    assert!(!composer.is_seldom_due(start + std::time::Duration::from_secs(61)));
    composer.compose(&now(), false);
    composer.handle_lost();
    let text = composer.compose(&now(), false);
    assert_eq!(lines(&composer.compose(&now(), false), "limit,"), [""; 0]);
    assert!(
        one(&text, "limit,site=s,tank=T-01 ").contains(" height_mm=10000,capacity_m3=10,stale_after_s=60 "),
        "{text}"
    );
}
