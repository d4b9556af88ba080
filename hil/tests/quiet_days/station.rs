//! Tanks of several sizes with the bench's gauges, read each ten seconds of simulated time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tankline_domain::alarm::watch::{Duty, Finding, Findings, Seen, Verdict, Watch, WatchSettings};
use tankline_domain::flow::FlowMeter;
use tankline_domain::quantity::{Basis, Measured, Water};
use tankline_domain::settings::Document;
use tankline_domain::site::{Site, parse};
use tankline_domain::units::{Celsius, CubicMetres, Millimetres, UnixMillis};
use tankline_hil::plant::{Inflow, Nozzle, Outflow, Plant, PlantCommand, TankId};

pub const HOUR: u32 = 3600;
pub const DAY: u32 = 24 * HOUR;
const READ_EVERY: u32 = 10;

/// A tank: name, product, diameter and height in m.
pub struct Size {
    pub name: &'static str,
    product: &'static str,
    diameter_m: f64,
    height_m: f64,
}

/// The sizes of the demo station.
pub const TANKS: [Size; 6] = [
    Size { name: "C-5000", product: "crude", diameter_m: 23.7, height_m: 12.53 },
    Size { name: "C-2000", product: "crude", diameter_m: 15.78, height_m: 11.37 },
    Size { name: "C-1000", product: "crude", diameter_m: 11.58, height_m: 10.58 },
    Size { name: "S-700", product: "sewage", diameter_m: 10.26, height_m: 9.41 },
    Size { name: "S-500", product: "sewage", diameter_m: 8.99, height_m: 8.92 },
    Size { name: "C-200", product: "crude", diameter_m: 6.55, height_m: 6.55 },
];

impl Size {
    pub fn surface_m2(&self) -> f64 {
        std::f64::consts::PI * self.diameter_m * self.diameter_m / 4.0
    }
}

pub struct Station {
    plant: Plant,
    tanks: Vec<Watched>,
    second: u32,
}

struct Watched {
    name: &'static str,
    id: TankId,
    basis: Basis,
    watch: Watch,
    meter: FlowMeter,
    settings: WatchSettings,
    was_tested: bool,
}

/// What was found of a tank, with the hours since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Found {
    pub movement: Option<(f64, Finding)>,
    pub leak: Option<(f64, Finding)>,
    pub reverse_flow: Option<(f64, Finding)>,
}

impl Station {
    /// Makes a station in which nothing flows, on a day in autumn.
    pub fn new(seed: u64, duty: Duty) -> Self {
        let site = site();
        let plant = Plant::new(&site, seed).in_steps_of(Duration::from_secs(10));
        let tanks = TANKS.iter().map(|size| {
            let tank = site.tank(&size.name.parse().unwrap()).unwrap();
            let basis = Basis::new(tank, site.product_of(tank).unwrap()).unwrap();
            let settings = WatchSettings { duty, ..WatchSettings::default() };
            let (id, watch) = (plant.find(&tank.name).unwrap(), Watch::default());
            Watched { name: size.name, id, basis, watch, meter: FlowMeter::default(), settings, was_tested: false }
        });
        let tanks = tanks.collect();
        Self { plant, tanks, second: 0 }
    }

    /// Opens a leak of so many litres an hour at the bottom of a tank.
    pub fn leak(&mut self, tank: &str, litres_h: f64) {
        self.command(&PlantCommand::Leak { tank: tank.parse().unwrap(), litres_h });
    }

    /// Lets flow in so much of this temperature, a third of it water.
    pub fn fill(&mut self, tank: &str, flow_m3h: f64, temperature_c: f64) {
        let stream = Some(Inflow { flow_m3h, water_cut_percent: 30.0, temperature_c: Some(temperature_c) });
        self.command(&PlantCommand::Inflow { tank: tank.parse().unwrap(), stream });
    }

    /// Draws so much from the bottom.
    pub fn draw(&mut self, tank: &str, flow_m3h: f64) {
        let stream = Some(Outflow { flow_m3h, nozzle: Nozzle::Bottom });
        self.command(&PlantCommand::Outflow { tank: tank.parse().unwrap(), stream });
    }

    /// Ends all that flows.
    pub fn hold(&mut self, tank: &str) {
        self.command(&PlantCommand::Hold { tank: tank.parse().unwrap() });
    }

    /// Tells whether a tank was ever found not to leak.
    pub fn was_tested(&self, tank: &str) -> bool {
        self.tanks.iter().any(|it| it.name == tank && it.was_tested)
    }

    fn command(&mut self, command: &PlantCommand) {
        self.plant.command(command).unwrap();
    }

    /// Lets time pass, with warm days and cold nights; gives what was found first of each tank.
    pub fn run(&mut self, seconds: u32) -> BTreeMap<&'static str, Found> {
        let mut found = BTreeMap::<_, Found>::new();
        for passed in (READ_EVERY..=seconds).step_by(READ_EVERY as usize) {
            self.second += READ_EVERY;
            self.plant.advance_to(Duration::from_secs(u64::from(self.second)));
            if self.second.is_multiple_of(600) {
                let day = f64::from(self.second) / f64::from(DAY);
                let temperature_c = 12.0 + 8.0 * (std::f64::consts::TAU * day).sin();
                self.plant.command(&PlantCommand::Ambient { temperature_c }).unwrap();
            }
            let hours = f64::from(passed) / f64::from(HOUR);
            for tank in &mut self.tanks {
                let now = tank.read(&self.plant, self.second);
                let of_tank = found.entry(tank.name).or_default();
                of_tank.movement = of_tank.movement.or(now.movement.found().map(|it| (hours, it)));
                of_tank.leak = of_tank.leak.or(now.leak.found().map(|it| (hours, it)));
                of_tank.reverse_flow = of_tank.reverse_flow.or(now.reverse_flow.found().map(|it| (hours, it)));
            }
        }
        found
    }
}

impl Watched {
    fn read(&mut self, plant: &Plant, second: u32) -> Findings {
        let shown = plant.shown(self.id);
        let level = Millimetres::new(f64::from(shown.level_mm));
        let temperature = Some(Celsius::new(shown.temperature_c()));
        let water = Water::Interface(Millimetres::new(f64::from(shown.interface_mm)));
        let found = self.basis.quantities(&Measured { level, water, temperature }).unwrap();
        let per_mm = CubicMetres::new(self.basis.volume_per_mm(level).unwrap());
        let at = UnixMillis::new(1_795_400_000_000 + i64::from(second) * 1000);
        let seen = Seen::new(at, &found, temperature, per_mm);
        let asks_for_flow = matches!(self.settings.duty, Duty::FillOnly | Duty::DrawOnly);
        let flow = asks_for_flow.then(|| self.meter.push(at, found.tov, per_mm)).flatten();
        let findings = self.watch.push(&self.settings, &seen, flow.as_ref());
        self.was_tested |= findings.leak == Verdict::Clear;
        findings
    }
}

fn site() -> Site {
    let tanks: Vec<_> = TANKS
        .iter()
        .map(|size| {
            let Size { name, product, diameter_m, height_m } = size;
            let geometry = json!({"shape": "vertical-cylinder", "diameter_m": diameter_m, "height_m": height_m});
            json!({"name": name, "product": product, "geometry": geometry})
        })
        .collect();
    let gauges: Vec<_> =
        (1..).zip(&TANKS).map(|(unit, size)| json!({"tank": size.name, "line": "line-01", "unit": unit})).collect();
    let root = json!({
        "site": "quiet",
        "product": [
            {"name": "crude", "density_20c_kg_m3": 862.0, "s_and_w_percent": 0.5},
            {"name": "sewage", "kind": "water", "density_20c_kg_m3": 1002.5},
        ],
        "line": [{"name": "line-01", "edge": "rtu-01", "port": "/dev/tankline/line-01"}],
        "tank_defaults": {"shell": {"insulated": true}},
        "tank": tanks,
        "gauge": gauges,
    });
    let document = Document { origin: "quiet.toml".into(), root, from_environment: BTreeMap::new() };
    parse(&document, &|_| Err("is not there".to_owned())).unwrap()
}
