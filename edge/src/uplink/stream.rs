//! What became of the readings of one journal.

use std::ops::RangeInclusive;

use tankline_domain::message::MAX_READINGS_PER_MESSAGE;
use tankline_domain::ranges::RangeSet;

/// The readings of one journal, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The lowest and highest number that the journal has.
    pub(super) numbers: Option<RangeInclusive<u64>>,
    /// What need not be sent now: committed, under way, waiting to go out, or not in the journal any more.
    covered: RangeSet,
    /// What the centre said last that it has.
    committed: RangeSet,
    /// Whether the centre may have less than it had: it was started anew, and that may be from a backup.
    is_doubted: bool,
    /// What was sent once and is to be sent again, or was.
    repeated: RangeSet,
}

/// What the journal is to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fetch {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) limit: usize,
}

impl Stream {
    pub(super) fn of(numbers: RangeInclusive<u64>) -> Self {
        Self { numbers: Some(numbers), ..Self::default() }
    }

    /// Takes that the journal has a reading of this number.
    pub(super) fn reach(&mut self, seq: u64) {
        let numbers = self.numbers.clone().unwrap_or(seq..=seq);
        self.numbers = Some(*numbers.start()..=seq.max(*numbers.end()));
    }

    /// Takes that these are in hand: under way, waiting to go out, or gone.
    pub(super) fn cover(&mut self, numbers: &RangeSet) {
        self.covered.extend(numbers);
    }

    /// Takes that these are in hand no more; none of them is committed.
    pub(super) fn uncover(&mut self, numbers: &RangeSet) {
        self.covered.subtract(numbers);
    }

    /// Takes that these were sent once already.
    pub(super) fn note_repeated(&mut self, numbers: &RangeSet) {
        self.repeated.extend(numbers);
    }

    /// Takes that the centre has been started anew.
    pub(super) fn doubt(&mut self) {
        self.is_doubted = true;
    }

    /// Takes that the centre has these; gives what it had before it was started anew, and has no more.
    pub(super) fn commit(&mut self, numbers: &RangeSet) -> RangeSet {
        let mut lost = RangeSet::new();
        if std::mem::take(&mut self.is_doubted) {
            lost = std::mem::take(&mut self.committed);
            lost.subtract(numbers);
            self.covered.subtract(&lost);
            self.repeated.extend(&lost);
        }
        self.committed.extend(numbers);
        self.covered.extend(numbers);
        self.repeated.subtract(numbers);
        lost
    }

    pub(super) fn is_covered(&self, seq: u64) -> bool {
        self.covered.contains(seq)
    }

    pub(super) fn is_repeated(&self, seq: u64) -> bool {
        self.repeated.contains(seq)
    }

    /// Tells whether all that the journal has is in hand or committed.
    pub(super) fn is_all_covered(&self) -> bool {
        self.numbers.as_ref().is_none_or(|numbers| self.covered.contains_range(*numbers.start(), *numbers.end()))
    }

    /// Gives what to ask the journal for to get the next readings that are not covered, at least one. Short runs of them
    /// are got with what lies between them.
    pub(super) fn next_fetch(&self, most: u64) -> Option<Fetch> {
        let numbers = self.numbers.clone()?;
        let (first, mut last) = self.covered.first_gap(*numbers.start(), *numbers.end())?;
        let furthest = (*numbers.end()).min(first.saturating_add(MAX_READINGS_PER_MESSAGE as u64 - 1));
        let mut wanted = last - first + 1;
        if wanted >= most {
            let limit = usize::try_from(most).unwrap_or(MAX_READINGS_PER_MESSAGE);
            return Some(Fetch { first, last, limit });
        }
        while wanted < most
            && let Some((next, end)) = self.covered.first_gap(last.saturating_add(1), furthest)
        {
            wanted += end - next + 1;
            last = end;
        }
        Some(Fetch { first, last, limit: MAX_READINGS_PER_MESSAGE })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_that_is_told_of_late_does_not_hide_later_ones() {
        let mut stream = Stream::of(1..=50);
        stream.reach(48);
        assert_eq!(stream.numbers, Some(1..=50));
        stream.reach(51);
        assert_eq!(stream.numbers, Some(1..=51));
    }
}
