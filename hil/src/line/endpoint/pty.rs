use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use thiserror::Error;

use super::{Arrival, Endpoint, Peer};

/// A pseudo-terminal could not be made.
#[derive(Debug, Error)]
#[error("cannot {step} a pseudo-terminal")]
pub struct PtyError {
    step: &'static str,
    source: io::Error,
}

/// Both ends of a pseudo-terminal: ours, and the path that a master opens like a serial port.
#[derive(Debug)]
pub(in crate::line) struct Pty {
    ours: OwnedFd,
    /// Held open, so that our end stays usable when a client closes the path.
    _theirs: OwnedFd,
    path: PathBuf,
}

impl Pty {
    pub(in crate::line) fn open() -> Result<Self, PtyError> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).map_err(failed("open"))?;
        grantpt(&ours).map_err(failed("grant access to"))?;
        unlockpt(&ours).map_err(failed("unlock"))?;
        let name = ptsname(&ours, Vec::new()).map_err(failed("name"))?;
        let path = PathBuf::from(name.to_str().map_err(|_| failed("name")(Errno::ILSEQ))?);
        let theirs_flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = open(&path, theirs_flags, Mode::empty()).map_err(failed("open the other end of"))?;
        let mut settings = tcgetattr(&theirs).map_err(failed("read the settings of"))?;
        settings.make_raw();
        tcsetattr(&theirs, OptionalActions::Now, &settings).map_err(failed("set up"))?;
        fcntl_setfl(&ours, OFlags::NONBLOCK).map_err(failed("set up"))?;
        Ok(Self { ours, _theirs: theirs, path })
    }

    pub(in crate::line) fn path(&self) -> &Path {
        &self.path
    }
}

impl Endpoint for Pty {
    fn sources(&self) -> Vec<BorrowedFd<'_>> {
        vec![self.ours.as_fd()]
    }

    fn receive(&mut self, _now: Instant, arrivals: &mut Vec<Arrival>) -> io::Result<()> {
        arrivals.extend(read_some(&self.ours)?.map(|bytes| Arrival::Bytes(Peer::default(), bytes)));
        Ok(())
    }

    fn send(&mut self, _to: Option<Peer>, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len() - write_some(&self.ours, bytes)?)
    }
}

/// Reads what is there, up to a bound; `None` when there is nothing now, and no bytes at the end.
pub(super) fn read_some(from: &impl AsFd) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = [0; 512];
    match rustix::io::read(from, &mut buffer) {
        Ok(count) => Ok(Some(buffer[..count].to_vec())),
        Err(Errno::AGAIN | Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Writes as much as there is room for; gives how much that is.
pub(super) fn write_some(to: &impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match rustix::io::write(to, &bytes[written..]) {
            Ok(count) => written += count,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(written)
}

fn failed(step: &'static str) -> impl Fn(Errno) -> PtyError {
    move |errno| PtyError { step, source: errno.into() }
}
