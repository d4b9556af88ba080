//! The filters that somebody has ever subscribed.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// Bounds the filters of all clients together: the inner broker keeps a log for each, and never gives it up. So it bounds, too,
/// how many one client may bring that nobody had before, however often it comes anew.
pub(super) struct Filters {
    limit: usize,
    limit_of_one: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    filters: HashSet<String>,
    /// How many each client brought.
    brought: HashMap<String, usize>,
}

impl Filters {
    /// Begins with none.
    pub(super) fn new(limit: usize, limit_of_one: usize) -> Self {
        Self { limit, limit_of_one, known: Mutex::default() }
    }

    /// Takes a filter in; tells whether there was room for it.
    pub(super) fn have_room_for(&self, client: &str, filter: &str) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.filters.contains(filter) {
            return true;
        }
        let brought = known.brought.get(client).copied().unwrap_or(0);
        if known.filters.len() >= self.limit || brought >= self.limit_of_one {
            return false;
        }
        known.brought.insert(client.to_owned(), brought + 1);
        known.filters.insert(filter.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_filters_are_taken_when_there_is_no_room_for_new_ones() {
        let filters = Filters::new(2, 10);
        let taken: Vec<_> = ["a", "b", "c", "a"].map(|filter| filters.have_room_for("desk", filter)).to_vec();
        assert_eq!(taken, [true, true, false, true]);
    }

    #[test]
    fn one_client_leaves_room_for_the_others() {
        let filters = Filters::new(10, 2);
        let taken: Vec<_> = ["a", "b", "c", "a"].map(|filter| filters.have_room_for("desk", filter)).to_vec();
        assert_eq!(taken, [true, true, false, true]);
        assert!(filters.have_room_for("other", "c") && filters.have_room_for("desk", "c"));
    }
}
