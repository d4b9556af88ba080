//! Faults of the line itself: a short, a babbler, another master.
//!
//! What gets through between two who talk at once is chance. That no value passes which nobody was asked for is not, nor
//! that a line on which nothing can be heard gives nothing.

use std::time::Duration;

use tankline_hil::line::FaultTarget;

use super::rig::{Rig, Setup, objections, qualities};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_gauges_tell_that_the_line_is_unusable_and_are_read_again_when_it_is_mended() {
    let mut rig = Rig::start(&Setup::default());
    let units = 1..=rig.units;
    rig.until_good(units.clone(), 2).await;
    for fault in ["shorted", "babble"] {
        rig.set(FaultTarget::Line, fault);
        let during = rig.watch(Duration::from_secs(5)).await;
        assert_eq!(objections(&during), [""; 0], "{fault}");
        for unit in units.clone() {
            let told = qualities(&during, unit);
            assert!(told.len() > 2, "{fault}: unit {unit} is hardly asked: {told:?}");
            assert!(told[2..].iter().all(|quality| quality.starts_with("bad")), "{fault}: unit {unit}: {told:?}");
            assert!(told.iter().any(|quality| quality == "bad:crc"), "{fault}: unit {unit}: {told:?}");
        }
        rig.set(FaultTarget::Line, "");
        rig.has_kept_time();
        let after = rig.until_good(units.clone(), 2).await;
        let has_kept_time = rig.has_kept_time();
        for unit in units.clone() {
            let told = qualities(&after, unit);
            let bad = told.iter().filter(|quality| *quality != "good").count();
            assert!(bad <= 3 || !has_kept_time, "{fault}: unit {unit}: {told:?}");
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
        assert!(during.iter().any(|one| one.quality.is_good()), "{faults}: {during:?}");
    }
    rig.set(FaultTarget::Line, "");
    let after = rig.until_good(units, 2).await;
    assert_eq!(objections(&after), [""; 0]);
    rig.stop().await;
}
