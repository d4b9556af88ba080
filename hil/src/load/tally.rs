//! What a load has counted so far.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tankline_ingest::latency::Latencies;

/// Kinds of trouble that are told apart at most.
const KINDS: usize = 16;

/// A count that many tasks add to.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

/// The counts of all edges together.
#[derive(Debug, Default)]
pub struct Tally {
    /// Readings made.
    pub offered: Count,
    /// Readings that the centre said it has.
    pub committed: Count,
    /// Readings that were sent again.
    pub resent: Count,
    /// Messages with readings.
    pub messages: Count,
    /// Acknowledgements with readings that were never made.
    pub invented: Count,
    /// Logins that were taken.
    pub connections: Count,
    /// Connections that stand.
    pub connected: Count,
    /// Edges that were connected once.
    pub arrived: Count,
    /// Edges that will make no more readings.
    pub finished: Count,
    /// How late readings were made at most, in ms: whether the load itself keeps up.
    pub tardiness_ms: Count,
    latencies: Mutex<Latencies>,
    troubles: Mutex<BTreeMap<String, u64>>,
}

impl Count {
    /// Adds.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Takes one away.
    pub fn decrement(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Becomes no less than this.
    pub fn at_least(&self, least: u64) {
        self.0.fetch_max(least, Ordering::Relaxed);
    }

    /// Gives the count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    /// Counts how long so many readings took from their first sending until the edge heard of their commit.
    pub fn note_latency(&self, readings: u16, latency: Duration) {
        let millis = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        let mut latencies = hold(&self.latencies);
        (0..readings).for_each(|_| latencies.record(millis));
    }

    /// Counts a connection that failed or ended, by its reason.
    pub fn note_trouble(&self, reason: &str) {
        let mut troubles = hold(&self.troubles);
        let known = troubles.len() < KINDS || troubles.contains_key(reason);
        *troubles.entry(if known { reason } else { "other reasons" }.to_owned()).or_default() += 1;
    }

    /// Gives the latency in ms that a share of all readings, 0 to 1, does not exceed.
    pub fn latency_ms(&self, share: f64) -> Option<u64> {
        hold(&self.latencies).quantile_ms(share)
    }

    /// Gives why connections failed or ended, and how often.
    pub fn troubles(&self) -> BTreeMap<String, u64> {
        hold(&self.troubles).clone()
    }
}

/// Holds a lock; what it guards is whole even if a holder panicked.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
