//! What a running agent tells who asks on its own machine.
//!
//! It listens on an abstract socket of the kernel, so that a disk that is full or read-only hides nothing.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tankline_domain::message::GaugeHealth;
use tankline_domain::names::{EdgeName, SiteName};
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::EdgeConfig;
use crate::journal::writer::{Report, Request};
use crate::line::board::HealthBoard;

/// Who asks takes the answer within this time; what listens answers within it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The journal answers within this time, or it is said that it did not.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(1);

/// An agent with many gauges says less than this.
const MOST_BYTES: u64 = 1 << 20;

/// How an agent stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its site.
    pub site: SiteName,
    /// Its name.
    pub edge: EdgeName,
    /// Its version.
    pub version: String,
    /// When it was started.
    pub started_at: UnixMillis,
    /// When this was said.
    pub at: UnixMillis,
    /// Its gauges, each with its counters since the start.
    pub gauges: Vec<GaugeHealth>,
    /// How its journal stands; absent when that did not answer, or the agent is too old to tell.
    #[serde(default)]
    pub journal: Option<JournalStatus>,
}

/// How the journal of an agent stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JournalStatus {
    /// Readings that are not known to be at the centre.
    #[serde(default)]
    pub depth: u64,
    /// How many of them are in memory only: they are lost when the agent ends.
    #[serde(default)]
    pub held: u64,
    /// What the disk does, such as `refuses` or `hangs`; absent while it works.
    #[serde(default)]
    pub disk: Option<String>,
}

/// No agent told how it stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatusError {
    /// Nobody listens.
    #[error("no agent of this configuration runs here: `systemctl status tankline-edge` tells why, or start it")]
    NoAgent(#[source] io::Error),
    /// It does not answer.
    #[error("the agent does not answer")]
    Silent(#[source] io::Error),
    /// What it says cannot be read.
    #[error("what the agent says cannot be read; is it of another version?")]
    Unreadable(#[source] serde_json::Error),
}

/// Who is asked.
#[derive(Debug, Clone)]
pub struct Place {
    /// The site.
    pub site: SiteName,
    /// The edge.
    pub edge: EdgeName,
    /// The folder of its journal, which has one agent at a time.
    pub journal: PathBuf,
    /// When the agent was started.
    pub started_at: UnixMillis,
    /// To ask the journal.
    pub requests: mpsc::Sender<Request>,
}

/// Tells everybody who asks how the agent stands, until told to stop. An agent whose place is taken goes on without.
///
/// # Errors
/// None: that it cannot be asked is no reason for an agent to end.
pub async fn serve(place: Place, board: HealthBoard, stop: CancellationToken) -> anyhow::Result<()> {
    let listener = match listen(&place.journal) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, "the agent cannot be asked for its status");
            stop.cancelled().await;
            return Ok(());
        }
    };
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        let Ok((mut asker, _)) = accepted else {
            // Too many files are open, perhaps.
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(PATIENCE) => continue,
            }
        };
        let status = Status {
            site: place.site.clone(),
            edge: place.edge.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: place.started_at,
            at: clock::unix_ms(),
            gauges: board.snapshot(),
            journal: journal_status(&place.requests).await,
        };
        let text = serde_json::to_vec(&status).expect("a status is plain data");
        // Who asks and does not listen is gone.
        let _ = timeout(PATIENCE, asker.write_all(&text)).await;
    }
}

/// Asks the journal how it stands; absent when it does not answer in time.
async fn journal_status(requests: &mpsc::Sender<Request>) -> Option<JournalStatus> {
    let asking = async {
        let (reply, answer) = oneshot::channel();
        requests.send(Request::Report(reply)).await.ok()?;
        answer.await.ok()
    };
    let Report { depth, held, trouble, .. } = timeout(JOURNAL_PATIENCE, asking).await.ok().flatten()?;
    Some(JournalStatus { depth, held, disk: trouble.map(|trouble| trouble.as_str().to_owned()) })
}

/// Asks the agent that runs with this configuration.
///
/// # Errors
/// [`StatusError`] when none does, or it cannot be understood.
pub async fn ask(config: &EdgeConfig) -> Result<Status, StatusError> {
    let connect = || {
        let stream = StdStream::connect_addr(&address(&config.journal.dir)?)?;
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream)
    };
    let stream = connect().map_err(StatusError::NoAgent)?;
    let mut text = Vec::new();
    let mut stream = stream.take(MOST_BYTES);
    let read = timeout(PATIENCE, stream.read_to_end(&mut text)).await;
    read.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(StatusError::Silent)?;
    serde_json::from_slice(&text).map_err(StatusError::Unreadable)
}

fn listen(journal: &Path) -> io::Result<UnixListener> {
    let listener = StdListener::bind_addr(&address(journal)?)?;
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// A journal has one agent: its folder names it.
fn address(journal: &Path) -> io::Result<SocketAddr> {
    let digest = Sha256::digest(resolved(journal)?.as_os_str().as_encoded_bytes());
    let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    SocketAddr::from_abstract_name(format!("tankline-edge/{name}"))
}

/// Follows links as far as there is something; the folder itself may come later.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let real = |part: &Path| {
        let (real, rest) = (std::fs::canonicalize(part).ok()?, path.strip_prefix(part).ok()?);
        Some(real.components().chain(rest.components()).collect())
    };
    Ok(path.ancestors().find_map(real).unwrap_or_else(|| path.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_has_one_name_whether_it_is_there_yet_or_reached_by_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, link) = (folder.path().join("a/journal"), folder.path().join("link"));
        std::os::unix::fs::symlink(folder.path().join("a"), &link).unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        let before = resolved(&journal).unwrap();
        std::fs::create_dir(&journal).unwrap();
        for path in [&journal, &link.join("journal")] {
            assert_eq!(resolved(path).unwrap(), before, "{}", path.display());
        }
    }

    #[tokio::test]
    async fn journal_that_does_not_answer_is_not_waited_for_and_an_older_agent_is_understood() {
        let (requests, unanswered) = mpsc::channel(1);
        let asked = timeout(PATIENCE, journal_status(&requests)).await;
        assert_eq!(asked, Ok(None), "whoever asks has its answer in time");
        drop(unanswered);
        assert_eq!(journal_status(&requests).await, None);
        let older = r#"{"site":"s","edge":"e","version":"0","started_at":1,"at":2,"gauges":[]}"#;
        assert_eq!(serde_json::from_str::<Status>(older).unwrap().journal, None);
    }
}
