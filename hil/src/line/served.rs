use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tankline_domain::names::TankName;
use tankline_domain::units::UnixMillis;

use crate::gauge::GaugeValues;

/// A reading that a gauge gave away whole: what stood in the reply, and when its last byte was out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The tank that the gauge is on.
    pub tank: TankName,
    /// The unit that replied.
    pub unit: u8,
    /// When the last byte was written.
    pub at: UnixMillis,
    /// What the registers said; level and interface from the gauge's measuring origin.
    pub values: GaugeValues,
}

/// Who wants to know what the gauges gave away.
///
/// It is called on the thread that keeps the line's time, so it must be quick and must not wait.
pub trait ServedSink: Send + Sync {
    /// Takes one reading.
    fn served(&self, reading: Served);
}

impl<F: Fn(Served) + Send + Sync> ServedSink for F {
    fn served(&self, reading: Served) {
        self(reading);
    }
}

/// Keeps the newest readings that were given away, up to a bound; older ones go and are counted.
#[derive(Debug)]
pub struct ServedLog {
    capacity: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    readings: VecDeque<Served>,
    total: u64,
    dropped: u64,
}

impl ServedLog {
    /// Makes a log that keeps `capacity` readings.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, kept: Mutex::default() }
    }

    /// Takes out all that is kept, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<Served> {
        self.with(|kept| std::mem::take(&mut kept.readings)).into()
    }

    /// Gives how many readings were ever given away.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.with(|kept| kept.total)
    }

    /// Gives how many readings had to go because the log was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.with(|kept| kept.dropped)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ServedSink for ServedLog {
    fn served(&self, reading: Served) {
        self.with(|kept| {
            kept.total += 1;
            kept.readings.push_back(reading);
            if kept.readings.len() > self.capacity {
                kept.readings.pop_front();
                kept.dropped += 1;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_log_drops_the_oldest_and_counts_it() {
        let log = ServedLog::new(2);
        for at in 1..=3 {
            log.served(Served {
                tank: "T-01".parse().unwrap(),
                unit: 1,
                at: UnixMillis::new(at),
                values: GaugeValues { level_mm: 1, interface_mm: 0, temperature_tenths: 0 },
            });
        }
        let kept: Vec<_> = log.take().iter().map(|reading| reading.at.get()).collect();
        assert_eq!((kept, log.total(), log.dropped()), (vec![2, 3], 3, 1));
        assert!(log.take().is_empty());
    }
}
