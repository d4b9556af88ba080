//! Where the bytes of a line come from and go to: a pseudo-terminal, a serial port, TCP.

mod pty;
mod serial;
mod tcp;
mod wait;

pub(super) use pty::Pty;
pub use pty::PtyError;
pub(super) use serial::Serial;
pub use serial::SerialError;
pub(super) use tcp::Tcp;
pub(super) use wait::{Waker, Wakeup, wait};

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Instant;

/// Who is at the other end; with RTU frames all are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Peer(pub u64);

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Some bytes.
    Bytes(Peer, Vec<u8>),
    /// The end of a connection.
    Gone(Peer),
}

/// Bytes of a line, both ways. Nothing here waits.
pub(super) trait Endpoint: Send {
    /// Gives what becomes readable when something comes.
    fn sources(&self) -> Vec<BorrowedFd<'_>>;

    /// Takes what has come.
    fn receive(&mut self, now: Instant, arrivals: &mut Vec<Arrival>) -> io::Result<()>;

    /// Sends to one peer, or to all; gives how many bytes nobody took.
    fn send(&mut self, to: Option<Peer>, bytes: &[u8]) -> io::Result<usize>;

    /// Ends the connection to a peer.
    fn hang_up(&mut self, _peer: Peer) {}

    /// Gives when [`Endpoint::receive`] is wanted although nothing has come.
    fn due(&self) -> Option<Instant> {
        None
    }
}
