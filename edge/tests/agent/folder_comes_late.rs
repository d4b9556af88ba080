use tankline_domain::reading::{Bad, Reading};
use tankline_domain::units::UnixMillis;
use tankline_edge::journal::Journal;
use tankline_runtime::clock;

use crate::support::{DEADLINE, Station};

#[test]
fn readings_of_earlier_runs_are_sent_when_their_folder_can_be_used_at_last() {
    let station = Station::new("");
    let (mut journal, _) = Journal::open(station.config().journal).unwrap();
    let old = journal.id();
    for _ in 0..700 {
        let reading = Reading::failed("T-1".parse().unwrap(), UnixMillis::new(1_795_400_000_000), Bad::NoReply);
        journal.append(&reading).unwrap();
    }
    journal.close().unwrap();
    let away = station.journal().with_extension("away");
    std::fs::rename(station.journal(), &away).unwrap();
    std::fs::write(station.journal(), "stands where the folder should be").unwrap();

    let agent = station.start();
    station.centre.wait("what is in memory comes", |kept| kept.readings.len() >= 3);
    assert!(!station.centre.kept().readings.keys().any(|number| number.0 == old));
    std::fs::remove_file(station.journal()).unwrap();
    std::fs::rename(&away, station.journal()).unwrap();

    let deadline = clock::now() + DEADLINE;
    while station.centre.kept().readings.range((old, 0)..=(old, u64::MAX)).count() < 700 {
        assert!(clock::now() < deadline, "the old readings did not come");
        // With each connection the agent looks which journals are here.
        station.centre.cut();
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    agent.stop();
    assert!(station.centre.kept().twice.is_empty());
}
