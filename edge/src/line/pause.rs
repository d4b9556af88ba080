//! Waiting for a moment to a few microseconds.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tankline_runtime::clock;
use tokio::io::unix::AsyncFd;

/// A timer of the kernel, one for a line.
///
/// The runtime's timers tick in milliseconds, which would make every silence between two frames, 3.65 ms at 9600 bit/s,
/// longer by up to one. Where the kernel gives no timer, they serve all the same.
#[derive(Debug, Default)]
pub struct Pause(Option<AsyncFd<OwnedFd>>);

impl Pause {
    /// Waits until a moment. May be dropped and called again at any time.
    pub async fn until(&mut self, moment: Instant) {
        let left = moment.saturating_duration_since(clock::now());
        if left.is_zero() {
            return;
        }
        if self.0.is_none() {
            self.0 = make().ok();
        }
        let timed = match &self.0 {
            Some(timer) => wait(timer, moment, left).await,
            None => Err(rustix::io::Errno::NOSYS.into()),
        };
        if timed.is_err() {
            tokio::time::sleep_until(moment.into()).await;
        }
    }
}

#[expect(deprecated, reason = "unsound for what does not own its descriptor; this does")]
fn make() -> std::io::Result<AsyncFd<OwnedFd>> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    AsyncFd::new(timer)
}

async fn wait(timer: &AsyncFd<OwnedFd>, moment: Instant, left: Duration) -> std::io::Result<()> {
    let once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let it_value =
        Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() };
    timerfd_settime(timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: once, it_value })?;
    loop {
        // What is left of an earlier wait that was dropped tells nothing; the clock does. So nothing need be read either.
        timer.readable().await?.clear_ready();
        if clock::now() >= moment {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn moment_is_never_missed_by_coming_too_soon() {
        let mut pause = Pause::default();
        for micros in [0, 100, 900, 3_650, 12_000] {
            let moment = clock::now() + Duration::from_micros(micros);
            pause.until(moment).await;
            assert!(clock::now() >= moment);
        }
    }

    #[tokio::test]
    async fn wait_that_was_dropped_does_not_end_the_next() {
        let mut pause = Pause::default();
        for _ in 0..20 {
            let soon = clock::now() + Duration::from_millis(2);
            tokio::select! {
                biased;
                () = pause.until(soon) => {}
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
            let moment = clock::now() + Duration::from_millis(5);
            pause.until(moment).await;
            assert!(clock::now() >= moment);
        }
    }
}
