//! The quality of readings.

use std::time::Duration;

use tankline_domain::names::TankName;

use super::{failed, met};
use crate::scenario::outcome::{Arrival, Judgement};
use crate::scenario::record::Record;
use crate::scenario::story::{QualityIs, Window, in_words};

/// Judges that a quality comes within some polls, and stays.
pub(super) fn within(
    record: &Record,
    tanks: &[TankName],
    quality: &QualityIs,
    after: Duration,
    polls: u32,
    until: Option<Duration>,
) -> Judgement {
    let mut latest = 0;
    for tank in tanks {
        let readings = of_story(record, tank).filter(|reading| reading.at > after);
        let readings: Vec<&Arrival> = readings.collect();
        let first = readings.iter().position(|reading| quality.is(&reading.quality.to_string()));
        let expected = || format!("{tank}: {} within {polls} polls after {}", quality.0, in_words(after));
        let Some(first) = first.filter(|first| *first < polls as usize) else {
            let seen = readings.iter().take(polls as usize).map(|reading| reading.quality.to_string());
            let seen: Vec<_> = seen.collect();
            let seen = match (seen.is_empty(), first) {
                (true, _) => "no reading at all".to_owned(),
                (_, Some(first)) => format!("it came with poll {}; before it {}", first + 1, seen.join(", ")),
                (_, None) => format!("{} in the first {} readings, and never later", seen.join(", "), seen.len()),
            };
            return failed(expected(), seen, readings.first().map(|reading| reading.at).or(Some(after)));
        };
        latest = latest.max(first + 1);
        let stays = readings[first..].iter().take_while(|reading| until.is_some_and(|until| reading.at <= until));
        if let Some(other) = stays.into_iter().find(|reading| !quality.is(&reading.quality.to_string())) {
            let expected = format!("{tank}: {} until {}", quality.0, in_words(until.unwrap_or_default()));
            return failed(expected, other.quality.to_string(), Some(other.at));
        }
    }
    met(format!("with poll {latest} at the latest"))
}

/// Judges that all readings of a time have a quality, or that none has.
pub(super) fn throughout(
    record: &Record,
    tanks: &[TankName],
    quality: &QualityIs,
    wanted: bool,
    window: Window,
) -> Judgement {
    let mut count = 0_usize;
    for tank in tanks {
        let readings: Vec<&Arrival> = of_story(record, tank).filter(|reading| window.has(reading.at)).collect();
        if readings.is_empty() {
            return failed(format!("readings of {tank}, {window}"), "none", Some(window.from));
        }
        count += readings.len();
        let is_wrong = |reading: &&&Arrival| quality.is(&reading.quality.to_string()) != wanted;
        let wrong = readings.iter().filter(is_wrong).count();
        if let Some(first) = readings.iter().find(is_wrong) {
            let which = if wanted { "every reading" } else { "no reading" };
            let expected = format!("{tank}: {which} is {}, {window}", quality.0);
            let seen = format!("{wrong} of {} are otherwise, the first is {}", readings.len(), first.quality);
            return failed(expected, seen, Some(first.at));
        }
    }
    met(format!("so in {count} readings"))
}

fn of_story<'r>(record: &'r Record, tank: &TankName) -> impl Iterator<Item = &'r Arrival> {
    let readings = record.tanks.get(tank).into_iter().flat_map(|seen| &seen.readings);
    readings.filter(|reading| reading.is_of_story).map(|reading| &reading.arrival)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{good, reading, record, seconds, tank};
    use super::*;

    fn silent_from_12_to_14() -> Record {
        let bad = |at| reading(at, None, "bad:no-reply");
        record(vec![good(10, 1.0), good(11, 1.0), bad(12), bad(13), bad(14), good(15, 1.0)])
    }

    fn is(text: &str) -> QualityIs {
        QualityIs(text.to_owned())
    }

    #[test]
    fn a_quality_comes_within_so_many_polls_and_stays() {
        let record = silent_from_12_to_14();
        let after = seconds(10);
        let judged = |quality: &str, polls, until| within(&record, &[tank()], &is(quality), after, polls, until);
        assert_eq!(judged("bad:no-reply", 2, None), met("with poll 2 at the latest"));
        assert_eq!(judged("bad", 2, Some(seconds(14))), met("with poll 2 at the latest"));
        let late =
            failed("T-01: bad within 1 polls after 10 s", "it came with poll 2; before it good", Some(seconds(11)));
        assert_eq!(judged("bad", 1, None), late);
        let over = failed("T-01: bad until 1 min", "good", Some(seconds(15)));
        assert_eq!(judged("bad", 2, Some(seconds(60))), over);
        let never = "good, bad:no-reply in the first 2 readings, and never later";
        let expected = "T-01: bad:crc within 2 polls after 10 s";
        assert_eq!(judged("bad:crc", 2, None), failed(expected, never, Some(seconds(11))));
        assert!(matches!(judged("ba", 2, None), Judgement::Failed(_)), "no half words");
    }

    #[test]
    fn every_reading_of_a_time_or_none() {
        let record = silent_from_12_to_14();
        let judged = |quality: &str, wanted, from, until| {
            throughout(&record, &[tank()], &is(quality), wanted, Window { from: seconds(from), until: seconds(until) })
        };
        assert_eq!(judged("bad", true, 12, 14), met("so in 3 readings"));
        assert_eq!(judged("uncertain", false, 0, 100), met("so in 6 readings"));
        let seen = "2 of 5 are otherwise, the first is good";
        assert_eq!(
            judged("bad", true, 10, 14),
            failed("T-01: every reading is bad, from 10 s to 14 s", seen, Some(seconds(10)))
        );
        assert!(matches!(judged("bad", false, 10, 14), Judgement::Failed(_)));
        assert!(matches!(judged("good", true, 50, 60), Judgement::Failed(_)), "nothing seen is nothing shown");
    }
}
