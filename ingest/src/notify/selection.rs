use std::collections::BTreeSet;

use tankline_domain::alarm::{Event, Priority, Transition};
use tankline_domain::names::SiteName;

/// For which transitions somebody wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Occasion {
    /// An alarm newly calls for somebody.
    Annunciated,
    /// What an alarm told of is over.
    Cleared,
    /// Somebody acknowledged or reset it.
    Acknowledged,
    /// Somebody shelved it or took it out of service, or that ended.
    SetAside,
}

impl Occasion {
    /// All of them, with their words in a configuration.
    pub const ALL: [(&'static str, Self); 4] = [
        ("annunciated", Self::Annunciated),
        ("cleared", Self::Cleared),
        ("acknowledged", Self::Acknowledged),
        ("set-aside", Self::SetAside),
    ];

    /// Tells whether a transition is one. One may be two: an alarm that calls for somebody because its shelf ended.
    #[must_use]
    pub const fn is(self, transition: &Transition) -> bool {
        match self {
            Self::Annunciated => transition.annunciates(),
            // Behind a shelf or a suppression conditions come and go unheard.
            Self::Cleared => matches!(transition.event, Event::Cleared) && transition.from.is_annunciated(),
            Self::Acknowledged => matches!(transition.event, Event::Acknowledged | Event::Reset),
            Self::SetAside => {
                matches!(transition.event, Event::Shelved | Event::Unshelved | Event::TakenOut | Event::PutBack)
            }
        }
    }
}

/// What a target is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// On which occasions.
    pub occasions: BTreeSet<Occasion>,
    /// The least urgent priority that is told.
    pub minimum_priority: Priority,
    /// Of which sites; empty for all.
    pub sites: BTreeSet<SiteName>,
}

impl Default for Selection {
    /// All annunciations of all sites.
    fn default() -> Self {
        Self {
            occasions: BTreeSet::from([Occasion::Annunciated]),
            minimum_priority: Priority::Low,
            sites: BTreeSet::new(),
        }
    }
}

impl Selection {
    /// Tells whether a transition is to be told.
    #[must_use]
    pub fn wants(&self, transition: &Transition) -> bool {
        // The most urgent is the smallest.
        transition.priority <= self.minimum_priority
            && (self.sites.is_empty() || self.sites.contains(&transition.key.site))
            && self.occasions.iter().any(|occasion| occasion.is(transition))
    }
}

#[cfg(test)]
mod tests {
    use tankline_domain::alarm::State;

    use super::*;
    use crate::notify::fixtures::transition;

    #[test]
    fn only_annunciations_are_told_when_nothing_is_said() {
        let mut seen = transition(1);
        let selection = Selection::default();
        assert!(selection.wants(&seen));
        (seen.event, seen.from, seen.to) = (Event::Unshelved, State::Shelved, State::Unacknowledged);
        assert!(selection.wants(&seen));
        for (event, from, to) in [
            (Event::Raised, State::Shelved, State::Shelved),
            (Event::Cleared, State::Unacknowledged, State::ReturnedUnacknowledged),
            (Event::Acknowledged, State::Unacknowledged, State::Acknowledged),
            (Event::FoundInBacklog, State::Normal, State::Normal),
        ] {
            (seen.event, seen.from, seen.to) = (event, from, to);
            assert!(!selection.wants(&seen), "{event}");
        }
    }

    #[test]
    fn occasions_priority_and_site_are_chosen_by_each_target() {
        let mut seen = transition(1);
        (seen.event, seen.from, seen.to) = (Event::Cleared, State::Acknowledged, State::Normal);
        let mut selection = Selection { occasions: BTreeSet::from([Occasion::Cleared]), ..Selection::default() };
        assert!(selection.wants(&seen));
        (seen.from, seen.to) = (State::Shelved, State::Shelved);
        assert!(!selection.wants(&seen), "nobody had heard of it");
        (seen.from, seen.to) = (State::Acknowledged, State::Normal);
        selection.minimum_priority = Priority::High;
        seen.priority = Priority::Medium;
        assert!(!selection.wants(&seen));
        seen.priority = Priority::Critical;
        assert!(selection.wants(&seen));
        selection.sites = BTreeSet::from(["elsewhere".parse().unwrap()]);
        assert!(!selection.wants(&seen));
        selection.sites.insert(seen.key.site.clone());
        assert!(selection.wants(&seen));
    }
}
