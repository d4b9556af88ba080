//! The broker is a thing that a company may already have.

use crate::support::{BrokerKind, Plan, Role, System};

#[test]
#[ignore = "needs mosquitto"]
fn mosquitto_carries_every_reading_once() {
    let mut system = System::start(&Plan { broker: BrokerKind::Mosquitto, ..Plan::default() });
    for victim in [Role::Edge(0), Role::Broker, Role::Ingest] {
        system.kill(victim);
        system.run(victim);
        system.wait_until_live();
    }
    system.settle().assert_whole();
}
