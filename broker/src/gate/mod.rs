//! The public door: who comes in is asked for the CONNECT packet here, and whatever it sends is looked at before the inner
//! broker gets it.
//!
//! The inner broker closes a refused client without a word, knows no rights, and breaks, for all clients and for good, on
//! several things that a client may send. The gate keeps all that from it.

mod addresses;
mod allowance;
mod claim;
mod connect;
mod handshake;
mod inspect;
mod journal;
mod names;
mod outward;
pub(crate) mod packet;
mod passwords;
mod refusal;
mod relay;
mod rules;
mod seats;
mod slots;
mod stay;
mod told;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep};

use crate::health::DoorState;
use crate::metrics::Counters;
use addresses::Origin;
pub(crate) use handshake::Noting;
pub(crate) use refusal::Refusal;
pub(crate) use rules::Rules;

/// Admits clients and relays their packets.
pub(crate) struct Gate {
    /// Where clients come in.
    pub(crate) listener: TcpListener,
    /// How they are judged.
    pub(crate) rules: Rules,
    /// Who wants to know whether it lets clients in.
    pub(crate) asked: mpsc::Receiver<oneshot::Sender<DoorState>>,
}

impl Gate {
    /// Lets clients in until it is dropped, and them with it; returns when the inner broker is found to be broken.
    pub(crate) async fn serve(mut self) -> String {
        let rules = Arc::new(self.rules);
        let max_connections = rules.max_connections;
        let places = Arc::new(Semaphore::new(max_connections));
        let mut full = false;
        let mut failed: DoorState = None;
        let mut clients = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = clients.join_next() => continue,
                Some(tell) = self.asked.recv() => {
                    // Who asked may have gone away.
                    let _ = tell.send(failed.clone());
                    continue;
                }
                reason = rules.broken() => return reason,
            };
            let (stream, peer) = match accepted {
                Ok(client) => client,
                Err(error) => {
                    if failed.is_none() {
                        tracing::error!(%error, "no client can be let in");
                    }
                    failed = Some(error.to_string());
                    // As when no file handle is left: another try at once would fail as well.
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            if failed.take().is_some() {
                tracing::info!("clients are let in again");
            }
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                if !full {
                    tracing::warn!(max_connections, "no place for more clients");
                    full = true;
                }
                Counters::add(&rules.counters.turned_away, 1_u64);
                rules.turn_away(&stream);
                continue;
            };
            full = false;
            // Here, so that who came first has a place.
            let Some(counted) = rules.addresses.count(peer.ip()) else {
                rules.turn_away_of_address(&stream, peer);
                continue;
            };
            let rules = Arc::clone(&rules);
            clients.spawn(async move {
                stay::attend(stream, peer, &rules).await;
                drop((place, counted));
            });
        }
    }
}

impl Rules {
    fn turn_away_of_address(&self, stream: &TcpStream, peer: SocketAddr) {
        Counters::add(&self.counters.turned_away, 1_u64);
        self.journal.note_crowd(Origin::of(peer.ip()));
        self.turn_away(stream);
    }

    /// Says why, where that can be said at once; otherwise the end of the connection says it.
    fn turn_away(&self, stream: &TcpStream) {
        if self.policy().tls.is_none() {
            // Whoever is not ready to hear it learns it from the end of the connection, too.
            let _ = stream.try_write(&Refusal::Unavailable.connack());
        }
    }
}
