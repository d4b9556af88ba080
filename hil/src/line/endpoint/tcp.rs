use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use super::pty::{read_some, write_some};
use super::{Arrival, Endpoint, Peer};

/// Clients at the same time; more are turned away.
const MAX_CLIENTS: usize = 32;

/// A TCP port and the clients there.
#[derive(Debug)]
pub(in crate::line) struct Tcp {
    listener: TcpListener,
    clients: Vec<(Peer, TcpStream)>,
    next: u64,
}

impl Tcp {
    pub(in crate::line) fn listen(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, clients: Vec::new(), next: 0 })
    }

    pub(in crate::line) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let (client, _) = match self.listener.accept() {
                Ok(client) => client,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // Who is gone again before he was let in does not concern the others.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            if self.clients.len() >= MAX_CLIENTS {
                tracing::warn!(clients = MAX_CLIENTS, "too many clients; one is turned away");
                continue;
            }
            if client.set_nonblocking(true).and_then(|()| client.set_nodelay(true)).is_ok() {
                self.clients.push((Peer(self.next), client));
                self.next += 1;
            }
        }
    }
}

impl Endpoint for Tcp {
    fn sources(&self) -> Vec<BorrowedFd<'_>> {
        let clients = self.clients.iter().map(|(_, client)| client.as_fd());
        std::iter::once(self.listener.as_fd()).chain(clients).collect()
    }

    fn receive(&mut self, _now: Instant, arrivals: &mut Vec<Arrival>) -> io::Result<()> {
        self.clients.retain(|(peer, client)| {
            match read_some(client) {
                Ok(None) => return true,
                Ok(Some(bytes)) if !bytes.is_empty() => arrivals.push(Arrival::Bytes(*peer, bytes)),
                Ok(_) | Err(_) => {
                    arrivals.push(Arrival::Gone(*peer));
                    return false;
                }
            }
            true
        });
        self.accept()
    }

    fn send(&mut self, to: Option<Peer>, bytes: &[u8]) -> io::Result<usize> {
        let mut least = bytes.len();
        for (_, client) in self.clients.iter().filter(|(peer, _)| to.is_none_or(|to| to == *peer)) {
            // A connection that broke shows when it is read.
            let written = write_some(client, bytes).unwrap_or(0);
            least = least.min(bytes.len() - written);
        }
        Ok(least)
    }

    fn hang_up(&mut self, peer: Peer) {
        self.clients.retain(|(known, _)| *known != peer);
    }
}
