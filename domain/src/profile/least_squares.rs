//! Least squares of a few parameters, by Levenberg and Marquardt.

/// Rounds at most.
const ROUNDS: usize = 40;
/// A round that makes it better by less than this part is the last one.
const ENOUGH: f64 = 1e-5;

/// What is to be made small.
pub(super) trait Problem<const N: usize> {
    /// Appends how far off each point is, in parts of its deviation.
    fn residuals(&self, parameters: &[f64; N], residuals: &mut Vec<f64>);
    /// Brings parameters into the range that they can have.
    fn admit(&self, parameters: &mut [f64; N]);
    /// Gives how well each parameter is known, as the inverse of a variance, beyond what the slopes at the minimum tell: a
    /// quantity that cannot be below 0 is not spread around 0.
    fn known(&self, _parameters: &[f64; N]) -> [f64; N] {
        [0.0; N]
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub(super) struct Fit<const N: usize> {
    pub(super) parameters: [f64; N],
    /// Sum of the squares.
    pub(super) squares: f64,
    /// Variances and covariances of the parameters, for points that are off by their deviations.
    pub(super) covariance: [[f64; N]; N],
}

/// Goes downhill from the parameters given; nothing when there is no way or no number.
pub(super) fn minimise<const N: usize>(problem: &impl Problem<N>, begin: [f64; N]) -> Option<Fit<N>> {
    let mut parameters = begin;
    problem.admit(&mut parameters);
    let mut residuals = Vec::new();
    problem.residuals(&parameters, &mut residuals);
    let mut squares = sum(&residuals);
    let mut damping = 1e-3;
    let (mut moved, mut columns) = (Vec::new(), vec![Vec::new(); N]);
    let mut normal = [[0.0; N]; N];
    for _ in 0..ROUNDS {
        differentiate(problem, &parameters, &residuals, &mut columns);
        normal = product(&columns);
        let gradient: [f64; N] = std::array::from_fn(|row| dot(&columns[row], &residuals));
        let before = squares;
        let mut is_better = false;
        while damping < 1e9 {
            let mut damped = normal;
            (0..N).for_each(|index| damped[index][index] += damping * normal[index][index].max(1e-12));
            let Some(inverse) = inverted(damped) else {
                damping *= 10.0;
                continue;
            };
            let mut next: [f64; N] = std::array::from_fn(|row| parameters[row] - dot(&inverse[row], &gradient));
            problem.admit(&mut next);
            moved.clear();
            problem.residuals(&next, &mut moved);
            let reached = sum(&moved);
            if reached < squares {
                (parameters, squares, is_better) = (next, reached, true);
                std::mem::swap(&mut residuals, &mut moved);
                damping = (damping * 0.2).max(1e-9);
                break;
            }
            damping *= 5.0;
        }
        if !is_better || before - squares < ENOUGH * before {
            break;
        }
    }
    let known = problem.known(&parameters);
    (0..N).for_each(|index| normal[index][index] += known[index] + 1e-12 * normal[index][index].max(1e-12));
    let covariance = inverted(normal)?;
    squares.is_finite().then_some(Fit { parameters, squares, covariance })
}

/// Gives by how much each residual changes with each parameter, from small steps.
fn differentiate<const N: usize>(
    problem: &impl Problem<N>,
    parameters: &[f64; N],
    residuals: &[f64],
    columns: &mut [Vec<f64>],
) {
    for (index, column) in columns.iter_mut().enumerate() {
        let step = (1e-5 * parameters[index].abs()).max(1e-6);
        let mut aside = *parameters;
        aside[index] += step;
        column.clear();
        problem.residuals(&aside, column);
        column.iter_mut().zip(residuals).for_each(|(value, here)| *value = (*value - here) / step);
    }
}

fn product<const N: usize>(columns: &[Vec<f64>]) -> [[f64; N]; N] {
    std::array::from_fn(|row| std::array::from_fn(|column| dot(&columns[row], &columns[column])))
}

fn dot(first: &[f64], second: &[f64]) -> f64 {
    first.iter().zip(second).map(|(first, second)| first * second).sum()
}

fn sum(residuals: &[f64]) -> f64 {
    dot(residuals, residuals)
}

/// Inverts a matrix by Gauss and Jordan, after its rows and columns are brought to one scale.
fn inverted<const N: usize>(mut matrix: [[f64; N]; N]) -> Option<[[f64; N]; N]> {
    let scale: [f64; N] = std::array::from_fn(|index| matrix[index][index].abs().sqrt().max(1e-150));
    let scaled = |matrix: &mut [[f64; N]; N]| {
        for (row, values) in matrix.iter_mut().enumerate() {
            values.iter_mut().enumerate().for_each(|(column, value)| *value /= scale[row] * scale[column]);
        }
    };
    scaled(&mut matrix);
    let mut inverse: [[f64; N]; N] =
        std::array::from_fn(|row| std::array::from_fn(|column| f64::from(u8::from(row == column))));
    for pivot in 0..N {
        let largest = (pivot..N).max_by(|a, b| matrix[*a][pivot].abs().total_cmp(&matrix[*b][pivot].abs()))?;
        matrix.swap(pivot, largest);
        inverse.swap(pivot, largest);
        let by = matrix[pivot][pivot];
        // No number is not more than that either.
        if by.abs().partial_cmp(&1e-14) != Some(std::cmp::Ordering::Greater) {
            return None;
        }
        matrix[pivot].iter_mut().chain(&mut inverse[pivot]).for_each(|value| *value /= by);
        let (pivot_row, pivot_inverse) = (matrix[pivot], inverse[pivot]);
        for row in (0..N).filter(|row| *row != pivot) {
            let factor = matrix[row][pivot];
            let pairs = matrix[row].iter_mut().zip(pivot_row).chain(inverse[row].iter_mut().zip(pivot_inverse));
            pairs.for_each(|(value, of_pivot)| *value -= factor * of_pivot);
        }
    }
    scaled(&mut inverse);
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A falling exponential with a floor, as a table of values.
    struct Decay(Vec<(f64, f64)>);

    impl Problem<3> for Decay {
        fn residuals(&self, &[height, rate, floor]: &[f64; 3], residuals: &mut Vec<f64>) {
            residuals.extend(self.0.iter().map(|(x, y)| (height * (-rate * x).exp() + floor - y) / 0.01));
        }

        fn admit(&self, parameters: &mut [f64; 3]) {
            parameters[1] = parameters[1].clamp(0.01, 10.0);
        }
    }

    #[test]
    fn known_parameters_are_found_again() {
        let points = (0..40).map(|index| f64::from(index) * 0.1).map(|x| (x, 5.0 * (-1.5 * x).exp() + 0.7)).collect();
        let fit = minimise(&Decay(points), [1.0, 0.3, 0.0]).unwrap();
        for (found, wanted) in fit.parameters.into_iter().zip([5.0, 1.5, 0.7]) {
            assert!((found - wanted).abs() < 1e-4, "{found} is not {wanted}");
        }
        assert!(fit.squares < 1e-3);
        assert!(fit.covariance[2][2].sqrt() < 0.01, "{:?}", fit.covariance);
    }

    #[test]
    fn points_that_are_no_numbers_have_no_fit() {
        assert!(minimise(&Decay(vec![(0.0, 1.0), (1.0, f64::NAN)]), [1.0, 0.3, 0.0]).is_none());
    }

    #[test]
    fn matrix_times_its_inverse_is_one() {
        let matrix = [[4.0, 1e3, 0.1], [1e3, 1e6, 10.0], [0.1, 10.0, 0.03]];
        let inverse = inverted(matrix).unwrap();
        for (row, values) in matrix.iter().enumerate() {
            for column in [0, 1, 2] {
                let product: f64 = values.iter().zip(&inverse).map(|(value, other)| value * other[column]).sum();
                assert!((product - f64::from(u8::from(row == column))).abs() < 1e-9, "{row} {column} {product}");
            }
        }
        assert!(inverted([[1.0, 1.0], [1.0, 1.0]]).is_none());
    }
}
