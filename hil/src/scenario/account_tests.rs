use std::collections::VecDeque;

use tankline_domain::units::Millimetres;

use super::*;
use crate::audit::{Place, testing};
use crate::gauge::GaugeValues;

const NEVER: Duration = Duration::ZERO;

fn gauge() -> Gauge {
    testing::gauge(0.0)
}

fn at(second: i64) -> UnixMillis {
    UnixMillis::new(second * 1000)
}

/// Accounts when the story began at 1970.
fn account(gauge: &Gauge, answers: &TankAnswers, kept: &[Kept], excuses: &Excuses) -> Account {
    let story_time = |at: UnixMillis| Duration::from_millis(at.get().unsigned_abs());
    super::account(gauge, answers, kept, excuses, &story_time)
}

/// One answer a second for ten seconds.
fn answers() -> TankAnswers {
    let answer = |second: u16| {
        let values = GaugeValues { level_mm: 1000 + second, interface_mm: 700, temperature_tenths: 200 };
        Answer { at: at(second.into()), values }
    };
    TankAnswers { kept: (0..10).map(answer).collect::<VecDeque<_>>(), dropped: 0 }
}

/// The readings of these answers.
fn readings(seconds: impl IntoIterator<Item = u16>) -> Vec<Kept> {
    let reading = |second: u16| Kept {
        seq: second.into(),
        at: UnixMillis::new(i64::from(second) * 1000 + 5),
        level_mm: Some(f64::from(1000 + second)),
        interface_mm: Some(700.0),
        temperature_c: Some(20.0),
        is_out_of_range: false,
        place: Place::Database,
    };
    seconds.into_iter().map(reading).collect()
}

fn absent(from: i64, until: i64, unsynced: Duration) -> Excuses {
    Excuses { absences: vec![Absence { from: at(from), until: at(until), unsynced }], unanswered: Vec::new() }
}

#[test]
fn every_reply_is_stored() {
    let account = account(&gauge(), &answers(), &readings(0..10), &Excuses::default());
    assert_eq!(account, Account { served: 10, stored: 10, ..Account::default() });
}

#[test]
fn a_reply_that_is_nowhere_is_lost_unless_somebody_says_why() {
    let without_4 = readings((0..10).filter(|second| *second != 4));
    let lost = |excuses: &Excuses| account(&gauge(), &answers(), &without_4, excuses).lost.len();
    assert_eq!(lost(&Excuses::default()), 1);
    assert_eq!(lost(&Excuses { unanswered: vec![at(5)], ..Excuses::default() }), 0, "the edge says so");
    assert_eq!(lost(&Excuses { unanswered: vec![at(9)], ..Excuses::default() }), 1, "of another time");
    assert_eq!(lost(&absent(5, 7, NEVER)), 0, "just before the edge was killed");
    assert_eq!(lost(&absent(8, 9, NEVER)), 1, "long before the edge was killed");
}

#[test]
fn the_end_of_an_edge_excuses_what_was_under_way_and_no_more() {
    let without = readings((0..10).filter(|second| !(2..6).contains(second)));
    let judged = |excuses: &Excuses| {
        let account = account(&gauge(), &answers(), &without, excuses);
        (account.not_taken, account.lost.len())
    };
    assert_eq!(judged(&absent(2, 6, NEVER)), (2, 2));
    assert_eq!(judged(&absent(6, 7, Duration::from_secs(3))), (4, 0), "not synced when the power failed");
}

#[test]
fn a_reading_that_no_gauge_gave_is_invented() {
    let mut kept = readings(0..10);
    kept[3].level_mm = Some(5.0);
    let account = account(&gauge(), &answers(), &kept, &Excuses::default());
    assert_eq!((account.invented.len(), account.lost.len(), account.stored), (1, 0, 9));
    assert!(account.invented[0].words.contains("1003/700/20.0"), "{:?}", account.invented);
    assert_eq!(account.invented[0].at, Duration::from_secs(3));
}

#[test]
fn a_reading_of_the_answer_to_another_request_is_invented() {
    // Each reading says what was answered a second before.
    let mut kept = readings(0..10);
    kept.iter_mut().for_each(|reading| reading.level_mm = reading.level_mm.map(|level| level - 1.0));
    let account = account(&gauge(), &answers(), &kept, &Excuses::default());
    assert!(!account.invented.is_empty(), "{account:?}");
}

#[test]
fn what_is_reported_by_exception_need_not_be_stored_each_time() {
    let report = tankline_domain::site::Report {
        level_deadband: Millimetres::new(1.0),
        interface_deadband: Millimetres::new(1.0),
        temperature_deadband_c: 0.5,
        heartbeat: Duration::from_secs(10),
    };
    let gauge = Gauge { report: Some(report), ..gauge() };
    let account = account(&gauge, &answers(), &readings([0, 5]), &Excuses::default());
    assert_eq!((account.stored, account.lost.len()), (2, 0));
}
