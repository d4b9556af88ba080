use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use thiserror::Error;

/// A pseudo-terminal could not be made.
#[derive(Debug, Error)]
#[error("cannot {step} a pseudo-terminal")]
pub struct PtyError {
    step: &'static str,
    source: io::Error,
}

/// Both ends of a pseudo-terminal: ours, and the path that a master opens like a serial port.
#[derive(Debug)]
pub(super) struct Pty {
    ours: OwnedFd,
    /// Held open, so that our end stays usable when a client closes the path.
    _theirs: OwnedFd,
    path: PathBuf,
}

/// What came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wakeup {
    /// Bytes can be read.
    Readable,
    /// Somebody called [`Waker::wake`].
    Woken,
    /// The time was over.
    TimedOut,
}

/// Ends another thread's [`Pty::wait`].
#[derive(Debug)]
pub(super) struct Waker(OwnedFd);

impl Pty {
    pub(super) fn open() -> Result<Self, PtyError> {
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

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for bytes, a wake-up or the end of `timeout`; `None` waits without end.
    pub(super) fn wait(&self, waker: &Waker, timeout: Option<Duration>) -> io::Result<Wakeup> {
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let mut ends = [PollFd::new(&waker.0, PollFlags::IN), PollFd::new(&self.ours, PollFlags::IN)];
        match poll(&mut ends, timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => return Ok(Wakeup::TimedOut),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let is_woken = ends[0].revents().contains(PollFlags::IN);
        if is_woken {
            // Takes the wake-up, so that it is one.
            let _ = rustix::io::read(&waker.0, &mut [0; 8]);
        }
        Ok(if is_woken { Wakeup::Woken } else { Wakeup::Readable })
    }

    /// Reads what is there; nothing is `Ok(0)`.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match rustix::io::read(&self.ours, buffer) {
            Ok(count) => Ok(count),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes one byte; false when nobody fetches bytes and there is no room for more.
    pub(super) fn write(&self, byte: u8) -> io::Result<bool> {
        loop {
            return match rustix::io::write(self.ours.as_fd(), &[byte]) {
                Ok(count) => Ok(count == 1),
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => Ok(false),
                Err(error) => Err(error.into()),
            };
        }
    }
}

impl Waker {
    pub(super) fn new() -> Result<Self, PtyError> {
        eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map(Self).map_err(failed("make a wake-up for"))
    }

    pub(super) fn wake(&self) {
        // Fails only when the count is full, and then the sleeper wakes anyway.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }
}

fn failed(step: &'static str) -> impl Fn(Errno) -> PtyError {
    move |errno| PtyError { step, source: errno.into() }
}
