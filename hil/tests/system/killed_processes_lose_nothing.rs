//! Any process may be killed at any time.

use std::time::Duration;

use fastrand::Rng;

use crate::support::{Plan, Role, System};

const ROLES: [Role; 3] = [Role::Edge(0), Role::Broker, Role::Ingest];

/// Lets a random time pass: the next kill is to hit anywhere, not where something has just been seen.
fn some_time(random: &mut Rng, range_ms: std::ops::Range<u64>) {
    std::thread::sleep(Duration::from_millis(random.u64(range_ms)));
}

/// The seed of this run; another one is given by the environment.
fn seed() -> u64 {
    let seed = std::env::var("TANKLINE_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    println!("TANKLINE_TEST_SEED={seed}");
    seed
}

#[test]
fn killed_processes_lose_nothing_and_repeat_nothing() {
    let mut random = Rng::with_seed(seed());
    let mut system = System::start(&Plan::default());
    for victim in ROLES {
        some_time(&mut random, 100..1500);
        system.kill(victim);
        some_time(&mut random, 0..1000);
        system.run(victim);
        system.wait_until_live();
    }
    // And again in any order, before the others have recovered.
    let mut victims = [ROLES; 3].concat();
    random.shuffle(&mut victims);
    for victim in victims {
        system.kill(victim);
        some_time(&mut random, 0..1000);
        system.run(victim);
        some_time(&mut random, 0..1500);
    }
    system.wait_until_live();
    system.settle().assert_whole();
    system.assert_status_is_whole();
}

#[test]
fn all_processes_killed_at_once_lose_nothing_and_repeat_nothing() {
    let mut random = Rng::with_seed(seed());
    let mut system = System::start(&Plan::default());
    let all = [Role::Edge(0), Role::Edge(1), Role::Broker, Role::Ingest];
    for _ in 0..3 {
        some_time(&mut random, 500..1500);
        all.into_iter().for_each(|role| system.kill(role));
        some_time(&mut random, 0..500);
        all.into_iter().for_each(|role| system.run(role));
        system.wait_until_live();
    }
    system.settle().assert_whole();
    system.assert_status_is_whole();
}
