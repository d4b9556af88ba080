//! The chain, step by step, as an inspector follows it with a calculator.

use super::{Basis, Displaced, Expanded, FloatingRoof, Insulation, Measured, Missing, Quantities, RoofState, Water};
use crate::geometry::{Geometry, Transition, WaterCutProfile};
use crate::units::{CubicMetres, Millimetres, Tonnes};

/// One step: what it is called, how it comes about, and what it is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The symbol that the standards use, such as `GSV`.
    pub symbol: &'static str,
    /// What it is.
    pub name: &'static str,
    /// The formula in symbols, and with its numbers.
    pub formula: String,
    /// The result.
    pub value: f64,
    /// Its unit; empty for a factor.
    pub unit: &'static str,
    /// Expanded uncertainty (k = 2), where it was computed.
    pub uncertainty: Option<f64>,
    /// The standard behind it, and what has to be known of it.
    pub note: String,
}

impl Step {
    fn new(symbol: &'static str, name: &'static str, formula: String, value: f64, unit: &'static str) -> Self {
        Self { symbol, name, formula, value, unit, uncertainty: None, note: String::new() }
    }

    fn known_to(mut self, uncertainty: Option<f64>) -> Self {
        self.uncertainty = uncertainty;
        self
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// Tells the steps that lead to `quantities`, as far as they lead.
#[must_use]
pub fn steps(basis: &Basis, measured: &Measured<'_>, quantities: &Quantities, expanded: &Expanded) -> Vec<Step> {
    let mut steps = volumes(basis, measured, quantities, expanded);
    if let Ok(gross) = &quantities.gross {
        if let (Some(shell), Some(temperature)) = (&basis.conditions.shell, gross.shell_temperature) {
            let (formula, note) = match (shell.insulation, measured.temperature) {
                (Insulation::Bare { ambient }, Some(liquid)) => {
                    (format!("(7 x {} + {}) / 8", liquid.get(), ambient.get()), "bare steel, API MPMS 12.1.1")
                }
                _ => ("the liquid's".to_owned(), "insulated, API MPMS 12.1.1"),
            };
            steps.push(Step::new("TSh", "temperature of the shell", formula, temperature.get(), "degC").note(note));
            let (a, dt) = (shell.expansion_per_c, temperature.get() - shell.reference.get());
            let formula =
                format!("1 + 2 a dT + a^2 dT^2, a = {a:e}, dT = TSh - {} = {}", shell.reference.get(), short(dt));
            steps.push(Step::new("CTSh", "correction for the shell", formula, gross.ctsh, "").note("API MPMS 12.1.1"));
        }
        let mut formula = String::from("TOV - FW");
        let mut numbers = short(quantities.tov.get());
        if let Some(layers) = &quantities.layers {
            numbers += &format!(" - {}", short(layers.free_water().get()));
            if let Transition::Profile { water, .. } = layers.transition {
                formula += " - WT";
                numbers += &format!(" - {}", short(water.get()));
            }
        }
        if basis.conditions.shell.is_some() {
            formula = format!("({formula}) x CTSh");
            numbers = format!("({numbers}) x {}", factor(gross.ctsh));
        }
        if let (Some(roof), Some(displaced)) = (&basis.conditions.roof, &gross.roof) {
            steps.push(roof_step(roof, displaced, quantities));
            formula += " - FR";
            numbers += &format!(" - {}", short(displaced.volume.get()));
        }
        let gov = Step::new("GOV", "gross observed volume", format!("{formula} = {numbers}"), gross.gov.get(), "m3");
        steps.push(gov.known_to(expanded.gov.map(CubicMetres::get)).note("API MPMS 12.1.1, GB/T 19779"));
    }
    if let Ok(net) = &quantities.net {
        let edition = net.factors.standard.edition();
        let rho = net.density_20c.get();
        if let (Some(corrections), Some(temperature)) = (&basis.corrections, measured.temperature) {
            let commodity = corrections.nominal.commodity();
            for inside in corrections.nominal.inside(temperature) {
                let step = Step::new(inside.symbol, inside.name, inside.formula, inside.value, inside.unit);
                steps.push(step.note(format!("{edition}, {commodity}")));
            }
        }
        let gov = quantities.gross.as_ref().map_or(f64::NAN, |gross| gross.gov.get());
        let formula = format!("GOV x VCF = {} x {}", short(gov), factor(net.factors.ctpl));
        let gsv = Step::new("GSV", "gross standard volume at 20 degC", formula, net.gsv.get(), "m3");
        steps.push(gsv.known_to(expanded.gsv.map(CubicMetres::get)).note(edition));
        let s_and_w = Step::new("S&W", "sediment and water", "from the site".to_owned(), net.s_and_w, "");
        steps.push(s_and_w.note(format!("{} % of the volume", short(net.s_and_w * 100.0))));
        let formula = format!("GSV x (1 - S&W) = {} x (1 - {})", short(net.gsv.get()), net.s_and_w);
        let nsv = Step::new("NSV", "net standard volume at 20 degC", formula, net.nsv.get(), "m3");
        steps.push(nsv.known_to(expanded.nsv.map(CubicMetres::get)).note(edition));
        let formula = format!("NSV x (rho20 - 1.1) / 1000 = {} x ({rho} - 1.1) / 1000", short(net.nsv.get()));
        let mass = Step::new("M", "mass in air", formula, net.mass.get(), "t");
        steps.push(mass.known_to(expanded.mass.map(Tonnes::get)).note(edition));
    }
    steps
}

/// Says why the chain ends where it does; nothing when it is whole.
#[must_use]
pub fn ends(quantities: &Quantities) -> Option<(&'static str, Missing)> {
    match (&quantities.gross, &quantities.net) {
        (Err(missing), _) => Some(("GOV", *missing)),
        (Ok(_), Err(missing)) => Some(("GSV", *missing)),
        (Ok(_), Ok(_)) => None,
    }
}

fn volumes(basis: &Basis, measured: &Measured<'_>, quantities: &Quantities, expanded: &Expanded) -> Vec<Step> {
    let geometry = &basis.geometry;
    let mut formula = by(geometry, measured.level);
    if quantities.hydrostatic.get() != 0.0 {
        formula += &format!(", with {} m3 for the load on the shell", short(quantities.hydrostatic.get()));
    }
    let tov = Step::new("TOV", "total observed volume", formula, quantities.tov.get(), "m3");
    let mut steps = vec![tov.known_to(Some(expanded.tov.get())).note("API MPMS 12.1.1")];
    if let Some(layers) = &quantities.layers {
        let water = expanded.water.map(CubicMetres::get);
        let free = layers.free_water().get();
        match (layers.transition, measured.water) {
            (Transition::Profile { bottom, top, water: in_layer, oil: in_oil }, _) => {
                let formula = by(geometry, bottom) + ", the bottom of the transition layer";
                steps.push(Step::new("FW", "free water", formula, free, "m3"));
                let formula = format!("{}, less FW", by(geometry, top));
                let held = in_layer.get() + in_oil.get();
                steps.push(Step::new("VT", "volume of the transition layer", formula, held, "m3"));
                let cuts = if let Water::Profile(profile) = measured.water { cuts(profile) } else { String::new() };
                let formula = format!("integral of w(h) dV(h) from {} to {} mm, {cuts}", bottom.get(), top.get());
                let layer = Step::new("WT", "water in the transition layer", formula, in_layer.get(), "m3");
                let mean = if held > 0.0 { in_layer.get() / held } else { 0.0 };
                let note = format!("mean water cut {mean:.4}; U is that of all water");
                steps.push(layer.known_to(water).note(note));
            }
            (_, Water::Interface(interface)) => {
                let fw = Step::new("FW", "free water", by(geometry, interface), free, "m3");
                steps.push(fw.known_to(water).note("the transition layer is taken for a step at the interface"));
            }
            _ => {}
        }
    }
    let (safe, capacity) = basis.safe_fill();
    let tov = quantities.tov.get();
    let formula = format!("capacity at {} mm - TOV = {} - {}", safe.get(), short(capacity.get()), short(tov));
    let ullage = Step::new("UV", "ullage to the safe fill height", formula, quantities.ullage.get(), "m3");
    steps.push(ullage.known_to(Some(expanded.ullage.get())));
    let (least, below) = basis.least_fill();
    let formula = format!("TOV - volume at {} mm = {} - {}", least.get(), short(tov), short(below.get()));
    steps.push(Step::new("AV", "available above the least fill", formula, quantities.available.get(), "m3"));
    let formula = format!("{} - {}", short(capacity.get()), short(below.get()));
    steps.push(Step::new("WC", "working capacity", formula, basis.working_capacity().get(), "m3"));
    steps
}

/// Tells the water cuts of a layer, between which it goes in straight lines.
fn cuts(profile: &WaterCutProfile) -> String {
    let told = profile.points().iter().map(|(height, cut)| format!("w = {cut} at {} mm", height.get()));
    told.collect::<Vec<_>>().join(", ")
}

/// Says where a volume comes from: the rows of the table around the level, or the shape.
fn by(geometry: &Geometry, level: Millimetres) -> String {
    match geometry {
        Geometry::Shape(shape) => format!("{shape} at {level}"),
        Geometry::Table(table) => {
            let rows = table.rows_around(level).map_or_else(
                |_| String::new(),
                |[(below, less), (above, more)]| {
                    if below == above {
                        String::new()
                    } else {
                        format!(", between {} mm: {} and {} mm: {}", below.get(), less.get(), above.get(), more.get())
                    }
                },
            );
            format!("strapping table {} at {level}{rows}", table.digest())
        }
    }
}

fn roof_step(roof: &FloatingRoof, displaced: &Displaced, quantities: &Quantities) -> Step {
    let ctl = quantities.net.as_ref().map_or(1.0, |net| net.factors.ctpl);
    let rho = quantities.net.as_ref().map_or(f64::NAN, |net| net.density_20c.get());
    let mut formula = format!("m / (rho20 x VCF) = {} / ({rho} x {})", roof.mass_kg, factor(ctl));
    if let Some(table) = roof.table_density {
        formula += &format!(", less {} / {} in the table", roof.mass_kg, table.get());
    }
    let note = match displaced.state {
        RoofState::Afloat => "afloat",
        RoofState::Landed => "landed: it displaces nothing",
        RoofState::Critical => "in the critical zone, where no volume is accurate: taken in proportion",
    };
    Step::new("FR", "displaced by the floating roof", formula, displaced.volume.get(), "m3").note(note)
}

/// Writes a volume or difference with as many digits as a calculator needs.
fn short(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn factor(value: f64) -> String {
    format!("{value:.9}")
}

#[cfg(test)]
#[path = "steps_tests.rs"]
mod tests;
