//! The filters that somebody has ever subscribed, and the topics that somebody has ever published to.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use crate::lock::hold;

/// How a client comes by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Its rights say this very name.
    Right,
    /// Its rights have a wildcard, and it has chosen.
    Choice,
}

/// Bounds the names of all clients together: the inner broker keeps something of each and never gives it up. So it bounds, too,
/// how many one client may choose that nobody had before, however often it comes anew. A quarter of all is for names that rights
/// say, so that those who choose never keep out those who cannot.
pub(super) struct Names {
    what: &'static str,
    limit: usize,
    limit_of_one: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    names: HashSet<String>,
    /// How many each client chose.
    chosen: HashMap<String, usize>,
    is_told: bool,
}

impl Names {
    /// Begins with none; `what` is what the configuration calls them.
    pub(super) fn new(what: &'static str, limit: usize, limit_of_one: usize) -> Self {
        Self { what, limit, limit_of_one, known: Mutex::default() }
    }

    /// Takes a name in; tells whether there was room for it.
    pub(super) fn have_room_for(&self, client: &str, name: &str, by: By) -> bool {
        let mut known = hold(&self.known);
        if known.names.contains(name) {
            return true;
        }
        let chosen = known.chosen.get(client).copied().unwrap_or(0);
        let limit = if by == By::Right { self.limit } else { self.limit - self.limit / 4 };
        if known.names.len() >= limit {
            if !std::mem::replace(&mut known.is_told, true) {
                let (what, limit) = (self.what, self.limit);
                tracing::warn!(client, name, limit, "there have been as many {what} as may be; others are refused");
            }
            return false;
        }
        if by == By::Choice {
            if chosen >= self.limit_of_one {
                if chosen == self.limit_of_one {
                    let (what, limit) = (self.what, self.limit_of_one);
                    tracing::warn!(client, name, limit, "a client has brought as many new {what} as it may");
                    known.chosen.insert(client.to_owned(), chosen + 1);
                }
                return false;
            }
            known.chosen.insert(client.to_owned(), chosen + 1);
        }
        known.names.insert(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(names: &Names, client: &str, by: By, wanted: &[&str]) -> Vec<bool> {
        wanted.iter().map(|name| names.have_room_for(client, name, by)).collect()
    }

    #[test]
    fn known_names_are_taken_when_there_is_no_room_for_new_ones() {
        let names = Names::new("filters", 2, 10);
        assert_eq!(taken(&names, "desk", By::Right, &["a", "b", "c", "a"]), [true, true, false, true]);
        assert_eq!(taken(&names, "desk", By::Choice, &["b", "c"]), [true, false]);
    }

    #[test]
    fn one_client_leaves_room_for_the_others() {
        let names = Names::new("filters", 100, 2);
        assert_eq!(taken(&names, "desk", By::Choice, &["a", "b", "c", "c", "a"]), [true, true, false, false, true]);
        assert_eq!(taken(&names, "other", By::Choice, &["c", "d", "e"]), [true, true, false]);
        assert_eq!(taken(&names, "desk", By::Choice, &["c"]), [true], "another has brought it");
    }

    #[test]
    fn those_who_choose_leave_room_for_those_whose_rights_say_a_name() {
        let names = Names::new("filters", 8, 10);
        let chosen = ["a", "b", "c", "d", "e", "f", "g"];
        assert_eq!(taken(&names, "desk", By::Choice, &chosen).iter().filter(|taken| **taken).count(), 6);
        assert_eq!(taken(&names, "edge", By::Right, &["1", "2", "3"]), [true, true, false]);
    }
}
