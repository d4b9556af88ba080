//! Alarms for the eyes of a person, within 80 columns.

use std::fmt::Write;

use tankline_domain::alarm::{AlarmKey, Event, State, Transition};
use tankline_domain::units::UnixMillis;

use crate::alarms::Standing;
use crate::http::{AlarmHistory, AlarmList, Done, Listed};
use crate::local_time::UtcOffset;

/// Columns of the narrowest terminal.
const COLUMNS: usize = 80;

/// By how much what belongs to an alarm is set in.
const INDENT: &str = "          ";

/// Says what stands.
pub(super) fn list(list: &AlarmList, offset: UtcOffset) -> String {
    let mut text = String::new();
    write_list(&mut text, list, offset).expect("writing to a text does not fail");
    text
}

fn write_list(text: &mut String, list: &AlarmList, offset: UtcOffset) -> std::fmt::Result {
    let count = |is: fn(State) -> bool| list.alarms.iter().filter(|one| is(one.standing.state)).count();
    let waiting = count(is_unacknowledged);
    let acknowledged = count(|state| matches!(state, State::Acknowledged | State::LatchedAcknowledged));
    let aside = list.alarms.len() - waiting - acknowledged;
    let now = offset.to_second(UnixMillis::new(list.now_ms));
    if list.alarms.is_empty() {
        return writeln!(text, "No alarm. {now} {offset}");
    }
    writeln!(text, "{waiting} unacknowledged, {acknowledged} acknowledged, {aside} put aside. {now} {offset}")?;
    for alarm in &list.alarms {
        writeln!(text)?;
        write_alarm(text, alarm, offset)?;
    }
    writeln!(text, "\nOperator alarms; no independent overfill protection (GB 50074, API 2350).")
}

fn write_alarm(text: &mut String, listed: &Listed, offset: UtcOffset) -> std::fmt::Result {
    let Standing { source, state, priority, title, value, limit, unit, since, .. } = &listed.standing;
    let waits = is_unacknowledged(*state);
    let urgency = if waits { priority.name().to_uppercase() } else { priority.name().to_owned() };
    writeln!(text, "{urgency:<9} {source}: {title}")?;
    let state = if waits { state.name().to_uppercase() } else { state.name().to_owned() };
    writeln!(text, "{INDENT}{state} since {}, {}", offset.to_second(*since), age(listed.age_s))?;
    let present = listed.present.map(|present| format!(", now {} {unit}", number(present))).unwrap_or_default();
    match (value, limit) {
        (Some(value), Some(limit)) => {
            wrapped(text, &format!("{} {unit}, limit {} {unit}{present}", number(*value), number(*limit)))?;
        }
        (Some(value), None) => wrapped(text, &format!("{} {unit}{present}", number(*value)))?,
        _ => (),
    }
    let Standing { acknowledged_by, put_aside_by, note, shelved_until, guidance, .. } = &listed.standing;
    if let Some(who) = acknowledged_by {
        wrapped(text, &format!("acknowledged by {who}"))?;
    }
    let until = shelved_until.map(|until| format!(" until {}", offset.to_minute(until))).unwrap_or_default();
    match (put_aside_by, note) {
        (Some(who), Some(note)) => wrapped(text, &format!("{who}{until}: {note}"))?,
        (None, Some(note)) => wrapped(text, &format!("{note} speaks for it"))?,
        (Some(who), None) => wrapped(text, &format!("{who}{until}"))?,
        (None, None) => (),
    }
    if state_calls(listed.standing.state) {
        wrapped(text, guidance)?;
    }
    writeln!(text, "{INDENT}{}", listed.standing.key())
}

const fn is_unacknowledged(state: State) -> bool {
    matches!(state, State::Unacknowledged | State::ReturnedUnacknowledged | State::LatchedUnacknowledged)
}

const fn state_calls(state: State) -> bool {
    matches!(state, State::Unacknowledged | State::Acknowledged)
}

/// Says what happened.
pub(super) fn history(history: &AlarmHistory, offset: UtcOffset) -> String {
    let mut text = String::new();
    for recorded in &history.transitions {
        let Transition { key, at, event, to, priority, value, limit, unit, who, note, .. } = &recorded.transition;
        let at = offset.to_second(*at);
        let source = format!("{}/{}", key.site, key.source);
        let happened = if *event == Event::FoundInBacklog { "found late".to_owned() } else { event.to_string() };
        let head = format!("{at} {source} {} {happened}", key.kind);
        let mut more = Vec::new();
        match (value, limit) {
            (Some(value), Some(limit)) => more.push(format!("{} {unit}, limit {}", number(*value), number(*limit))),
            (Some(value), None) => more.push(format!("{} {unit}", number(*value)).trim_end().to_owned()),
            _ => (),
        }
        more.extend(who.as_ref().map(|who| format!("by {who}")));
        more.extend(note.clone());
        if recorded.transition.annunciates() {
            more.insert(0, priority.name().to_uppercase());
        } else if to.is_annunciated() || *to != State::Normal {
            more.insert(0, to.to_string());
        }
        let line = format!("{head}: {}", more.join(", "));
        let line = if more.is_empty() { head.clone() } else { line };
        if line.chars().count() <= COLUMNS {
            text += &line;
            text.push('\n');
        } else {
            text += &head;
            text.push('\n');
            wrapped(&mut text, &more.join(", ")).expect("writing to a text does not fail");
        }
    }
    if text.is_empty() { "Nothing happened.\n".to_owned() } else { text }
}

/// Says what became of an order.
pub(super) fn done(key: &AlarmKey, done: &Done, offset: UtcOffset) -> String {
    let until = done.alarm.as_ref().and_then(|alarm| alarm.shelved_until);
    let until = until.map(|until| format!(" until {} {offset}", offset.to_second(until))).unwrap_or_default();
    format!("{key} is {}{until} (recorded of {})\n", done.state, done.who)
}

/// Writes words set in, on as many lines as they need.
fn wrapped(text: &mut String, words: &str) -> std::fmt::Result {
    let mut line = String::new();
    for word in words.split_whitespace() {
        if !line.is_empty() && INDENT.len() + line.chars().count() + 1 + word.chars().count() > COLUMNS {
            writeln!(text, "{INDENT}{line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    if line.is_empty() { Ok(()) } else { writeln!(text, "{INDENT}{line}") }
}

/// Writes a number with as many decimals as say something.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn age(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s if s < 129_600.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn standing(more: serde_json::Value) -> Standing {
        let mut one = json!({
            "site": "lindong", "source": "T-01", "alarm": "level-hh", "state": "unacknowledged", "priority": "critical",
            "title": "Level high-high", "guidance": "Stop filling now. Close the inlet, stop the pump, check the level at the tank.",
            "value": 11_805.0, "limit": 11_800.0, "unit": "mm", "since": 1_795_400_000_000_i64, "changed": 1_795_400_000_000_i64,
        });
        more.as_object().unwrap().iter().for_each(|(key, value)| one[key] = value.clone());
        serde_json::from_value(one).unwrap()
    }

    #[test]
    fn list_says_in_80_columns_what_is_wrong_since_when_and_what_to_do() {
        let now = UnixMillis::new(1_795_400_125_000);
        let alarms = vec![
            standing(json!({})),
            standing(
                json!({"source": "T-02", "state": "shelved", "put_aside_by": "meier", "note": "float is being changed",
                            "shelved_until": 1_795_403_600_000_i64, "value": null, "limit": null}),
            ),
            standing(
                json!({"source": "rtu-1", "alarm": "edge-offline", "title": "Edge offline", "state": "acknowledged",
                            "acknowledged_by": "wang", "priority": "high", "value": null, "limit": null, "unit": ""}),
            ),
        ];
        let mut alarms = AlarmList::new(now, alarms, &[]);
        alarms.alarms[0].present = Some(11_850.0);
        let said = list(&alarms, "+08:00".parse().unwrap());
        assert!(said.lines().all(|line| line.chars().count() <= COLUMNS), "{said}");
        assert_eq!(
            said.lines().take(9).collect::<Vec<_>>(),
            [
                "1 unacknowledged, 1 acknowledged, 1 put aside. 2026-11-23 10:15:25 +08:00",
                "",
                "CRITICAL  T-01: Level high-high",
                "          UNACKNOWLEDGED since 2026-11-23 10:13:20, 2 min",
                "          11805 mm, limit 11800 mm, now 11850 mm",
                "          Stop filling now. Close the inlet, stop the pump, check the level at",
                "          the tank.",
                "          lindong/T-01/level-hh",
                "",
            ]
        );
        assert!(said.contains("meier until 2026-11-23 11:13: float is being changed"), "{said}");
        assert!(said.contains("acknowledged by wang"), "{said}");
        assert_eq!(
            list(&AlarmList::new(now, Vec::new(), &[]), UtcOffset::default()),
            "No alarm. 2026-11-23 02:15:25 +00:00\n"
        );
    }
}
