//! Ninety days of a station in simulated time: the interface is read from the registers of the gauge's profile while a
//! deposit grows on the rod and oil and salinity change.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use tankline_domain::geometry::{Volumes, volumes, volumes_by_profile};
use tankline_domain::profile::{Found, Layering, ProfileBlock, ProfileReader, Rod, Scan};
use tankline_domain::site::Site;
use tankline_domain::units::{Millimetres, UnixMillis};
use tankline_hil::plant::{Plant, PlantCommand, TankId, TankState};
use tankline_runtime::site_file;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// Deposit on the rods after ninety days, mm: it lifts the jump by 18 mm.
const DEPOSIT_MM: f64 = 3.0;
/// What is promised.
const INTERFACE_WITHIN_MM: f64 = 10.0;
const VOLUME_WITHIN: f64 = 0.002;

/// T-01 goes its routine. T-02, whose gauge stands on a foot of 50 mm, is filled with wet crude, settles, and is drawn
/// from and drained.
const SITE: &str = r#"
site = "months"
[[product]]
name = "crude"
kind = "crude"
density_20c_kg_m3 = 862.0
standard = "gb-1885-1998"
[[line]]
name = "line-01"
edge = "rtu-01"
port = "/dev/tankline/line-01"
[[tank]]
name = "T-01"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 23.7, height_m = 12.53 }
[[gauge]]
tank = "T-01"
line = "line-01"
unit = 1
[[tank]]
name = "T-02"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 15.78, height_m = 12.53 }
[[gauge]]
tank = "T-02"
line = "line-01"
unit = 2
offset_mm = 50
bottom_blind_zone_mm = 100
top_blind_zone_mm = 150
"#;

/// One tank as its gauge shows it, and as it is.
struct Watched {
    id: TankId,
    index: usize,
    reader: ProfileReader,
    worst_interface_mm: f64,
    worst_volume: f64,
    /// Hours in which the profile gave an interface without a doubt, and all hours with both liquids.
    known: u32,
    hours: u32,
}

impl Watched {
    fn new(plant: &Plant, site: &Site, tank: &str) -> Self {
        let index = site.tanks().iter().position(|other| other.name.as_str() == tank).unwrap();
        // The true ones are 2.0 mm for each mm, and 0.55: no two rods are alike.
        let rod = Rod::of_spots(Millimetres::new(4.0), 0.54, 1.7);
        Self {
            id: plant.find(&tank.parse().unwrap()).unwrap(),
            index,
            reader: ProfileReader::new(rod),
            worst_interface_mm: 0.0,
            worst_volume: 0.0,
            known: 0,
            hours: 0,
        }
    }

    fn look(&mut self, plant: &Plant, site: &Site, block: &ProfileBlock) {
        let (tank, gauge) = (&site.tanks()[self.index], &site.gauges()[self.index]);
        let (truth, offset) = (plant.truth(self.id), gauge.mounting.offset.get());
        let level = Millimetres::new(f64::from(plant.shown(self.id).level_mm) + offset);
        // What can be seen at all: water and oil of some height on the rod.
        let is_layered = truth.interface_mm > offset + 50.0
            && truth.level_mm - truth.interface_mm - truth.emulsion_mm > 150.0
            && truth.level_mm > 1200.0;
        if !is_layered {
            return;
        }
        self.hours += 1;
        let at = UnixMillis::new(i64::try_from(plant.time().as_millis()).unwrap());
        let scan: Scan = block.decode(&plant.profile_words(self.id, block)).unwrap();
        let found = self.reader.read(&scan.curve(at, level, gauge.mounting.offset));
        let Ok(Found::Layered(found)) = found else { return };
        if found.doubt.is_some() {
            return;
        }
        self.known += 1;
        let off_mm = (found.interface.get() - truth.interface_mm).abs();
        let by_profile = match &found.layer {
            Some(layer) => volumes_by_profile(&tank.geometry, level, layer).unwrap(),
            None => volumes(&tank.geometry, level, Some(found.interface)).unwrap(),
        };
        let off = volume_error(&by_profile, &truth) / tank.geometry.capacity().get();
        self.worst_interface_mm = self.worst_interface_mm.max(off_mm);
        self.worst_volume = self.worst_volume.max(off);
        let told = || format!("{}: {off_mm:.1} mm, {off:.5}, {}\n{truth:?}", hours(plant), said(&found));
        assert!(off_mm <= INTERFACE_WITHIN_MM, "interface {}", told());
        assert!(off <= VOLUME_WITHIN, "volume {}", told());
    }
}

fn hours(plant: &Plant) -> String {
    format!("day {:.2}", plant.time().as_secs_f64() / DAY.as_secs_f64())
}

fn said(found: &Layering) -> String {
    format!("{} +- {}, layer of {} with {:?}", found.interface, found.uncertainty, found.transition, found.layer)
}

/// Gives by how much water or oil is off, whichever is more, in m3.
fn volume_error(found: &Volumes, truth: &TankState) -> f64 {
    let layers = found.layers.unwrap();
    let water_m3 = truth.water_m3 + truth.emulsion_m3 * truth.emulsion_water_cut;
    let oil_m3 = truth.total_m3() - water_m3;
    (layers.water.get() - water_m3).abs().max((layers.oil.get() - oil_m3).abs())
}

#[test]
fn interface_and_volumes_stay_true_for_ninety_days_of_deposit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    std::fs::write(&file, SITE).unwrap();
    let site = site_file::load(&file).unwrap();
    let mut plant = Plant::routine(&site, 11, Duration::ZERO).in_steps_of(Duration::from_secs(10));
    let mut schedule = |at: Duration, text: &str| {
        plant.schedule(at, text.parse::<PlantCommand>().unwrap()).unwrap_or_else(|error| panic!("{text}: {error}"));
    };
    schedule(Duration::ZERO, "set T-02 level_mm=3000 interface_mm=1200 emulsion_mm=200 temperature_c=42");
    for day in 0..90 {
        let at = |hour: u32| DAY * day + HOUR * hour;
        let deposit_mm = DEPOSIT_MM * f64::from(day + 1) / 90.0;
        for tank in ["T-01", "T-02"] {
            schedule(at(1), &format!("build-up {tank} {deposit_mm}mm"));
        }
        // Round of three days: filled with 30 % of water, settled, drained of water, drawn from.
        match day % 3 {
            0 => {
                schedule(at(2), "inflow T-02 180m3/h water_cut=30% temperature=45C");
                schedule(at(10), "inflow T-02 off");
            }
            1 => {
                schedule(at(12), "outflow T-02 72m3/h from=bottom");
                schedule(at(18), "outflow T-02 off");
            }
            _ => {
                schedule(at(3), "outflow T-02 126m3/h from=oil");
                schedule(at(11), "outflow T-02 off");
            }
        }
    }
    // Another oil, another salinity, both, and back.
    for (day, text) in
        [(20, "oil=45000"), (37, "water=1600"), (55, "water=3600 oil=56000"), (72, "water=2500 oil=52000")]
    {
        for tank in ["T-01", "T-02"] {
            schedule(DAY * day + HOUR / 2, &format!("liquids {tank} {text}"));
        }
    }
    let mut watched = ["T-01", "T-02"].map(|tank| Watched::new(&plant, &site, tank));
    let block = ProfileBlock::default();
    for hour in 1..=90 * 24 {
        plant.advance_to(HOUR * hour);
        watched.iter_mut().for_each(|tank| tank.look(&plant, &site, &block));
    }
    for tank in &watched {
        let Watched { worst_interface_mm, worst_volume, known, hours, .. } = tank;
        println!("worst {worst_interface_mm:.2} mm, {worst_volume:.5} of capacity; {known} of {hours} h known");
        assert!(*hours > 1000 && known * 100 >= hours * 99, "known in {known} of {hours} h");
    }
}
