//! What was refused, told once.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tankline_runtime::clock;

use super::inspect::Refused;
use crate::certificate::{Certificate, WARNING_MS};

/// More peers than that, and the counters alone tell of what is refused.
const MAX_PEERS: usize = 10_000;

/// Remembers whose refusals were told, so that a log is not flooded by who tries again and again.
#[derive(Default)]
pub(super) struct Journal(Mutex<HashSet<(String, Try)>>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Try {
    Publish,
    Subscribe,
    Crowd,
    End,
}

impl Journal {
    /// Tells that something was refused to a peer, when that was not told before.
    pub(super) fn note(&self, identity: &str, refused: &Refused) {
        let what = match refused {
            Refused::Publish(_) => Try::Publish,
            Refused::Subscribe(_) => Try::Subscribe,
        };
        if !self.is_new(identity, what) {
            return;
        }
        match refused {
            Refused::Publish(topic) => {
                tracing::warn!(identity, topic, "messages to a topic that is not its own are refused to a client");
            }
            Refused::Subscribe(filter) => {
                tracing::warn!(identity, filter, "a subscription that it has no right to is refused to a client");
            }
        }
    }

    /// Tells that an address has more connections than it may, when that was not told before.
    pub(super) fn note_crowd(&self, address: IpAddr) {
        if self.is_new(&address.to_string(), Try::Crowd) {
            tracing::warn!(%address, "more connections from one address than it may have");
        }
    }

    /// Tells that a client's certificate ends soon, when that was not told before.
    pub(super) fn note_end(&self, certificate: &Certificate) {
        let soon = clock::unix_ms().get().saturating_add(WARNING_MS);
        if certificate.not_after.get() < soon && self.is_new(certificate.name(), Try::End) {
            let (identity, until) = (certificate.name(), certificate.not_after);
            tracing::warn!(identity, %until, "the certificate of a client ends soon: give it a new one");
        }
    }

    fn is_new(&self, identity: &str, what: Try) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < MAX_PEERS && told.insert((identity.to_owned(), what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_is_told_of_once_for_each_kind() {
        let journal = Journal::default();
        let new = [("a", Try::Publish), ("a", Try::Publish), ("a", Try::Subscribe), ("b", Try::Publish)]
            .map(|(identity, what)| journal.is_new(identity, what));
        assert_eq!(new, [true, false, true, true]);
    }
}
