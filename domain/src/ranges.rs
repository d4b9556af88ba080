//! Sets of sequence numbers, kept as ranges: what a journal has had committed.

use serde::{Deserialize, Serialize};

/// A set of sequence numbers as sorted, disjoint, non-adjacent inclusive ranges.
///
/// On the wire `[[1,1042],[1050,1100]]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct RangeSet {
    ranges: Vec<(u64, u64)>,
}

/// A list of pairs is not a set of ranges.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("range [{first}, {last}] is upside down: the first number must not be above the last")]
pub struct RangeError {
    first: u64,
    last: u64,
}

impl RangeSet {
    /// Makes an empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// Adds `first..=last`.
    ///
    /// Nothing happens when `first` is above `last`.
    pub fn insert(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        // Ranges that overlap the new one or touch it melt into it.
        let start = self.ranges.partition_point(|&(_, end)| end.saturating_add(1) < first);
        let stop = self.ranges.partition_point(|&(begin, _)| begin <= last.saturating_add(1));
        let mut merged = (first, last);
        if let Some(swallowed) = self.ranges.get(start..stop)
            && let (Some(lowest), Some(highest)) = (swallowed.first(), swallowed.last())
        {
            merged = (first.min(lowest.0), last.max(highest.1));
        }
        self.ranges.splice(start..stop.max(start), [merged]);
    }

    /// Adds every number of `other`.
    pub fn extend(&mut self, other: &Self) {
        for &(first, last) in &other.ranges {
            self.insert(first, last);
        }
    }

    /// Takes `first..=last` out.
    pub fn remove(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        let mut kept = Vec::with_capacity(self.ranges.len() + 1);
        for &(begin, end) in &self.ranges {
            if end < first || begin > last {
                kept.push((begin, end));
                continue;
            }
            if begin < first {
                kept.push((begin, first - 1));
            }
            if end > last {
                kept.push((last + 1, end));
            }
        }
        self.ranges = kept;
    }

    /// Tells whether `number` is in the set.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        let index = self.ranges.partition_point(|&(_, end)| end < number);
        self.ranges.get(index).is_some_and(|&(begin, _)| begin <= number)
    }

    /// Tells whether all of `first..=last` is in the set.
    #[must_use]
    pub fn contains_range(&self, first: u64, last: u64) -> bool {
        let index = self.ranges.partition_point(|&(_, end)| end < first);
        self.ranges.get(index).is_some_and(|&(begin, end)| begin <= first && last <= end)
    }

    /// Gives the lowest number of `from..=to` that is not in the set.
    #[must_use]
    pub fn first_missing(&self, from: u64, to: u64) -> Option<u64> {
        let index = self.ranges.partition_point(|&(_, end)| end < from);
        let missing = match self.ranges.get(index) {
            Some(&(begin, end)) if begin <= from => end.checked_add(1)?,
            _ => from,
        };
        (missing <= to).then_some(missing)
    }

    /// Gives the first run of numbers of `from..=to` that are not in the set.
    #[must_use]
    pub fn first_gap(&self, from: u64, to: u64) -> Option<(u64, u64)> {
        let first = self.first_missing(from, to)?;
        let next = self.ranges.partition_point(|&(_, end)| end < first);
        let last = self.ranges.get(next).map_or(to, |&(begin, _)| to.min(begin - 1));
        Some((first, last))
    }

    /// Gives the numbers of `from..=to` that are not in the set.
    #[must_use]
    pub fn missing(&self, from: u64, to: u64) -> Self {
        let mut ranges = Vec::new();
        let mut next = Some(from);
        while let Some((first, last)) = next.and_then(|next| self.first_gap(next, to)) {
            ranges.push((first, last));
            next = last.checked_add(1);
        }
        Self { ranges }
    }

    /// Takes every number of `other` out.
    pub fn subtract(&mut self, other: &Self) {
        if let (Some(first), Some(last)) = (self.first(), self.last()) {
            let begin = other.ranges.partition_point(|&(_, end)| end < first);
            for &(from, to) in other.ranges[begin..].iter().take_while(|range| range.0 <= last) {
                self.remove(from, to);
            }
        }
    }

    /// Gives the highest number through which the set has all numbers from `from` on; `None` when `from` is missing.
    #[must_use]
    pub fn through(&self, from: u64) -> Option<u64> {
        let index = self.ranges.partition_point(|&(_, end)| end < from);
        self.ranges.get(index).filter(|range| range.0 <= from).map(|range| range.1)
    }

    /// Gives the lowest number.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.ranges.first().map(|range| range.0)
    }

    /// Gives the highest number.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.ranges.last().map(|range| range.1)
    }

    /// Counts the numbers in the set; saturates at `u64::MAX`.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.ranges.iter().fold(0, |sum: u64, &(first, last)| sum.saturating_add((last - first).saturating_add(1)))
    }

    /// Tells whether the set has no number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Gives the ranges in ascending order, both ends included.
    #[must_use]
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.ranges
    }
}

impl TryFrom<Vec<(u64, u64)>> for RangeSet {
    type Error = RangeError;

    fn try_from(mut pairs: Vec<(u64, u64)>) -> Result<Self, RangeError> {
        if let Some(&(first, last)) = pairs.iter().find(|(first, last)| first > last) {
            return Err(RangeError { first, last });
        }
        pairs.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::with_capacity(pairs.len());
        for (first, last) in pairs {
            match ranges.last_mut() {
                Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
                _ => ranges.push((first, last)),
            }
        }
        Ok(Self { ranges })
    }
}

impl From<RangeSet> for Vec<(u64, u64)> {
    fn from(set: RangeSet) -> Self {
        set.ranges
    }
}

impl FromIterator<u64> for RangeSet {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut set = Self::new();
        for number in numbers {
            set.insert(number, number);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stands_on_the_wire_as_pairs() {
        let set: RangeSet = serde_json::from_str("[[1050,1100],[1,1042]]").unwrap();
        assert_eq!(serde_json::to_string(&set).unwrap(), "[[1,1042],[1050,1100]]");
        assert!(serde_json::from_str::<RangeSet>("[[5,1]]").unwrap_err().to_string().contains("upside down"));
        assert!(serde_json::from_str::<RangeSet>("[[-1,1]]").is_err());
    }

    #[test]
    fn neighbours_melt_and_the_far_end_does_not_overflow() {
        let mut set = RangeSet::new();
        set.insert(u64::MAX - 1, u64::MAX);
        set.insert(1, 3);
        set.insert(4, 4);
        assert_eq!(set.ranges(), [(1, 4), (u64::MAX - 1, u64::MAX)]);
        assert_eq!(set.first_missing(1, 10), Some(5));
        assert_eq!(set.first_missing(u64::MAX, u64::MAX), None);
        assert_eq!(set.through(2), Some(4));
        assert_eq!(set.through(5), None);
    }

    proptest! {
        #[test]
        fn behaves_like_a_set_of_numbers(steps in proptest::collection::vec((any::<bool>(), 0_u64..60, 0_u64..12), 0..40)) {
            let (mut set, mut model) = (RangeSet::new(), BTreeSet::new());
            for (add, first, length) in steps {
                let last = first + length;
                if add {
                    set.insert(first, last);
                    model.extend(first..=last);
                } else {
                    set.remove(first, last);
                    model.retain(|number| !(first..=last).contains(number));
                }
            }
            prop_assert_eq!(set.count(), model.len() as u64);
            for number in 0..80 {
                prop_assert_eq!(set.contains(number), model.contains(&number));
                prop_assert_eq!(set.missing(0, 79).contains(number), !model.contains(&number));
            }
            prop_assert_eq!(set.first_missing(0, 79), (0..80).find(|number| !model.contains(number)));
            let mut rest = set.clone();
            rest.subtract(&set.missing(10, 20));
            prop_assert_eq!(&rest, &set);
            rest.subtract(&set);
            prop_assert!(rest.is_empty());
            prop_assert!(set.ranges().windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
            let again = RangeSet::try_from(Vec::from(set.clone())).unwrap();
            prop_assert_eq!(again, set);
        }
    }
}
