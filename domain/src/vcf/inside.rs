//! What a volume correction comes of, as an inspector follows it with a calculator.

use super::correction::Liquid;
use super::{Base, Correction, api, gb};
use crate::units::Celsius;

/// One of the figures that a correction for temperature comes of.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Inside {
    /// The symbol that the standard uses, such as `alpha15`.
    pub symbol: &'static str,
    /// What it is.
    pub name: &'static str,
    /// The formula in symbols, with what goes into it.
    pub formula: String,
    /// The result.
    pub value: f64,
    /// Its unit; empty for a factor.
    pub unit: &'static str,
}

impl Correction {
    /// Tells what the correction for `temperature` comes of, up to the factor itself, which is the last.
    ///
    /// The temperature counts as one that the standard takes; [`Correction::at`] says whether it does.
    #[must_use]
    pub fn inside(&self, temperature: Celsius) -> Vec<Inside> {
        let figure = |symbol, name, formula, value, unit| Inside { symbol, name, formula, value, unit };
        let (base, at_base, commodity) = (self.base, self.base_density().get(), self.commodity());
        match &self.liquid {
            Liquid::Gb(liquid) => {
                let (density, alpha) = liquid.inside();
                let difference = temperature.get() - base.temperature().get();
                let (formula, factor) = match base {
                    Base::C20 => ("exp[-a E (1 + 0.8 a E + 8 a)]", liquid.vcf20(temperature.get())),
                    _ => ("exp[-a E (1 + 0.8 a E)]", liquid.vcf15(temperature.get())),
                };
                vec![
                    figure("rho15", "density at 15 degC", found("rho15 VCF15", base, at_base), density, "kg/m3"),
                    figure(
                        "alpha15",
                        "expansion at 15 degC",
                        expansion("15", gb::coefficients(commodity)),
                        alpha,
                        "1/degC",
                    ),
                    figure("VCF", "volume correction", format!("{formula}, E = {}", short(difference)), factor, ""),
                ]
            }
            Liquid::Api { liquid, ctl_of_base } => {
                let fahrenheit = temperature.to_fahrenheit();
                let (star, alpha, difference) = liquid.inside(fahrenheit);
                let rho = liquid.density_60f();
                let ctl = liquid.ctl(fahrenheit);
                let formula = format!("exp{{-a D [1 + 0.8 a (D + 0.01374979547)]}}, D = {}", short(difference));
                vec![
                    figure("rho60", "density at 60 degF", found("rho60 CTL", base, at_base), rho, "kg/m3"),
                    figure("rho*", "the same on IPTS-68", "section 11.1.6.1, step 5".into(), star, "kg/m3"),
                    figure(
                        "alpha60",
                        "expansion at 60 degF",
                        expansion("*", api::coefficients(commodity)),
                        alpha,
                        "1/degF",
                    ),
                    figure("CTL60", "correction to 60 degF", formula, ctl, ""),
                    figure("CTLb", name_of(base), "the same formula".into(), *ctl_of_base, ""),
                    figure("VCF", "volume correction", "CTL60 / CTLb".into(), ctl / ctl_of_base, ""),
                ]
            }
        }
    }
}

fn expansion(rho: &str, [k0, k1, k2]: [f64; 3]) -> String {
    format!("K0 / rho{rho}^2 + K1 / rho{rho} + K2, K0 = {k0}, K1 = {k1}, K2 = {k2}")
}

fn found(product: &str, base: Base, density: f64) -> String {
    format!("so that {product}({base}) = {}", short(density))
}

const fn name_of(base: Base) -> &'static str {
    match base {
        Base::F60 => "correction of 60 degF to itself",
        Base::C15 => "correction of 15 degC to 60 degF",
        Base::C20 => "correction of 20 degC to 60 degF",
    }
}

/// Writes a number with as many digits as a calculator needs.
fn short(value: f64) -> String {
    let text = format!("{value:.9}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{KilogramsPerCubicMetre, Kilopascals};
    use crate::vcf::{Commodity, Standard};

    #[test]
    fn last_figure_is_the_factor_itself() {
        for (standard, base) in [
            (Standard::Gb1885_1998, Base::C20),
            (Standard::Gb1885_1998, Base::C15),
            (Standard::Api11_1_2004, Base::C20),
            (Standard::Api11_1_2004, Base::F60),
        ] {
            let density = KilogramsPerCubicMetre::new(862.0);
            let crude = Correction::of_base_density(standard, Commodity::Crude, base, density).unwrap();
            let at = Celsius::new(32.5);
            let inside = crude.inside(at);
            let factor = crude.at(at, Kilopascals::new(0.0)).unwrap().ctl;
            assert_eq!(inside.last().map(|last| (last.symbol, last.value)), Some(("VCF", factor)));
        }
    }

    /// alpha15 = 613.9723 / 865.541^2, E = 12.5: what a calculator gives.
    #[test]
    fn figures_can_be_followed_with_a_calculator() {
        let density = KilogramsPerCubicMetre::new(862.0);
        let crude = Correction::of_base_density(Standard::Gb1885_1998, Commodity::Crude, Base::C20, density).unwrap();
        let inside = crude.inside(Celsius::new(32.5));
        let [rho15, alpha, vcf] = &inside[..] else { panic!("three figures") };
        assert_eq!(rho15.formula, "so that rho15 VCF15(20C) = 862");
        assert!((alpha.value - 613.9723 / (rho15.value * rho15.value)).abs() < 1e-18);
        assert_eq!(vcf.formula, "exp[-a E (1 + 0.8 a E + 8 a)], E = 12.5");
        let a = alpha.value;
        assert!((vcf.value - (-a * 12.5 * (1.0 + 0.8 * a * 12.5 + 8.0 * a)).exp()).abs() < 1e-15);
    }
}
