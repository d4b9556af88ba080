//! Readings gathered by the minute, so that noise and single wild readings do not show.

use super::Amounts;
use super::Quantity;

/// Length of a minute, ms.
pub(super) const MINUTE_MS: i64 = 60_000;

/// What a tank held in one minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Minute {
    /// Mean time of the readings, ms since 1970.
    pub(super) at_ms: i64,
    /// Means of the readings whose total volume is in the middle half.
    pub(super) amounts: Amounts,
}

/// Gathers good readings in the order of their times.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    minutes: Vec<Minute>,
    minute: i64,
    readings: Vec<(f64, i64, Amounts)>,
}

impl Gatherer {
    /// Takes a good reading.
    pub(super) fn push(&mut self, at_ms: i64, amounts: Amounts) {
        let Some(tov) = amounts.of(Quantity::Tov) else { return };
        let minute = at_ms.div_euclid(MINUTE_MS);
        if minute != self.minute {
            self.close();
            self.minute = minute;
        }
        self.readings.push((tov, at_ms, amounts));
    }

    /// Gives the minutes that had a reading.
    pub(super) fn finish(mut self) -> Vec<Minute> {
        self.close();
        self.minutes
    }

    fn close(&mut self) {
        let count = self.readings.len();
        if count == 0 {
            return;
        }
        self.readings.sort_by(|a, b| a.0.total_cmp(&b.0));
        let middle = &self.readings[count / 4..count - count / 4];
        let first_ms = middle[0].1;
        let later: i64 = middle.iter().map(|reading| reading.1 - first_ms).sum();
        let at_ms = first_ms + later / i64::try_from(middle.len()).unwrap_or(1);
        let amounts: Vec<Amounts> = middle.iter().map(|reading| reading.2).collect();
        self.minutes.push(Minute { at_ms, amounts: Amounts::mean(&amounts) });
        self.readings.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tov(amount: f64) -> Amounts {
        Amounts::default().with(Quantity::Tov, Some(amount))
    }

    #[test]
    fn wild_reading_does_not_show() {
        let mut gatherer = Gatherer::default();
        for (second, amount) in [(0, 10.0), (1, 10.0), (2, 5000.0), (3, 10.0), (60, 11.0), (200, 12.0)] {
            gatherer.push(second * 1000, tov(amount));
        }
        gatherer.push(201_000, Amounts::default());
        let found: Vec<_> = gatherer.finish().iter().map(|it| (it.at_ms, it.amounts.of(Quantity::Tov))).collect();
        assert_eq!(found, [(2000, Some(10.0)), (60_000, Some(11.0)), (200_000, Some(12.0))]);
    }
}
