//! Whether the machine keeps time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tankline_runtime::clock;

/// How often the thread wakes.
const BEAT: Duration = Duration::from_millis(2);

/// A machine that holds a thread up for longer than this does not keep the time of a line: an edge may give up a gauge
/// that has answered in time.
pub const TOLERANCE: Duration = Duration::from_millis(40);

/// Watches how long the machine holds up a thread that does nothing but wake; ends when it is dropped.
#[derive(Debug)]
pub struct StallWatch {
    longest_micros: Arc<AtomicU64>,
    is_wanted: Arc<()>,
    thread: Option<JoinHandle<()>>,
}

impl StallWatch {
    /// Begins to watch.
    #[must_use]
    pub fn start() -> Self {
        let (longest_micros, is_wanted) = (Arc::new(AtomicU64::new(0)), Arc::new(()));
        let (longest, wanted) = (longest_micros.clone(), Arc::downgrade(&is_wanted));
        let watch = move || {
            let mut before = clock::now();
            while wanted.strong_count() > 0 {
                std::thread::sleep(BEAT);
                let now = clock::now();
                let late = now.saturating_duration_since(before).saturating_sub(BEAT);
                longest.fetch_max(u64::try_from(late.as_micros()).unwrap_or(u64::MAX), Ordering::AcqRel);
                before = now;
            }
        };
        Self { longest_micros, is_wanted, thread: Some(std::thread::spawn(watch)) }
    }

    /// Gives the longest time that the machine held the thread up since the last look.
    #[must_use]
    pub fn take(&self) -> Duration {
        Duration::from_micros(self.longest_micros.swap(0, Ordering::AcqRel))
    }
}

impl Drop for StallWatch {
    fn drop(&mut self) {
        self.is_wanted = Arc::new(());
        // A thread that only sleeps and counts does not panic.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_the_machine_up_is_seen_once() {
        let watch = StallWatch::start();
        let until = clock::now() + Duration::from_secs(60);
        // Some lateness is there on any machine.
        while watch.take().is_zero() {
            assert!(clock::now() < until, "nothing is watched");
        }
        drop(watch);
    }
}
