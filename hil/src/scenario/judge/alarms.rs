//! Alarms.

use std::collections::BTreeSet;
use std::time::Duration;

use tankline_domain::alarm::Event;
use tankline_domain::names::TankName;

use super::{failed, met};
use crate::scenario::outcome::Judgement;
use crate::scenario::record::Record;
use crate::scenario::story::{AlarmWish, Bounds, Limit, Window, in_words};

pub(super) fn judge(record: &Record, source: &TankName, alarm: &str, wish: AlarmWish) -> Judgement {
    let changes = changes(record, source, alarm);
    let after =
        |from: Duration, active: bool| changes.iter().find(|(at, is)| *is == active && *at >= from).map(|(at, _)| *at);
    let told = || match changes.as_slice() {
        [] => "never heard of".to_owned(),
        changes => {
            let words = changes
                .iter()
                .map(|(at, active)| format!("{} at {}", if *active { "raised" } else { "cleared" }, in_words(*at)));
            words.collect::<Vec<_>>().join(", ")
        }
    };
    match wish {
        AlarmWish::Raised { from, by } => {
            let early = changes.iter().find(|(at, active)| *active && *at < from);
            let expected = format!("{source}: alarm {alarm} raised between {} and {}", in_words(from), in_words(by));
            match (early, after(from, true)) {
                (Some((at, _)), _) => failed(expected, told(), Some(*at)),
                (None, Some(at)) if at <= by => met(format!("raised at {}", in_words(at))),
                (None, other) => failed(expected, told(), other.or(Some(by))),
            }
        }
        AlarmWish::Cleared { from, by } => {
            let expected = format!("{source}: alarm {alarm} cleared between {} and {}", in_words(from), in_words(by));
            let was_raised = changes.iter().any(|(at, active)| *active && *at <= by);
            match after(from, false) {
                Some(at) if at <= by && was_raised => met(format!("cleared at {}", in_words(at))),
                other => failed(expected, told(), other.or(Some(by))),
            }
        }
        AlarmWish::Never(window) => {
            let stands_at_start =
                changes.iter().take_while(|(at, _)| *at < window.from).last().is_some_and(|(_, active)| *active);
            let raised = changes.iter().find(|(at, active)| *active && window.has(*at)).map(|(at, _)| *at);
            match raised.or(stands_at_start.then_some(window.from)) {
                Some(at) => {
                    failed(format!("{source}: alarm {alarm} not raised {}", in_window(window)), told(), Some(at))
                }
                None => met("never raised"),
            }
        }
        AlarmWish::Follows { limit, poll, on_delay, slack, window } => {
            let Some(crossed) = crossed(record, source, limit, window) else {
                return failed(format!("{source}: the truth passes the limit {window}"), "it does not", None);
            };
            let (earliest, latest) = (
                crossed + record.story(on_delay.saturating_sub(slack)),
                crossed + record.story(on_delay + poll + slack),
            );
            let real_ms = |from: Duration, to: Duration| {
                (to.as_secs_f64() - from.as_secs_f64()) / record.speed.max(f64::MIN_POSITIVE) * 1000.0
            };
            match after(window.from, true) {
                Some(at) if (earliest..=latest).contains(&at) => {
                    met(format!("raised {:.0} ms after the truth", real_ms(crossed, at)))
                }
                raised => {
                    let seen = raised.map_or_else(told, |at| format!("{:.0} ms after it", real_ms(crossed, at)));
                    let (least, most) = (real_ms(crossed, earliest), real_ms(crossed, latest));
                    let at = in_words(crossed);
                    let expected = format!(
                        "{source}: alarm {alarm} {least:.0} to {most:.0} ms after the truth passed its limit at {at}"
                    );
                    failed(expected, seen, raised.or(Some(crossed)))
                }
            }
        }
        AlarmWish::Times { bounds, window } => {
            let raised = raised(record, window, |note, of| note == source && of == alarm);
            let expected = format!("{source}: alarm {alarm} raised {bounds} times {window}");
            if bounds.has(raised.len() as u64) {
                met(format!("raised {} times", raised.len()))
            } else {
                failed(expected, in_a_row(&raised), raised.last().map(|(at, ..)| *at))
            }
        }
        AlarmWish::FoundInBacklog(window) => {
            let found = record.alarm_history.iter().find(|event| {
                event.source == *source
                    && event.alarm == alarm
                    && event.event == Event::FoundInBacklog.name()
                    && window.has(event.at)
            });
            let raised = raised(record, window, |note, of| note == source && of == alarm);
            let expected = format!("{source}: alarm {alarm} found in the backlog and not raised {window}");
            match (found, raised.first()) {
                (_, Some((at, ..))) => failed(expected, in_a_row(&raised), Some(*at)),
                (Some(found), None) => met(format!("found at {}", in_words(found.at))),
                (None, None) => failed(expected, "it is not in the history", Some(window.until)),
            }
        }
    }
}

/// Judges that alarms were raised, each after the one before.
pub(super) fn in_order(record: &Record, alarms: &[(TankName, String)], window: Window) -> Judgement {
    let first = |source: &TankName, alarm: &str| {
        let changes = changes(record, source, alarm);
        changes.into_iter().find(|(at, active)| *active && window.has(*at)).map(|(at, _)| at)
    };
    let raised: Vec<_> = alarms.iter().map(|(source, alarm)| (first(source, alarm), source, alarm)).collect();
    let words = |(at, source, alarm): &(Option<Duration>, &TankName, &String)| {
        let at = at.map_or_else(|| "never".to_owned(), |at| format!("at {}", in_words(at)));
        format!("{source} {alarm} {at}")
    };
    let seen = raised.iter().map(words).collect::<Vec<_>>().join(", ");
    let is_in_order = raised.iter().all(|(at, ..)| at.is_some()) && raised.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if is_in_order {
        return met(seen);
    }
    let names: Vec<_> = alarms.iter().map(|(source, alarm)| format!("{source} {alarm}")).collect();
    let at = raised.iter().filter_map(|(at, ..)| *at).max();
    failed(format!("{} in this order {window}", names.join(", ")), seen, at)
}

/// Judges how many alarms were raised in all.
pub(super) fn count(record: &Record, bounds: Bounds, window: Window) -> Judgement {
    let raised = raised(record, window, |_, _| true);
    if bounds.has(raised.len() as u64) {
        return met(
            format!("{} raised{}", raised.len(), if raised.is_empty() { "" } else { ": " }) + &in_a_row(&raised)
        );
    }
    let seen = if raised.is_empty() { "none".to_owned() } else { in_a_row(&raised) };
    failed(format!("alarms raised in all {window}: {bounds}"), seen, raised.last().map(|(at, ..)| *at))
}

type Raised<'r> = Vec<(Duration, &'r TankName, &'r str)>;

fn in_a_row(raised: &Raised<'_>) -> String {
    raised
        .iter()
        .map(|(at, source, alarm)| format!("{source} {alarm} at {}", in_words(*at)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Gives when alarms were raised: as was told, or as the history says where that is more often. What is raised anew while
/// it stands nobody can hear.
fn raised<'r>(record: &'r Record, window: Window, is_meant: impl Fn(&TankName, &str) -> bool) -> Raised<'r> {
    let told = record.alarms.iter().map(|note| (&note.source, note.alarm.as_str()));
    let kept = record.alarm_history.iter().map(|event| (&event.source, event.alarm.as_str()));
    let alarms: BTreeSet<_> = told.chain(kept).filter(|(source, alarm)| is_meant(source, alarm)).collect();
    let mut raised: Raised<'r> = Vec::new();
    for (source, alarm) in alarms {
        let told = changes(record, source, alarm).into_iter().filter(|(_, active)| *active).map(|(at, _)| at);
        let told: Vec<_> = told.filter(|at| window.has(*at)).collect();
        let history = record.alarm_history.iter().filter(|event| event.source == *source && event.alarm == alarm);
        let kept = history.filter(|event| event.is_annunciated && window.has(event.at)).map(|event| event.at);
        let kept: Vec<_> = kept.collect();
        let times = if kept.len() > told.len() { kept } else { told };
        raised.extend(times.into_iter().map(|at| (at, source, alarm)));
    }
    raised.sort_unstable();
    raised
}

/// Gives when the truth first passes a limit, between two samples as on a straight line.
fn crossed(record: &Record, tank: &TankName, limit: Limit, window: Window) -> Option<Duration> {
    let truth = &record.tanks.get(tank)?.truth;
    let at = truth.iter().position(|sample| window.has(sample.at) && limit.is_passed_by(sample.level_mm))?;
    let (Limit::Above(bound) | Limit::Below(bound)) = limit;
    let after = truth[at];
    let Some(before) = at.checked_sub(1).map(|at| truth[at]) else { return Some(after.at) };
    let share = (bound - before.level_mm) / (after.level_mm - before.level_mm);
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 1.0 };
    Some(before.at + after.at.saturating_sub(before.at).mul_f64(share))
}

fn in_window(window: Window) -> String {
    window.to_string()
}

/// Gives when the alarm began and ended to stand.
fn changes(record: &Record, source: &TankName, alarm: &str) -> Vec<(Duration, bool)> {
    let mut changes: Vec<(Duration, bool)> = Vec::new();
    for note in record.alarms.iter().filter(|note| note.source == *source && note.alarm == alarm) {
        let stands = changes.last().is_some_and(|(_, active)| *active);
        if stands != note.is_active {
            changes.push((note.at, note.is_active));
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::super::testing::{record, seconds, tank};
    use super::*;
    use crate::scenario::record::{AlarmEvent, AlarmNote};

    fn raised_at_20_cleared_at_40() -> Record {
        let note =
            |at, is_active| AlarmNote { at: seconds(at), source: tank(), alarm: "level-h".to_owned(), is_active };
        // The broker says retained ones again after a restart.
        Record { alarms: vec![note(5, false), note(20, true), note(25, true), note(40, false)], ..record(Vec::new()) }
    }

    #[test]
    fn an_alarm_is_raised_cleared_or_never() {
        let record = raised_at_20_cleared_at_40();
        let judged = |alarm: &str, wish| judge(&record, &tank(), alarm, wish);
        let raised = |from, by| AlarmWish::Raised { from: seconds(from), by: seconds(by) };
        let cleared = |from, by| AlarmWish::Cleared { from: seconds(from), by: seconds(by) };
        let never = |from, until| AlarmWish::Never(Window { from: seconds(from), until: seconds(until) });
        assert_eq!(judged("level-h", raised(10, 30)), met("raised at 20 s"));
        assert_eq!(judged("level-h", cleared(30, 50)), met("cleared at 40 s"));
        assert_eq!(judged("level-hh", never(0, 100)), met("never raised"));
        assert_eq!(judged("level-h", never(41, 100)), met("never raised"));
        for (alarm, wish) in [
            ("level-h", raised(0, 19)),
            ("level-h", raised(21, 30)),
            ("level-hh", raised(0, 100)),
            ("level-h", cleared(0, 39)),
            ("level-hh", cleared(0, 100)),
            ("level-h", never(10, 30)),
            ("level-h", never(30, 35)),
        ] {
            assert!(matches!(judged(alarm, wish), Judgement::Failed(_)), "{alarm} {wish:?}");
        }
        let seen = "raised at 20 s, cleared at 40 s";
        let expected = "T-01: alarm level-h raised between 0 ms and 19 s";
        assert_eq!(judged("level-h", raised(0, 19)), failed(expected, seen, Some(seconds(20))));
    }

    /// The level of the made-up tank rises by 1 mm a second from 1000 mm: it passes 1020 mm at 20 s.
    fn follows(limit: f64) -> AlarmWish {
        AlarmWish::Follows {
            limit: Limit::Above(limit),
            poll: seconds(1),
            on_delay: seconds(2),
            slack: Duration::from_millis(200),
            window: Window { from: Duration::ZERO, until: seconds(100) },
        }
    }

    fn raised_at(at: Duration) -> Record {
        let note = AlarmNote { at, source: tank(), alarm: "level-h".to_owned(), is_active: true };
        Record { alarms: vec![note], ..record(Vec::new()) }
    }

    #[test]
    fn an_alarm_follows_the_truth_after_its_delay_and_a_poll() {
        let judged = |millis| judge(&raised_at(Duration::from_millis(millis)), &tank(), "level-h", follows(1020.5));
        assert_eq!(judged(22_500), met("raised 2000 ms after the truth"));
        assert_eq!(judged(23_700), met("raised 3200 ms after the truth"));
        let expected = "T-01: alarm level-h 1800 to 3200 ms after the truth passed its limit at 20.5 s";
        let at = Duration::from_millis(23_800);
        assert_eq!(judged(23_800), failed(expected, "3300 ms after it", Some(at)));
        assert!(matches!(judged(22_200), Judgement::Failed(_)), "before its delay was over");
        let never = judge(&record(Vec::new()), &tank(), "level-h", follows(1020.5));
        assert_eq!(never, failed(expected, "never heard of", Some(Duration::from_millis(20_500))));
        assert!(matches!(judge(&raised_at(seconds(22)), &tank(), "level-h", follows(9000.0)), Judgement::Failed(_)));
    }

    #[test]
    fn alarms_are_in_order_only_when_each_was_raised_after_the_one_before() {
        let note =
            |at, alarm: &str| AlarmNote { at: seconds(at), source: tank(), alarm: alarm.to_owned(), is_active: true };
        let record = Record { alarms: vec![note(10, "level-h"), note(20, "level-hh")], ..record(Vec::new()) };
        let window = Window { from: Duration::ZERO, until: seconds(100) };
        let judged = |alarms: &[&str]| {
            let alarms: Vec<_> = alarms.iter().map(|alarm| (tank(), (*alarm).to_owned())).collect();
            in_order(&record, &alarms, window)
        };
        assert_eq!(judged(&["level-h", "level-hh"]), met("T-01 level-h at 10 s, T-01 level-hh at 20 s"));
        assert!(matches!(judged(&["level-hh", "level-h"]), Judgement::Failed(_)));
        assert!(matches!(judged(&["level-h", "level-l"]), Judgement::Failed(_)));
    }

    #[test]
    fn what_is_raised_is_counted_and_what_is_raised_anew_while_it_stands_is_found_in_the_history() {
        let event = |at, event: &str| AlarmEvent {
            at: seconds(at),
            source: tank(),
            alarm: "level-h".to_owned(),
            event: event.to_owned(),
            is_annunciated: event == "raised",
        };
        let window = Window { from: Duration::ZERO, until: seconds(100) };
        let times = |record: &Record, times| {
            let bounds = Bounds { at_least: times, at_most: times };
            judge(record, &tank(), "level-h", AlarmWish::Times { bounds, window })
        };
        let told = raised_at(seconds(10));
        assert_eq!(times(&told, 1), met("raised 1 times"));
        assert_eq!(count(&told, Bounds { at_least: 1, at_most: 1 }, window), met("1 raised: T-01 level-h at 10 s"));
        assert_eq!(
            count(&told, Bounds { at_least: 0, at_most: 1 }, Window { from: seconds(11), ..window }),
            met("0 raised")
        );
        let anew = Record { alarm_history: vec![event(10, "raised"), event(20, "raised")], ..told.clone() };
        assert!(matches!(times(&anew, 1), Judgement::Failed(_)));
        assert!(matches!(count(&anew, Bounds { at_least: 1, at_most: 1 }, window), Judgement::Failed(_)));

        let found = |record: &Record| judge(record, &tank(), "level-h", AlarmWish::FoundInBacklog(window));
        let late = Record { alarm_history: vec![event(20, "found-in-backlog")], ..record(Vec::new()) };
        assert_eq!(found(&late), met("found at 20 s"));
        assert!(matches!(found(&record(Vec::new())), Judgement::Failed(_)));
        assert!(matches!(found(&Record { alarms: told.alarms, ..late }), Judgement::Failed(_)), "somebody was told");
    }
}
