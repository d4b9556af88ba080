//! The lines of an edge: started, stopped and changed while the rest goes on.

use std::collections::HashMap;

use tankline_domain::names::LineName;
use tankline_domain::reading::Reading;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::board::HealthBoard;
use super::poller::{self, LineConfig};

/// Runs the lines that are configured, until told to stop. When the configuration changes, lines that are the same go on;
/// the others are stopped, started, or both.
///
/// # Errors
/// When a line's task fails.
pub async fn run(
    mut configs: watch::Receiver<Vec<LineConfig>>,
    readings: mpsc::Sender<Reading>,
    board: HealthBoard,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut lines = Lines { running: HashMap::new(), tasks: JoinSet::new(), readings, board };
    loop {
        let wanted = configs.borrow_and_update().clone();
        lines.change_to(wanted).await?;
        tokio::select! {
            biased;
            () = stop.cancelled() => return lines.end_all_but(&[]).await,
            changed = configs.changed() => if changed.is_err() {
                // Nobody can change them any more; what runs goes on.
                stop.cancelled().await;
            },
            Some(ended) = lines.tasks.join_next() => {
                let (line, outcome) = ended?;
                outcome?;
                anyhow::bail!("line {line} ended unasked");
            }
        }
    }
}

struct Lines {
    running: HashMap<LineName, (LineConfig, CancellationToken)>,
    tasks: JoinSet<(LineName, anyhow::Result<()>)>,
    readings: mpsc::Sender<Reading>,
    board: HealthBoard,
}

impl Lines {
    async fn change_to(&mut self, wanted: Vec<LineConfig>) -> anyhow::Result<()> {
        self.end_all_but(&wanted).await?;
        self.board.keep(&wanted);
        for line in wanted {
            let name = line.line.name.clone();
            if self.running.contains_key(&name) {
                continue;
            }
            let stop = CancellationToken::new();
            let task = poller::run(line.clone(), self.readings.clone(), self.board.clone(), stop.clone());
            let named = name.clone();
            self.tasks.spawn(async move { (named, task.await) });
            self.running.insert(name, (line, stop));
        }
        Ok(())
    }

    /// Ends all lines but those that go on as they are; their counters stay to be read.
    async fn end_all_but(&mut self, going_on: &[LineConfig]) -> anyhow::Result<()> {
        let ending: Vec<LineName> = self
            .running
            .iter()
            .filter(|(_, (line, _))| !going_on.contains(line))
            .map(|(name, (_, stop))| {
                stop.cancel();
                name.clone()
            })
            .collect();
        // A port has one owner: the old one lets go before the new one opens it.
        for _ in 0..ending.len() {
            let Some(ended) = self.tasks.join_next().await else { break };
            let (name, outcome) = ended?;
            outcome?;
            anyhow::ensure!(ending.contains(&name), "line {name} ended unasked");
            self.running.remove(&name);
        }
        Ok(())
    }
}
