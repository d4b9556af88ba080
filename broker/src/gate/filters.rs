//! The filters that somebody has ever subscribed.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Bounds the filters of all clients together: the inner broker keeps a log for each, and never gives it up.
pub(super) struct Filters {
    limit: usize,
    known: Mutex<HashSet<String>>,
}

impl Filters {
    /// Begins with none.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, known: Mutex::default() }
    }

    /// Takes a filter in; tells whether there was room for it.
    pub(super) fn have_room_for(&self, filter: &str) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(filter) || (known.len() < self.limit && known.insert(filter.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_filters_are_taken_when_there_is_no_room_for_new_ones() {
        let filters = Filters::new(2);
        let taken: Vec<_> = ["a", "b", "c", "a"].map(|filter| filters.have_room_for(filter)).to_vec();
        assert_eq!(taken, [true, true, false, true]);
    }
}
