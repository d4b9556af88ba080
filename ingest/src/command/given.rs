//! Quantities as a person writes them on the command line, with their units.

use std::str::FromStr;

use tankline_domain::units::{Celsius, KilogramsPerCubicMetre, Kilopascals, Millimetres};
use tankline_domain::vcf::{Base, density_of_api_gravity};

/// Says that a text is not the quantity that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {quantity}: write {examples}")]
pub struct GivenError {
    quantity: &'static str,
    text: String,
    examples: &'static str,
}

/// Splits a number from the unit behind it.
fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    // An `e` that belongs to the number is followed by its exponent, which is shorter than any unit is long.
    let end = (1..=text.len()).rev().find(|end| text.is_char_boundary(*end) && text[..*end].parse::<f64>().is_ok())?;
    let number: f64 = text[..end].parse().ok()?;
    number.is_finite().then(|| (number, text[end..].trim()))
}

/// A temperature, with the unit in which it was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GivenTemperature {
    pub(super) temperature: Celsius,
    pub(super) fahrenheit: bool,
}

impl FromStr for GivenTemperature {
    type Err = GivenError;

    fn from_str(text: &str) -> Result<Self, GivenError> {
        match number_and_unit(text) {
            Some((degrees, "" | "C" | "c" | "degC")) => {
                Ok(Self { temperature: Celsius::new(degrees), fahrenheit: false })
            }
            Some((degrees, "F" | "f" | "degF")) => {
                Ok(Self { temperature: Celsius::from_fahrenheit(degrees), fahrenheit: true })
            }
            _ => Err(GivenError { quantity: "temperature", text: text.to_owned(), examples: "32.5C or 90.5F" }),
        }
    }
}

/// A pressure above that of the atmosphere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GivenPressure(pub(super) Kilopascals);

impl FromStr for GivenPressure {
    type Err = GivenError;

    fn from_str(text: &str) -> Result<Self, GivenError> {
        match number_and_unit(text) {
            Some((number, "kPa" | "kpa")) => Ok(Self(Kilopascals::new(number))),
            Some((number, "bar")) => Ok(Self(Kilopascals::from_bar(number))),
            Some((number, "psi")) => Ok(Self(Kilopascals::from_psi(number))),
            Some((0.0, "")) => Ok(Self(Kilopascals::new(0.0))),
            _ => Err(GivenError { quantity: "pressure", text: text.to_owned(), examples: "24.6bar, 75kPa or 100psi" }),
        }
    }
}

/// A density in kg/m3, or as API gravity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GivenDensity(pub(super) KilogramsPerCubicMetre);

impl FromStr for GivenDensity {
    type Err = GivenError;

    fn from_str(text: &str) -> Result<Self, GivenError> {
        match number_and_unit(text) {
            Some((number, "" | "kg/m3")) => Ok(Self(KilogramsPerCubicMetre::new(number))),
            Some((number, "API" | "api")) => Ok(Self(density_of_api_gravity(number))),
            _ => Err(GivenError { quantity: "density", text: text.to_owned(), examples: "862.0 (kg/m3) or 17.785API" }),
        }
    }
}

/// Points of a transition layer: as on the command line, or as the database and HTTP have them.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenLayer(pub(super) Vec<(Millimetres, f64)>);

impl FromStr for GivenLayer {
    type Err = GivenError;

    fn from_str(text: &str) -> Result<Self, GivenError> {
        let pair = |pair: &str| {
            let (height, cut) = pair.split_once(':')?;
            Some((Millimetres::new(height.trim().parse().ok()?), cut.trim().parse().ok()?))
        };
        let points = serde_json::from_str(text).ok().or_else(|| text.split(',').map(pair).collect());
        points.map(Self).ok_or_else(|| GivenError {
            quantity: "transition layer",
            text: text.to_owned(),
            examples: "6367:0.6,6540:0.05 or [[6367,0.6],[6540,0.05]]",
        })
    }
}

/// At which temperature a density holds: a base, or as the sample had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenBase {
    /// A base temperature.
    At(Base),
    /// The temperature and pressure of the sample.
    Observed,
}

impl FromStr for GivenBase {
    type Err = GivenError;

    fn from_str(text: &str) -> Result<Self, GivenError> {
        if text == "observed" {
            return Ok(Self::Observed);
        }
        let wrong = |_| GivenError { quantity: "base", text: text.to_owned(), examples: "60F, 15C, 20C or observed" };
        text.parse().map(Self::At).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_in_their_units() {
        let celsius = |text: &str| text.parse::<GivenTemperature>().unwrap().temperature.get();
        assert_eq!((celsius("-32.8C"), celsius("32.5"), celsius("32 degF")), (-32.8, 32.5, 0.0));
        let kilopascals = |text: &str| text.parse::<GivenPressure>().unwrap().0.get();
        assert_eq!((kilopascals("24.6bar"), kilopascals("75kPa"), kilopascals("0")), (2460.0, 75.0, 0.0));
        assert!((kilopascals("100psi") - 689.4757).abs() < 1e-9);
        let density = |text: &str| text.parse::<GivenDensity>().unwrap().0.get();
        assert_eq!((density("772.3"), density("1e3kg/m3")), (772.3, 1000.0));
        assert!((density("10API") - 999.016).abs() < 1e-9);
        let layer: GivenLayer = "6367:0.6,6540:0.05".parse().unwrap();
        assert_eq!((layer.0.len(), layer.0[1]), (2, (Millimetres::new(6540.0), 0.05)));
        assert_eq!("[[6367,0.6],[6540,0.05]]".parse(), Ok(layer));
        assert_eq!("observed".parse(), Ok(GivenBase::Observed));
        assert_eq!("60F".parse(), Ok(GivenBase::At(Base::F60)));
    }

    #[test]
    fn what_is_not_read_is_told_what_would_be_right() {
        for text in ["", "C", "32.5K", "nan", "inf", "32,5C", "infC"] {
            assert!(text.parse::<GivenTemperature>().is_err(), "{text}");
        }
        for (said, expected) in [
            ("5".parse::<GivenPressure>().unwrap_err(), "\"5\" is no pressure: write 24.6bar, 75kPa or 100psi"),
            (
                "6367-6540".parse::<GivenLayer>().unwrap_err(),
                "\"6367-6540\" is no transition layer: write 6367:0.6,6540:0.05 or [[6367,0.6],[6540,0.05]]",
            ),
            ("x".parse::<GivenDensity>().unwrap_err(), "\"x\" is no density: write 862.0 (kg/m3) or 17.785API"),
            ("25C".parse::<GivenBase>().unwrap_err(), "\"25C\" is no base: write 60F, 15C, 20C or observed"),
        ] {
            assert_eq!(said.to_string(), expected);
        }
    }
}
