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
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::EdgeConfig;
use crate::line::board::HealthBoard;

/// Who asks takes the answer within this time; what listens answers within it.
const PATIENCE: Duration = Duration::from_secs(2);

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
        };
        let text = serde_json::to_vec(&status).expect("a status is plain data");
        // Who asks and does not listen is gone.
        let _ = timeout(PATIENCE, asker.write_all(&text)).await;
    }
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
}
