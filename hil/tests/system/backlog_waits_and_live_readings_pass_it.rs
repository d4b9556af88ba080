//! What could not be sent is kept, and does not hold up what is new.

use std::time::Duration;

use crate::support::{DEADLINE, EDGES, INTERVAL, Plan, Role, System, wait_until};

/// Readings that an edge has kept since it last had a connection: hours of them.
const KEPT: i64 = 100_000;

/// From a gauge's reply to the committed row, however much is waiting.
const LIVE_WITHIN_MS: i64 = 1000;

#[test]
fn live_readings_pass_a_long_backlog() {
    let mut system = System::prepare(&Plan::default());
    system.prefill(EDGES[0], KEPT);
    [Role::Ingest, Role::Broker, Role::Edge(0), Role::Edge(1)].into_iter().for_each(|role| system.run(role));
    let started_ms = system.station.started_ms();
    let kept = format!("SELECT count(*) FROM reading WHERE at_ms < {started_ms}");
    wait_until("the backlog is in the history", DEADLINE, || {
        system.database.query(&kept, |row| row.get::<_, i64>(0)) == [KEPT]
    });
    let account = system.settle();
    account.assert_whole();
    let (backlog, live): (Vec<_>, Vec<_>) =
        system.database.readings().into_iter().partition(|row| row.at_ms < started_ms);
    let (first, last) = (&backlog[0], &backlog[backlog.len() - 1]);
    let beside = first.committed_ms..last.committed_ms - LIVE_WITHIN_MS;
    let beside: Vec<_> = live.iter().filter(|row| row.edge == EDGES[0] && beside.contains(&row.at_ms)).collect();
    let passed = beside.iter().filter(|row| row.id < last.id).count();
    let slowest_ms = beside.iter().map(|row| row.committed_ms - row.at_ms).max();
    let took_ms = last.committed_ms - first.committed_ms;
    println!("a backlog of {KEPT} took {took_ms} ms; {passed} of {} live readings passed it", beside.len());
    assert!(!beside.is_empty(), "the backlog was too short to tell");
    // One that waited for its turn would come behind all that was kept before it. On a busy machine the last ones may.
    assert!(passed * 2 > beside.len(), "live readings waited for the backlog; the slowest took {slowest_ms:?} ms");
}

#[test]
fn broker_that_is_away_for_a_while_costs_nothing() {
    let mut system = System::start(&Plan::default());
    system.kill(Role::Broker);
    let served = system.station.served().len();
    // Twenty seconds of all gauges: edges and centre have long begun to back off.
    let away = Duration::from_secs(20).div_duration_f64(INTERVAL).round() as usize * system.station.tanks().len();
    wait_until("the gauges are polled without a broker", DEADLINE, || system.station.served().len() >= served + away);
    let committed = system.database.readings().len();
    system.run(Role::Broker);
    system.wait_until_live();
    let account = system.settle();
    account.assert_whole();
    assert!(account.matched >= committed + away / 2, "what was read meanwhile is in the history; {account}");
}
