//! What the quantity chain needs of a tank, from the site's description.

use crate::quantity::{Conditions, FloatingRoof, Insulation, Shell, Uncertainties};
use crate::settings::Section;
use crate::units::{Celsius, KilogramsPerCubicMetre, Millimetres};

/// Reads a tank's keys; `[tank_defaults]` gives the tables `shell` and `uncertainty` that it has not.
pub(super) fn read_conditions(
    tank: &Section<'_>,
    defaults: &Section<'_>,
    height: Option<Millimetres>,
) -> Option<Conditions> {
    let s_and_w = tank.optional_within("s_and_w_percent", 0.0..=100.0).map(|percent| percent / 100.0);
    let (safe_fill, least_fill) = fill(tank, height);
    let table = |key: &str| {
        // Asked of both, so that neither takes it for a key that nobody knows.
        let default = defaults.optional_section(key);
        tank.optional_section(key).or(default)
    };
    let shell = table("shell").map(shell);
    let uncertainties = table("uncertainty").map_or_else(Uncertainties::default, uncertainties);
    let roof = tank.optional_section("roof").map(|section| roof(section, height));
    Some(Conditions {
        s_and_w,
        shell: shell.map_or(Some(None), |shell| shell.map(Some))?,
        roof: roof.map_or(Some(None), |roof| roof.map(Some))?,
        safe_fill,
        least_fill,
        uncertainties,
    })
}

fn fill(tank: &Section<'_>, height: Option<Millimetres>) -> (Option<Millimetres>, Option<Millimetres>) {
    let highest = height.map_or(f64::MAX, Millimetres::get);
    let level = |key| tank.optional_within(key, 0.0..=highest).map(Millimetres::new);
    let (safe, least) = (level("safe_fill_mm"), level("least_fill_mm"));
    if let (Some(safe), Some(least)) = (safe, least)
        && least >= safe
    {
        tank.problem("least_fill_mm", format!("must be below safe_fill_mm ({})", safe.get()));
    }
    (safe, least)
}

fn shell(section: Section<'_>) -> Option<Shell> {
    let insulated = section.or("insulated", false);
    let ambient = section.optional_within("ambient_c", -60.0..=60.0).map(Celsius::new);
    if !insulated && !section.has("ambient_c") {
        section
            .problem("ambient_c", "is missing: bare steel takes a part of the air's temperature; or insulated = true");
    }
    if insulated && section.has("ambient_c") {
        section.problem("ambient_c", "has no effect where insulated = true; leave one of the two out");
    }
    let steel = [("carbon-steel", Shell::CARBON_STEEL_PER_C)];
    let material = section.choice("material", &steel);
    let expansion_per_c = section.optional_within("expansion_per_c", 0.0..=1e-4).or(material);
    let reference = Celsius::new(section.within("reference_c", 0.0..=30.0, Shell::REFERENCE.get()));
    section.finish();
    let insulation = if insulated { Insulation::Insulated } else { Insulation::Bare { ambient: ambient? } };
    Some(Shell { insulation, expansion_per_c: expansion_per_c?, reference })
}

fn roof(section: Section<'_>, height: Option<Millimetres>) -> Option<FloatingRoof> {
    let highest = height.map_or(f64::MAX, Millimetres::get);
    let mass_kg = section.required_within("mass_kg", 1.0..=10_000_000.0);
    let level = |key| section.required_within(key, 0.0..=highest).map(Millimetres::new);
    let (landed, afloat) = (level("landed_mm"), level("afloat_mm"));
    if let (Some(landed), Some(afloat)) = (landed, afloat)
        && landed >= afloat
    {
        section.problem("landed_mm", format!("must be below afloat_mm ({})", afloat.get()));
    }
    let table_density = section.optional_within("table_density_kg_m3", 500.0..=1300.0).map(KilogramsPerCubicMetre::new);
    section.finish();
    Some(FloatingRoof { mass_kg: mass_kg?, landed: landed?, afloat: afloat?, table_density })
}

fn uncertainties(section: Section<'_>) -> Uncertainties {
    let default = Uncertainties::default();
    let within = |key: &str, most: f64, default: f64| section.within(key, 0.0..=most, default);
    let uncertainties = Uncertainties {
        level: Millimetres::new(within("level_mm", 1000.0, default.level.get())),
        interface: Millimetres::new(within("interface_mm", 1000.0, default.interface.get())),
        temperature_c: within("temperature_c", 50.0, default.temperature_c),
        table: within("table_percent", 20.0, default.table * 100.0) / 100.0,
        density: KilogramsPerCubicMetre::new(within("density_kg_m3", 100.0, default.density.get())),
        s_and_w: within("s_and_w_percent", 100.0, default.s_and_w * 100.0) / 100.0,
    };
    section.finish();
    uncertainties
}
