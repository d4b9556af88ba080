//! The public door: who comes in is asked for the CONNECT packet here, and then relayed to the inner broker.
//!
//! The inner broker closes a refused client without a word. It breaks, for all clients and for good, when a client id holds
//! a wildcard, when a client is gone or outdone before its CONNACK, or when there are more than its limit. The gate keeps
//! all that from it.
//! TLS and the rights to topics have their place here, too.

mod connect;
mod relay;
mod seats;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep};
use tokio_util::sync::CancellationToken;

use crate::Users;
use connect::Refusal;
use seats::Seats;

/// When the inner broker closes this many admitted clients in a row without an answer, it is broken.
const UNANSWERED_LIMIT: usize = 3;

/// Admits clients and relays their bytes.
pub(crate) struct Gate {
    /// Where clients come in.
    pub(crate) listener: TcpListener,
    /// How they are judged.
    pub(crate) rules: Rules,
    /// How many may be inside at once.
    pub(crate) max_connections: usize,
}

/// What every client is judged by, and what is known of those inside.
pub(crate) struct Rules {
    users: Option<Users>,
    inner: SocketAddr,
    seats: Seats,
    /// Admitted clients in a row that the inner broker did not answer.
    unanswered: AtomicUsize,
    /// Cancelled when the inner broker is found to be broken.
    broken: CancellationToken,
}

impl Rules {
    /// Lets in these users, or everybody; the inner broker listens at that address.
    pub(crate) fn new(users: Option<Users>, inner: SocketAddr) -> Self {
        let (seats, unanswered, broken) = Default::default();
        Self { users, inner, seats, unanswered, broken }
    }

    fn note_answer(&self) {
        self.unanswered.store(0, Ordering::Relaxed);
    }

    fn note_silence(&self) {
        if self.unanswered.fetch_add(1, Ordering::Relaxed) + 1 >= UNANSWERED_LIMIT {
            self.broken.cancel();
        }
    }
}

impl Gate {
    /// Lets clients in until it is dropped, and them with it; returns when the inner broker is found to be broken.
    pub(crate) async fn serve(self) -> String {
        let rules = Arc::new(self.rules);
        let places = Arc::new(Semaphore::new(self.max_connections));
        let mut full = false;
        let mut clients = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = clients.join_next() => continue,
                () = rules.broken.cancelled() => {
                    return format!("the inner broker left {UNANSWERED_LIMIT} clients in a row without an answer");
                }
            };
            let (stream, peer) = match accepted {
                Ok(client) => client,
                Err(error) => {
                    tracing::warn!(%error, "a client could not be let in");
                    // As when no file handle is left: another try at once would fail as well.
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                full = false;
                let rules = Arc::clone(&rules);
                clients.spawn(async move {
                    relay::attend(stream, peer, &rules).await;
                    drop(place);
                });
            } else {
                if !full {
                    tracing::warn!(max_connections = self.max_connections, "no place for more clients");
                    full = true;
                }
                turn_away(&stream);
            }
        }
    }
}

fn turn_away(stream: &TcpStream) {
    // Whoever is not ready to hear it learns it from the end of the connection.
    let _ = stream.try_write(&Refusal::Unavailable.connack());
}
