//! Late replies: whatever the lateness, none is taken for the answer to another request.

use std::time::Duration;

use tankline_hil::line::FaultTarget;
use tokio::task::JoinSet;

use super::rig::{AFFECTED, Rig, Setup, objections, qualities};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_late_reply_is_taken_for_the_answer_to_another_request() {
    let mut runs = JoinSet::new();
    for (interval_ms, faults) in [
        (150, "late=100ms"),
        (150, "late=140ms"),
        (150, "late=195ms"),
        (150, "late=290ms"),
        (150, "late=1s"),
        (150, "late=130ms@50%"),
        (150, "late=160ms silent@30%"),
        (150, "late=160ms crc@30%"),
        (100, "late=250ms"),
        (400, "late=390ms"),
        (400, "late=520ms"),
        (150, "behind=1"),
        (150, "behind=1 silent@20%"),
        (150, "behind=3 crc@20%"),
        (150, "repeat=125ms"),
        (150, "early late=130ms"),
    ] {
        runs.spawn(async move {
            // One gauge alone: its late replies meet no other gauge's slot, only its own.
            let interval = Duration::from_millis(interval_ms);
            let mut rig = Rig::start(&Setup { units: 1, interval, seed: interval_ms, ..Setup::default() });
            rig.until_good([AFFECTED], 4).await;
            rig.set(FaultTarget::Unit(AFFECTED), faults);
            let during = rig.watch(Duration::from_secs(12)).await;
            rig.set(FaultTarget::Unit(AFFECTED), "");
            let after = rig.until_good([AFFECTED], 5).await;
            rig.stop().await;
            let wrong = [objections(&during), objections(&after)].concat();
            let told = qualities(&during, AFFECTED);
            let good = told.iter().filter(|quality| *quality == "good").count();
            println!("every {interval_ms} ms, {faults:<24} {good} of {} good, {} wrong", told.len(), wrong.len());
            wrong.into_iter().map(|wrong| format!("{faults}: {wrong}")).collect::<Vec<_>>()
        });
    }
    let wrong = runs.join_all().await.concat();
    assert!(wrong.is_empty(), "{} values of other requests, such as\n{}", wrong.len(), wrong[0]);
}
