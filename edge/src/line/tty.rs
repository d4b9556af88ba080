//! A serial port that wakes its task only while the task waits for bytes.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// An open serial port.
///
/// A port that is registered with the runtime wakes the process for each byte, whether somebody waits or not. This one is
/// registered when somebody begins to wait, until [`Tty::rest`].
pub struct Tty {
    /// Goes before the port that it watches.
    watch: Option<AsyncFd<RawFd>>,
    port: Box<dyn AsRawFd + Send>,
}

impl Tty {
    /// Takes an open port.
    ///
    /// # Errors
    /// What the system said when it was to return at once rather than wait.
    pub fn new(port: impl AsRawFd + Send + 'static) -> io::Result<Self> {
        let tty = Self { watch: None, port: Box::new(port) };
        let flags = fcntl_getfl(tty.borrow())?;
        fcntl_setfl(tty.borrow(), flags | OFlags::NONBLOCK)?;
        Ok(tty)
    }

    /// Waits for some bytes and gives their count. May be dropped at any time without loss.
    ///
    /// # Errors
    /// What the port said, or that it ended.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(self.borrow(), &mut *buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => return Ok(count),
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            self.watch(Interest::READABLE)?.readable().await?.clear_ready();
        }
    }

    /// Writes all bytes; waits only when the system has no room for them.
    ///
    /// # Errors
    /// What the port said.
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(self.borrow(), bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    self.rest();
                    self.watch(Interest::WRITABLE)?.writable().await?.clear_ready();
                    self.rest();
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Lets bytes come without waking anybody, until the next read waits for them.
    pub fn rest(&mut self) {
        self.watch = None;
    }

    #[expect(deprecated, reason = "unsound for what does not own its descriptor; the port does, and outlives this")]
    fn watch(&mut self, interest: Interest) -> io::Result<&AsyncFd<RawFd>> {
        if self.watch.is_none() {
            self.watch = Some(AsyncFd::with_interest(self.port.as_raw_fd(), interest)?);
        }
        self.watch.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn borrow(&self) -> BorrowedFd<'_> {
        super::serial::borrow(&*self.port)
    }
}
