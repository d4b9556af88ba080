//! When a tank reaches a limit.

use std::time::Duration;

use super::Flow;
use crate::units::CubicMetres;

/// How long it takes to a limit at the present flow.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TimeToLimit {
    /// At the flow itself.
    pub expected: Duration,
    /// At the fastest flow that its uncertainty allows for.
    pub earliest: Duration,
}

/// Gives how long it takes from `volume` to the volume at a limit; nothing when the tank does not surely move that way.
///
/// No time at all when the limit is reached already and the tank goes on beyond it.
#[must_use]
pub fn time_to_limit(flow: &Flow, volume: CubicMetres, limit: CubicMetres, towards: Towards) -> Option<TimeToLimit> {
    let (way, left) = match towards {
        Towards::Full => (flow.flow.get(), limit.get() - volume.get()),
        Towards::Empty => (-flow.flow.get(), volume.get() - limit.get()),
    };
    if !flow.is_certain() || way <= 0.0 {
        return None;
    }
    let at = |rate: f64| Duration::try_from_secs_f64(left.max(0.0) / rate * 3600.0).unwrap_or(Duration::MAX);
    Some(TimeToLimit { expected: at(way), earliest: at(way + flow.uncertainty.get()) })
}

/// Which way a limit is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    /// By filling: a high limit.
    Full,
    /// By drawing: a low limit.
    Empty,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{CubicMetresPerHour, UnixMillis};

    fn flow(flow: f64, uncertainty: f64) -> Flow {
        Flow {
            flow: CubicMetresPerHour::new(flow),
            uncertainty: CubicMetresPerHour::new(uncertainty),
            window: Duration::from_secs(60),
            at: UnixMillis::new(0),
        }
    }

    #[test]
    fn time_is_what_is_left_by_the_flow() {
        let (volume, limit) = (CubicMetres::new(4000.0), CubicMetres::new(4900.0));
        let found = time_to_limit(&flow(300.0, 60.0), volume, limit, Towards::Full).unwrap();
        assert_eq!((found.expected.as_secs(), found.earliest.as_secs()), (10_800, 9000));
        let found = time_to_limit(&flow(-100.0, 0.0), limit, volume, Towards::Empty).unwrap();
        assert_eq!(found.expected.as_secs(), 9 * 3600);
    }

    #[test]
    fn tank_that_does_not_surely_move_that_way_has_no_time() {
        let (volume, limit) = (CubicMetres::new(4000.0), CubicMetres::new(4900.0));
        for flow in [flow(-300.0, 10.0), flow(20.0, 30.0), flow(0.0, 0.0)] {
            assert_eq!(time_to_limit(&flow, volume, limit, Towards::Full), None);
        }
    }

    #[test]
    fn limit_that_is_passed_is_reached_now() {
        let found =
            time_to_limit(&flow(300.0, 60.0), CubicMetres::new(5000.0), CubicMetres::new(4900.0), Towards::Full);
        assert_eq!(found.unwrap().expected, Duration::ZERO);
    }
}
