//! What processes say in their logs.

use std::time::Duration;

use super::{failed, met};
use crate::scenario::command::Role;
use crate::scenario::outcome::Judgement;
use crate::scenario::record::Record;
use crate::scenario::story::{Bounds, Window};

pub(super) fn judge(record: &Record, of: &Role, contains: &str, window: Window, bounds: Bounds) -> Judgement {
    let Some(lines) = record.logs.get(of) else {
        return failed(format!("a log of {of}"), "there is none", None);
    };
    let mut at = Duration::ZERO;
    let mut found = Vec::new();
    for line in lines {
        // A line without a time belongs to the one before.
        at = line.at.unwrap_or(at);
        if window.has(at) && line.text.contains(contains) {
            found.push((at, line.text.as_str()));
        }
    }
    if bounds.has(found.len() as u64) {
        return met(format!("{} times", found.len()));
    }
    let seen = found.first().map_or_else(String::new, |(_, line)| format!(": {line}"));
    let expected = format!("the log of {of} says {contains:?} {bounds} times {window}");
    failed(expected, format!("{} times{seen}", found.len()), found.first().map(|(at, _)| *at))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{record, seconds};
    use super::*;
    use crate::scenario::record::LogLine;

    #[test]
    fn words_are_sought_in_their_time() {
        let line = |at, text: &str| LogLine { at: Some(seconds(at)), text: text.to_owned() };
        let logs = [(Role::Ingest, vec![line(1, "disk is full"), line(50, "disk is full"), line(51, "disk is good")])];
        let record = Record { logs: logs.into(), ..record(Vec::new()) };
        let judged = |from, until, at_least, at_most| {
            let window = Window { from: seconds(from), until: seconds(until) };
            judge(&record, &Role::Ingest, "disk is full", window, Bounds { at_least, at_most })
        };
        assert_eq!(judged(0, 100, 1, u64::MAX), met("2 times"));
        assert_eq!(judged(20, 100, 1, 1), met("1 times"));
        let expected = "the log of ingest says \"disk is full\" 0 times from 20 s to 1 min 40 s";
        assert_eq!(judged(20, 100, 0, 0), failed(expected, "1 times: disk is full", Some(seconds(50))));
        let all = Window { from: seconds(0), until: seconds(100) };
        let once = Bounds { at_least: 1, at_most: 1 };
        assert!(matches!(judge(&record, &Role::Broker, "x", all, once), Judgement::Failed(_)));
    }
}
