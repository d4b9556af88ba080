//! What a journal's folder has.

use std::ops::{Index, RangeInclusive};

use tankline_domain::message::JournalId;

/// The journals that have readings in one place, from the oldest to the newest, and the lowest and highest number of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents(Vec<(JournalId, RangeInclusive<u64>)>);

impl Contents {
    /// Counts the journals.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is no reading at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives the numbers of a journal.
    #[must_use]
    pub fn get(&self, journal: &JournalId) -> Option<&RangeInclusive<u64>> {
        self.0.iter().find(|(id, _)| id == journal).map(|(_, numbers)| numbers)
    }

    /// Tells whether a journal has readings here.
    #[must_use]
    pub fn contains_key(&self, journal: &JournalId) -> bool {
        self.get(journal).is_some()
    }

    /// Gives the journals from the oldest to the newest.
    pub fn journals(&self) -> impl Iterator<Item = JournalId> {
        self.0.iter().map(|(journal, _)| *journal)
    }
}

/// Puts parts of journals together; a journal is as old as its first part.
impl FromIterator<(JournalId, RangeInclusive<u64>)> for Contents {
    fn from_iter<I: IntoIterator<Item = (JournalId, RangeInclusive<u64>)>>(parts: I) -> Self {
        let mut contents = Self::default();
        for (journal, part) in parts {
            match contents.0.iter_mut().find(|(id, _)| *id == journal) {
                Some((_, numbers)) => *numbers = *numbers.start().min(part.start())..=*numbers.end().max(part.end()),
                None => contents.0.push((journal, part)),
            }
        }
        contents
    }
}

impl<const N: usize> From<[(JournalId, RangeInclusive<u64>); N]> for Contents {
    fn from(parts: [(JournalId, RangeInclusive<u64>); N]) -> Self {
        parts.into_iter().collect()
    }
}

impl Index<&JournalId> for Contents {
    type Output = RangeInclusive<u64>;

    fn index(&self, journal: &JournalId) -> &RangeInclusive<u64> {
        self.get(journal).expect("asked only for a journal that is here")
    }
}

impl IntoIterator for Contents {
    type Item = (JournalId, RangeInclusive<u64>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'c> IntoIterator for &'c Contents {
    type Item = &'c (JournalId, RangeInclusive<u64>);
    type IntoIter = std::slice::Iter<'c, (JournalId, RangeInclusive<u64>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
