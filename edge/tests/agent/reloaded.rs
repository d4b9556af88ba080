use std::fs;

use rustix::process::Signal;
use tankline_edge::journal::{Host, Journal, JournalConfig, Owner};

use crate::support::{Agent, Station};

const REFUSED: &str = "the new configuration is refused";

/// Starts an agent that is patient with a loaded machine, and waits until readings come.
fn start() -> (Station, Agent) {
    let station = Station::new("");
    station.change("ack_timeout_s = 1", "ack_timeout_s = 30");
    let agent = station.start();
    station.centre.wait("readings come", |kept| kept.readings.len() >= 30);
    (station, agent)
}

/// Lets the gauges be read on for a while.
fn read_on(station: &Station) {
    station.gauges.wait_for(station.gauges.replies() + 30);
}

/// Stops the agent and holds that every reading of each journal came, once.
fn assert_all_came_once(station: &Station, agent: Agent, journals: usize) {
    agent.stop();
    let kept = station.centre.kept();
    assert_eq!((kept.repeats, kept.twice.len()), (0, 0), "readings came again");
    let mut numbers = kept.readings.keys().copied().collect::<Vec<_>>();
    numbers.dedup_by_key(|number| number.0);
    assert_eq!(numbers.len(), journals);
    for (journal, _) in numbers {
        let of_journal = kept.readings.range((journal, 0)..=(journal, u64::MAX)).map(|((_, seq), _)| *seq);
        let of_journal: Vec<_> = of_journal.collect();
        assert_eq!(of_journal, (1..=of_journal.len() as u64).collect::<Vec<_>>());
    }
}

#[test]
fn another_session_begins_while_polling_goes_on_and_no_reading_is_lost_or_sent_again() {
    let (station, agent) = start();
    for (times, from, to) in [(1, "[uplink]", "keep_alive_s = 20\n[uplink]"), (2, "keep_alive_s = 20\n", "")] {
        station.change(from, to);
        agent.signal(Signal::HUP);
        agent.wait_for_lines("connecting anew with the new configuration", times);
        let came = station.centre.kept().readings.len();
        station.centre.wait("readings come after it", |kept| kept.readings.len() >= came + 100);
    }
    assert_all_came_once(&station, agent, 1);
}

#[test]
fn a_journal_that_cannot_be_used_is_refused_and_the_agent_goes_on_until_it_can() {
    let (station, agent) = start();
    let other = station.journal().with_file_name("other");
    let config = JournalConfig { dir: other.clone(), max_bytes: 1 << 26, segment_bytes: 1 << 18 };

    fs::write(&other, "stands where the folder should be").unwrap();
    station.change("dir = \"journal\"", "dir = \"other\"");
    agent.signal(Signal::HUP);
    agent.wait_for_lines(REFUSED, 1);
    read_on(&station);

    fs::remove_file(&other).unwrap();
    let (journal, _) = Journal::open(config.clone()).unwrap();
    agent.signal(Signal::HUP);
    agent.wait_for_lines(REFUSED, 2);
    assert!(agent.log().contains("is in use by another process"), "its lock is held here");
    read_on(&station);

    drop(journal);
    fs::remove_dir_all(&other).unwrap();
    let somebody = Owner { site: "s".parse().unwrap(), edge: "somebody".parse().unwrap() };
    Journal::open_on(&Host::default(), config, Some(somebody)).unwrap().0.close().unwrap();
    agent.signal(Signal::HUP);
    agent.wait_for_lines(REFUSED, 3);
    assert!(agent.log().contains("edge somebody of site s"));
    read_on(&station);

    fs::remove_dir_all(&other).unwrap();
    agent.signal(Signal::HUP);
    agent.wait_for_line("starting anew with the new configuration");
    let came = station.centre.kept().readings.len();
    station.centre.wait("readings come from the other journal", |kept| kept.readings.len() >= came + 60);
    assert!(other.is_dir());
    assert_eq!(agent.log().matches("the old configuration stays").count(), 3);
    assert_all_came_once(&station, agent, 2);
}

#[test]
fn the_same_folder_under_another_name_is_refused() {
    let (station, agent) = start();
    station.write(
        "site.toml",
        &fs::read_to_string(station.journal().with_file_name("site.toml")).unwrap().replace("\"e\"", "\"f\""),
    );
    station.change("edge = \"e\"", "edge = \"f\"");
    agent.signal(Signal::HUP);
    agent.wait_for_lines(REFUSED, 1);
    assert!(agent.log().contains("edge e of site s"));
    read_on(&station);
    assert_all_came_once(&station, agent, 1);
}

#[test]
fn a_file_that_only_the_refused_configuration_names_is_watched_too() {
    let (station, agent) = start();
    station.change("[uplink]\n", "user = \"rtu\"\npassword_file = \"password\"\n[uplink]\n");
    agent.signal(Signal::HUP);
    agent.wait_for_lines(REFUSED, 1);
    // No signal: the file is all that changes.
    station.write("password", "secret\n");
    agent.wait_for_line("a file of the configuration changed");
    agent.wait_for_line("connecting anew with the new configuration");
    read_on(&station);
    assert_all_came_once(&station, agent, 1);
}
