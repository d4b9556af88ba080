//! A new configuration while the agent runs: on SIGHUP, and when a file changes.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use tankline_runtime::mqtt::BrokerSettings;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config::EdgeConfig;
use crate::named_files::named_files;

/// From one look at the files to the next. A change counts when it stood for one more look: editors write in steps.
const LOOK: Duration = Duration::from_secs(2);

/// A valid configuration that is to take the place of the one in use.
#[derive(Debug)]
pub struct Change {
    /// The new configuration.
    pub config: EdgeConfig,
    /// Where the agent says what became of it.
    pub answer: oneshot::Sender<Answer>,
}

/// What became of a new configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is in use.
    InUse,
    /// The agent cannot run with it, and goes on with the old one.
    Refused {
        /// Why.
        reason: String,
    },
}

/// Hands on every valid new configuration of the agent. One that is invalid, or that the agent cannot run with, is said, and
/// the old one stays; the files that it names are watched all the same, so that mending one of them is enough.
///
/// # Errors
/// When the signal cannot be listened to.
pub async fn watch(
    file: PathBuf,
    first: EdgeConfig,
    changes: mpsc::Sender<Change>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen to SIGHUP")?;
    let mut in_use = InUse::of(&first);
    let mut files = Files::of(&in_use, &file);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            _ = hangup.recv() => {
                tracing::info!(file = %file.display(), "SIGHUP: reading the configuration again");
            }
            () = sleep(LOOK) => {
                if !files.have_changed() {
                    continue;
                }
                tracing::info!(file = %file.display(), "a file of the configuration changed: reading it again");
            }
        }
        // Looked at before they are read: what changes meanwhile has changed since.
        files = Files::of(&in_use, &file);
        match EdgeConfig::load(&file) {
            Ok(config) if in_use.is(&config) => tracing::info!("the configuration is the same as before"),
            Ok(config) => {
                let next = InUse::of(&config);
                let (answer, answered) = oneshot::channel();
                if changes.send(Change { config, answer }).await.is_err() {
                    return Ok(());
                }
                match answered.await {
                    Ok(Answer::InUse) => {
                        in_use = next;
                        files.forget_others(&in_use, &file);
                    }
                    Ok(Answer::Refused { reason }) => refuse([reason]),
                    // The agent is gone, and says why itself.
                    Err(_) => return Ok(()),
                }
            }
            Err(problems) => refuse(problems.iter().map(ToString::to_string)),
        }
    }
}

fn refuse(problems: impl IntoIterator<Item = String>) {
    let mut count = 0_usize;
    for problem in problems {
        tracing::error!(problem, "the new configuration is refused");
        count += 1;
    }
    tracing::error!(problems = count, "the old configuration stays; mend the new one, or send SIGHUP to try it again");
}

/// The configuration in use, as far as it matters here.
#[derive(Debug)]
struct InUse {
    digest: String,
    /// A password or certificate is no part of the digest, which everybody may see.
    broker: BrokerSettings,
    files: Vec<PathBuf>,
}

impl InUse {
    fn of(config: &EdgeConfig) -> Self {
        Self { digest: config.digest.clone(), broker: config.broker.clone(), files: config.files.clone() }
    }

    fn is(&self, config: &EdgeConfig) -> bool {
        self.digest == config.digest && self.broker == config.broker
    }
}

/// What tells one state of a file from another.
type Print = Option<(SystemTime, u64)>;

/// The files that are watched, as they were when they were last read.
#[derive(Debug)]
struct Files {
    prints: Vec<(PathBuf, Print)>,
    changing: bool,
}

impl Files {
    /// Looks at the files of the configuration in use and at those that the file names now.
    fn of(in_use: &InUse, file: &Path) -> Self {
        let mut files = named_files(file);
        files.extend(in_use.files.iter().cloned());
        files.sort();
        files.dedup();
        Self { prints: files.into_iter().map(|file| (file.clone(), print(&file))).collect(), changing: false }
    }

    /// Leaves those out that neither belong to the configuration in use nor are named by the file.
    fn forget_others(&mut self, in_use: &InUse, file: &Path) {
        let named = named_files(file);
        self.prints.retain(|(path, _)| named.contains(path) || in_use.files.contains(path));
    }

    /// Tells whether some have changed, and not since the last look.
    fn have_changed(&mut self) -> bool {
        let mut changed = false;
        for (file, before) in &mut self.prints {
            let now = print(file);
            changed |= now != *before;
            *before = now;
        }
        std::mem::replace(&mut self.changing, changed) && !changed
    }
}

fn print(file: &Path) -> Print {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
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
        let next = timeout(Duration::from_secs(60), taken.recv()).await.expect("no new configuration").unwrap().config;
        assert_eq!(next.digest, first.digest);
        assert_ne!(next.broker, first.broker);
        assert!(!first.has_session_of(&next) && first.has_journal_of(&next));
    }
}
