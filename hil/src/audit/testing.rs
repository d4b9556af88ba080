//! What the tests of the audit and of those who use it share.

use std::time::Duration;

use tankline_domain::reading::Mounting;
use tankline_domain::register::RegisterMap;
use tankline_domain::site::Gauge;
use tankline_domain::units::Millimetres;

/// A gauge on T-01 of 12 m, polled once a second, with its measuring origin at `offset_mm`.
pub(crate) fn gauge(offset_mm: f64) -> Gauge {
    Gauge {
        tank: "T-01".parse().unwrap(),
        line: "line-01".parse().unwrap(),
        unit: 1,
        poll_interval: Duration::from_secs(1),
        mounting: Mounting {
            tank_height: Millimetres::new(12_000.0),
            offset: Millimetres::new(offset_mm),
            bottom_blind_zone: Millimetres::new(0.0),
            top_blind_zone: Millimetres::new(0.0),
            sensor_range: None,
        },
        registers: RegisterMap::published(),
        alarm_poll_interval: None,
        max_rate_mm_s: None,
        stuck_after: None,
        level_stuck_after: None,
        report: None,
    }
}
