//! What was told already, so that it is told seldom.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Remembers what was told when. It forgets what was not tried again for longest.
#[derive(Debug)]
pub(super) struct Told<K> {
    /// As many as may be in each half.
    capacity: usize,
    recent: HashMap<K, Entry>,
    /// Those that were recent before these; forgotten when the recent ones are full again.
    before: HashMap<K, Entry>,
}

#[derive(Debug)]
struct Entry {
    told_at: Instant,
    times: u64,
}

impl<K: Hash + Eq> Told<K> {
    /// Begins with nothing; so many are remembered at the most.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.div_ceil(2), recent: HashMap::new(), before: HashMap::new() }
    }

    /// Notes that something happened. Gives how often it has since it was last told, this time counted, when it is to be told
    /// now: when it never was, or not since `pause`.
    pub(super) fn note(&mut self, what: K, pause: Duration, now: Instant) -> Option<u64> {
        let entry = self.take(&what);
        let is_due = entry.as_ref().is_none_or(|entry| now.saturating_duration_since(entry.told_at) >= pause);
        let times = entry.as_ref().map_or(0, |entry| entry.times) + 1;
        let told_at = entry.filter(|_| !is_due).map_or(now, |entry| entry.told_at);
        self.put(what, Entry { told_at, times: if is_due { 0 } else { times } });
        is_due.then_some(times)
    }

    /// Tells whether something was told since `pause`.
    pub(super) fn knows(&self, what: &K, pause: Duration, now: Instant) -> bool {
        let entry = self.recent.get(what).or_else(|| self.before.get(what));
        entry.is_some_and(|entry| now.saturating_duration_since(entry.told_at) < pause)
    }

    /// Counts something that happens; gives how often it has since it was first counted, or since `pause` is over.
    pub(super) fn count(&mut self, what: K, pause: Duration, now: Instant) -> u64 {
        let entry = self.take(&what).filter(|entry| now.saturating_duration_since(entry.told_at) < pause);
        let Entry { told_at, times } = entry.unwrap_or(Entry { told_at: now, times: 0 });
        self.put(what, Entry { told_at, times: times + 1 });
        times + 1
    }

    fn take(&mut self, what: &K) -> Option<Entry> {
        self.recent.remove(what).or_else(|| self.before.remove(what))
    }

    fn put(&mut self, what: K, entry: Entry) {
        if self.recent.len() >= self.capacity {
            self.before = std::mem::take(&mut self.recent);
        }
        self.recent.insert(what, entry);
    }
}

#[cfg(test)]
mod tests {
    use tankline_runtime::clock;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(3600);
    const S: Duration = Duration::from_secs(1);

    #[test]
    fn it_is_told_once_and_after_a_pause_again_with_how_often_it_happened() {
        let (mut told, start) = (Told::new(10), clock::now());
        let notes = [0, 1, 3599, 3600, 3601, 9000].map(|s| told.note("a", PAUSE, start + s * S));
        assert_eq!(notes, [Some(1), None, None, Some(3), None, Some(2)]);
        assert_eq!(told.note("b", PAUSE, start), Some(1));
        assert!(told.knows(&"a", PAUSE, start + 9001 * S) && !told.knows(&"c", PAUSE, start));
    }

    #[test]
    fn it_remembers_no_more_than_it_may_and_what_goes_on_before_all() {
        let (mut told, start) = (Told::new(100), clock::now());
        assert_eq!(told.note(0, PAUSE, start), Some(1));
        for other in 1..10_000 {
            assert_eq!(told.note(other, PAUSE, start), Some(1), "what is new is told however much there was");
            assert_eq!(told.note(0, PAUSE, start), None, "what goes on was forgotten");
            assert!(told.recent.len() + told.before.len() <= 100);
        }
    }

    #[test]
    fn count_begins_anew_after_a_pause() {
        let (mut told, start) = (Told::new(10), clock::now());
        let counts = [0, 1, 2, 3600, 3601].map(|s| told.count("a", PAUSE, start + s * S));
        assert_eq!(counts, [1, 2, 3, 1, 2]);
    }
}
