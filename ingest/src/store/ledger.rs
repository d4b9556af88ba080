//! What is committed of every journal, in memory: duplicates are told by it, and acknowledgements are made of it.

use std::collections::{BTreeMap, HashMap};

use tankline_domain::message::JournalId;
use tankline_domain::ranges::RangeSet;

use crate::intake::Batch;
use crate::stations::EdgeId;

/// A journal of a described edge.
pub type JournalKey = (EdgeId, JournalId);

/// The committed sequence numbers of every journal.
#[derive(Debug, Default)]
pub struct Ledger {
    journals: HashMap<JournalKey, RangeSet>,
}

/// Batches after duplicates were sorted out of them, ready for one transaction.
#[derive(Debug, Default)]
pub struct Sorted {
    /// What is new.
    pub batches: Vec<Batch>,
    /// The numbers that the batches add to each journal; empty for a journal that only duplicates came of.
    pub added: BTreeMap<JournalKey, RangeSet>,
    /// How many readings were duplicates.
    pub duplicates: u64,
}

impl Ledger {
    /// Adds committed numbers.
    pub fn insert(&mut self, key: JournalKey, ranges: &RangeSet) {
        self.journals.entry(key).or_default().extend(ranges);
    }

    /// Gives what is committed of a journal; an empty set when the journal is not known.
    #[must_use]
    pub fn committed(&self, key: JournalKey) -> RangeSet {
        self.journals.get(&key).cloned().unwrap_or_default()
    }

    /// Gives what is committed of every journal.
    #[must_use]
    pub fn journals(&self) -> Vec<(EdgeId, JournalId, RangeSet)> {
        self.journals.iter().map(|(&(edge, journal), ranges)| (edge, journal, ranges.clone())).collect()
    }

    /// Sorts out what is committed already, or twice in these batches. Changes nothing here: that is for after the
    /// transaction.
    #[must_use]
    pub fn sort(&self, batches: Vec<Batch>) -> Sorted {
        let mut sorted = Sorted { batches, ..Sorted::default() };
        for batch in &mut sorted.batches {
            let Some(key) = batch.journal else { continue };
            let added = sorted.added.entry(key).or_default();
            let known = self.journals.get(&key);
            let mut is_new = |seq| {
                let new = !known.is_some_and(|known| known.contains(seq)) && !added.contains(seq);
                if new {
                    added.insert(seq, seq);
                }
                new
            };
            let came = batch.readings.len();
            batch.readings.retain(|reading| is_new(reading.seq));
            sorted.duplicates += (came - batch.readings.len()) as u64;
            // A letter is kept when anything in it is new, or nothing is known of it.
            batch.refused.retain(|refused| {
                let new = refused.seqs.iter().filter(|seq| is_new(**seq)).count();
                new > 0 || refused.seqs.is_empty()
            });
        }
        sorted
    }

    /// Takes over what a transaction has committed.
    pub fn add(&mut self, added: &BTreeMap<JournalKey, RangeSet>) {
        for (key, ranges) in added {
            self.insert(*key, ranges);
        }
    }
}
