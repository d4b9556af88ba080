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
    // A password or certificate is no part of the digest, which everybody may see.
    let (mut digest, mut broker, mut files) = (first.digest, first.broker, first.files);
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
            Some(config) if config.digest == digest && config.broker == broker => {
                tracing::info!("the configuration is the same as before");
            }
            Some(config) => {
                digest.clone_from(&config.digest);
                broker.clone_from(&config.broker);
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

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::*;

    const SITE: &str = r#"
site = "demo"
[[product]]
name = "crude"
density_20c_kg_m3 = 862.0
[[line]]
name = "line-01"
edge = "rtu-01"
port = "/dev/ttyUSB0"
[[tank]]
name = "T-01"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 10.0, height_m = 12.0 }
[[gauge]]
tank = "T-01"
line = "line-01"
unit = 1
"#;
    const EDGE: &str = r#"
edge = "rtu-01"
site = "site.toml"
broker = { url = "mqtt://broker", user = "rtu-01", password_file = "password" }
journal = { dir = "journal" }
"#;

    #[tokio::test]
    async fn new_password_is_a_new_configuration_of_the_same_digest() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("edge.toml");
        for (name, text) in [("edge.toml", EDGE), ("site.toml", SITE), ("password", "old\n")] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let first = EdgeConfig::load(&file).unwrap();
        let (configs, mut taken) = mpsc::channel(1);
        let mut watching = JoinSet::new();
        watching.spawn(watch(file, first.clone(), configs, CancellationToken::new()));
        // So that the look before the change comes before it.
        tokio::task::yield_now().await;
        std::fs::write(dir.path().join("password"), "new one\n").unwrap();
        let next = timeout(Duration::from_secs(60), taken.recv()).await.expect("no new configuration").unwrap();
        assert_eq!(next.digest, first.digest);
        assert_ne!(next.broker, first.broker);
        assert!(!first.differs_in_lines_only(&next));
    }
}
