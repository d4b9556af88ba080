//! What a piece of work costs: processor time, and the time that it waits.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::clock;

/// What a piece of work has cost since the start.
#[derive(Debug, Default)]
pub struct Cost {
    busy_ns: AtomicU64,
    waited_ns: AtomicU64,
}

/// What a piece of work had cost at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Processor time of the threads that did it.
    pub busy: Duration,
    /// Time that went by in it without that: the disk, another thread, or a core that was not free.
    pub waited: Duration,
}

impl Cost {
    /// Gives what it has cost by now.
    #[must_use]
    pub fn spent(&self) -> Spent {
        let load = |cell: &AtomicU64| Duration::from_nanos(cell.load(Ordering::Relaxed));
        Spent { busy: load(&self.busy_ns), waited: load(&self.waited_ns) }
    }

    /// Measures a task by its steps; what it waits for between them is nobody's cost.
    pub async fn measure<T>(&self, task: impl Future<Output = T>) -> T {
        let mut task = pin!(task);
        std::future::poll_fn(|context: &mut Context<'_>| -> Poll<T> {
            let mut lap = Lap::begin();
            let polled = Pin::as_mut(&mut task).poll(context);
            lap.end(self);
            polled
        })
        .await
    }

    fn add(&self, spent: Spent) {
        for (cell, time) in [(&self.busy_ns, spent.busy), (&self.waited_ns, spent.waited)] {
            cell.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

/// Measures one piece of work after another on a thread. None lasts over an `await`, or it would be another thread's time.
#[derive(Debug, Clone, Copy)]
pub struct Lap {
    since: Option<Since>,
    /// For how many pieces of work this one stands.
    weight: u32,
}

/// Where a measurement begins.
#[derive(Debug, Clone, Copy)]
struct Since {
    at: Instant,
    used: Duration,
}

impl Lap {
    /// Begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self { since: Some(Since::now()), weight: 1 }
    }

    /// Puts all since the last end, or the beginning, down to a cost.
    pub fn end(&mut self, cost: &Cost) {
        let Some(since) = self.since else { return };
        let now = Since::now();
        let busy = now.used.saturating_sub(since.used);
        let waited = now.at.saturating_duration_since(since.at).saturating_sub(busy);
        cost.add(Spent { busy: busy * self.weight, waited: waited * self.weight });
        self.since = Some(now);
    }
}

impl Since {
    fn now() -> Self {
        Self { at: clock::now(), used: clock::thread_time() }
    }
}

/// Pieces of work of fewer bytes are small: to measure each would cost a good part of what it does.
const SMALL_BYTES: usize = 2048;

/// One of so many small pieces of work is measured, on average, and counts for all of them.
const SMALL_EVERY: u32 = 16;

/// Chooses which pieces of work are measured: all that are large, and some of the small.
#[derive(Debug, Default)]
pub struct Sampling {
    /// Small pieces until the next one that is measured.
    left: u32,
}

impl Sampling {
    /// Begins a piece of work on so many bytes.
    #[must_use]
    pub fn begin(&mut self, bytes: usize) -> Lap {
        if bytes >= SMALL_BYTES {
            return Lap::begin();
        }
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            return Lap { since: None, weight: 0 };
        }
        // By chance, because senders that take turns would have always the same one measured.
        self.left = fastrand::u32(0..2 * SMALL_EVERY - 1);
        Lap { weight: SMALL_EVERY, ..Lap::begin() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uses the processor until so much of it is used.
    fn work(time: Duration) {
        let until = clock::thread_time() + time;
        while clock::thread_time() < until {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn what_works_is_busy_and_what_sleeps_waits() {
        let (works, sleeps, mut lap) = (Cost::default(), Cost::default(), Lap::begin());
        work(Duration::from_millis(20));
        lap.end(&works);
        std::thread::sleep(Duration::from_millis(30));
        lap.end(&sleeps);
        assert!(works.spent().busy >= Duration::from_millis(20));
        let spent = sleeps.spent();
        assert!(spent.waited >= Duration::from_millis(20) && spent.busy < Duration::from_millis(20), "{spent:?}");
    }

    #[tokio::test]
    async fn task_costs_what_its_steps_cost() {
        let cost = Cost::default();
        let task = async {
            work(Duration::from_millis(5));
            tokio::time::sleep(Duration::from_millis(50)).await;
            work(Duration::from_millis(5));
            7
        };
        assert_eq!(cost.measure(task).await, 7);
        let busy = cost.spent().busy;
        assert!((Duration::from_millis(10)..Duration::from_millis(45)).contains(&busy), "{busy:?}");
    }

    #[test]
    fn small_pieces_are_measured_now_and_then_and_count_for_those_that_are_not() {
        let mut sampling = Sampling::default();
        assert_eq!(sampling.begin(100).weight, SMALL_EVERY, "the first is");
        let small: Vec<Lap> = (0..100_000).map(|_| sampling.begin(100)).collect();
        let measured = small.iter().filter(|lap| lap.since.is_some()).count();
        let counted: u32 = small.iter().map(|lap| lap.weight).sum();
        assert!(measured < 8000 && (90_000..110_000).contains(&counted), "{measured} count for {counted} of 100000");
        assert!((0..100).all(|_| sampling.begin(SMALL_BYTES).weight == 1), "large ones are measured, each for itself");

        let (once, none) = (Cost::default(), Cost::default());
        let (mut counts, mut does_not) = (Lap { weight: 8, ..Lap::begin() }, Lap { since: None, weight: 0 });
        work(Duration::from_millis(5));
        counts.end(&once);
        does_not.end(&none);
        assert!(once.spent().busy >= Duration::from_millis(40) && none.spent() == Spent::default());
    }
}
