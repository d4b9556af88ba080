//! The plots of a tank: levels, how far the gauge is off, temperature, and how late readings are.

use std::time::Duration;

use tankline_domain::reading::Quality;

use super::super::super::outcome::{Arrival, Sample, TankTrace};
use super::decimate::{dots, line};
use super::panel::{Layer, Panel, ROWS_PER_PIXEL};
use super::scale::{Row, TimeAxis, ValueAxis};

/// Part of the time of a story that readings have to be late, before a plot shows it.
const LATE_SHARE: f64 = 0.02;
/// Kinds of values that a gauge gives.
type Of<T> = fn(&T) -> Option<f64>;

/// Gives the plots of a tank, from the top.
pub fn panels(trace: &TankTrace, time: &TimeAxis) -> Vec<Panel> {
    let mut panels = vec![levels(trace, time)];
    panels.extend(deviations(trace, time));
    panels.extend(temperature(trace, time));
    panels.extend(lateness(trace, time));
    panels
}

/// Gives how far a value of a reading is off the truth at its time; `None` where one of them is not known.
pub fn deviation(trace: &TankTrace, arrival: &Arrival, seen: Of<Arrival>, truth: fn(&Sample) -> f64) -> Option<f64> {
    let after = trace.truth.partition_point(|sample| sample.at <= arrival.at);
    let before = trace.truth.get(after.checked_sub(1)?)?;
    let true_value = match trace.truth.get(after) {
        Some(next) if next.at > before.at => {
            let share = (arrival.at - before.at).as_secs_f64() / (next.at - before.at).as_secs_f64();
            truth(before) + (truth(next) - truth(before)) * share
        }
        _ => truth(before),
    };
    seen(arrival).map(|value| value - true_value).filter(|off| off.is_finite())
}

fn levels(trace: &TankTrace, time: &TimeAxis) -> Panel {
    let pixels = 200;
    // A hundredth of the height is left below the bottom and above the top, so that a line there is seen.
    let margin = trace.height_mm * 0.01;
    let axis = ValueAxis::new(-margin, trace.height_mm + margin, pixels * ROWS_PER_PIXEL);
    let seen: [(&'static str, Of<Arrival>); 2] =
        [("level", |arrival| arrival.level_mm), ("interface", |arrival| arrival.interface_mm)];
    let mut layers: Vec<Layer> = seen.iter().map(|(class, of)| good(class, trace, time, &axis, *of)).collect();
    let both: Vec<Of<Arrival>> = seen.iter().map(|(_, of)| *of).collect();
    layers.push(uncertain(trace, time, &axis, &both));
    layers.push(truth("truth", trace, time, &axis, |sample| sample.interface_mm));
    layers.push(truth("truth", trace, time, &axis, |sample| sample.level_mm));
    layers.push(bad(trace, time, &axis));
    layers.push(beyond(trace, time, &axis, &both));
    let limits = trace.limits_mm.iter().filter(|(_, limit)| matches!(axis.row(*limit), Row::Within(_)));
    let limits = limits.cloned().collect();
    Panel { title: "level and interface, mm".to_owned(), pixels, axis, ticks: 5.0, limits, layers }
}

fn deviations(trace: &TankTrace, time: &TimeAxis) -> Option<Panel> {
    let pixels = 72;
    let level = |arrival: &Arrival| deviation(trace, arrival, |a| a.level_mm, |sample| sample.level_mm);
    let interface = |arrival: &Arrival| deviation(trace, arrival, |a| a.interface_mm, |sample| sample.interface_mm);
    let offs = trace.arrived.iter().filter(|arrival| !arrival.quality.is_bad());
    let most = offs.flat_map(|arrival| [level(arrival), interface(arrival)]).flatten().map(f64::abs);
    let most = most.reduce(f64::max)?.max(4.0) * 1.1;
    let axis = ValueAxis::new(-most, most, pixels * ROWS_PER_PIXEL);
    let of = |quality: fn(&Quality) -> bool, off: &dyn Fn(&Arrival) -> Option<f64>| {
        let arrived = trace.arrived.iter().filter(|arrival| quality(&arrival.quality));
        points(arrived.filter_map(|arrival| Some((arrival.at, off(arrival)?))), time, &axis)
    };
    let layers = vec![
        Layer { class: "interface", path: dots(of(Quality::is_good, &interface).into_iter()) },
        Layer { class: "level", path: dots(of(Quality::is_good, &level).into_iter()) },
        Layer {
            class: "uncertain",
            path: dots(of(is_uncertain, &interface).into_iter().chain(of(is_uncertain, &level))),
        },
    ];
    Some(Panel { title: "gauge less truth, mm".to_owned(), pixels, axis, ticks: 4.0, limits: Vec::new(), layers })
}

fn temperature(trace: &TankTrace, time: &TimeAxis) -> Option<Panel> {
    let pixels = 72;
    let seen: Of<Arrival> = |arrival| arrival.temperature_c;
    let usable = trace.arrived.iter().filter(|arrival| !arrival.quality.is_bad());
    let values = usable.filter_map(seen).chain(trace.truth.iter().map(|sample| sample.temperature_c));
    let (low, high) = values.filter(|value| value.is_finite()).fold(None, |range, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((f64::min(low, value), f64::max(high, value)))
    })?;
    let margin = ((high - low) * 0.08).max(0.5);
    let axis = ValueAxis::new(low - margin, high + margin, pixels * ROWS_PER_PIXEL);
    let layers = vec![
        good("temperature", trace, time, &axis, seen),
        uncertain(trace, time, &axis, &[seen]),
        truth("truth", trace, time, &axis, |sample| sample.temperature_c),
    ];
    Some(Panel { title: "temperature, \u{b0}C".to_owned(), pixels, axis, ticks: 3.0, limits: Vec::new(), layers })
}

fn lateness(trace: &TankTrace, time: &TimeAxis) -> Option<Panel> {
    let pixels = 48;
    let late = |arrival: &Arrival| arrival.committed_at.saturating_sub(arrival.at);
    let most = trace.arrived.iter().map(late).max()?;
    if time.share(most) < LATE_SHARE {
        return None;
    }
    let (unit, seconds) = match most.as_secs() {
        0..300 => ("s", 1.0),
        300..10_800 => ("min", 60.0),
        _ => ("h", 3600.0),
    };
    let axis = ValueAxis::new(0.0, most.as_secs_f64() / seconds * 1.05, pixels * ROWS_PER_PIXEL);
    let points = trace.arrived.iter().map(|arrival| (arrival.at, late(arrival).as_secs_f64() / seconds));
    let layers = vec![Layer { class: "late", path: dots(self::points(points, time, &axis).into_iter()) }];
    let title = format!("stored after, {unit}");
    Some(Panel { title, pixels, axis, ticks: 2.0, limits: Vec::new(), layers })
}

fn good(class: &'static str, trace: &TankTrace, time: &TimeAxis, axis: &ValueAxis, of: Of<Arrival>) -> Layer {
    let arrived = trace.arrived.iter().filter(|arrival| arrival.quality.is_good());
    let points = points(arrived.filter_map(|arrival| Some((arrival.at, of(arrival)?))), time, axis);
    Layer { class, path: dots(points.into_iter()) }
}

fn is_uncertain(quality: &Quality) -> bool {
    matches!(quality, Quality::Uncertain(_))
}

fn uncertain(trace: &TankTrace, time: &TimeAxis, axis: &ValueAxis, of: &[Of<Arrival>]) -> Layer {
    let arrived = || trace.arrived.iter().filter(|arrival| is_uncertain(&arrival.quality));
    let values = of.iter().flat_map(|of| arrived().filter_map(|arrival| Some((arrival.at, of(arrival)?))));
    Layer { class: "uncertain", path: dots(points(values, time, axis).into_iter()) }
}

fn truth(
    class: &'static str,
    trace: &TankTrace,
    time: &TimeAxis,
    axis: &ValueAxis,
    of: impl Fn(&Sample) -> f64,
) -> Layer {
    let points = points(trace.truth.iter().map(|sample| (sample.at, of(sample))), time, axis);
    Layer { class, path: line(points.into_iter()) }
}

/// Bad readings have no value to stand at: they are ticks at the foot.
fn bad(trace: &TankTrace, time: &TimeAxis, axis: &ValueAxis) -> Layer {
    let arrived = trace.arrived.iter().filter(|arrival| arrival.quality.is_bad());
    let ticks = arrived.flat_map(|arrival| [12, 0].map(|up| (time.column(arrival.at), axis.rows() - up)));
    let mut columns: Vec<(usize, i32)> = ticks.collect();
    columns.sort_unstable();
    columns.dedup();
    let path = columns.chunks(2).map(|tick| format!("M{} {}v12", tick[0].0, tick[0].1)).collect();
    Layer { class: "bad", path }
}

/// Values beyond the scale are drawn on its edge, in a colour of their own.
fn beyond(trace: &TankTrace, time: &TimeAxis, axis: &ValueAxis, of: &[Of<Arrival>]) -> Layer {
    let arrived = || trace.arrived.iter().filter(|arrival| !arrival.quality.is_bad());
    let values = of.iter().flat_map(|of| arrived().filter_map(|arrival| Some((arrival.at, of(arrival)?))));
    let edge = values.filter_map(|(at, value)| match axis.row(value) {
        Row::Beyond(row) => Some((time.column(at), row)),
        Row::Within(_) => None,
    });
    let edge: Vec<_> = edge.collect();
    Layer { class: "beyond", path: dots(edge.into_iter()) }
}

fn points(values: impl Iterator<Item = (Duration, f64)>, time: &TimeAxis, axis: &ValueAxis) -> Vec<(usize, i32)> {
    let finite = values.filter(|(_, value)| value.is_finite());
    finite
        .map(|(at, value)| match axis.row(value) {
            Row::Within(row) | Row::Beyond(row) => (time.column(at), row),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at_s: u64, level_mm: f64) -> Sample {
        Sample { at: Duration::from_secs(at_s), level_mm, interface_mm: 0.0, temperature_c: 20.0 }
    }

    fn arrival(at_s: u64, level_mm: Option<f64>, quality: &str) -> Arrival {
        let at = Duration::from_secs(at_s);
        let quality = quality.parse().unwrap();
        Arrival { at, committed_at: at, level_mm, interface_mm: None, temperature_c: None, quality }
    }

    fn trace(truth: Vec<Sample>, arrived: Vec<Arrival>) -> TankTrace {
        let tank = "T-01".parse().unwrap();
        TankTrace { tank, height_mm: 10_000.0, limits_mm: Vec::new(), truth, arrived }
    }

    fn layer<'a>(panel: &'a Panel, class: &str) -> &'a str {
        panel.layers.iter().find(|layer| layer.class == class).map_or("", |layer| layer.path.as_str())
    }

    #[test]
    fn reading_is_compared_with_the_truth_of_its_time() {
        let trace = trace(vec![sample(0, 100.0), sample(10, 200.0)], Vec::new());
        let off = |at_s, level| deviation(&trace, &arrival(at_s, level, "good"), |a| a.level_mm, |s| s.level_mm);
        assert_eq!(off(5, Some(160.0)), Some(10.0));
        assert_eq!(off(30, Some(199.0)), Some(-1.0));
        assert_eq!(off(5, None), None);
    }

    #[test]
    fn each_quality_has_strokes_of_its_own() {
        let time = TimeAxis::new(Duration::from_secs(100), 100);
        let arrived = vec![
            arrival(10, Some(5000.0), "good"),
            arrival(20, Some(5000.0), "uncertain:stuck"),
            arrival(30, None, "bad:no-reply"),
            arrival(40, Some(65_535.0), "good"),
        ];
        let panels = panels(&trace(vec![sample(0, 5000.0), sample(100, 5000.0)], arrived), &time);
        assert_eq!(layer(&panels[0], "level"), "m10 200h0m30-200h0");
        assert_eq!(layer(&panels[0], "uncertain"), "m20 200h0");
        assert_eq!(layer(&panels[0], "bad"), "M30 388v12");
        assert_eq!(layer(&panels[0], "beyond"), "m40 0h0");
        assert_eq!(layer(&panels[0], "truth"), "m0 400h0".replace("400", "396").replace("h0", "h99"));
    }

    #[test]
    fn late_readings_get_a_plot_and_prompt_ones_none() {
        let time = TimeAxis::new(Duration::from_secs(1000), 100);
        let mut late = arrival(10, Some(1.0), "good");
        let titles = |arrival: &Arrival| -> Vec<String> {
            panels(&trace(vec![sample(0, 1.0)], vec![arrival.clone()]), &time).into_iter().map(|p| p.title).collect()
        };
        assert!(!titles(&late).iter().any(|title| title.starts_with("stored after")));
        late.committed_at = Duration::from_secs(130);
        assert!(titles(&late).contains(&"stored after, s".to_owned()));
    }

    #[test]
    fn tank_without_readings_is_drawn_too() {
        let time = TimeAxis::new(Duration::ZERO, 100);
        assert_eq!(panels(&trace(Vec::new(), Vec::new()), &time).len(), 1);
    }
}
