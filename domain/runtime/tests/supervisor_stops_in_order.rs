//! The supervisor stops the stages in order, and says which task did not do as it should.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tankline_runtime::supervisor::{Stage, Supervisor, SupervisorError};
use tokio_util::sync::CancellationToken;

const LONG: Duration = Duration::from_secs(60);

type Notes = Arc<Mutex<Vec<&'static str>>>;

/// Starts a task that writes its name down when it has been stopped.
fn spawn_noting(supervisor: &mut Supervisor, stage: Stage, name: &'static str, notes: &Notes) {
    let notes = Arc::clone(notes);
    supervisor.spawn(stage, name, move |stop| async move {
        stop.cancelled().await;
        // Others get every chance to overtake, if the order were not kept.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        notes.lock().unwrap().push(name);
        Ok(())
    });
}

fn of_every_stage(notes: &Notes) -> Supervisor {
    let mut supervisor = Supervisor::new("test", LONG);
    for (stage, name) in
        [(Stage::Connection, "connection"), (Stage::Disk, "disk"), (Stage::Work, "work"), (Stage::Intake, "intake")]
    {
        spawn_noting(&mut supervisor, stage, name, notes);
    }
    supervisor
}

const IN_ORDER: [&str; 4] = ["intake", "work", "disk", "connection"];

#[tokio::test]
async fn asked_to_stop_it_stops_intake_then_work_then_disk_then_connection() {
    let notes = Notes::default();
    let stop = CancellationToken::new();
    stop.cancel();
    of_every_stage(&notes).run(stop).await.unwrap();
    assert_eq!(*notes.lock().unwrap(), IN_ORDER);
}

#[tokio::test]
async fn without_tasks_it_waits_to_be_stopped() {
    let stop = CancellationToken::new();
    let run = Supervisor::new("test", LONG).run(stop.clone());
    tokio::pin!(run);
    tokio::select! {
        biased;
        outcome = &mut run => panic!("ended unasked: {outcome:?}"),
        () = tokio::task::yield_now() => stop.cancel(),
    }
    run.await.unwrap();
}

#[tokio::test]
async fn task_that_fails_stops_the_others_in_order_and_is_named_with_its_cause() {
    let notes = Notes::default();
    let mut supervisor = of_every_stage(&notes);
    supervisor.spawn(Stage::Work, "derive", |_| async { anyhow::bail!("no such tank") });
    let error = supervisor.run(CancellationToken::new()).await.unwrap_err();
    assert_eq!(format!("{:#}", anyhow::Error::from(error)), "task derive failed: no such tank");
    assert_eq!(*notes.lock().unwrap(), IN_ORDER);
}

#[tokio::test]
async fn task_that_panics_stops_the_others_and_is_named_with_its_words() {
    let notes = Notes::default();
    let mut supervisor = of_every_stage(&notes);
    supervisor.spawn(Stage::Disk, "journal", |_| async { panic!("segment 7 is gone") });
    let error = supervisor.run(CancellationToken::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "task journal panicked: segment 7 is gone");
    assert_eq!(*notes.lock().unwrap(), IN_ORDER);
}

#[tokio::test]
async fn task_that_ends_unasked_is_an_error_even_when_all_went_well() {
    let notes = Notes::default();
    let mut supervisor = of_every_stage(&notes);
    supervisor.spawn(Stage::Intake, "line-01", |_| async { Ok(()) });
    let error = supervisor.run(CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, SupervisorError::EndedUnasked { ref task } if task == "line-01"), "{error}");
    assert_eq!(*notes.lock().unwrap(), IN_ORDER);
}

#[tokio::test]
async fn task_that_fails_while_stopping_is_told_and_the_rest_still_stops() {
    let notes = Notes::default();
    let mut supervisor = of_every_stage(&notes);
    supervisor.spawn(Stage::Intake, "line-01", |stop| async move {
        stop.cancelled().await;
        anyhow::bail!("port is gone")
    });
    let stop = CancellationToken::new();
    stop.cancel();
    let error = supervisor.run(stop).await.unwrap_err();
    assert!(matches!(error, SupervisorError::Failed { ref task, .. } if task == "line-01"), "{error}");
    assert_eq!(*notes.lock().unwrap(), IN_ORDER);
}

#[tokio::test]
async fn later_task_may_end_for_want_of_work_while_earlier_ones_stop() {
    let (queue, mut taken) = tokio::sync::mpsc::channel::<()>(1);
    let mut supervisor = Supervisor::new("test", LONG);
    supervisor.spawn(Stage::Disk, "journal", move |_| async move {
        while taken.recv().await.is_some() {}
        Ok(())
    });
    supervisor.spawn(Stage::Intake, "line-01", move |stop| async move {
        stop.cancelled().await;
        drop(queue);
        Ok(())
    });
    let stop = CancellationToken::new();
    stop.cancel();
    supervisor.run(stop).await.unwrap();
}

#[tokio::test]
async fn task_that_does_not_stop_within_the_grace_is_cut_off_and_named() {
    let mut supervisor = Supervisor::new("test", Duration::from_millis(50));
    supervisor.spawn(Stage::Work, "deaf", |_| std::future::pending());
    let stop = CancellationToken::new();
    stop.cancel();
    let error = supervisor.run(stop).await.unwrap_err();
    assert!(error.to_string().contains("tasks deaf did not stop within 50ms"), "{error}");
}

#[tokio::test]
async fn what_comes_after_a_task_that_hangs_still_ends_in_good_order() {
    let mut supervisor = Supervisor::new("test", Duration::from_millis(50));
    let notes = Notes::default();
    supervisor.spawn(Stage::Intake, "deaf", |_| std::future::pending());
    spawn_noting(&mut supervisor, Stage::Disk, "files", &notes);
    let stop = CancellationToken::new();
    stop.cancel();
    let error = supervisor.run(stop).await.unwrap_err();
    assert!(error.to_string().contains("tasks deaf did not stop within 50ms"), "{error}");
    assert_eq!(*notes.lock().unwrap(), ["files"]);
}

#[tokio::test]
async fn roll_call_is_answered_while_it_runs_and_not_after() {
    let stop = CancellationToken::new();
    let supervisor = Supervisor::new("test", LONG);
    let roll_call = supervisor.roll_call();
    let asking = async {
        roll_call.answered().await.unwrap();
        roll_call.answered().await.unwrap();
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(supervisor.run(stop.clone()), asking);
    ended.unwrap();
    roll_call.answered().await.unwrap_err();
}
