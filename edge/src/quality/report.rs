//! Report by exception: which readings are worth keeping.

use std::time::{Duration, Instant};

use tankline_domain::reading::{Quality, Reading};
use tankline_domain::site::Report;

/// Decides for one gauge which readings go on.
///
/// Without a [`Report`] every reading does. With one, a reading goes on when a quantity left its deadband around the
/// value that went last, when the quality changed, or when nothing went for the length of the heartbeat.
#[derive(Debug, Clone)]
pub struct Reporter {
    report: Option<Report>,
    last: Option<(Instant, [Option<f64>; 4], Quality)>,
}

impl Reporter {
    /// Begins so that the first reading goes on.
    #[must_use]
    pub const fn new(report: Option<Report>) -> Self {
        Self { report, last: None }
    }

    /// Tells whether a reading goes on, and remembers it when it does.
    pub fn wants(&mut self, now: Instant, reading: &Reading) -> bool {
        let Some(report) = &self.report else { return true };
        let values = [
            reading.level.map(|level| level.get()),
            reading.interface.map(|interface| interface.get()),
            reading.temperature.map(|temperature| temperature.get()),
            reading.layer.as_ref().map(|layer| layer.top().get()),
        ];
        let goes = self.last.as_ref().is_none_or(|(at, before, quality)| {
            *quality != reading.quality
                || now.saturating_duration_since(*at) >= report.heartbeat
                || left_deadband(report, before, &values)
        });
        if goes {
            self.last = Some((now, values, reading.quality.clone()));
        }
        goes
    }

    /// Gives the longest time without a reading that is no fault.
    #[must_use]
    pub fn longest_silence(&self, poll_interval: Duration) -> Duration {
        self.report.as_ref().map_or(poll_interval, |report| report.heartbeat.max(poll_interval))
    }
}

fn left_deadband(report: &Report, before: &[Option<f64>; 4], now: &[Option<f64>; 4]) -> bool {
    // The top of a layer is an interface as well; its bottom is the interface.
    let interface = report.interface_deadband.get();
    let deadbands = [report.level_deadband.get(), interface, report.temperature_deadband_c, interface];
    before.iter().zip(now).zip(deadbands).any(|((before, now), deadband)| match (before, now) {
        (Some(before), Some(now)) => (before - now).abs() > deadband,
        (before, now) => before.is_some() != now.is_some(),
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any moment serves as the origin of a virtual clock")]
mod tests {
    use tankline_domain::reading::{Bad, Uncertain};
    use tankline_domain::units::{Celsius, Millimetres, UnixMillis};

    use super::*;

    const REPORT: Report = Report {
        level_deadband: Millimetres::new(2.0),
        interface_deadband: Millimetres::new(5.0),
        temperature_deadband_c: 0.5,
        heartbeat: Duration::from_secs(60),
    };

    fn reading(level: f64, interface: f64, temperature: f64) -> Reading {
        Reading {
            tank: "T-01".parse().unwrap(),
            at: UnixMillis::new(0),
            level: Some(Millimetres::new(level)),
            interface: Some(Millimetres::new(interface)),
            temperature: Some(Celsius::new(temperature)),
            layer: None,
            quality: Quality::Good,
        }
    }

    #[test]
    fn only_what_says_something_goes_on() {
        let start = Instant::now();
        let bad = Reading::failed("T-01".parse().unwrap(), UnixMillis::new(0), Bad::NoReply);
        let doubted = Reading { quality: Quality::Uncertain(Uncertain::Stuck), ..reading(5003.0, 100.0, 40.0) };
        let layered = |top: f64| {
            let layer = serde_json::from_str(&format!("[[94,0.5],[{top},0]]")).unwrap();
            Reading { layer: Some(layer), ..reading(5004.0, 94.0, 39.4) }
        };
        let mut reporter = Reporter::new(Some(REPORT));
        for (second, reading, goes, why) in [
            (0, reading(5000.0, 100.0, 40.0), true, "the first one"),
            (1, reading(5002.0, 105.0, 40.5), false, "within every deadband"),
            (2, reading(5003.0, 100.0, 40.0), true, "the level left it"),
            (3, reading(5004.0, 94.0, 40.0), true, "the interface left it"),
            (4, reading(5004.0, 94.0, 39.4), true, "the temperature left it"),
            (5, reading(5005.9, 94.0, 39.4), false, "counted from what went last"),
            (64, reading(5004.0, 94.0, 39.4), true, "the heartbeat"),
            (65, bad.clone(), true, "the quality changed"),
            (66, bad, false, "still bad"),
            (67, reading(5004.0, 94.0, 39.4), true, "good again"),
            (68, doubted, true, "doubted"),
            (69, layered(200.0), true, "good, and with a layer"),
            (70, layered(205.0), false, "about as thick"),
            (71, layered(206.0), true, "the top of the layer left it"),
            (72, reading(5004.0, 94.0, 39.4), true, "the layer is gone"),
        ] {
            assert_eq!(reporter.wants(start + Duration::from_secs(second), &reading), goes, "{why}");
        }
        let mut every = Reporter::new(None);
        assert!((0..9).all(|_| every.wants(start, &reading(1.0, 1.0, 1.0))));
    }
}
