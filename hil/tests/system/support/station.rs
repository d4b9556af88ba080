use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tankline_domain::names::{EdgeName, TankName};
use tankline_domain::site::Site;
use tankline_hil::line::{EmulatedLine, LineSpec, Served, UnitSpec};
use tankline_hil::plant::{LivePlant, Plant};
use tankline_runtime::{clock, site_file};

use super::Folder;
use super::witness::Witness;

/// The edges of the station; each has one line with three gauges.
pub const EDGES: [&str; 2] = ["rtu-01", "rtu-02"];

/// From one poll of a gauge to the next.
pub const INTERVAL: Duration = Duration::from_millis(250);

const GAUGES_A_LINE: usize = 3;

/// The gauges of the station on their lines.
pub struct Station {
    site: Site,
    started_ms: i64,
    lines: Vec<EmulatedLine>,
    witness: Arc<Witness>,
}

impl Station {
    /// Writes the site's description, with more at its end, into the folder and starts its gauges.
    pub fn start(folder: &Folder, more: &str) -> Self {
        let site = site_file::load(&folder.write("site.toml", &(description() + more))).unwrap();
        let plant = Arc::new(LivePlant::paused(Plant::new(&site, 1), clock::now()));
        let witness = Arc::new(Witness::new(&site, plant.clone()));
        let start = |line: &tankline_domain::site::Line| {
            let units = UnitSpec::all_of(&site, &line.name);
            EmulatedLine::start(LineSpec::of(line, 1), units, &plant, witness.clone()).unwrap()
        };
        let lines = site.lines().iter().map(start).collect();
        Self { site, started_ms: clock::unix_ms().get(), lines, witness }
    }

    /// Gives when the gauges were started.
    pub fn started_ms(&self) -> i64 {
        self.started_ms
    }

    /// Gives all that the gauges gave away so far.
    pub fn served(&self) -> Vec<Served> {
        self.witness.served()
    }

    /// Gives the part of an edge's configuration that says where its line is.
    pub fn port_of(&self, edge: &str) -> String {
        let line = self.site.lines().iter().position(|line| line.edge.as_str() == edge).unwrap();
        let line = &self.lines[line];
        format!("[line.{}]\nport = \"{}\"\n", line.name(), line.path().display())
    }

    /// Gives each tank with the edge that reads it and what its gauge's mounting adds to level and interface.
    pub fn tanks(&self) -> BTreeMap<TankName, (EdgeName, f64)> {
        let gauges = self.site.gauges().iter();
        let edge = |gauge: &tankline_domain::site::Gauge| self.site.line(&gauge.line).unwrap().edge.clone();
        gauges.map(|gauge| (gauge.tank.clone(), (edge(gauge), gauge.mounting.offset.get()))).collect()
    }
}

fn description() -> String {
    let mut text = String::from(
        "site = \"bench\"\n[[product]]\nname = \"crude\"\nkind = \"crude\"\ndensity_20c_kg_m3 = 862.0\n\
         standard = \"gb-1885-1998\"\n",
    );
    for (index, edge) in EDGES.into_iter().enumerate() {
        let line = format!("line-0{}", index + 1);
        // The true ports are known when the lines run; the edges get them with their configuration.
        write!(text, "[[line]]\nname = \"{line}\"\nedge = \"{edge}\"\nport = \"/dev/{line}\"\n").unwrap();
        for unit in 1..=GAUGES_A_LINE {
            let tank = format!("T-{index}{unit}");
            let (interval, offset) = (INTERVAL.as_millis(), if unit == 2 { 50 } else { 0 });
            write!(
                text,
                "[[tank]]\nname = \"{tank}\"\nproduct = \"crude\"\n\
                 geometry = {{ shape = \"vertical-cylinder\", diameter_m = 20.0, height_m = 14.0 }}\n\
                 [[gauge]]\ntank = \"{tank}\"\nline = \"{line}\"\nunit = {unit}\npoll_interval_ms = {interval}\n\
                 offset_mm = {offset}\n"
            )
            .unwrap();
        }
    }
    text
}
