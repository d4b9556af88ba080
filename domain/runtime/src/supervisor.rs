//! Everything long-lived of a process: named, watched, stopped in order.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;

use crate::clock;

/// When a task is stopped, from first to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Takes something in: polls gauges, receives messages, accepts connections.
    Intake,
    /// Works on what was taken in.
    Work,
    /// Brings it to disk.
    Disk,
    /// Holds a connection on which the others may still have something to say.
    Connection,
}

impl Stage {
    const ORDER: [Self; 4] = [Self::Intake, Self::Work, Self::Disk, Self::Connection];
}

/// What tasks have to end when an earlier stage took all of the grace.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Why a process ended otherwise than asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SupervisorError {
    /// A task ended although nobody had asked for it.
    #[error("task {task} ended unasked")]
    EndedUnasked {
        /// The task.
        task: String,
    },
    /// A task failed.
    #[error("task {task} failed")]
    Failed {
        /// The task.
        task: String,
        /// What it said.
        source: anyhow::Error,
    },
    /// A task panicked.
    #[error("task {task} panicked: {message}")]
    Panicked {
        /// The task.
        task: String,
        /// The words of the panic.
        message: String,
    },
    /// Tasks did not stop in time and were cut off.
    #[error("tasks {} did not stop within {grace:?}", tasks.join(", "))]
    GraceExceeded {
        /// The tasks.
        tasks: Vec<String>,
        /// The time they had.
        grace: Duration,
    },
}

/// Owns the tasks of a process.
#[derive(Debug)]
pub struct Supervisor {
    role: &'static str,
    grace: Duration,
    stages: HashMap<Stage, CancellationToken>,
    tasks: JoinSet<anyhow::Result<()>>,
    running: HashMap<Id, Running>,
    calls: mpsc::Receiver<oneshot::Sender<()>>,
    calling: mpsc::Sender<oneshot::Sender<()>>,
}

/// Asks whether a supervisor is at work.
#[derive(Debug, Clone)]
pub struct RollCall(mpsc::Sender<oneshot::Sender<()>>);

impl RollCall {
    /// Waits until the supervisor has answered; for ever when it is stuck.
    ///
    /// # Errors
    /// When it has ended, or is stopping.
    pub async fn answered(&self) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        let asked = self.0.send(reply).await;
        asked.map_err(|_| "the supervisor has ended".to_owned())?;
        answer.await.map_err(|_| "the supervisor is stopping".to_owned())
    }
}

#[derive(Debug)]
struct Running {
    stage: Stage,
    name: String,
}

impl Supervisor {
    /// Makes a supervisor without tasks; all of them together have the grace to stop.
    #[must_use]
    pub fn new(role: &'static str, grace: Duration) -> Self {
        let stages = Stage::ORDER.into_iter().map(|stage| (stage, CancellationToken::new())).collect();
        let (calling, calls) = mpsc::channel(1);
        Self { role, grace, stages, tasks: JoinSet::new(), running: HashMap::new(), calls, calling }
    }

    /// Gives what asks whether this supervisor is at work: it answers while it runs.
    #[must_use]
    pub fn roll_call(&self) -> RollCall {
        RollCall(self.calling.clone())
    }

    /// Starts a task. It is to end with `Ok` soon after its token is cancelled, and not before.
    ///
    /// Must be called inside a tokio runtime.
    pub fn spawn<F, T>(&mut self, stage: Stage, name: &str, task: F)
    where
        F: FnOnce(CancellationToken) -> T,
        T: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let handle = self.tasks.spawn(task(self.stages[&stage].child_token()));
        self.running.insert(handle.id(), Running { stage, name: name.to_owned() });
    }

    /// Runs until `stop` is cancelled or the first task ends, fails or panics; then stops the stages in order.
    ///
    /// A task of a later stage may end by itself while earlier ones stop, for want of anything more to do.
    ///
    /// # Errors
    /// [`SupervisorError`] of the first task that did not do as it should.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), SupervisorError> {
        let mut first = None;
        loop {
            let call = tokio::select! {
                biased;
                () = stop.cancelled() => {
                    tracing::info!(role = self.role, "stopping");
                    break;
                }
                ended = next_end(&mut self.tasks, &mut self.running) => {
                    let (task, outcome) = ended;
                    first = Some(outcome.err().unwrap_or(SupervisorError::EndedUnasked { task }));
                    break;
                }
                Some(call) = self.calls.recv() => call,
            };
            // Who asked may have given up.
            let _ = call.send(());
        }
        if let Some(error) = &first {
            tracing::error!(role = self.role, error = chain(error), "stopping because of a task");
        }
        let late = self.stop_in_order(&mut first).await;
        match first.or(late) {
            None => {
                tracing::info!(role = self.role, "stopped");
                Ok(())
            }
            Some(error) => Err(error),
        }
    }

    async fn stop_in_order(&mut self, first: &mut Option<SupervisorError>) -> Option<SupervisorError> {
        let deadline = tokio::time::Instant::from_std(clock::now() + self.grace);
        for stage in Stage::ORDER {
            self.stages[&stage].cancel();
            while self.running.values().any(|task| task.stage == stage) {
                let Ok((_, outcome)) = timeout_at(deadline, next_end(&mut self.tasks, &mut self.running)).await else {
                    return Some(self.cut_off(stage).await);
                };
                if let Err(error) = outcome {
                    tracing::error!(role = self.role, error = chain(&error), "a task failed while stopping");
                    first.get_or_insert(error);
                }
            }
        }
        None
    }

    /// Names what is late, lets what comes after it end in a last moment, and cuts the rest off.
    async fn cut_off(&mut self, stage: Stage) -> SupervisorError {
        let late = self.running.values().filter(|task| task.stage == stage);
        let mut tasks: Vec<_> = late.map(|task| task.name.clone()).collect();
        tasks.sort();
        // A thread that writes to disk cannot be cut off; told to stop, it still closes its files.
        self.stages.values().for_each(CancellationToken::cancel);
        let last = tokio::time::Instant::from_std(clock::now() + LAST_MOMENT);
        while !self.running.is_empty() && timeout_at(last, next_end(&mut self.tasks, &mut self.running)).await.is_ok() {
        }
        self.tasks.abort_all();
        let error = SupervisorError::GraceExceeded { tasks, grace: self.grace };
        tracing::error!(role = self.role, error = chain(&error), "tasks were cut off");
        error
    }
}

/// Waits for the next task to end; for ever when there is none.
async fn next_end(
    tasks: &mut JoinSet<anyhow::Result<()>>,
    running: &mut HashMap<Id, Running>,
) -> (String, Result<(), SupervisorError>) {
    let Some(joined) = tasks.join_next_with_id().await else {
        return std::future::pending().await;
    };
    let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
    let task = running.remove(&id).map_or_else(|| "unknown".to_owned(), |task| task.name);
    let outcome = match joined {
        Ok((_, Ok(()))) => Ok(()),
        Ok((_, Err(source))) => Err(SupervisorError::Failed { task: task.clone(), source }),
        Err(error) => Err(SupervisorError::Panicked { task: task.clone(), message: words_of(error) }),
    };
    (task, outcome)
}

fn words_of(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else {
        return "cancelled from outside".to_owned();
    };
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no words".to_owned())
}

fn chain(error: &SupervisorError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
