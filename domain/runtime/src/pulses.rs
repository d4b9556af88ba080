//! When the tasks of a process will next be heard of, so that one that hangs is found.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is expected of the tasks of a process.
#[derive(Debug, Clone, Default)]
pub struct Pulses(Arc<Mutex<BTreeMap<String, Instant>>>);

/// What is expected of one task; nothing any more when this is dropped.
#[derive(Debug)]
pub struct Pulse {
    pulses: Pulses,
    task: String,
}

impl Pulses {
    /// Gives the pulse of a task. No two tasks have one name.
    #[must_use]
    pub fn of(&self, task: impl Into<String>) -> Pulse {
        Pulse { pulses: self.clone(), task: task.into() }
    }

    /// Names the tasks that should have been heard of longer ago than the slack.
    #[must_use]
    pub fn late(&self, now: Instant, slack: Duration) -> Vec<String> {
        let is_late = |due: &Instant| now.saturating_duration_since(*due) > slack;
        self.lock().iter().filter(|(_, due)| is_late(due)).map(|(task, _)| task.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pulse {
    /// Says when the task will be heard of again: it now waits until then, or for something that comes earlier.
    pub fn expect(&self, due: Instant) {
        let mut expected = self.pulses.lock();
        match expected.get_mut(&self.task) {
            Some(known) => *known = due,
            None => drop(expected.insert(self.task.clone(), due)),
        }
    }

    /// Says that the task waits for others, however long that takes.
    pub fn rest(&self) {
        self.pulses.lock().remove(&self.task);
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const SLACK: Duration = Duration::from_secs(60);

    #[test]
    fn task_is_late_when_it_is_not_heard_of_within_the_slack() {
        let (pulses, now) = (Pulses::default(), clock::now());
        let (line, store) = (pulses.of("line"), pulses.of("store"));
        line.expect(now);
        store.expect(now + SLACK);
        assert!(pulses.late(now + SLACK, SLACK).is_empty());
        assert_eq!(pulses.late(now + SLACK + Duration::from_millis(1), SLACK), ["line"]);
        line.expect(now + 2 * SLACK);
        assert_eq!(pulses.late(now + 3 * SLACK, SLACK), ["store"]);
    }

    #[test]
    fn of_a_task_that_rests_or_has_ended_nothing_is_expected() {
        let (pulses, now) = (Pulses::default(), clock::now());
        let (line, store) = (pulses.of("line"), pulses.of("store"));
        line.expect(now);
        store.expect(now);
        line.rest();
        drop(store);
        assert!(pulses.late(now + 2 * SLACK, SLACK).is_empty());
    }
}
