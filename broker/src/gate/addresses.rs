//! How many connections come from where.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use crate::lock::hold;

/// The part of an IPv6 address that its network gives; the rest a machine chooses as it likes, and as often.
const NETWORK: u128 = !0 << 64;

/// Where a connection comes from, as far as who comes cannot choose it: an IPv4 address, or the /64 of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Origin(IpAddr);

impl Origin {
    /// Gives the origin of an address.
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
            address => address,
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V6(network) if !network.is_loopback() => write!(f, "{network}/64"),
            address => write!(f, "{address}"),
        }
    }
}

/// Counts connections by where they come from.
pub(super) struct Addresses {
    limit: Option<usize>,
    default: usize,
    counts: Counts,
}

type Counts = Arc<Mutex<HashMap<Origin, usize>>>;

/// A connection that is counted, until it is dropped.
pub(super) struct Counted {
    counts: Counts,
    origin: Origin,
}

impl Addresses {
    /// Begins with none. Without a limit, an address may have half of all places, and this machine has no limit.
    pub(super) fn new(limit: Option<usize>, max_connections: usize) -> Self {
        Self { limit, default: max_connections.div_ceil(2), counts: Counts::default() }
    }

    /// Counts a connection; `None` when its origin has enough.
    pub(super) fn count(&self, address: IpAddr) -> Option<Counted> {
        let origin = Origin::of(address);
        let limit = self.limit.unwrap_or(if origin.0.is_loopback() { usize::MAX } else { self.default });
        let mut counts = hold(&self.counts);
        let count = counts.entry(origin).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Counted { counts: Arc::clone(&self.counts), origin })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = hold(&self.counts);
        if let Some(count) = counts.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.origin);
            }
        }
    }
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

    #[test]
    fn addresses_of_one_network_count_together() {
        let addresses = Addresses::new(None, 2);
        let _one = addresses.count("2001:db8:1:2::1".parse().unwrap()).unwrap();
        assert!(addresses.count("2001:db8:1:2:ffff::2".parse().unwrap()).is_none());
        assert!(addresses.count("2001:db8:1:3::1".parse().unwrap()).is_some());
        let origin = |address: &str| Origin::of(address.parse().unwrap()).to_string();
        let told = ["2001:db8:1:2::1", "::1", "::ffff:10.0.0.1"].map(origin);
        assert_eq!(told, ["2001:db8:1:2::/64", "::1", "10.0.0.1"]);
        let _many: Vec<_> = (0..10).map(|_| addresses.count("::1".parse().unwrap()).unwrap()).collect();
    }
}
