//! A process that is told to stop does so soon, in good order, and loses nothing at all.

use rustix::process::Signal;

use crate::support::{Plan, Role, System};

#[test]
fn stopped_processes_end_in_time_and_lose_nothing() {
    let mut system = System::start(&Plan::default());
    for (role, signal) in [
        (Role::Edge(0), Signal::TERM),
        (Role::Broker, Signal::TERM),
        (Role::Ingest, Signal::TERM),
        (Role::Ingest, Signal::INT),
        (Role::Edge(1), Signal::INT),
        (Role::Broker, Signal::INT),
    ] {
        system.stop(role, signal);
        system.run(role);
        system.wait_until_live();
    }
    let account = system.settle();
    account.assert_whole();
    assert_eq!(account.unheard, 0, "nobody was killed");
}
