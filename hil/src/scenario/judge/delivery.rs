//! Whether every reply arrived once, and what was counted.

use std::time::Duration;

use tankline_domain::names::TankName;

use super::{failed, met};
use crate::scenario::outcome::Judgement;
use crate::scenario::record::{Account, Finding, Record};
use crate::scenario::story::{Bounds, Counter, Wrong};

/// Things that are wrong which are told one by one.
const EXAMPLES: usize = 3;

pub(super) fn judge(record: &Record, wrongs: &[Wrong]) -> Judgement {
    let sum = |of: fn(&Account) -> u64| -> u64 { record.tanks.values().map(|seen| of(&seen.account)).sum() };
    let served = sum(|account| account.served);
    if served == 0 {
        return failed("replies of gauges that can be compared", "no gauge was ever read", None);
    }
    for wrong in wrongs {
        let (count, examples) = match wrong {
            Wrong::Lost => (sum(|account| account.lost.len() as u64) + record.missing_numbers, lost(record)),
            Wrong::Twice => (sum(|account| account.twice), (None, Vec::new())),
            Wrong::Invented => (sum(|account| account.invented.len() as u64), invented(record)),
        };
        if count > 0 {
            let (first, words) = examples;
            let seen = with_examples(format!("{count} of {served} replies"), &words);
            return failed(format!("no reading is {wrong}"), format!("{wrong}: {seen}"), first);
        }
    }
    let (stored, waiting, not_taken) =
        (sum(|account| account.stored), sum(|account| account.waiting), sum(|account| account.not_taken));
    let mut seen = format!("of {served} replies {stored} are in the database as given");
    for (count, words) in [(waiting, "wait in journals"), (not_taken, "came when no edge could take them")] {
        if count > 0 {
            seen.push_str(&format!(", {count} {words}"));
        }
    }
    met(seen)
}

/// When the first was found, and some in words.
type Examples = (Option<Duration>, Vec<String>);

fn lost(record: &Record) -> Examples {
    let (first, mut words) = of_tanks(record, |account| &account.lost);
    if record.missing_numbers > 0 {
        words.push(format!("{} numbers of journals are in no database, no journal and no gap", record.missing_numbers));
    }
    (first, words)
}

fn invented(record: &Record) -> Examples {
    of_tanks(record, |account| &account.invented)
}

fn of_tanks(record: &Record, of: fn(&Account) -> &Vec<Finding>) -> Examples {
    let all = record.tanks.iter().flat_map(|(tank, seen)| of(&seen.account).iter().map(move |found| (tank, found)));
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|(_, found)| found.at);
    let words = all.iter().take(EXAMPLES).map(|(tank, found)| format!("{tank}: {}", found.words)).collect();
    (all.first().map(|(_, found)| found.at), words)
}

fn with_examples(mut text: String, examples: &[String]) -> String {
    if !examples.is_empty() {
        text.push_str(&format!("; {}", examples[..examples.len().min(EXAMPLES)].join("; ")));
    }
    text
}

pub(super) fn counter(record: &Record, tanks: &[TankName], counter: Counter, bounds: Bounds) -> Judgement {
    let counted: Vec<_> = tanks.iter().map(|tank| (tank, record.counted(tank, counter.of))).collect();
    match counted.iter().find(|(_, count)| !bounds.has(*count)) {
        Some((tank, count)) => failed(format!("{tank}: {} {bounds}", counter.name), count.to_string(), None),
        None => {
            let counts: Vec<_> = counted.iter().map(|(tank, count)| format!("{tank} {count}")).collect();
            met(counts.join(", "))
        }
    }
}

pub(super) fn count(what: &str, count: u64, bounds: Bounds, examples: &[String]) -> Judgement {
    if bounds.has(count) {
        return met(count.to_string());
    }
    failed(format!("{what}: {bounds}"), with_examples(count.to_string(), examples), None)
}

pub(super) fn influxdb(record: &Record) -> Judgement {
    match record.influxdb {
        None => failed("a historian", "there is none", None),
        Some(influxdb) if influxdb.there == influxdb.committed && influxdb.committed > 0 => {
            met(format!("all {} readings", influxdb.committed))
        }
        Some(influxdb) => {
            let seen = format!("{} of {}", influxdb.there, influxdb.committed);
            failed("the historian has every committed reading once", seen, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{record, seconds, tank};
    use super::*;
    use crate::scenario::record::InfluxdbRecord;

    fn with(account: Account) -> Record {
        let mut record = record(Vec::new());
        record.tanks.get_mut(&tank()).unwrap().account = account;
        record
    }

    #[test]
    fn what_is_lost_twice_or_invented_is_told() {
        let whole = Account { served: 10, stored: 8, waiting: 1, not_taken: 1, ..Account::default() };
        let all = [Wrong::Lost, Wrong::Twice, Wrong::Invented];
        let seen =
            "of 10 replies 8 are in the database as given, 1 wait in journals, 1 came when no edge could take them";
        assert_eq!(judge(&with(whole.clone()), &all), met(seen));
        let finding = || Finding { at: seconds(61), words: "1/2/3 of noon".to_owned() };
        let lost = Account { lost: vec![finding()], ..whole.clone() };
        let seen = "lost: 1 of 10 replies; T-01: 1/2/3 of noon";
        assert_eq!(judge(&with(lost.clone()), &all), failed("no reading is lost", seen, Some(seconds(61))));
        assert!(matches!(judge(&with(lost), &[Wrong::Twice]), Judgement::Met { .. }), "not asked for");
        for wrong in [
            Account { twice: 1, ..whole.clone() },
            Account { invented: vec![finding()], ..whole.clone() },
            Account::default(),
        ] {
            assert!(matches!(judge(&with(wrong.clone()), &all), Judgement::Failed(_)), "{wrong:?}");
        }
        let record = Record { missing_numbers: 1, ..with(whole) };
        assert!(matches!(judge(&record, &all), Judgement::Failed(_)));
    }

    #[test]
    fn counts_keep_their_bounds() {
        let none = Bounds { at_least: 0, at_most: 0 };
        assert_eq!(count("dead letters", 0, none, &[]), met("0"));
        let letters = ["why".to_owned()];
        assert_eq!(count("dead letters", 2, none, &letters), failed("dead letters: 0", "2; why", None));
        let late = Counter::ALL[4];
        let some = Bounds { at_least: 1, at_most: u64::MAX };
        let record = record(Vec::new());
        assert_eq!(counter(&record, &[tank()], late, some), failed("T-01: late at least 1", "0", None));
        assert_eq!(counter(&record, &[tank()], late, none), met("T-01 0"));
    }

    #[test]
    fn a_historian_has_all_or_fails() {
        let has = |there| Record { influxdb: Some(InfluxdbRecord { committed: 5, there }), ..record(Vec::new()) };
        assert_eq!(influxdb(&has(5)), met("all 5 readings"));
        assert!(matches!(influxdb(&has(4)), Judgement::Failed(_)));
        assert!(matches!(influxdb(&record(Vec::new())), Judgement::Failed(_)));
    }
}
