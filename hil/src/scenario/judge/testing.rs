//! Made-up records.

use std::collections::BTreeMap;
use std::time::Duration;

use tankline_domain::names::TankName;

use crate::scenario::outcome::{Arrival, Sample};
use crate::scenario::record::{Arrived, Record, TankRecord};

pub fn tank() -> TankName {
    "T-01".parse().unwrap()
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A story of 100 s at speed 1, in which the level rises by 1 mm a second from 1000 mm; polled each second.
pub fn record(readings: Vec<Arrived>) -> Record {
    let sample =
        |at| Sample { at: seconds(at), level_mm: 1000.0 + at as f64, interface_mm: 100.0, temperature_c: 20.0 };
    let seen =
        TankRecord { poll: seconds(1), truth: (0..=300).map(sample).collect(), readings, ..TankRecord::default() };
    let tanks = BTreeMap::from([(tank(), seen)]);
    Record { speed: 1.0, played: seconds(100), tanks, ..Record::default() }
}

pub fn good(at: u64, level_mm: f64) -> Arrived {
    reading(at, Some(level_mm), "good")
}

pub fn reading(at: u64, level_mm: Option<f64>, quality: &str) -> Arrived {
    let arrival = Arrival {
        at: seconds(at),
        committed_at: seconds(at) + Duration::from_millis(200),
        level_mm,
        interface_mm: level_mm.map(|_| 100.0),
        temperature_c: level_mm.map(|_| 20.0),
        quality: quality.parse().unwrap(),
    };
    Arrived { arrival, is_of_story: true, latency: Duration::from_millis(200) }
}
