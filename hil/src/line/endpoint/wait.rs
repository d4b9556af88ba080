use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

/// What came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::line) enum Wakeup {
    /// Something can be read.
    Readable,
    /// Somebody called [`Waker::wake`].
    Woken,
    /// The time was over.
    TimedOut,
}

/// Ends another thread's [`wait`].
#[derive(Debug)]
pub(in crate::line) struct Waker(OwnedFd);

/// Waits for something to read, a wake-up or the end of `timeout`; `None` waits without end.
pub(in crate::line) fn wait(
    sources: Vec<BorrowedFd<'_>>,
    waker: &Waker,
    timeout: Option<Duration>,
) -> io::Result<Wakeup> {
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let all = std::iter::once(waker.0.as_fd()).chain(sources);
    let mut ends: Vec<_> = all.map(|source| PollFd::from_borrowed_fd(source, PollFlags::IN)).collect();
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

impl Waker {
    pub(in crate::line) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    pub(in crate::line) fn wake(&self) {
        // Fails only when the count is full, and then the sleeper wakes anyway.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }
}
