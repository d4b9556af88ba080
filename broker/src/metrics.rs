//! What the gate counts.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::gate::Refusal;

/// Counters since the start of the broker.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Clients that are inside now.
    pub(crate) connected: AtomicU64,
    /// Clients that came in.
    pub(crate) admitted: AtomicU64,
    /// Clients that were not let in, by reason.
    refused: [AtomicU64; REASONS.len()],
    /// Connections that were turned away because the broker or their address had no place left.
    pub(crate) turned_away: AtomicU64,
    /// Packets from clients, without acknowledgements.
    pub(crate) packets: AtomicU64,
    /// Messages from clients.
    pub(crate) messages: AtomicU64,
    /// Messages that were refused for their topic.
    pub(crate) refused_messages: AtomicU64,
    /// Filters that were refused.
    pub(crate) refused_filters: AtomicU64,
    /// Clients cut off because of malformed packets.
    pub(crate) malformed: AtomicU64,
    /// Clients cut off because they were silent for too long.
    pub(crate) silent: AtomicU64,
    /// Clients cut off because they did not take what they were sent.
    pub(crate) slow: AtomicU64,
    /// Clients cut off because they lost their rights.
    pub(crate) revoked: AtomicU64,
    /// Times that a client was read later because it sent too fast.
    pub(crate) throttled: AtomicU64,
}

/// The words for why a client was not let in.
pub(crate) const REASONS: [&str; 7] =
    ["protocol", "client_id", "will", "unavailable", "credentials", "no_connect", "late"];

impl Counters {
    /// Adds to a counter.
    pub(crate) fn add(counter: &AtomicU64, number: impl Into<u64>) {
        counter.fetch_add(number.into(), Ordering::Relaxed);
    }

    /// Counts a client that was not let in.
    pub(crate) fn note_refusal(&self, refusal: Refusal) {
        let place = REASONS.iter().position(|reason| *reason == refusal.word());
        if let Some(counter) = place.and_then(|place| self.refused.get(place)) {
            Self::add(counter, 1_u64);
        }
    }
}
