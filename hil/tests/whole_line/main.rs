//! Faults of the line itself: a short, a babbler, another master.
//!
//! What gets through between two who talk at once depends on when each of them is given the processor, so these are run by
//! themselves, on a machine that does nothing else: `cargo test -p tankline-hil --test whole_line`.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
#![allow(dead_code, reason = "the rig has more than these tests need")]

#[path = "../line_faults/ledger.rs"]
mod ledger;
#[path = "../line_faults/rig.rs"]
mod rig;

use std::time::Duration;

use tankline_hil::line::FaultTarget;

use rig::{Rig, Setup, objections, qualities};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_gauges_tell_that_the_line_is_unusable_and_are_read_again_when_it_is_mended() {
    let mut rig = Rig::start(&Setup::default());
    let units = 1..=rig.units;
    rig.until_good(units.clone(), 2).await;
    for fault in ["shorted", "babble"] {
        rig.set(FaultTarget::Line, fault);
        let during = rig.watch(Duration::from_secs(5)).await;
        assert_eq!(objections(&during), [""; 0], "{fault}");
        if (1..=3).any(|unit| qualities(&during, unit)[2..].iter().any(|quality| quality != "bad:crc")) {
            let times: Vec<_> =
                during.iter().map(|one| (one.unit, one.at.get() % 100_000, one.quality.to_string())).collect();
            println!("{:?} {times:?}", rig.line.counters());
        }
        for unit in units.clone() {
            let told = qualities(&during, unit);
            assert!(told.len() > 3, "{fault}: unit {unit} is hardly asked: {told:?}");
            assert!(told[2..].iter().all(|quality| quality == "bad:crc"), "{fault}: unit {unit}: {told:?}");
        }
        rig.set(FaultTarget::Line, "");
        let after = rig.until_good(units.clone(), 2).await;
        for unit in units.clone() {
            assert!(qualities(&after, unit).len() <= 5, "{fault}: unit {unit}: {:?}", qualities(&after, unit));
        }
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_master_on_the_line_costs_answers_but_no_value() {
    let mut rig = Rig::start(&Setup { seed: 7, ..Setup::default() });
    let units = 1..=rig.units;
    rig.until_good(units.clone(), 2).await;
    // One that asks a gauge of ours, one that asks another, and both with damage on top.
    for faults in ["other-master=2", "other-master=77", "other-master=3 crc@10% late=60ms@20%"] {
        rig.set(FaultTarget::Line, faults);
        let during = rig.watch(Duration::from_secs(6)).await;
        assert_eq!(objections(&during), [""; 0], "{faults}");
        for unit in units.clone() {
            let told = qualities(&during, unit);
            // How often both masters speak at once depends on how their rhythms meet; now and then they do not.
            assert!(told.iter().any(|quality| quality == "good"), "{faults}: unit {unit}: {told:?}");
        }
    }
    rig.set(FaultTarget::Line, "");
    let after = rig.until_good(units, 2).await;
    assert_eq!(objections(&after), [""; 0]);
    rig.stop().await;
}
