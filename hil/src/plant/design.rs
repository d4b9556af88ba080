//! Pumps and valves as a scenario describes them.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use tankline_domain::names::{NameError, TankName};
use tankline_domain::settings::{Section, Setting};

use super::Nozzle;

/// Name of a pump or a valve: 1 to 64 of `[A-Za-z0-9_-]`, as all names are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EquipmentName(TankName);

/// The pumps and valves of a plant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlantDesign {
    /// The pumps.
    pub pumps: Vec<PumpDesign>,
    /// The valves.
    pub valves: Vec<ValveDesign>,
}

/// A pump between two tanks, or between a tank and the outside.
#[derive(Debug, Clone, PartialEq)]
pub struct PumpDesign {
    /// Its name.
    pub name: EquipmentName,
    /// The tank that it draws from; the outside when absent.
    pub from: Option<TankName>,
    /// The tank that it pumps to; the outside when absent.
    pub to: Option<TankName>,
    /// What it pumps when it has run up and nothing throttles it, in m3/h.
    pub max_m3h: f64,
    /// Time from standstill to that, in s.
    pub run_up_s: f64,
    /// Where it draws.
    pub draws_from: Nozzle,
    /// Share of water in what it brings from outside, in percent by volume.
    pub water_cut_percent: f64,
    /// Temperature of what it brings from outside, in degC; that of the tank when absent.
    pub temperature_c: Option<f64>,
}

/// A valve.
#[derive(Debug, Clone, PartialEq)]
pub struct ValveDesign {
    /// Its name.
    pub name: EquipmentName,
    /// Where it is.
    pub place: ValvePlace,
    /// Time from shut to open, in s.
    pub travel_s: f64,
    /// How far it is open at the start, in percent.
    pub open_percent: f64,
}

/// Where a valve is.
#[derive(Debug, Clone, PartialEq)]
pub enum ValvePlace {
    /// Behind a pump, which it throttles.
    OnPump(EquipmentName),
    /// Between the bottoms of two tanks, whose liquid finds its level through it.
    Between {
        /// The tanks.
        tanks: [TankName; 2],
        /// What flows when it is open and a metre of level is between them, in m3/h.
        max_m3h: f64,
    },
}

impl PlantDesign {
    /// Reads the tables `[[pump]]` and `[[valve]]` of a section; what is wrong is reported to its reader.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        let pumps = section.list("pump").into_iter().filter_map(pump).collect();
        let valves = section.list("valve").into_iter().filter_map(valve).collect();
        Self { pumps, valves }
    }
}

fn pump(section: Section<'_>) -> Option<PumpDesign> {
    let name = section.required("name");
    let (from, to) = (section.optional::<TankName>("from"), section.optional::<TankName>("to"));
    if !section.has("from") && !section.has("to") {
        section.problem_here("has neither from nor to; it pumps from a tank or to one");
    }
    let max_m3h = section.required_within("max_m3h", 0.001..=100_000.0);
    let run_up_s = section.within("run_up_s", 0.0..=3600.0, 5.0);
    let draws_from = section.or("draws_from", Nozzle::Oil);
    let water_cut_percent = section.within("water_cut_percent", 0.0..=100.0, 0.0);
    let temperature_c = section.optional_within("temperature_c", -50.0..=150.0);
    section.finish();
    Some(PumpDesign {
        name: name?,
        from,
        to,
        max_m3h: max_m3h?,
        run_up_s,
        draws_from,
        water_cut_percent,
        temperature_c,
    })
}

fn valve(section: Section<'_>) -> Option<ValveDesign> {
    let name = section.required("name");
    let place = match (section.has("on"), section.has("between")) {
        (true, false) => section.optional("on").map(ValvePlace::OnPump),
        (false, true) => between(&section),
        _ => {
            section.problem_here(
                "is on a pump or between two tanks: write on = \"P-01\" or between = [\"T-01\", \"T-02\"]",
            );
            // Asked for, so that they are not unknown keys.
            let _ = (section.text("on"), section.has("between"), section.has("max_m3h"));
            None
        }
    };
    let travel_s = section.within("travel_s", 0.0..=3600.0, 20.0);
    let open_percent = section.within("open_percent", 0.0..=100.0, 0.0);
    section.finish();
    Some(ValveDesign { name: name?, place: place?, travel_s, open_percent })
}

fn between(section: &Section<'_>) -> Option<ValvePlace> {
    let max_m3h = section.required_within("max_m3h", 0.001..=100_000.0);
    let tanks: Vec<TankName> = section.optional("between")?;
    match <[TankName; 2]>::try_from(tanks) {
        Ok(tanks) => Some(ValvePlace::Between { tanks, max_m3h: max_m3h? }),
        Err(_) => {
            section.problem("between", "must name two tanks");
            None
        }
    }
}

impl FromStr for EquipmentName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // The rules of all names are the same.
        text.parse().map(Self)
    }
}

impl fmt::Display for EquipmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Setting for EquipmentName {
    fn read(value: &Value) -> Result<Self, String> {
        String::read(value)?.parse().map_err(|error: NameError| error.to_string())
    }
}

impl Setting for Nozzle {
    fn read(value: &Value) -> Result<Self, String> {
        String::read(value)?.parse()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;
    use tankline_domain::settings::{Document, Reader};

    use super::*;

    fn read(root: Value) -> Result<PlantDesign, String> {
        let document = Document { origin: "story.toml".into(), root, from_environment: BTreeMap::new() };
        let reader = Reader::new(&document);
        let root = reader.root();
        let design = PlantDesign::read(&root);
        root.finish();
        reader.finish().map(|()| design).map_err(|problems| problems.to_string())
    }

    #[test]
    fn pumps_and_valves_are_read_from_their_tables() {
        let design = read(json!({
            "pump": [{"name": "P-01", "from": "T-01", "to": "T-02", "max_m3h": 300, "run_up_s": 8, "draws_from": "bottom"}],
            "valve": [
                {"name": "V-01", "on": "P-01", "travel_s": 30, "open_percent": 100},
                {"name": "V-02", "between": ["T-01", "T-02"], "max_m3h": 200},
            ],
        }));
        let design = design.unwrap();
        let pump = &design.pumps[0];
        assert_eq!((pump.max_m3h, pump.run_up_s, pump.draws_from), (300.0, 8.0, Nozzle::Bottom));
        assert_eq!(design.valves[0].place, ValvePlace::OnPump("P-01".parse().unwrap()));
        let tanks = ["T-01", "T-02"].map(|tank| tank.parse().unwrap());
        assert_eq!(design.valves[1].place, ValvePlace::Between { tanks, max_m3h: 200.0 });
        assert_eq!(read(json!({})), Ok(PlantDesign::default()));
    }

    #[test]
    fn all_that_is_wrong_is_said_with_its_key() {
        let said = read(json!({
            "pump": [{"name": "P-01", "max_m3h": 0, "draws_from": "top"}, {"name": "P 2", "from": "T-01"}],
            "valve": [
                {"name": "V-01"},
                {"name": "V-02", "between": ["T-01"], "max_m3h": 200},
                {"name": "V-03", "on": "P-01", "open": 100},
            ],
        }));
        let said = said.unwrap_err();
        for wanted in [
            "story.toml: pump[P-01]: has neither from nor to",
            "story.toml: pump[P-01].max_m3h = 0: must be 0.001 to 100000",
            "story.toml: pump[P-01].draws_from = \"top\": \"top\" is not bottom, oil or a height in mm",
            "story.toml: pump[P 2].name",
            "story.toml: pump[P 2].max_m3h: is missing",
            "story.toml: valve[V-01]: is on a pump or between two tanks",
            "story.toml: valve[V-02].between: must name two tanks",
            "story.toml: valve[V-03].open = 100: is not a key here",
        ] {
            assert!(said.contains(wanted), "{wanted} is not in\n{said}");
        }
    }
}
