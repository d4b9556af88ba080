//! `vcf`: the factors of a standard, one a line.

use clap::Args;
use tankline_domain::units::{Celsius, Kilopascals};
use tankline_domain::vcf::{Base, Commodity, Correction, CorrectionError, Observed, Standard, Taken};

use super::given::{GivenBase, GivenDensity, GivenPressure, GivenTemperature};

/// What `vcf` is asked.
#[derive(Debug, Args)]
pub struct VcfArgs {
    /// Edition of the standard: gb-1885-1998 or api-11.1-2004.
    #[arg(long)]
    standard: Standard,
    /// Group of liquids: crude, gasoline, transition, jet, fuel-oil or lubricating.
    #[arg(long)]
    commodity: Commodity,
    /// Density in kg/m3, or API gravity such as 17.785API.
    #[arg(long, allow_hyphen_values = true)]
    density: GivenDensity,
    /// Temperature at which the density holds: 60F, 15C, 20C, or observed (that of --temperature and --pressure).
    #[arg(long)]
    base: GivenBase,
    /// Temperature of the liquid, such as -32.8C or 80.3F. A number alone is in degC.
    #[arg(long, allow_hyphen_values = true)]
    temperature: GivenTemperature,
    /// Pressure of the liquid above that of the atmosphere, in bar, kPa or psi. A vacuum counts as 0.
    #[arg(long, default_value = "0kPa", allow_hyphen_values = true)]
    pressure: GivenPressure,
    /// Base to bring an observed density to. Without it 20C by gb-1885-1998; by api-11.1-2004 15C for a temperature in
    /// degC and 60F for one in degF.
    #[arg(long, value_name = "BASE")]
    to: Option<Base>,
    /// What an observed density was taken with: hydrometer (gb-1885-1998 corrects for its glass) or densimeter. Without it
    /// hydrometer by gb-1885-1998 and densimeter by api-11.1-2004.
    #[arg(long, value_name = "INSTRUMENT", value_parser = instrument)]
    taken: Option<Taken>,
}

fn instrument(text: &str) -> Result<Taken, String> {
    match text {
        "hydrometer" => Ok(Taken::Hydrometer),
        "densimeter" => Ok(Taken::Densimeter),
        _ => Err(format!("{text:?} is no instrument: write hydrometer or densimeter")),
    }
}

/// Computes the factors; gives the text to print, one `name value` a line, numbers with 12 significant digits.
///
/// # Errors
/// [`CorrectionError`] with quantity, value and range where the standard has no factor.
pub fn vcf(args: &VcfArgs) -> Result<String, CorrectionError> {
    let (temperature, pressure) = (args.temperature.temperature, args.pressure.0);
    let mut extra: Vec<(&str, String)> = Vec::new();
    let correction = match args.base {
        GivenBase::At(base) => Correction::of_base_density(args.standard, args.commodity, base, args.density.0)?,
        GivenBase::Observed => {
            let observed = observed(args);
            if observed.taken == Taken::Hydrometer {
                let (density, read_at) = observed.corrected();
                extra.push(("hydrometer_reading_kg_m3", digits(args.density.0.get())));
                extra.push(("hydrometer_density_kg_m3", digits(density.get())));
                extra.push(("hydrometer_temperature_c", digits(read_at.get())));
            }
            Correction::of_observed(args.standard, args.commodity, target(args), &observed)?
        }
    };
    let factors = correction.at(temperature, pressure)?;
    let base_density = correction.base_density().get();
    let mut lines = vec![
        ("CTL", digits(factors.ctl)),
        ("CPL", digits(factors.cpl)),
        ("CTPL", digits(factors.ctpl)),
        ("base_density_kg_m3", digits(base_density)),
        ("observed_density_kg_m3", digits(base_density * factors.ctpl)),
    ];
    lines.append(&mut extra);
    for (name, base) in
        [("density_60f_kg_m3", Base::F60), ("density_15c_kg_m3", Base::C15), ("density_20c_kg_m3", Base::C20)]
    {
        if args.standard == Standard::Api11_1_2004 || base != Base::F60 {
            lines.push((name, digits(density_at(&correction, base.temperature())?)));
        }
    }
    lines.extend([
        ("temperature_c", digits(temperature.get())),
        ("pressure_kpa", digits(pressure.get())),
        ("base", correction.base().to_string()),
        ("commodity", args.commodity.to_string()),
        ("standard", args.standard.to_string()),
        ("edition", factors.standard.edition().to_owned()),
    ]);
    Ok(lines.iter().map(|(name, value)| format!("{name} {value}\n")).collect())
}

fn density_at(correction: &Correction, temperature: Celsius) -> Result<f64, CorrectionError> {
    let factor = if temperature == correction.base().temperature() {
        1.0
    } else {
        correction.at(temperature, Kilopascals::new(0.0))?.ctl
    };
    Ok(correction.base_density().get() * factor)
}

fn observed(args: &VcfArgs) -> Observed {
    let usual = match args.standard {
        Standard::Gb1885_1998 => Taken::Hydrometer,
        Standard::Api11_1_2004 => Taken::Densimeter,
    };
    Observed {
        density: args.density.0,
        temperature: args.temperature.temperature,
        pressure: args.pressure.0,
        taken: args.taken.unwrap_or(usual),
    }
}

fn target(args: &VcfArgs) -> Base {
    args.to.unwrap_or(match args.standard {
        Standard::Gb1885_1998 => Base::C20,
        Standard::Api11_1_2004 if args.temperature.fahrenheit => Base::F60,
        Standard::Api11_1_2004 => Base::C15,
    })
}

/// Writes a number with 12 significant digits.
fn digits(value: f64) -> String {
    const SIGNIFICANT: usize = 12;
    // Rounded first, so that 9.99999999999999 counts as 10.
    let rounded: f64 = format!("{value:.*e}", SIGNIFICANT - 1).parse().unwrap_or(value);
    if rounded == 0.0 || !rounded.is_finite() {
        return rounded.to_string();
    }
    let mut decimals = SIGNIFICANT - 1;
    let mut magnitude = rounded.abs();
    while magnitude >= 10.0 && decimals > 0 {
        magnitude /= 10.0;
        decimals -= 1;
    }
    while magnitude < 1.0 {
        magnitude *= 10.0;
        decimals += 1;
    }
    format!("{rounded:.decimals$}")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: VcfArgs,
    }

    fn told(line: &str) -> Result<String, String> {
        let words = std::iter::once("vcf").chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        vcf(&line.args).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn assert_tells(line: &str, expected: &[&str]) {
        let said = told(line).unwrap();
        for expected in expected {
            assert!(said.lines().any(|line| line == *expected), "{expected:?} not in\n{said}");
        }
    }

    #[test]
    fn published_examples_are_printed_with_twelve_digits() {
        let api = "--standard api-11.1-2004 --commodity crude";
        assert_tells(
            &format!("{api} --density 772.3 --base 15C --temperature -32.8C --pressure 24.6bar"),
            &["CTL 1.04842009535", "CPL 1.00165248803", "CTPL 1.05015259701", "base_density_kg_m3 772.300000000"],
        );
        assert_tells(
            &format!("{api} --density 17.785API --base 60F --temperature -27.7F"),
            &["CTL 1.03301159196", "CPL 1.00000000000", "observed_density_kg_m3 978.178034364"],
        );
        assert_tells(
            &format!("{api} --density 823.7 --base observed --temperature 80.3F"),
            &["CTL 0.989966310837", "base_density_kg_m3 832.048516180", "base 60F"],
        );
        assert_tells(
            &format!("{api} --density 823.7 --base observed --temperature 26.8C"),
            &["CTL 0.989507855128", "base_density_kg_m3 832.434018317", "base 15C"],
        );
        assert_tells(
            "--standard gb-1885-1998 --commodity gasoline --density 720.8 --base observed --temperature 24.3C",
            &["base_density_kg_m3 724.633411039", "hydrometer_temperature_c 24.2500000000", "edition GB/T 1885-1998"],
        );
    }

    #[test]
    fn what_cannot_be_is_refused_with_quantity_value_and_range() {
        let crude = "--standard api-11.1-2004 --commodity crude --density 850 --base 15C";
        for (line, expected) in [
            (format!("{crude} --temperature -58.05F"), "temperature -50.0278 degC (-58.05 degF) is outside -50 degC"),
            (format!("{crude} --temperature 302.05F"), "temperature 150.028 degC (302.05 degF) is outside -50 degC"),
            (format!("{crude} --temperature 20C --pressure 5"), "is no pressure: write 24.6bar, 75kPa or 100psi"),
            (format!("{crude} --temperature 20K"), "is no temperature: write 32.5C or 90.5F"),
        ] {
            let said = told(&line).unwrap_err();
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn numbers_have_twelve_significant_digits() {
        for (value, written) in [
            (1.0, "1.00000000000"),
            (978.178_034_364_001, "978.178034364"),
            (0.989_966_310_836_9, "0.989966310837"),
            (0.099_999_999_999_999_9, "0.100000000000"),
            (9.999_999_999_999_9, "10.0000000000"),
            (-50.0, "-50.0000000000"),
            (0.0, "0"),
        ] {
            assert_eq!(digits(value), written);
        }
    }
}
