//! Figures counted by hand.

use rusqlite::{Connection, params};
use tankline_domain::alarm::{AlarmKey, AlarmKind, Event, Priority, State, Transition};
use tankline_domain::units::UnixMillis;

use super::{History, Report, Span, Verdict, first_transition, history_of};
use crate::local_time::UtcOffset;
use crate::notify::fixtures;

const DAY: i64 = 86_400;

fn at(second: i64) -> UnixMillis {
    UnixMillis::new(second * 1000)
}

fn span(from: i64, to: i64) -> Span {
    Span { from: at(from), to: at(to) }
}

/// Transitions as they are recorded.
#[derive(Default)]
struct Record(Vec<Transition>);

impl Record {
    fn add(&mut self, tank: i64, second: i64, event: Event, (from, to): (State, State), priority: Priority) {
        let kind = if priority == Priority::Critical { AlarmKind::LevelHighHigh } else { AlarmKind::GaugeStale };
        let key = AlarmKey { site: "s".parse().unwrap(), source: format!("T-{tank:02}").parse().unwrap(), kind };
        self.0.push(Transition { key, at: at(second), event, from, to, priority, ..fixtures::transition(second) });
    }

    fn raised(&mut self, tank: i64, second: i64, priority: Priority) {
        self.add(tank, second, Event::Raised, (State::Normal, State::Unacknowledged), priority);
    }

    fn acknowledged(&mut self, tank: i64, second: i64, priority: Priority) {
        self.add(tank, second, Event::Acknowledged, (State::Unacknowledged, State::Acknowledged), priority);
    }

    fn cleared(&mut self, tank: i64, second: i64, priority: Priority) {
        self.add(tank, second, Event::Cleared, (State::Acknowledged, State::Normal), priority);
    }
}

/// Two days. On the first, one alarm of each usual kind, one that chatters and a flood; one stands for 25 hours.
fn two_days() -> Vec<Transition> {
    use Priority::{Critical, Low, Medium};
    let mut record = Record::default();
    record.raised(1, 3600, Medium);
    record.acknowledged(1, 3630, Medium);
    record.cleared(1, 3700, Medium);
    record.raised(2, 7200, Critical);
    record.acknowledged(2, 7320, Critical);
    // Three annunciations within 40 s, each over after 10 s.
    let mut from = State::Normal;
    for second in [10_000, 10_020, 10_040] {
        record.add(3, second, Event::Raised, (from, State::Unacknowledged), Low);
        from = State::ReturnedUnacknowledged;
        record.add(3, second + 10, Event::Cleared, (State::Unacknowledged, from), Low);
    }
    record.add(3, 10_640, Event::Acknowledged, (from, State::Normal), Low);
    // 11 in the ten minutes from 20400 s, 5 in the next, 4 in those after.
    for (begins, tanks, acknowledged, cleared) in
        [(20_400, 10..21, 20_500, 20_900), (21_000, 10..15, 21_060, 21_500), (21_600, 10..14, 21_660, 22_000)]
    {
        for tank in tanks {
            let shift = if acknowledged == 20_500 { 0 } else { tank - 10 };
            record.raised(tank, begins + tank - 10, Low);
            record.acknowledged(tank, acknowledged + shift, Low);
            record.cleared(tank, cleared, Low);
        }
    }
    record.cleared(2, 97_200, Critical);
    record.0
}

#[test]
fn figures_of_two_days_are_those_counted_by_hand() {
    let report = Report::of(&History::of(&[], &two_days()), span(0, 2 * DAY), UtcOffset::default());
    let all = &report.all;
    assert_eq!((all.annunciations, all.different), (25, 14));
    assert_eq!((all.per_day, all.per_hour, all.per_10_min), (12.5, 25.0 / 48.0, 25.0 / 288.0));
    assert_eq!((all.most_in_10_min, all.most_in_an_hour), (11, 16));
    assert_eq!((all.hours_above_30_percent, all.periods_above_10_percent), (0.0, 100.0 / 288.0));
    // One flood of two periods, 20 of 2880 minutes.
    assert_eq!((all.floods, all.flooded_percent), (1, 2000.0 / 2880.0));
    assert_eq!(all.chattering.iter().collect::<Vec<_>>(), ["s/T-03/gauge-stale"]);
    assert_eq!(all.fleeting, 3);
    assert_eq!(all.stale.iter().collect::<Vec<_>>(), ["s/T-02/level-hh"]);
    let top: Vec<_> = all.top.iter().map(|one| (one.alarm.as_str(), one.annunciations)).collect();
    assert_eq!(top.iter().map(|one| one.1).collect::<Vec<_>>(), [3, 3, 3, 3, 3, 2, 1, 1, 1, 1]);
    assert_eq!((top[0].0, top[6].0), ("s/T-03/gauge-stale", "s/T-01/gauge-stale"));
    assert_eq!((all.top[0].percent, all.top_percent), (12.0, 84.0));
    let shares = all.priorities;
    assert_eq!((shares.critical_percent, shares.high_percent), (4.0, 0.0));
    assert_eq!((shares.medium_percent, shares.low_percent), (4.0, 92.0));
    // 30, nine times 60, 90 to 100, 120, 600: the 12th of 23 is 91, the 21st is 100.
    let took = all.acknowledgement.unwrap();
    assert_eq!((took.count, took.median_s, took.p90_s, took.most_s), (23, 91.0, 100.0, 600.0));
}

#[test]
fn days_share_out_what_the_whole_has() {
    let report = Report::of(&History::of(&[], &two_days()), span(0, 2 * DAY), UtcOffset::default());
    let days: Vec<_> = report
        .days
        .iter()
        .map(|day| {
            let figures = &day.figures;
            (day.date.as_str(), figures.annunciations, figures.floods, figures.flooded_percent, figures.stale.len())
        })
        .collect();
    // It stood for 24 hours on the second day at 02:00.
    assert_eq!(days, [("1970-01-01", 25, 1, 2000.0 / 1440.0, 0), ("1970-01-02", 0, 0, 0.0, 1)]);
    let east = Report::of(&History::of(&[], &two_days()), span(0, 2 * DAY), "+08:00".parse().unwrap());
    let dates: Vec<_> = east.days.iter().map(|day| (day.date.as_str(), day.figures.hours)).collect();
    assert_eq!(dates, [("1970-01-01", 16.0), ("1970-01-02", 24.0), ("1970-01-03", 8.0)]);
}

#[test]
fn alarms_that_are_late_or_rare_are_neither_chattering_nor_fleeting_nor_stale() {
    let mut record = Record::default();
    // The third comes 60.001 s after the first; each is over after a minute.
    for (millis, end) in [(0, 60_000), (1, 60_001), (60_001, 120_001)] {
        record.raised(1, 0, Priority::Low);
        record.0.last_mut().unwrap().at = UnixMillis::new(millis);
        record.add(1, 0, Event::Cleared, (State::Unacknowledged, State::ReturnedUnacknowledged), Priority::Low);
        record.0.last_mut().unwrap().at = UnixMillis::new(end);
    }
    record.raised(2, 0, Priority::Critical);
    record.acknowledged(2, 5, Priority::Critical);
    record.cleared(2, DAY, Priority::Critical);
    let report = Report::of(&History::of(&[], &record.0), span(0, DAY), UtcOffset::default());
    assert!(report.all.chattering.is_empty() && report.all.stale.is_empty());
    assert_eq!(report.all.fleeting, 0);
}

#[test]
fn figures_are_held_against_what_is_recommended() {
    let verdicts = |annunciations: i64, seconds: i64| {
        let mut record = Record::default();
        for number in 0..annunciations {
            record.raised(number % 3, number * seconds / annunciations, Priority::Low);
        }
        let report = Report::of(&History::of(&[], &record.0), span(0, seconds), UtcOffset::default());
        let verdict = |figure: &str| report.judgements.iter().find(|row| row.figure == figure).unwrap().verdict;
        (verdict("annunciations a day"), verdict("in 10 minutes"), verdict("hours with more than 30"), verdict("low"))
    };
    use Verdict::{Acceptable, Exceeded, Manageable, NotJudged};
    assert_eq!(verdicts(150, DAY), (Acceptable, Manageable, Acceptable, Acceptable));
    assert_eq!(verdicts(144, DAY).1, Acceptable);
    assert_eq!(verdicts(300, DAY).0, Manageable);
    assert_eq!(verdicts(301, DAY).0, Exceeded);
    assert_eq!(verdicts(24 * 31, DAY).2, Exceeded);
    assert_eq!(verdicts(99, DAY).3, NotJudged);
    assert_eq!(verdicts(2, 600).0, NotJudged);
}

fn insert(connection: &Connection, transitions: &[Transition]) {
    for one in transitions {
        connection
            .execute(
                "INSERT INTO alarm_transition (site, source, alarm, priority, at_ms, event, state_from, state_to, unit,
                                               recorded_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, '', 0)",
                params![
                    one.key.site.as_str(),
                    one.key.source.as_str(),
                    one.key.kind.name(),
                    one.priority.name(),
                    one.at.get(),
                    one.event.name(),
                    one.from.name(),
                    one.to.name()
                ],
            )
            .unwrap();
    }
}

#[test]
fn what_stood_before_the_span_is_known_from_the_database() {
    let (_folder, connection) = fixtures::database();
    insert(&connection, &two_days());
    let site = "s".parse().unwrap();
    assert_eq!(first_transition(&connection, Some(&site)).unwrap(), Some(at(3600)));
    let whole = history_of(&connection, None, span(0, 2 * DAY)).unwrap();
    assert_eq!(whole.annunciations.len(), 25);
    // Begun while T-03 waits for its acknowledgement and T-02 stands: both are known with their beginnings.
    let later = history_of(&connection, Some(&site), span(10_060, 2 * DAY)).unwrap();
    assert_eq!(later.annunciations.len(), 20);
    assert_eq!(later.acknowledgements.iter().map(|one| one.1).max(), Some(600_000));
    let report = Report::of(&later, span(10_060, 2 * DAY), UtcOffset::default());
    assert_eq!(report.all.stale.len(), 1);
    assert!(history_of(&connection, Some(&"other".parse().unwrap()), span(0, DAY)).unwrap().annunciations.is_empty());
}

#[test]
fn an_alarm_that_calls_again_before_a_span_waits_since_its_last_call() {
    let (_folder, connection) = fixtures::database();
    let mut record = Record::default();
    record.raised(1, 100, Priority::Low);
    record.acknowledged(1, 130, Priority::Low);
    let latched = State::LatchedAcknowledged;
    record.add(1, 140, Event::Cleared, (State::Acknowledged, latched), Priority::Low);
    record.add(1, 200, Event::Raised, (latched, State::Unacknowledged), Priority::Low);
    record.acknowledged(1, 1000, Priority::Low);
    insert(&connection, &record.0);
    let history = history_of(&connection, None, span(500, DAY)).unwrap();
    assert_eq!(history.acknowledgements, [(at(1000), 800_000)]);
    assert_eq!((history.episodes[0].from, history.episodes[0].to), (at(100), None));
}

#[test]
fn it_is_said_in_lines_that_fit_a_terminal() {
    let report = Report::of(&History::of(&[], &two_days()), span(0, 2 * DAY), UtcOffset::default());
    let said = report.in_words();
    println!("{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    for line in [
        "Alarms from 1970-01-01 00:00 to 1970-01-03 00:00 (+00:00), 2.0 days",
        "annunciations a day                 12.5   150, at most 300    acceptable",
        "most in 10 minutes                    11   at most 10          exceeded",
        "chattering alarms                      1   none                exceeded",
        "25 annunciations of 14 different alarms, 1 flood",
        "23 acknowledged: half within 91 s, nine in ten within 100 s, at most 10 min",
        "       3   12.0 %  s/T-03/gauge-stale",
    ] {
        assert!(said.contains(line), "{line}\nis not in\n{said}");
    }
}
