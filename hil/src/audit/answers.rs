//! What the gauges answered in this run: one side of the audit.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use tankline_domain::names::TankName;
use tankline_domain::units::UnixMillis;

use crate::gauge::GaugeValues;
use crate::line::{Served, ServedSink};

/// An answer that left a gauge whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// When its last byte was out.
    pub at: UnixMillis,
    /// What the registers said.
    pub values: GaugeValues,
}

/// All answers of one gauge, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TankAnswers {
    /// The newest ones.
    pub kept: VecDeque<Answer>,
    /// How many there were before them.
    pub dropped: u64,
}

/// Remembers what the gauges answered, up to a bound for each; then the oldest go and are counted.
#[derive(Debug)]
pub struct Answers {
    kept_of_each: usize,
    tanks: Mutex<BTreeMap<TankName, TankAnswers>>,
}

impl Answers {
    /// Makes a memory for `answers` answers of `gauges` gauges together.
    #[must_use]
    pub fn new(answers: usize, gauges: usize) -> Self {
        Self { kept_of_each: (answers / gauges.max(1)).max(1), tanks: Mutex::default() }
    }

    /// Takes all out.
    #[must_use]
    pub fn take(&self) -> BTreeMap<TankName, TankAnswers> {
        std::mem::take(&mut *self.tanks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ServedSink for Answers {
    fn served(&self, reading: Served) {
        let mut tanks = self.tanks.lock().unwrap_or_else(PoisonError::into_inner);
        let tank = tanks.entry(reading.tank).or_default();
        tank.kept.push_back(Answer { at: reading.at, values: reading.values });
        if tank.kept.len() > self.kept_of_each {
            tank.kept.pop_front();
            tank.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gauge_keeps_its_newest_answers() {
        let answers = Answers::new(4, 2);
        let values = GaugeValues { level_mm: 1, interface_mm: 0, temperature_tenths: 0 };
        for (tank, at) in [("T-01", 1), ("T-01", 2), ("T-02", 2), ("T-01", 3)] {
            answers.served(Served { tank: tank.parse().unwrap(), unit: 1, at: UnixMillis::new(at), values });
        }
        let taken: Vec<_> = answers
            .take()
            .into_iter()
            .map(|(tank, answers)| {
                let kept: Vec<_> = answers.kept.iter().map(|answer| answer.at.get()).collect();
                (tank.to_string(), kept, answers.dropped)
            })
            .collect();
        assert_eq!(taken, [("T-01".to_owned(), vec![2, 3], 1), ("T-02".to_owned(), vec![2], 0)]);
    }
}
