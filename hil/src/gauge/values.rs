use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What a gauge holds at one moment, in the steps in which it shows it.
///
/// Level and interface count from the measuring origin of the gauge, which may lie above the bottom of the tank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GaugeValues {
    /// Liquid level in mm.
    pub level_mm: u16,
    /// Oil-water interface in mm.
    pub interface_mm: u16,
    /// Temperature at a fixed point in 0.1 degC; below zero in winter.
    pub temperature_tenths: i16,
}

/// A text does not say what a gauge holds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not LEVEL/INTERFACE/TEMPERATURE in mm, mm and degC, such as 9641/6367/32.5")]
pub struct ParseGaugeValuesError {
    text: String,
}

impl GaugeValues {
    /// Takes a level and an interface in mm and a temperature in degC, rounded to the steps of the gauge.
    ///
    /// What lies outside the range of a register stops at its end, as it does in the instrument.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float casts saturate, which is what the instrument does"
    )]
    pub fn rounded(level_mm: f64, interface_mm: f64, temperature_c: f64) -> Self {
        Self {
            level_mm: level_mm.round() as u16,
            interface_mm: interface_mm.round() as u16,
            temperature_tenths: (temperature_c * 10.0).round() as i16,
        }
    }

    /// Gives the temperature in degC.
    #[must_use]
    pub fn temperature_c(&self) -> f64 {
        f64::from(self.temperature_tenths) / 10.0
    }
}

impl fmt::Display for GaugeValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{:.1}", self.level_mm, self.interface_mm, self.temperature_c())
    }
}

impl FromStr for GaugeValues {
    type Err = ParseGaugeValuesError;

    fn from_str(text: &str) -> Result<Self, ParseGaugeValuesError> {
        parse(text).ok_or_else(|| ParseGaugeValuesError { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<GaugeValues> {
    let mut parts = text.split('/');
    let level_mm = parts.next()?.parse().ok()?;
    let interface_mm = parts.next()?.parse().ok()?;
    let tenths = parts.next()?.parse::<f64>().ok()? * 10.0;
    let in_range = (f64::from(i16::MIN)..=f64::from(i16::MAX)).contains(&tenths);
    if parts.next().is_some() || !in_range {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "range checked above")]
    let temperature_tenths = tenths.round() as i16;
    Some(GaugeValues { level_mm, interface_mm, temperature_tenths })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_they_are_read() {
        let published = GaugeValues { level_mm: 9641, interface_mm: 6367, temperature_tenths: 325 };
        assert_eq!("9641/6367/32.5".parse(), Ok(published));
        assert_eq!(published.to_string(), "9641/6367/32.5");
        let winter = GaugeValues { level_mm: 800, interface_mm: 0, temperature_tenths: -105 };
        assert_eq!("800/0/-10.5".parse(), Ok(winter));
        assert_eq!(winter.to_string().parse(), Ok(winter));
    }

    #[test]
    fn what_does_not_fit_a_register_is_refused() {
        for bad in ["", "1/2", "1/2/3/4", "65536/0/0", "-1/0/0", "1/2/x", "1/2/NaN", "1/2/3276.8", "1.5/2/3"] {
            assert!(bad.parse::<GaugeValues>().is_err(), "{bad}");
        }
    }

    #[test]
    fn values_beyond_a_register_stop_at_its_end() {
        let values = GaugeValues::rounded(-3.2, 70_000.0, -4000.0);
        assert_eq!(values, GaugeValues { level_mm: 0, interface_mm: u16::MAX, temperature_tenths: i16::MIN });
    }
}
