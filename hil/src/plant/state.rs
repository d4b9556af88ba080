use crate::gauge::GaugeValues;

/// What is in a tank at one moment. Level and interface count from the tank bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TankState {
    /// Liquid level in mm above the tank bottom.
    pub level_mm: f64,
    /// Oil-water interface in mm above the tank bottom; never above the level.
    pub interface_mm: f64,
    /// Temperature in degC.
    pub temperature_c: f64,
}

impl TankState {
    /// Gives what a gauge shows whose measuring origin is `offset_mm` above the tank bottom.
    #[must_use]
    pub fn seen_from(&self, offset_mm: f64) -> GaugeValues {
        GaugeValues::rounded(self.level_mm - offset_mm, self.interface_mm - offset_mm, self.temperature_c)
    }

    /// Gives the tank in which a gauge with its measuring origin at `offset_mm` shows exactly `values`.
    #[must_use]
    pub fn showing(values: GaugeValues, offset_mm: f64) -> Self {
        Self {
            level_mm: f64::from(values.level_mm) + offset_mm,
            interface_mm: f64::from(values.interface_mm) + offset_mm,
            temperature_c: values.temperature_c(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauge_shows_the_tank_from_its_origin() {
        let values = GaugeValues { level_mm: 9641, interface_mm: 6367, temperature_tenths: 325 };
        for offset_mm in [0.0, 50.0, -20.5, 0.5] {
            assert_eq!(TankState::showing(values, offset_mm).seen_from(offset_mm), values);
        }
        assert_eq!(TankState::showing(values, 50.0).level_mm, 9691.0);
    }
}
