//! The alarms that are not normal, as they were last committed.

use std::collections::BTreeMap;

use tankline_domain::alarm::{AlarmKey, Priority, State};

use super::Standing;

/// The alarms that are not normal.
#[derive(Debug, Clone, Default)]
pub struct Board {
    standing: BTreeMap<AlarmKey, Standing>,
}

impl Board {
    /// Takes over how an alarm stands; one that is normal goes.
    pub fn note(&mut self, standing: Standing) {
        let key = standing.key();
        if standing.state == State::Normal {
            self.standing.remove(&key);
        } else {
            self.standing.insert(key, standing);
        }
    }

    /// Gives how an alarm stands; absent when it is normal.
    #[must_use]
    pub fn get(&self, key: &AlarmKey) -> Option<&Standing> {
        self.standing.get(key)
    }

    /// Gives all that are not normal.
    pub fn iter(&self) -> impl Iterator<Item = &Standing> {
        self.standing.values()
    }

    /// Gives all that are not normal, the most urgent first.
    #[must_use]
    pub fn by_urgency(&self) -> Vec<Standing> {
        let mut all: Vec<Standing> = self.standing.values().cloned().collect();
        all.sort_by_cached_key(Standing::urgency);
        all
    }

    /// Counts the alarms of a state and priority.
    #[must_use]
    pub fn count(&self, state: State, priority: Priority) -> usize {
        self.standing.values().filter(|one| one.state == state && one.priority == priority).count()
    }
}
