//! The command `status`: what the database holds, in words.

use std::fmt::Write;

use tankline_domain::units::UnixMillis;

use crate::store::{JournalStatus, NotificationStatus, StoreStatus};

/// Missing ranges that are spelled out for a journal.
const RANGES_SHOWN: usize = 5;

/// Says what the database holds.
#[must_use]
pub fn in_words(status: &StoreStatus, now: UnixMillis) -> String {
    let mut text = String::new();
    write_all(&mut text, status, now).expect("writing to a text does not fail");
    text
}

fn write_all(text: &mut String, status: &StoreStatus, now: UnixMillis) -> std::fmt::Result {
    if status.journals.is_empty() {
        writeln!(text, "no readings yet")?;
    }
    for journal in &status.journals {
        write_journal(text, journal, now)?;
    }
    let newest = status.newest_dead_letter_ms.map(|at| format!(", the newest {} ago", age(now, at)));
    writeln!(text, "dead letters: {}{}", status.dead_letters, newest.unwrap_or_default())?;
    let alarms: Vec<_> = status.alarms.iter().map(|(state, count)| format!("{count} {state}")).collect();
    writeln!(text, "alarms: {}", if alarms.is_empty() { "none".to_owned() } else { alarms.join(", ") })?;
    if status.historians.is_empty() {
        writeln!(text, "historian: none was ever fed")?;
    }
    for feed in &status.historians {
        let updated = age(now, feed.updated_ms);
        let what = if feed.target.starts_with("alarms of ") { "transitions" } else { "readings" };
        writeln!(text, "historian {}: {} {what} behind, last moved {updated} ago", feed.target, feed.lag_readings)?;
    }
    for target in &status.notifications {
        write_notifications(text, target, now)?;
    }
    for note in &status.upkeep {
        let site = note.site.as_ref().map(|site| format!(" site {site}")).unwrap_or_default();
        writeln!(text, "{} ago: {}{site} {}", age(now, note.at_ms), note.event.replace('-', " "), note.note)?;
    }
    Ok(())
}

fn write_notifications(text: &mut String, target: &NotificationStatus, now: UnixMillis) -> std::fmt::Result {
    let given_up = if target.given_up > 0 { format!(", {} given up", target.given_up) } else { String::new() };
    writeln!(text, "notifications {}: {} told{given_up}", target.target, target.told)?;
    if let Some(oldest) = target.oldest_ms {
        let trouble = target.trouble.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
        writeln!(text, "  {} wait, the oldest for {}{trouble}", target.waiting, age(now, oldest))?;
    }
    Ok(())
}

fn write_journal(text: &mut String, journal: &JournalStatus, now: UnixMillis) -> std::fmt::Result {
    let JournalStatus { site, edge, journal: id, readings, .. } = journal;
    writeln!(text, "{site}/{edge} journal {id}")?;
    let newest = journal.newest_at_ms.map(|at| format!(", the newest measured {} ago", age(now, at)));
    writeln!(text, "  {readings} readings{}", newest.unwrap_or_default())?;
    let last = journal.last_seq.unwrap_or_default();
    match journal.complete_through {
        Some(through) if through >= last => writeln!(text, "  complete through sequence {through}")?,
        Some(through) => writeln!(text, "  complete through sequence {through} of {last}")?,
        None => writeln!(text, "  incomplete from the first sequence number on, of {last}")?,
    }
    if journal.missing > 0 {
        let all = journal.missing_ranges.ranges();
        let shown: Vec<_> = all.iter().take(RANGES_SHOWN).map(|(first, last)| range(*first, *last)).collect();
        let more = if all.len() > RANGES_SHOWN { ", …" } else { "" };
        writeln!(text, "  {} on their way or lost: {}{more}", journal.missing, shown.join(", "))?;
    }
    if journal.dropped_at_edge > 0 {
        writeln!(text, "  {} dropped at the edge, whose journal was full", journal.dropped_at_edge)?;
    }
    Ok(())
}

fn range(first: u64, last: u64) -> String {
    if first == last { first.to_string() } else { format!("{first} to {last}") }
}

fn age(now: UnixMillis, at_ms: i64) -> String {
    let seconds = now.millis_since(UnixMillis::new(at_ms)).max(0) / 1000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use tankline_domain::ranges::RangeSet;

    use super::*;
    use crate::store::{FeedStatus, UpkeepNote};

    #[test]
    fn status_tells_what_is_missing_and_what_the_edge_dropped() {
        let status = StoreStatus {
            journals: vec![JournalStatus {
                site: "lindong".into(),
                edge: "rtu-01".into(),
                journal: "9f31c2aa07d15e44".into(),
                readings: 1042,
                last_seq: Some(1100),
                complete_through: Some(1042),
                missing: 8,
                missing_ranges: RangeSet::try_from(vec![(1043, 1049), (1060, 1060)]).unwrap(),
                dropped_at_edge: 3,
                newest_at_ms: Some(995_000),
                last_committed_ms: Some(996_000),
            }],
            dead_letters: 2,
            newest_dead_letter_ms: Some(0),
            alarms: [("unacknowledged".to_owned(), 2), ("acknowledged".to_owned(), 1)].into(),
            historians: vec![FeedStatus {
                target: "http://a /b".into(),
                through_id: 7,
                lag_readings: 5,
                updated_ms: 0,
            }],
            notifications: vec![NotificationStatus {
                target: "control-room".into(),
                waiting: 3,
                oldest_ms: Some(940_000),
                trouble: Some("cannot connect: refused".into()),
                told: 17,
                given_up: 1,
            }],
            upkeep: vec![UpkeepNote {
                at_ms: 900_000,
                event: "restored".into(),
                site: None,
                note: "from ops.backup".into(),
            }],
        };
        let words = in_words(&status, UnixMillis::new(1_000_000));
        assert_eq!(
            words.lines().collect::<Vec<_>>(),
            [
                "lindong/rtu-01 journal 9f31c2aa07d15e44",
                "  1042 readings, the newest measured 5 s ago",
                "  complete through sequence 1042 of 1100",
                "  8 on their way or lost: 1043 to 1049, 1060",
                "  3 dropped at the edge, whose journal was full",
                "dead letters: 2, the newest 16 min ago",
                "alarms: 1 acknowledged, 2 unacknowledged",
                "historian http://a /b: 5 readings behind, last moved 16 min ago",
                "notifications control-room: 17 told, 1 given up",
                "  3 wait, the oldest for 60 s: cannot connect: refused",
                "100 s ago: restored from ops.backup",
            ]
        );
    }
}
