//! Tasks that are started and stopped together.

use std::pin::Pin;

use tankline_runtime::supervisor::{Supervisor, SupervisorError};
use tokio_util::sync::CancellationToken;

/// Tasks under one supervisor.
pub(super) struct Group {
    stop: CancellationToken,
    running: Option<Running>,
}

type Running = Pin<Box<dyn Future<Output = Result<(), SupervisorError>> + Send>>;

impl Group {
    pub(super) fn start(supervisor: Supervisor) -> Self {
        let stop = CancellationToken::new();
        let running = supervisor.run(stop.clone());
        Self { stop, running: Some(Box::pin(running)) }
    }

    /// Waits until a task ends unasked, and gives why. Nothing is lost when that is not waited for to the end.
    pub(super) async fn ended(&mut self) -> Result<(), SupervisorError> {
        match &mut self.running {
            Some(running) => {
                let ended = running.await;
                self.running = None;
                ended
            }
            None => std::future::pending().await,
        }
    }

    /// Stops the tasks in good order.
    pub(super) async fn stop(&mut self) -> Result<(), SupervisorError> {
        self.stop.cancel();
        match self.running.take() {
            Some(running) => running.await,
            None => Ok(()),
        }
    }
}
