//! Flow against the duty of a tank.

use super::{Duty, Finding, Verdict, WatchSettings, WhyNot};
use crate::flow::Flow;
use crate::units::CubicMetres;

/// By so many times its expanded uncertainty (k = 2) a flow must be beyond zero: four standard uncertainties.
const TIMES: f64 = 2.0;
/// A line through a level that takes one step in the middle of its window is so many steps a window steep.
const STEP_IN_WINDOW: f64 = 1.5;

/// Tells whether a flow is surely against the duty: beyond its uncertainty, what a float that jumps by its stiction makes in
/// its window, and the least flow. `per_mm` is the volume of a millimetre.
pub(super) fn judge(settings: &WatchSettings, flow: Option<&Flow>, per_mm: CubicMetres) -> Verdict {
    let way = match settings.duty {
        Duty::FillOnly => -1.0,
        Duty::DrawOnly => 1.0,
        Duty::Any | Duty::Idle => return Verdict::NotTestable(WhyNot::NotAsked),
    };
    let Some(flow) = flow else { return Verdict::NotTestable(WhyNot::TooFewReadings) };
    let hours = flow.window.as_secs_f64() / 3600.0;
    let float = STEP_IN_WINDOW * settings.stiction.get() * per_mm.get().abs() / hours;
    let limit = settings.least_reverse.get().max(TIMES * flow.uncertainty.get() + float);
    let value = flow.flow.get();
    if way * value > limit { Verdict::Found(Finding { value, limit }) } else { Verdict::Clear }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::units::{CubicMetresPerHour, UnixMillis};

    #[test]
    fn only_a_certain_flow_against_the_duty_counts() {
        let flow = |flow: f64, uncertainty: f64, window_s: u64| Flow {
            flow: CubicMetresPerHour::new(flow),
            uncertainty: CubicMetresPerHour::new(uncertainty),
            window: Duration::from_secs(window_s),
            at: UnixMillis::new(0),
        };
        // A millimetre of 0.2 m3: a float that jumps half a millimetre is 1.5 m3/h in six minutes.
        for (duty, flow, is_found) in [
            (Duty::FillOnly, flow(-20.0, 2.0, 360), true),
            (Duty::FillOnly, flow(20.0, 2.0, 360), false),
            (Duty::DrawOnly, flow(20.0, 2.0, 360), true),
            (Duty::DrawOnly, flow(-20.0, 2.0, 360), false),
            (Duty::FillOnly, flow(-20.0, 9.5, 360), false),
            (Duty::FillOnly, flow(-5.4, 2.0, 360), false),
            (Duty::FillOnly, flow(-5.6, 2.0, 360), true),
            (Duty::FillOnly, flow(-0.9, 0.01, 7200), false),
            (Duty::FillOnly, flow(-1.1, 0.01, 7200), true),
            (Duty::Any, flow(-20.0, 2.0, 360), false),
        ] {
            let settings = WatchSettings { duty, ..WatchSettings::default() };
            let found = judge(&settings, Some(&flow), CubicMetres::new(0.2));
            assert_eq!(found.found().is_some(), is_found, "{duty} {flow:?}");
        }
    }
}
