//! How well a gauge agrees with the dips of its tank.

use serde::Serialize;

use super::Dip;

/// How well a gauge agrees with the dips of its tank: differences are gauge less hand.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Statistics {
    /// Dips that a reading stands beside.
    pub count: u32,
    /// Mean difference of the levels, mm.
    pub mean_mm: Option<f64>,
    /// Standard deviation of a difference, mm; two dips have one.
    pub deviation_mm: Option<f64>,
    /// The difference that is furthest from none, mm.
    pub worst_mm: Option<f64>,
    /// Dips whose volumes can be compared in per cent.
    pub judged: u32,
    /// How many of these agree within 0.2 %.
    pub agreeing: u32,
}

impl Statistics {
    /// Sums up the dips that were not revoked.
    #[must_use]
    pub fn of<'d>(dips: impl IntoIterator<Item = &'d Dip>) -> Self {
        let mut found = Self::default();
        let mut squares = 0.0;
        for dip in dips.into_iter().filter(|dip| dip.revoked_ms.is_none()) {
            let Some(level) = dip.level() else { continue };
            found.count += 1;
            // Welford's way, which loses no digits.
            let before = found.mean_mm.unwrap_or(0.0);
            let mean = before + (level.amount - before) / f64::from(found.count);
            squares += (level.amount - before) * (level.amount - mean);
            found.mean_mm = Some(mean);
            found.worst_mm = match found.worst_mm {
                Some(worst) if worst.abs() >= level.amount.abs() => Some(worst),
                _ => Some(level.amount),
            };
            if let Some(agrees) = dip.tov().and_then(|tov| tov.agrees()) {
                found.judged += 1;
                found.agreeing += u32::from(agrees);
            }
        }
        found.deviation_mm = (found.count > 1).then(|| (squares / f64::from(found.count - 1)).sqrt());
        found
    }

    /// Gives the share that agrees within 0.2 %, in per cent.
    #[must_use]
    pub fn agreeing_percent(&self) -> Option<f64> {
        (self.judged > 0).then(|| 100.0 * f64::from(self.agreeing) / f64::from(self.judged))
    }
}

#[cfg(test)]
mod tests {
    use tankline_domain::units::UnixMillis;

    use super::*;
    use crate::dips::{Measures, Side};

    fn side(level_mm: f64) -> Side {
        let measures = Measures { level_mm, interface_mm: None, temperature_c: None };
        Side { at_ms: UnixMillis::new(0), measures, tov_m3: Some(level_mm / 1000.0), nsv_m3: None }
    }

    fn dip(hand_mm: f64, gauge_mm: Option<f64>) -> Dip {
        Dip {
            id: 1,
            site: "s".parse().unwrap(),
            tank: "T-01".parse().unwrap(),
            hand: side(hand_mm),
            gauge: gauge_mm.map(side),
            by: "Li Wei".to_owned(),
            note: None,
            recorded_ms: UnixMillis::new(0),
            revoked_ms: None,
            revoked_by: None,
        }
    }

    /// Checked with a calculator: differences 2, -4, 12, 6 have mean 4 and sum of squares 36 + 4 + 64 + 4 = 136.
    #[test]
    fn differences_are_summed_up_without_those_that_do_not_count() {
        let mut dips: Vec<Dip> = [(5000.0, 5002.0), (5000.0, 4996.0), (5000.0, 5012.0), (0.0, 6.0)]
            .map(|(hand, gauge)| dip(hand, Some(gauge)))
            .into();
        dips.push(dip(5000.0, None));
        dips.push(Dip { revoked_ms: Some(UnixMillis::new(1)), ..dip(5000.0, Some(9000.0)) });
        let found = Statistics::of(&dips);
        assert_eq!((found.count, found.mean_mm, found.worst_mm), (4, Some(4.0), Some(12.0)));
        assert!((found.deviation_mm.unwrap() - (136.0_f64 / 3.0).sqrt()).abs() < 1e-12, "{found:?}");
        // 12 mm of 5000 mm are 0.24 %; of an empty tank there are no per cents.
        assert_eq!((found.judged, found.agreeing), (3, 2));
        assert!((found.agreeing_percent().unwrap() - 66.667).abs() < 0.001);
    }

    #[test]
    fn no_dips_have_no_statistics_and_one_has_no_deviation() {
        assert_eq!(Statistics::of(&[]), Statistics::default());
        let found = Statistics::of(&[dip(5000.0, Some(4998.0))]);
        assert_eq!((found.mean_mm, found.deviation_mm, found.worst_mm), (Some(-2.0), None, Some(-2.0)));
    }
}
