//! What a level cuts off a lying circle and off the heads at its ends.
//!
//! All lengths in metres; `level` is measured upwards from the lowest point of the circle, 0 to `2 * radius`.

use std::f64::consts::PI;

/// Gives the area, in m2, of the part of a circle below `level`.
///
/// `A(h) = R^2 acos((R-h)/R) - (R-h) sqrt(2Rh - h^2)`, the segment of a circle.
pub(super) fn segment_area(radius: f64, level: f64) -> f64 {
    let below_axis = radius - level;
    let cosine = (below_axis / radius).clamp(-1.0, 1.0);
    let half_chord = (level * (2.0 * radius - level)).max(0.0).sqrt();
    (radius * radius * cosine.acos() - below_axis * half_chord).clamp(0.0, PI * radius * radius)
}

/// Gives the volume, in m3, below `level` in two ellipsoidal heads together, each `depth` deep.
///
/// `pi a h^2 (1 - h/(3R))`. With `depth == radius` it is a whole sphere: the hemispherical heads.
pub(super) fn ellipsoidal_heads(radius: f64, depth: f64, level: f64) -> f64 {
    PI * depth * level * level * (1.0 - level / (3.0 * radius))
}

/// Gives the volume, in m3, below `level` in two conical heads together, each `depth` deep.
///
/// At the distance `x` from the cylinder the cone is a circle of radius `r = R (1 - x/a)`, of which the level cuts the
/// segment at the distance `d = R - h` below the axis. So for a level up to the axis one cone holds
/// `(a/R) * integral from d to R of [r^2 acos(d/r) - d sqrt(r^2 - d^2)] dr`, which by parts, with `s = sqrt(R^2 - d^2)`, is
/// `(a/R) * [R^3/3 acos(d/R) - 2/3 d R s + d^3/3 ln((R + s)/d)]`.
/// Above the axis it is the whole cone, `pi R^2 a / 3`, less what the same formula gives for the empty part.
pub(super) fn conical_heads(radius: f64, depth: f64, level: f64) -> f64 {
    let both_full = 2.0 / 3.0 * PI * radius * radius * depth;
    if level > radius {
        let empty = conical_heads_up_to_axis(radius, depth, 2.0 * radius - level);
        (both_full - empty).clamp(0.0, both_full)
    } else {
        conical_heads_up_to_axis(radius, depth, level).clamp(0.0, both_full)
    }
}

fn conical_heads_up_to_axis(radius: f64, depth: f64, level: f64) -> f64 {
    let below_axis = (radius - level).clamp(0.0, radius);
    let half_chord = (level * (2.0 * radius - level)).max(0.0).sqrt();
    let cubed = below_axis.powi(3);
    // At the axis the logarithm grows without bound, but its product with the cube goes to nothing.
    let logarithmic = if cubed > 0.0 { cubed * ((radius + half_chord) / below_axis).ln() } else { 0.0 };
    let arc = radius.powi(3) * (below_axis / radius).acos();
    let chord = 2.0 * below_axis * radius * half_chord;
    2.0 / 3.0 * depth / radius * (arc - chord + logarithmic)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums `slice` from one end to the other by the midpoint rule.
    fn integrate(from: f64, to: f64, steps: u32, slice: impl Fn(f64) -> f64) -> f64 {
        let width = (to - from) / f64::from(steps);
        (0..steps).map(|step| slice(from + (f64::from(step) + 0.5) * width) * width).sum()
    }

    #[test]
    fn conical_heads_agree_with_summing_the_slices_of_the_cone() {
        let (radius, depth) = (1.3, 0.7);
        for tenth in 0..=20 {
            let level = radius * f64::from(tenth) / 10.0;
            let summed = 2.0
                * integrate(0.0, depth, 20_000, |from_cylinder| {
                    let slice_radius = radius * (1.0 - from_cylinder / depth);
                    let slice_level = level - (radius - slice_radius);
                    if slice_level <= 0.0 {
                        0.0
                    } else {
                        segment_area(slice_radius, slice_level.min(2.0 * slice_radius))
                    }
                });
            let exact = conical_heads(radius, depth, level);
            assert!((exact - summed).abs() < 1e-7, "level {level}: {exact} is not {summed}");
        }
    }

    #[test]
    fn ellipsoidal_heads_agree_with_summing_the_slices_of_the_ellipsoid() {
        let (radius, depth) = (1.3, 0.7);
        for tenth in 0..=20 {
            let level = radius * f64::from(tenth) / 10.0;
            // A level slice of an ellipsoid is an ellipse: half a chord wide across, and depth / radius of that along the axis.
            let summed = integrate(0.0, level, 20_000, |height| PI * depth / radius * height * (2.0 * radius - height));
            let exact = ellipsoidal_heads(radius, depth, level);
            assert!((exact - summed).abs() < 1e-7, "level {level}: {exact} is not {summed}");
        }
    }

    #[test]
    fn segment_area_agrees_with_summing_the_chords_of_the_circle() {
        let radius: f64 = 1.3;
        for tenth in 0..=20 {
            let level = radius * f64::from(tenth) / 10.0;
            let summed =
                integrate(0.0, level, 200_000, |height| 2.0 * (height * (2.0 * radius - height)).max(0.0).sqrt());
            let exact = segment_area(radius, level);
            assert!((exact - summed).abs() < 1e-6, "level {level}: {exact} is not {summed}");
        }
    }

    #[test]
    fn nothing_is_below_the_bottom_and_everything_below_the_top() {
        let (radius, depth) = (1.37, 1.06);
        let full_circle = PI * radius * radius;
        assert_eq!(segment_area(radius, 0.0), 0.0);
        assert!((segment_area(radius, 2.0 * radius) - full_circle).abs() < 1e-12);
        assert_eq!(ellipsoidal_heads(radius, depth, 0.0), 0.0);
        assert!((ellipsoidal_heads(radius, depth, 2.0 * radius) - 4.0 / 3.0 * full_circle * depth).abs() < 1e-12);
        assert_eq!(conical_heads(radius, depth, 0.0), 0.0);
        assert!((conical_heads(radius, depth, radius) - full_circle * depth / 3.0).abs() < 1e-12);
        assert!((conical_heads(radius, depth, 2.0 * radius) - 2.0 / 3.0 * full_circle * depth).abs() < 1e-12);
    }
}
