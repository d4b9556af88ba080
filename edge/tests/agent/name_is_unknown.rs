use std::fs;

use crate::support::{Agent, Station};

/// The agent looks names up as every program does; a file stands in the place of `/etc/hosts`, in a mount namespace of its
/// own, and gets the name of the broker later.
#[test]
fn a_name_that_nobody_knows_is_told_once_and_found_when_somebody_knows_it() {
    let station = Station::new("");
    station.change("mqtt://127.0.0.1:", "mqtt://broker.tankline.invalid:");
    let hosts = station.journal().with_file_name("hosts");
    fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();
    let Some(agent) = Agent::start_with_hosts(&station.config_file(), &hosts) else {
        println!("skipped: this machine has no user namespaces");
        return;
    };
    agent.wait_for_line("the name broker.tankline.invalid cannot be resolved");
    station.gauges.wait_for(60);
    assert!(station.centre.kept().readings.is_empty());
    // In the same file, because it is what is mounted.
    fs::write(&hosts, "127.0.0.1 localhost broker.tankline.invalid\n").unwrap();
    station.centre.wait("what was read meanwhile comes", |kept| kept.readings.len() >= 60);
    let log = agent.log();
    assert_eq!(log.matches("no connection to the broker").count(), 1);
    assert_eq!(log.matches("connected to the broker").count(), 1);
    agent.stop();
}
