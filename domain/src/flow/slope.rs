//! A robust straight line through a few points.

/// A volume at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    /// s since the first reading.
    pub(super) at_s: f64,
    pub(super) volume_m3: f64,
}

/// How fine points are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grain {
    /// What is left of one step of the gauge, after noise has smoothed it.
    pub(super) step_m3: f64,
    /// Least standard deviation of a point: that of a reading by the number of readings in it.
    pub(super) noise_m3: f64,
}

/// A slope with its standard uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slope {
    pub(super) m3_s: f64,
    /// Standard uncertainty, of which twice covers 95 %.
    pub(super) uncertainty_m3_s: f64,
    /// From the first point to the last.
    pub(super) span_s: f64,
}

/// Points of a window.
pub(super) const MOST: usize = 12;
/// Fewest points that a slope is taken from.
pub(super) const FEWEST: usize = 6;
const PAIRS: usize = MOST * (MOST - 1) / 2;

/// How far the uncertainty must be widened, by number of points from [`FEWEST`] on.
///
/// Few points tell little of their own scatter. Found by trial, so that twice the uncertainty covers 95 % with normal
/// noise; Student's factor and the efficiency of the median slope are in it.
const WIDEN: [f64; MOST - FEWEST + 1] = [2.00, 1.69, 1.46, 1.40, 1.28, 1.29, 1.24];
/// A line through a level that takes one step in the middle of the window is 1.5 steps a window steep, whatever the flow:
/// twice this.
const HIDDEN: f64 = 0.75;
/// A median of absolute deviations is this part of the standard deviation, for normal noise.
const MAD: f64 = 0.6745;
/// Residuals beyond so many deviations count as that many.
const CLIP: f64 = 3.0;

/// Finds the slope by Theil and Sen, the median of the slopes between all pairs, and its uncertainty from the scatter
/// around it. No allocation.
///
/// What the steps of the gauge hide between the ends of the window is in the uncertainty.
pub(super) fn slope(points: &[Point], grain: Grain) -> Option<Slope> {
    if points.len() < FEWEST || points.len() > MOST {
        return None;
    }
    let span_s = points[points.len() - 1].at_s - points[0].at_s;
    let mut slopes = [0.0; PAIRS];
    let mut pairs = 0;
    for (index, first) in points.iter().enumerate() {
        for second in &points[index + 1..] {
            let apart = second.at_s - first.at_s;
            if apart > 0.0 {
                slopes[pairs] = (second.volume_m3 - first.volume_m3) / apart;
                pairs += 1;
            }
        }
    }
    let m3_s = median(&mut slopes[..pairs])?;
    let uncertainty = scatter(points, m3_s, grain)?;
    let hidden = HIDDEN * grain.step_m3 / span_s;
    Some(Slope { m3_s, uncertainty_m3_s: uncertainty.hypot(hidden), span_s })
}

/// Gives the standard uncertainty of the slope that comes of the scatter of the points around it.
fn scatter(points: &[Point], m3_s: f64, grain: Grain) -> Option<f64> {
    let mut buffer = [0.0; MOST];
    let residuals = &mut buffer[..points.len()];
    let fill = |residuals: &mut [f64], value: &dyn Fn(&Point) -> f64| {
        residuals.iter_mut().zip(points).for_each(|(residual, point)| *residual = value(point));
    };
    let origin = points[0].at_s;
    let from_line = |point: &Point| point.volume_m3 - m3_s * (point.at_s - origin);
    fill(residuals, &from_line);
    let intercept = median(residuals)?;
    let deviation = |point: &Point| (from_line(point) - intercept).abs();
    fill(residuals, &deviation);
    let bound = (CLIP * median(residuals)? / MAD).max(grain.step_m3).max(grain.noise_m3);
    let count = points.iter().map(|_| 1.0).sum::<f64>();
    let mean = points.iter().map(|point| point.at_s).sum::<f64>() / count;
    let mut squares = 0.0;
    let mut spread = 0.0;
    for point in points {
        squares += deviation(point).min(bound).powi(2);
        spread += (point.at_s - mean).powi(2);
    }
    let sigma = (squares / (count - 2.0)).sqrt().max(grain.noise_m3);
    (spread > 0.0).then(|| WIDEN[points.len() - FEWEST] * sigma / spread.sqrt())
}

/// Gives the median, and leaves the values in another order.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let odd = values.len() % 2 == 1;
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    if odd {
        return Some(upper);
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: Grain = Grain { step_m3: 0.44, noise_m3: 0.0 };
    const SMOOTH: Grain = Grain { step_m3: 0.0, noise_m3: 0.0 };

    fn line(rate: f64) -> Vec<Point> {
        (0..12).map(|at| Point { at_s: f64::from(at) * 5.0, volume_m3: 100.0 + rate * f64::from(at) * 5.0 }).collect()
    }

    #[test]
    fn straight_line_has_its_slope_and_only_the_steps_uncertainty() {
        let found = slope(&line(0.1), STEPS).unwrap();
        assert!((found.m3_s - 0.1).abs() < 1e-12);
        assert_eq!(found.span_s, 55.0);
        assert!((found.uncertainty_m3_s - 0.75 * 0.44 / 55.0).abs() < 1e-12);
        assert!(slope(&line(0.1), SMOOTH).unwrap().uncertainty_m3_s < 1e-12);
    }

    #[test]
    fn points_that_happen_to_agree_are_no_better_than_their_noise() {
        let found = slope(&line(0.1), Grain { step_m3: 0.0, noise_m3: 0.3 }).unwrap();
        // The times 0, 5 .. 55 s spread by 25 x 143 s2 around their mean.
        assert!((found.uncertainty_m3_s - 1.24 * 0.3 / (25.0_f64 * 143.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_few_wild_points_move_it_little() {
        let mut points = line(0.1);
        points[3].volume_m3 += 500.0;
        points[9].volume_m3 -= 900.0;
        let found = slope(&points, STEPS).unwrap();
        assert!((found.m3_s - 0.1).abs() < 0.01, "{found:?}");
        assert!(found.uncertainty_m3_s < 0.02, "{found:?}");
    }

    #[test]
    fn too_few_points_have_no_slope() {
        assert_eq!(slope(&line(0.1)[..FEWEST - 1], STEPS), None);
        assert_eq!(slope(&[Point::default(); 12], STEPS), None);
    }

    #[test]
    fn median_of_an_even_number_is_between_the_two() {
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut []), None);
    }
}
