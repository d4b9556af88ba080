use tankline_domain::reading::{Quality, Reading, Uncertain};
use tankline_domain::units::{Millimetres, UnixMillis};
use tankline_edge::journal::{Boot, Host, Journal};
use tankline_edge::stamp::Clocks;

use crate::support::Station;

fn append(journal: &mut Journal, at: i64) -> u64 {
    let reading = Reading {
        tank: "T-1".parse().unwrap(),
        at: UnixMillis::new(at),
        level: Some(Millimetres::new(5000.0)),
        interface: None,
        temperature: None,
        layer: None,
        quality: Quality::Uncertain(Uncertain::Clock),
    };
    journal.append(&reading).unwrap().seq
}

#[test]
fn readings_of_earlier_runs_get_their_true_time_unless_the_machine_was_started_anew() {
    let station = Station::new("");
    let other_boot = Host { boot: Boot::new(1), ..Host::default() };
    let (mut journal, _) = Journal::open_on(&other_boot, station.config().journal, None).unwrap();
    let id = journal.id();
    let before: Vec<u64> = [5000, 7000].map(|at| append(&mut journal, at)).to_vec();
    journal.close().unwrap();
    // Two runs of the agent since the machine's start: one was killed.
    let mut since = Vec::new();
    for at in [900, 1900] {
        let (mut journal, _) = Journal::open(station.config().journal).unwrap();
        assert_eq!(journal.id(), id);
        since.push(append(&mut journal, at));
    }

    let agent = station.start();
    let clocks = Clocks::read();
    let numbers = || before.iter().chain(&since).map(|seq| (id, *seq));
    station.centre.wait("they come", |kept| numbers().all(|number| kept.readings.contains_key(&number)));
    station.centre.wait("it is told", |kept| kept.readings.len() > 10);
    agent.stop();
    let kept = station.centre.kept();
    // A clock that is disciplined runs a little faster or slower than the time since the start, and a busy machine lets
    // time pass between two looks.
    let is_about = |at: UnixMillis, expected: i64| (at.get() - expected).abs() < 10_000;
    for (seq, at) in since.iter().zip([900, 1900]) {
        let reading = &kept.readings[&(id, *seq)];
        assert!(is_about(reading.at, clocks.started_at_ms() + at), "{reading:?}");
        assert_eq!(reading.quality, Quality::Uncertain(Uncertain::Clock));
    }
    for (seq, before_the_start_ms) in before.iter().zip([62_000, 60_000]) {
        let reading = &kept.readings[&(id, *seq)];
        assert!(is_about(reading.at, clocks.started_at_ms() - before_the_start_ms), "{reading:?}");
        assert_eq!(reading.quality, Quality::Uncertain(Uncertain::TimeUnknown));
        assert_eq!(reading.level, Some(Millimetres::new(5000.0)));
    }
}
