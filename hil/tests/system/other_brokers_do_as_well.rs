//! The broker is a thing that a company may already have.

use std::collections::BTreeSet;

use crate::support::{BrokerKind, Onlooker, Plan, Role, SecuredKind, System};

/// Every tank of the station is colder than this.
const ALARM: &str = "[alarm_defaults.temperature-l]\nlimit_c = 60\non_delay_s = 0\n";

const EDGE_STATE: &str = "tankline/v1/bench/rtu-01/state";
const CENTRE_STATE: &str = "tankline/v1/bench/centre/state";
const ONLINE: &str = "\"online\"";
const OFFLINE: &str = "\"offline\"";

#[test]
#[ignore = "needs mosquitto and its clients"]
fn mosquitto_carries_the_whole_system() {
    carries_the_whole_system(SecuredKind::Mosquitto);
}

#[test]
#[ignore = "needs nats-server and the clients of mosquitto"]
fn nats_carries_the_whole_system() {
    carries_the_whole_system(SecuredKind::Nats);
}

#[cfg(feature = "rmqtt-node")]
#[test]
#[ignore = "needs a node of deploy/rmqtt, named by TANKLINE_RMQTT_NODE, and the clients of mosquitto"]
fn rmqtt_carries_the_whole_system() {
    carries_the_whole_system(SecuredKind::Rmqtt);
}

fn carries_the_whole_system(kind: SecuredKind) {
    let mut system =
        System::prepare(&Plan { broker: BrokerKind::Secured(kind), site: ALARM.to_owned(), ..Plan::default() });
    system.run(Role::Broker);
    let onlooker = viewer(&system, "first");
    [Role::Ingest, Role::Edge(0), Role::Edge(1)].into_iter().for_each(|role| system.run(role));
    system.wait_until_live();
    for (topic, part) in [
        (EDGE_STATE, ONLINE),
        (CENTRE_STATE, ONLINE),
        ("tankline/v1/bench/rtu-02/readings", "\"level_mm\""),
        ("tankline/v1/bench/rtu-02/committed", "\"ranges\""),
        ("tankline/v1/bench/alarms/T-12/temperature-l", "\"state\""),
    ] {
        onlooker.wait_to_hear(&system.folder, 0, topic, part);
    }

    dies_and_comes_back(&mut system, Role::Edge(0), Some((&onlooker, EDGE_STATE)));
    // mosquitto's client ends with its broker.
    drop(onlooker);
    dies_and_comes_back(&mut system, Role::Broker, None);
    let onlooker = viewer(&system, "second");
    dies_and_comes_back(&mut system, Role::Ingest, Some((&onlooker, CENTRE_STATE)));
    what_is_kept_is_what_holds(&system);
    system.settle().assert_whole();
}

/// Kills a process; where somebody looks on, its last will is heard.
fn dies_and_comes_back(system: &mut System, victim: Role, will: Option<(&Onlooker, &str)>) {
    let before = will.map_or(0, |(onlooker, _)| onlooker.heard(&system.folder).len());
    system.kill(victim);
    if let Some((onlooker, topic)) = will {
        onlooker.wait_to_hear(&system.folder, before, topic, OFFLINE);
    }
    system.run(victim);
    system.wait_until_live();
}

/// Who comes late is told at once who is there and which alarms stand, and nothing else of the past.
fn what_is_kept_is_what_holds(system: &System) {
    let late = viewer(system, "late");
    let alarm = |tank: &str| format!("tankline/v1/bench/alarms/{tank}/temperature-l");
    let kept = |topic: &str, part: &str| late.wait_to_hear(&system.folder, 0, topic, part);
    kept(EDGE_STATE, ONLINE);
    kept("tankline/v1/bench/rtu-02/state", ONLINE);
    kept(CENTRE_STATE, ONLINE);
    let tanks = system.station.tanks();
    tanks.keys().for_each(|tank| kept(&alarm(tank.as_str()), "\"state\""));
    let retained = late.heard(&system.folder).into_iter().filter(|heard| heard.retained);
    let retained: BTreeSet<_> = retained.map(|heard| heard.topic).collect();
    assert!(retained.contains(EDGE_STATE) && retained.contains(CENTRE_STATE), "{retained:?}");
    let others = ["readings", "committed", "health"];
    assert!(!retained.iter().any(|topic| others.iter().any(|leaf| topic.ends_with(leaf))), "{retained:?}");
}

fn viewer(system: &System, client_id: &str) -> Onlooker {
    Onlooker::viewer(&system.folder, system.secured.as_ref().expect("it asks for certificates"), client_id)
}
