//! What an e-mail says. Its subject can be read on the lock screen of a phone.

use std::fmt::Write;

use tankline_domain::alarm::{Event, State};
use tankline_domain::units::UnixMillis;

use super::Message;
use crate::local_time::UtcOffset;

/// Alarms that are told in full; of more there is one line each.
const IN_FULL: usize = 20;

/// Gives the subject: how urgent, where, what.
#[must_use]
pub fn subject(messages: &[&Message]) -> String {
    let sorted = sorted(messages);
    let Some(first) = sorted.first() else { return "tankline".to_owned() };
    if sorted.len() == 1 {
        return format!("{} ({})", line(first), first.site);
    }
    let elsewhere = sorted.iter().any(|one| one.site != first.site);
    let site = if elsewhere { "several sites" } else { first.site.as_str() };
    format!("{} and {} more ({site})", line(first), sorted.len() - 1)
}

/// Gives the text.
#[must_use]
pub fn body(messages: &[&Message], how_to_acknowledge: Option<&str>, now: UnixMillis, offset: UtcOffset) -> String {
    let (sorted, mut text) = (sorted(messages), String::new());
    if sorted.len() > 1 {
        let _ = writeln!(text, "{} messages, the most urgent first.\n", sorted.len());
    }
    for message in sorted.iter().take(IN_FULL) {
        in_full(&mut text, message, now, offset);
    }
    for message in sorted.iter().skip(IN_FULL) {
        let _ = writeln!(text, "{}  {} ({})", moment(message.at, offset), line(message), message.site);
    }
    let calls: Vec<_> = sorted.iter().copied().filter(|one| told_of_a_call(one)).collect();
    if !calls.is_empty() {
        let how = how_to_acknowledge.map_or_else(|| by_command(&calls), str::to_owned);
        let _ = writeln!(text, "{how}\n");
    }
    text.push_str(
        "This is an operator alarm. It does not replace the independent overfill protection of the tank.\n\
         Sent by tankline-ingest. Numbers: ",
    );
    let ids: Vec<_> = sorted.iter().take(IN_FULL).map(|one| one.id.as_str()).collect();
    let _ = writeln!(text, "{}{}", ids.join(" "), if sorted.len() > IN_FULL { " ..." } else { "" });
    text
}

fn in_full(text: &mut String, message: &Message, now: UnixMillis, offset: UtcOffset) {
    let _ = writeln!(text, "{}", line(message));
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<12}{value}");
    };
    row("alarm", &path(message));
    row("priority", message.priority.name());
    if let Some(value) = value(message) {
        row("value", &value);
    }
    let since = if told_of_a_call(message) { "since" } else { "at" };
    row(since, &format!("{}, {} before this was sent", moment(message.at, offset), age(now.millis_since(message.at))));
    if let Some(who) = &message.who {
        row("by", who);
    }
    if let Some(note) = &message.note {
        row("note", note);
    }
    if let Some(guidance) = message.guidance.as_deref().filter(|_| told_of_a_call(message)) {
        row("what to do", guidance);
    }
    text.push('\n');
}

/// Says by which command what calls for somebody is acknowledged.
fn by_command(calls: &[&Message]) -> String {
    let alarm = if let [only] = calls { path(only) } else { "SITE/TANK/ALARM".to_owned() };
    format!("Acknowledge at the operator's station, or with\ntankline-ingest alarms ack {alarm} --reason \"...\"")
}

/// Names the alarm as the command line does.
fn path(message: &Message) -> String {
    format!("{}/{}/{}", message.site, message.source, message.alarm)
}

/// Says one message in a line.
fn line(message: &Message) -> String {
    let (source, title) = (&message.source, &message.title);
    if told_of_a_call(message) {
        let against = against(message).map(|text| format!(": {text}")).unwrap_or_default();
        return format!("{} {source} {title}{against}", message.priority.name().to_uppercase());
    }
    format!("{} {source} {title}", message.event.name())
}

/// Tells whether it told that somebody is called for, rather than that something is over or was dealt with.
fn told_of_a_call(message: &Message) -> bool {
    message.to == State::Unacknowledged && message.event != Event::Acknowledged
}

fn against(message: &Message) -> Option<String> {
    let (value, limit) = (message.value?, message.limit?);
    let sign = if value >= limit { ">" } else { "<" };
    Some(format!("{} {sign} {}{}", number(value), number(limit), unit(message)))
}

fn value(message: &Message) -> Option<String> {
    let value = number(message.value?);
    let limit = message.limit.map(|limit| format!(", limit {}{}", number(limit), unit(message)));
    Some(format!("{value}{}{}", unit(message), limit.unwrap_or_default()))
}

fn unit(message: &Message) -> String {
    if message.unit.is_empty() { String::new() } else { format!(" {}", message.unit) }
}

/// At most one digit after the point: more is not read at night.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn moment(at: UnixMillis, offset: UtcOffset) -> String {
    let zone = if offset == UtcOffset::default() { "UTC".to_owned() } else { offset.to_string() };
    format!("{} {zone}", offset.to_second(at))
}

fn age(millis: i64) -> String {
    match millis.max(0) / 1000 {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

fn sorted<'m>(messages: &[&'m Message]) -> Vec<&'m Message> {
    let mut sorted = messages.to_vec();
    // What calls for somebody stands before what is over, the most urgent first, the oldest first.
    sorted.sort_by_key(|one| (!told_of_a_call(one), one.priority, one.at));
    sorted
}

#[cfg(test)]
mod tests {
    use tankline_domain::alarm::Priority;

    use super::*;
    use crate::notify::Words;
    use crate::notify::fixtures::{WORDS, transition};

    fn message(id: i64) -> Message {
        Message::new(id, &transition(1_795_400_000), WORDS)
    }

    fn east() -> UtcOffset {
        "+08:00".parse().unwrap()
    }

    #[test]
    fn one_alarm_is_told_with_value_limit_age_guidance_and_how_to_acknowledge() {
        let message = message(7);
        assert_eq!(subject(&[&message]), "CRITICAL T-01 Level high-high: 15204 > 15200 mm (s)");
        let text = body(&[&message], None, UnixMillis::new(1_795_400_014_000), east());
        let wanted = "\
CRITICAL T-01 Level high-high: 15204 > 15200 mm
  alarm       s/T-01/level-hh
  priority    critical
  value       15204 mm, limit 15200 mm
  since       2026-11-23 10:13:20 +08:00, 14 s before this was sent
  what to do  Stop the transfer into this tank.

Acknowledge at the operator's station, or with
tankline-ingest alarms ack s/T-01/level-hh --reason \"...\"

This is an operator alarm. It does not replace the independent overfill protection of the tank.
Sent by tankline-ingest. Numbers: 7-1795400000000
";
        assert_eq!(text, wanted);
    }

    #[test]
    fn many_alarms_are_one_mail_with_the_most_urgent_first_and_every_one_in_it() {
        let mut messages: Vec<_> = (0..300).map(message).collect();
        for (id, message) in messages.iter_mut().enumerate() {
            message.source = format!("T-{id:03}").parse().unwrap();
            message.priority = if id == 200 { Priority::Critical } else { Priority::Low };
        }
        let all: Vec<_> = messages.iter().collect();
        assert_eq!(subject(&all), "CRITICAL T-200 Level high-high: 15204 > 15200 mm and 299 more (s)");
        let text = body(&all, Some("Call extension 220."), UnixMillis::new(1_795_400_014_000), east());
        assert!(text.starts_with("300 messages, the most urgent first.\n\nCRITICAL T-200"), "{text}");
        for id in 0..300 {
            assert!(text.contains(&format!("T-{id:03} ")), "{id}");
        }
        assert!(text.contains("\nCall extension 220.\n"), "{text}");
        assert!(text.len() < 40_000, "{}", text.len());
    }

    #[test]
    fn what_is_over_is_told_as_such_and_asks_for_nothing() {
        let mut transition = transition(1_795_400_000);
        (transition.event, transition.from, transition.to) = (Event::Cleared, State::Acknowledged, State::Normal);
        let message = Message::new(8, &transition, Words { title: "液位高高", guidance: Some("Stop.") });
        assert_eq!(subject(&[&message]), "cleared T-01 液位高高 (s)");
        let text = body(&[&message], None, UnixMillis::new(1_795_403_700_000), UtcOffset::default());
        assert!(text.contains("\n  at          2026-11-23 02:13:20 UTC, 61 min before this was sent\n"), "{text}");
        assert!(!text.contains("Acknowledge") && !text.contains("what to do"), "{text}");
    }
}
