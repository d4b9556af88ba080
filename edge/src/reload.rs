//! A new configuration while the agent runs: on SIGHUP, and when a file changes.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config::EdgeConfig;

/// From one look at the files to the next. A change counts when it stood for one more look: editors write in steps.
const LOOK: Duration = Duration::from_secs(2);

/// What tells one state of a file from another.
type Print = Option<(SystemTime, u64)>;

/// Hands on every valid new configuration of the agent; an invalid one is said, and the old one stays.
///
/// # Errors
/// When the signal cannot be listened to.
pub async fn watch(
    file: PathBuf,
    first: EdgeConfig,
    configs: mpsc::Sender<EdgeConfig>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen to SIGHUP")?;
    let (mut digest, mut files) = (first.digest, first.files);
    let mut applied = prints(&files);
    let mut changing = false;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            _ = hangup.recv() => {
                tracing::info!(file = %file.display(), "SIGHUP: reading the configuration again");
                applied = prints(&files);
            }
            () = sleep(LOOK) => {
                let now = prints(&files);
                if now == applied && !changing {
                    continue;
                }
                changing = now != applied;
                applied = now;
                if changing {
                    continue;
                }
                tracing::info!(file = %file.display(), "a file of the configuration changed: reading it again");
            }
        }
        match load(&file) {
            Some(config) if config.digest == digest => tracing::info!("the configuration is the same as before"),
            Some(config) => {
                digest.clone_from(&config.digest);
                files.clone_from(&config.files);
                applied = prints(&files);
                if configs.send(config).await.is_err() {
                    return Ok(());
                }
            }
            None => {}
        }
    }
}

fn load(file: &Path) -> Option<EdgeConfig> {
    match EdgeConfig::load(file) {
        Ok(config) => Some(config),
        Err(problems) => {
            for problem in problems.iter() {
                tracing::error!(%problem, "the new configuration is refused");
            }
            tracing::error!(problems = problems.iter().count(), "the old configuration stays");
            None
        }
    }
}

fn prints(files: &[PathBuf]) -> Vec<Print> {
    let print = |file: &PathBuf| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files.iter().map(print).collect()
}
