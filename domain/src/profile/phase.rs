//! Which points stand in water and which in oil.

/// Share of the way from water to oil below which a point is in water. Oil that is as wet as it can be before water becomes
/// continuous is still far above it.
pub(super) const IN_WATER: f64 = 0.3;
/// Least ratio of impedances over a jump, where nothing is known yet.
const LEAST_JUMP: f64 = 3.0;

/// Finds how many points from below are in water, so that as few as can be contradict.
///
/// A faulty point here and there moves nothing.
pub(super) fn split(is_water: &[bool]) -> usize {
    let oil_below = |upto: usize| is_water[..upto].iter().filter(|water| !**water).count();
    let water_above = |from: usize| is_water[from..].iter().filter(|water| **water).count();
    (0..=is_water.len()).min_by_key(|at| oil_below(*at) + water_above(*at)).unwrap_or(0)
}

/// Finds the jump in a curve of which nothing is known: how many points from below are in water.
///
/// The split that leaves the least scatter of the logarithms on both sides, where the sides are far enough apart.
pub(super) fn jump(points: &[f64]) -> Option<usize> {
    let logarithms: Vec<f64> = points.iter().map(|value| value.ln()).collect();
    let at = (1..points.len()).min_by(|a, b| scatter(&logarithms, *a).total_cmp(&scatter(&logarithms, *b)))?;
    let (water, oil) = (mean(&logarithms[..at]), mean(&logarithms[at..]));
    (oil - water >= LEAST_JUMP.ln()).then_some(at)
}

fn scatter(values: &[f64], at: usize) -> f64 {
    let squares = |part: &[f64]| {
        let middle = mean(part);
        part.iter().map(|value| (value - middle).powi(2)).sum::<f64>()
    };
    squares(&values[..at]) + squares(&values[at..])
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.iter().map(|_| 1.0).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faulty_points_do_not_move_the_split() {
        let (w, o) = (true, false);
        assert_eq!(split(&[w, w, w, o, o, o, o]), 3);
        assert_eq!(split(&[w, o, w, w, o, o, w, o, o]), 4);
        assert_eq!(split(&[o, o, o]), 0);
        assert_eq!(split(&[w, w]), 2);
    }

    #[test]
    fn jump_is_found_where_there_is_one() {
        assert_eq!(jump(&[2500.0, 2600.0, 2500.0, 30_000.0, 45_000.0, 52_000.0]), Some(3));
        assert_eq!(jump(&[50_000.0, 52_000.0, 51_000.0, 52_000.0]), None);
        assert_eq!(jump(&[30_000.0, 38_000.0, 45_000.0, 52_000.0]), None);
    }
}
