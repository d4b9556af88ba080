//! Finding where a rising function takes a value.

/// Finds the least `x` between `low` and `high` at which the rising function `f` reaches `target`, to the last bit.
///
/// Halves the bracket until no number lies between its ends, 64 times at most for the ranges met here. Gives `low` when
/// `f` is above the target everywhere and `high` when it is below; the caller checks the ends first where that matters.
pub(crate) fn rising(target: f64, low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    within(target, low, high, 0.0, f)
}

/// Finds it no closer than to `tolerance`.
pub(crate) fn within(target: f64, low: f64, high: f64, tolerance: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut below, mut above) = (low, high);
    if f(below) >= target {
        return below;
    }
    while above - below > tolerance {
        let middle = below + (above - below) / 2.0;
        if middle <= below || middle >= above {
            break;
        }
        if f(middle) < target {
            below = middle;
        } else {
            above = middle;
        }
    }
    above
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_to_the_last_bit_and_the_ends_hold() {
        assert!((rising(2.0, 0.0, 10.0, |x| x * x) - 2.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!(rising(-1.0, 0.0, 10.0, |x| x), 0.0);
        assert_eq!(rising(11.0, 0.0, 10.0, |x| x), 10.0);
    }

    #[test]
    fn of_a_flat_stretch_the_lower_end_is_found() {
        let found = rising(1.0, 0.0, 10.0, |x: f64| x.min(1.0));
        assert!((found - 1.0).abs() < 1e-15, "{found}");
    }
}
