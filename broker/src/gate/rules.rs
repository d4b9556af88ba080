//! What every client is judged by, and what is known of those inside.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::addresses::Addresses;
use super::journal::Journal;
use super::names::Names;
use super::passwords::Passwords;
use super::seats::Seats;
use super::slots::Slots;
use crate::BrokerConfig;
use crate::config::Limits;
use crate::inner::Access;
use crate::metrics::Counters;
use crate::policy::Policy;

/// When the inner broker closes this many admitted clients in a row without an answer, it is broken.
const UNANSWERED_LIMIT: usize = 3;

/// What every client is judged by, and what is known of those inside.
pub(crate) struct Rules {
    pub(super) limits: Limits,
    pub(super) max_connections: usize,
    pub(super) max_packet_bytes: usize,
    /// Users and rights, exchanged when their files change.
    pub(crate) policy: watch::Receiver<Arc<Policy>>,
    pub(crate) counters: Arc<Counters>,
    /// The way to the inner broker.
    pub(super) inner: Access,
    pub(super) seats: Seats,
    pub(super) slots: Slots,
    pub(super) filters: Arc<Names>,
    pub(super) topics: Arc<Names>,
    pub(super) addresses: Addresses,
    pub(super) journal: Journal,
    pub(super) passwords: Passwords,
    /// Admitted clients in a row that the inner broker did not answer.
    unanswered: AtomicUsize,
    /// Cancelled when the inner broker is found to be broken.
    broken: CancellationToken,
}

impl Rules {
    /// Begins with nobody inside.
    pub(crate) fn new(
        config: &BrokerConfig,
        policy: watch::Receiver<Arc<Policy>>,
        counters: Arc<Counters>,
        inner: Access,
    ) -> Self {
        let BrokerConfig { limits, max_connections, max_packet_bytes, .. } = config.clone();
        let (seats, slots, journal, unanswered, broken) = Default::default();
        Self {
            filters: Arc::new(Names::new("filters", limits.max_filters, limits.max_new_filters)),
            // Half of them, so that one client leaves as many to the others.
            topics: Arc::new(Names::new("topics", limits.max_topics, limits.max_topics.div_ceil(2))),
            addresses: Addresses::new(limits.max_connections_per_address, max_connections),
            limits,
            max_connections,
            max_packet_bytes,
            passwords: Passwords::new(Arc::clone(&counters)),
            policy,
            counters,
            inner,
            seats,
            slots,
            journal,
            unanswered,
            broken,
        }
    }

    /// Gives users and rights as they are now.
    pub(super) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.borrow())
    }

    pub(super) fn note_answer(&self) {
        self.unanswered.store(0, Ordering::Relaxed);
    }

    pub(super) fn note_silence(&self) {
        if self.unanswered.fetch_add(1, Ordering::Relaxed) + 1 >= UNANSWERED_LIMIT {
            self.broken.cancel();
        }
    }

    /// Waits until the inner broker is found to be broken; gives the reason.
    pub(super) async fn broken(&self) -> String {
        self.broken.cancelled().await;
        format!("the inner broker left {UNANSWERED_LIMIT} clients in a row without an answer")
    }
}
