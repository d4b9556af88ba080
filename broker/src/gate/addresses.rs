//! How many connections come from where.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts connections by the address that they come from.
pub(super) struct Addresses {
    limit: Option<usize>,
    default: usize,
    counts: Counts,
}

type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// A connection that is counted, until it is dropped.
pub(super) struct Counted {
    counts: Counts,
    address: IpAddr,
}

impl Addresses {
    /// Begins with none. Without a limit, an address may have half of all places, and this machine has no limit.
    pub(super) fn new(limit: Option<usize>, max_connections: usize) -> Self {
        Self { limit, default: max_connections.div_ceil(2), counts: Counts::default() }
    }

    /// Counts a connection; `None` when its address has enough.
    pub(super) fn count(&self, address: IpAddr) -> Option<Counted> {
        let address = address.to_canonical();
        let limit = self.limit.unwrap_or(if address.is_loopback() { usize::MAX } else { self.default });
        let mut counts = hold(&self.counts);
        let count = counts.entry(address).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Counted { counts: Arc::clone(&self.counts), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = hold(&self.counts);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

fn hold(counts: &Counts) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_has_its_places_and_others_have_theirs() {
        let (near, far) = ("127.0.0.1".parse().unwrap(), "10.0.0.1".parse().unwrap());
        let addresses = Addresses::new(None, 4);
        let two: Vec<_> = (0..2).map(|_| addresses.count(far).unwrap()).collect();
        assert!(addresses.count(far).is_none());
        assert!(addresses.count("::ffff:10.0.0.1".parse().unwrap()).is_none(), "the same by another name");
        assert!(addresses.count("10.0.0.2".parse().unwrap()).is_some());
        let _many: Vec<_> = (0..10).map(|_| addresses.count(near).unwrap()).collect();
        drop(two);
        assert!(addresses.count(far).is_some());
        assert_eq!(hold(&addresses.counts).len(), 1, "who has left is forgotten");
        let strict = Addresses::new(Some(1), 4);
        let _one = strict.count(near).unwrap();
        assert!(strict.count(near).is_none(), "a limit that is given holds here too");
    }
}
