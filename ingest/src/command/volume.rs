//! `volume`: the quantity chain of one reading, step by step.

use std::path::{Path, PathBuf};

use clap::Args;
use tankline_domain::geometry::{CutError, VolumeError, WaterCutProfile};
use tankline_domain::names::TankName;
use tankline_domain::quantity::{Basis, Insulation, Measured, Quantities, Step, Water, ends, steps};
use tankline_domain::settings::Problems;
use tankline_domain::site::{Product, Site, Tank};
use tankline_domain::units::{Celsius, Millimetres};
use tankline_domain::vcf::CorrectionError;
use tankline_runtime::site_file;

use super::found::{self, FoundError};
use super::given::{GivenLayer, GivenTemperature};

/// What `volume` is asked.
#[derive(Debug, Args)]
pub struct VolumeArgs {
    /// Site description (TOML). Without it the only one in sites, deploy/sites or /etc/tankline/sites, or
    /// /etc/tankline/site.toml.
    #[arg(long, value_name = "FILE")]
    site: Option<PathBuf>,
    /// Name of the tank.
    #[arg(long)]
    tank: TankName,
    /// Liquid level above the tank bottom, mm.
    #[arg(long, value_name = "MM", allow_hyphen_values = true)]
    level: f64,
    /// Interface above the tank bottom, mm. Without it only the total is known.
    #[arg(long, value_name = "MM", allow_hyphen_values = true)]
    interface: Option<f64>,
    /// Points of the transition layer from its bottom to its top, each height above the tank bottom in mm and water cut from
    /// 0 to 1, such as 6367:0.6,6540:0.05. Without it the layer is taken for a step at the interface.
    #[arg(long, value_name = "MM:CUT,…", conflicts_with_all = ["interface", "layer_bottom"])]
    layer: Option<GivenLayer>,
    /// Bottom of the transition layer above the tank bottom, mm: there the water cut is 1, and falls evenly to 0 at its top.
    #[arg(long, value_name = "MM", requires = "layer_top", conflicts_with = "interface")]
    layer_bottom: Option<f64>,
    /// Top of the transition layer above the tank bottom, mm.
    #[arg(long, value_name = "MM", requires = "layer_bottom")]
    layer_top: Option<f64>,
    /// Mean temperature of the liquid, such as 32.5C or 90.5F. A number alone is in degC.
    #[arg(long, allow_hyphen_values = true)]
    temperature: Option<GivenTemperature>,
    /// Temperature of the air, in place of the one that the site says.
    #[arg(long, allow_hyphen_values = true)]
    ambient: Option<GivenTemperature>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Why there is no chain for a reading.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VolumeCommandError {
    /// No site is named and none can be meant.
    #[error(transparent)]
    NotFound(#[from] FoundError),
    /// The site's description cannot be used.
    #[error("the site cannot be used")]
    Site(Problems),
    /// No tank has the name.
    #[error("site {site} has no tank {tank}; its tanks are {known}")]
    UnknownTank {
        /// The tank asked for.
        tank: TankName,
        /// The site.
        site: String,
        /// The tanks that there are.
        known: String,
    },
    /// The transition layer cannot be.
    #[error(transparent)]
    Layer(#[from] CutError),
    /// Level or interface cannot be.
    #[error(transparent)]
    Reading(#[from] VolumeError),
    /// The product cannot be corrected.
    #[error("product of the tank: {0}")]
    Product(#[from] CorrectionError),
}

/// Computes the chain; gives the text to print.
///
/// # Errors
/// [`VolumeCommandError`] when the site, tank or reading cannot be.
pub fn volume(args: &VolumeArgs) -> Result<String, VolumeCommandError> {
    let file = args.site.clone().map_or_else(|| found::site(Path::new("")), Ok)?;
    let site = site_file::load(&file).map_err(VolumeCommandError::Site)?;
    let tank = site.tank(&args.tank).ok_or_else(|| {
        let known: Vec<&str> = site.tanks().iter().map(|tank| tank.name.as_str()).collect();
        VolumeCommandError::UnknownTank {
            tank: args.tank.clone(),
            site: site.name().to_string(),
            known: known.join(", "),
        }
    })?;
    let product = site.product_of(tank).expect("a site is refused when a tank's product is not there");
    let mut tank = tank.clone();
    if let (Some(shell), Some(ambient)) = (&mut tank.conditions.shell, args.ambient) {
        shell.insulation = Insulation::Bare { ambient: ambient.temperature };
    }
    let basis = Basis::new(&tank, product)?;
    let even = args.layer_bottom.zip(args.layer_top);
    let even = even.map(|(bottom, top)| vec![(Millimetres::new(bottom), 1.0), (Millimetres::new(top), 0.0)]);
    let given = args.layer.as_ref().map(|given| given.0.clone());
    let layer = given.or(even).map(WaterCutProfile::new).transpose()?;
    let water = match (&layer, args.interface) {
        (Some(layer), _) => Water::Profile(layer),
        (None, Some(interface)) => Water::Interface(Millimetres::new(interface)),
        (None, None) => Water::Unknown,
    };
    let temperature = args.temperature.map(|given| given.temperature);
    let measured = Measured { level: Millimetres::new(args.level), water, temperature };
    let quantities = basis.quantities(&measured)?;
    let expanded = basis.uncertainty(&measured)?;
    let steps = steps(&basis, &measured, &quantities, &expanded);
    if args.json {
        return Ok(as_json(&site, &tank, &quantities, &steps));
    }
    Ok(heading(&site, &tank, product, &measured) + &body(&steps, &quantities))
}

fn heading(site: &Site, tank: &Tank, product: &Product, measured: &Measured<'_>) -> String {
    let known = &tank.conditions.uncertainties;
    let interface = match measured.water {
        Water::Interface(interface) => format!(", interface {interface}"),
        Water::Profile(layer) => format!(", transition layer from {} to {}", layer.bottom(), layer.top()),
        _ => String::new(),
    };
    let temperature = measured.temperature.map_or_else(String::new, |at: Celsius| format!(", temperature {at}"));
    format!(
        "tank     {} ({}) of {}\nproduct  {}, {} at 20 degC, {}\nread     level {}{interface}{temperature}\nknown    level to \
         {}, interface {}, temperature {} degC, table {} %, density {}, S&W {} % (U, k = 2)\n\n",
        tank.name,
        tank.title,
        site.name(),
        product.name,
        product.density_20c,
        product.kind.commodity().map_or("corrected by no standard", |_| product.standard.edition()),
        measured.level,
        known.level,
        known.interface,
        known.temperature_c,
        percent(known.table),
        known.density,
        percent(known.s_and_w),
    )
}

/// Gives a part in per cent, without the rounding that 100 brings.
fn percent(part: f64) -> f64 {
    (part * 1e8).round() / 1e6
}

fn body(steps: &[Step], quantities: &Quantities) -> String {
    let mut text = String::new();
    for step in steps {
        let value = match step.unit {
            "" => format!("{:.9}", step.value),
            unit if unit.starts_with("1/") => format!("{:.9e} {unit}", step.value),
            unit => format!("{:.6} {unit}", step.value),
        };
        let uncertainty = step.uncertainty.map_or_else(String::new, |known| format!("  U {known:.3} {}", step.unit));
        let note = if step.note.is_empty() { String::new() } else { format!(" [{}]", step.note) };
        let first = format!("{:9}{value:20}{uncertainty}", step.symbol);
        text += &format!("{}\n         {}: {}{note}\n", first.trim_end(), step.name, step.formula);
    }
    if let Some((symbol, missing)) = ends(quantities) {
        text += &format!("{symbol:9}not known: {missing}\n");
    }
    text
}

fn as_json(site: &Site, tank: &Tank, quantities: &Quantities, steps: &[Step]) -> String {
    let ends = ends(quantities).map(|(symbol, missing)| format!("{symbol}: {missing}"));
    let steps: Vec<_> = steps
        .iter()
        .map(|step| {
            serde_json::json!({
                "symbol": step.symbol, "name": step.name, "formula": step.formula, "value": step.value,
                "unit": step.unit, "uncertainty": step.uncertainty, "note": step.note,
            })
        })
        .collect();
    let whole = serde_json::json!({
        "site": site.name().to_string(), "tank": tank.name.to_string(), "steps": steps, "ends": ends,
    });
    format!("{whole:#}\n")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: VolumeArgs,
    }

    fn told(line: &str) -> Result<String, VolumeCommandError> {
        let site = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/sites/lindong.toml");
        let words = ["volume", "--site", site].into_iter().chain(line.split_whitespace());
        volume(&Line::try_parse_from(words).unwrap().args)
    }

    #[test]
    fn whole_chain_is_printed_with_formulas_and_editions() {
        let said = told("--tank T-01 --level 9641 --interface 6367 --temperature 32.5").unwrap();
        for part in [
            "tank     T-01 (Crude tank 1, 5000 m3) of lindong",
            "product  crude, 862 kg/m3 at 20 degC, GB/T 1885-1998",
            "read     level 9641 mm, interface 6367 mm, temperature 32.5 degC",
            "TOV      4225.176050 m3",
            "GOV x VCF = 1444.51872 x 0.989658637 [GB/T 1885-1998]",
            "NSV x (rho20 - 1.1) / 1000 = 1422.432525 x (862 - 1.1) / 1000",
            "the transition layer is taken for a step at the interface",
        ] {
            assert!(said.contains(part), "{part} not in\n{said}");
        }
        let json = told("--tank T-01 --level 9641 --interface 6367 --temperature 32.5 --json").unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let symbols: Vec<_> = json["steps"].as_array().unwrap().iter().map(|step| step["symbol"].clone()).collect();
        assert_eq!(symbols.last().unwrap(), "M");
        assert!(json["ends"].is_null());
    }

    #[test]
    fn chain_that_ends_early_says_why() {
        let said = told("--tank T-01 --level 9641 --interface 6367").unwrap();
        assert!(said.ends_with("GOV      not known: the temperature is not known\n"), "{said}");
        let said = told("--tank T-01 --level 9641").unwrap();
        assert!(said.ends_with("GOV      not known: the interface is not known\n"), "{said}");
        let said = told("--tank SEW-01 --level 3000 --interface 2950 --temperature 30").unwrap();
        assert!(said.contains("GSV      not known: the product is water"), "{said}");
    }

    /// A cut that falls evenly is half water, up to how straight the strapping table is there.
    #[test]
    fn transition_layer_divides_by_its_water_cut_and_one_of_no_height_is_a_step() {
        let value = |line: &str, symbol: &str| -> f64 {
            let json: serde_json::Value = serde_json::from_str(&told(line).unwrap()).unwrap();
            let step = json["steps"].as_array().unwrap().iter().find(|step| step["symbol"] == symbol).cloned();
            step.unwrap()["value"].as_f64().unwrap()
        };
        let even = "--tank T-01 --level 9641 --layer-bottom 6300 --layer-top 6500 --temperature 32.5 --json";
        let points = "--tank T-01 --level 9641 --layer 6300:1,6500:0 --temperature 32.5 --json";
        assert_eq!(told(even).unwrap(), told(points).unwrap());
        assert!((value(even, "WT") / value(even, "VT") - 0.5).abs() < 1e-3);
        let no_height = "--tank T-01 --level 9641 --layer-bottom 6367 --layer-top 6367 --temperature 32.5 --json";
        let step = "--tank T-01 --level 9641 --interface 6367 --temperature 32.5 --json";
        for symbol in ["FW", "GOV", "NSV", "M"] {
            assert!((value(no_height, symbol) - value(step, symbol)).abs() < 1e-9, "{symbol}");
        }
        let said = told("--tank T-01 --level 9641 --layer 6300:0.8,6400:0.4,6500:0 --temperature 32.5").unwrap();
        for part in [
            "level 9641 mm, transition layer from 6300 mm to 6500 mm,",
            "w = 0.4 at 6400 mm",
            "mean water cut 0.4000;",
            "TOV - FW - WT",
        ] {
            assert!(said.contains(part), "{part} not in\n{said}");
        }
    }

    #[test]
    fn air_on_bare_steel_can_be_given() {
        let line = "--tank T-01 --level 9641 --interface 6367 --temperature 32.5 --ambient -20C";
        let said = told(line).unwrap();
        assert!(said.contains("(7 x 32.5 + -20) / 8"), "{said}");
    }

    #[test]
    fn what_cannot_be_is_refused_by_name_and_value() {
        for (line, part) in [
            ("--tank T-99 --level 5", "site lindong has no tank T-99; its tanks are T-01, T-02,"),
            ("--tank T-01 --level 12531", "liquid level 12531 mm is outside the tank"),
            ("--tank T-01 --level -1", "liquid level -1 mm is outside the tank"),
            (
                "--tank T-01 --level 5000 --layer-bottom 3100 --layer-top 3000",
                "height 3000 mm is not above the 3100 mm",
            ),
            ("--tank T-01 --level 5000 --layer 5001:1,5002:0", "interface 5001 mm is above the level 5000 mm"),
            ("--tank T-01 --level 5000 --interface 5001", "interface 5001 mm is above the level 5000 mm"),
        ] {
            let said = told(line).unwrap_err().to_string();
            assert!(said.contains(part), "{said}");
        }
    }
}
