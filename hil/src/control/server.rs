use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tankline_runtime::clock;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{ControlArgs, SocketError, SteeredBench, socket};

/// Terminals at the same time; more wait.
const MAX_CLIENTS: usize = 32;

/// Longest order in bytes.
const MAX_ORDER: usize = 4096;

/// A terminal that does not read its answer for this long is let go.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);

/// Takes orders for a running bench over a unix socket. The socket goes away with it.
#[derive(Debug)]
pub struct ControlServer {
    listener: UnixListener,
    path: PathBuf,
    bench: Arc<SteeredBench>,
}

/// A bench cannot be steered.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServerError {
    /// There is no socket for it.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Nobody can connect at the socket.
    #[error("cannot listen at {}", path.display())]
    Listen {
        /// The socket.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl ControlServer {
    /// Listens at a socket that only this user can use. `role` is part of the name of the socket where none is given.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`ServerError`] when there is no socket to be had.
    pub fn listen(args: &ControlArgs, role: &str, bench: SteeredBench) -> Result<Self, ServerError> {
        let path = socket::free(args, role)?;
        let failed = |source| ServerError::Listen { path: path.clone(), source };
        let listener = UnixListener::bind(&path).map_err(failed)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(Self { listener, path, bench: Arc::new(bench) })
    }

    /// As [`ControlServer::listen`]; but where no socket was asked for and none is to be had, a bench does without.
    ///
    /// # Errors
    /// [`ServerError`] when the socket that was asked for cannot be had.
    pub fn listen_if_possible(
        args: &ControlArgs,
        role: &str,
        bench: SteeredBench,
    ) -> Result<Option<Self>, ServerError> {
        match Self::listen(args, role, bench) {
            Ok(server) => Ok(Some(server)),
            Err(error) if args.path.is_none() => {
                tracing::warn!(error = &error as &dyn std::error::Error, "this bench cannot be steered");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Gives the path of the socket.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes orders until `stop`.
    ///
    /// # Errors
    /// What the system says when it takes no more connections.
    pub async fn serve(self, stop: CancellationToken) -> io::Result<()> {
        let mut clients = JoinSet::new();
        loop {
            let has_room = clients.len() < MAX_CLIENTS;
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = clients.join_next(), if !clients.is_empty() => {}
                accepted = self.listener.accept(), if has_room => {
                    let (stream, _) = accepted?;
                    let (bench, stop) = (self.bench.clone(), stop.clone());
                    clients.spawn(async move {
                        // Who went away is not answered any more.
                        let _ = converse(stream, &bench, &stop).await;
                    });
                }
            }
        }
        // Who gave the last order gets its answer.
        while clients.join_next().await.is_some() {}
        Ok(())
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Takes order after order from one terminal.
async fn converse(mut stream: UnixStream, bench: &SteeredBench, stop: &CancellationToken) -> io::Result<()> {
    let mut received = Vec::new();
    loop {
        while let Some(end) = received.iter().position(|byte| *byte == b'\n') {
            let order: Vec<u8> = received.drain(..=end).collect();
            let answer = answer(bench, String::from_utf8_lossy(&order).trim());
            timeout(WRITE_PATIENCE, stream.write_all(answer.as_bytes())).await??;
        }
        if received.len() > MAX_ORDER {
            let refusal = format!("error: an order has at most {MAX_ORDER} bytes\n");
            return timeout(WRITE_PATIENCE, stream.write_all(refusal.as_bytes())).await?;
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            count = stream.read_buf(&mut received) => if count? == 0 {
                return Ok(());
            },
        }
    }
}

fn answer(bench: &SteeredBench, order: &str) -> String {
    match bench.carry_out(clock::now(), order) {
        Ok(lines) => lines.into_iter().chain(["ok".to_owned()]).map(|line| line + "\n").collect(),
        Err(error) => format!("error: {error}\n"),
    }
}
