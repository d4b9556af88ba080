//! What every client is judged by, and what is known of those inside.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::filters::Filters;
use super::journal::Journal;
use super::seats::Seats;
use super::slots::Slots;
use crate::inner::Access;
use crate::metrics::Counters;
use crate::policy::Policy;

/// When the inner broker closes this many admitted clients in a row without an answer, it is broken.
const UNANSWERED_LIMIT: usize = 3;

/// How much clients may take for themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Clients at once.
    pub(crate) max_connections: usize,
    /// The largest packet.
    pub(crate) max_packet_bytes: usize,
    /// Packets a second from one client, without acknowledgements; 0 is without a limit.
    pub(crate) max_packets_per_s: u32,
    /// Filters of one client.
    pub(crate) max_subscriptions: usize,
    /// Filters of all clients since the start.
    pub(crate) max_filters: usize,
    /// How long a client may take until its CONNECT is there.
    pub(crate) connect_timeout: Duration,
    /// How long a client may take for 16 KiB of what it is sent.
    pub(crate) send_timeout: Duration,
}

/// What every client is judged by, and what is known of those inside.
pub(crate) struct Rules {
    pub(crate) limits: Limits,
    /// Users and rights, exchanged when their files change.
    pub(crate) policy: watch::Receiver<Arc<Policy>>,
    pub(crate) counters: Arc<Counters>,
    /// The way to the inner broker.
    pub(super) inner: Access,
    pub(super) seats: Seats,
    pub(super) slots: Slots,
    pub(super) filters: Arc<Filters>,
    pub(super) journal: Journal,
    /// Admitted clients in a row that the inner broker did not answer.
    unanswered: AtomicUsize,
    /// Cancelled when the inner broker is found to be broken.
    broken: CancellationToken,
}

impl Rules {
    /// Begins with nobody inside.
    pub(crate) fn new(
        limits: Limits,
        policy: watch::Receiver<Arc<Policy>>,
        counters: Arc<Counters>,
        inner: Access,
    ) -> Self {
        let filters = Arc::new(Filters::new(limits.max_filters));
        let (seats, slots, journal, unanswered, broken) = Default::default();
        Self { limits, policy, counters, inner, seats, slots, filters, journal, unanswered, broken }
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
