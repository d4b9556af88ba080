//! Alarms.

use std::time::Duration;

use tankline_domain::names::TankName;

use super::{failed, met};
use crate::scenario::outcome::Judgement;
use crate::scenario::record::Record;
use crate::scenario::story::{AlarmWish, Window, in_words};

pub(super) fn judge(record: &Record, tank: &TankName, alarm: &str, wish: AlarmWish) -> Judgement {
    let changes = changes(record, tank, alarm);
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
            let expected = format!("{tank}: alarm {alarm} raised between {} and {}", in_words(from), in_words(by));
            match (early, after(from, true)) {
                (Some((at, _)), _) => failed(expected, told(), Some(*at)),
                (None, Some(at)) if at <= by => met(format!("raised at {}", in_words(at))),
                (None, other) => failed(expected, told(), other.or(Some(by))),
            }
        }
        AlarmWish::Cleared { from, by } => {
            let expected = format!("{tank}: alarm {alarm} cleared between {} and {}", in_words(from), in_words(by));
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
                Some(at) => failed(format!("{tank}: alarm {alarm} not raised {}", in_window(window)), told(), Some(at)),
                None => met("never raised"),
            }
        }
    }
}

fn in_window(window: Window) -> String {
    window.to_string()
}

/// Gives when the alarm began and ended to stand.
fn changes(record: &Record, tank: &TankName, alarm: &str) -> Vec<(Duration, bool)> {
    let mut changes: Vec<(Duration, bool)> = Vec::new();
    for note in record.alarms.iter().filter(|note| note.tank == *tank && note.alarm == alarm) {
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
    use crate::scenario::record::AlarmNote;

    fn raised_at_20_cleared_at_40() -> Record {
        let note = |at, is_active| AlarmNote { at: seconds(at), tank: tank(), alarm: "level-h".to_owned(), is_active };
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
}
