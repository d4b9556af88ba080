use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tankline_domain::names::TankName;
use tankline_domain::site::Site;
use tankline_hil::gauge::GaugeValues;
use tankline_hil::line::{Served, ServedSink};
use tankline_hil::plant::LivePlant;

/// Levels that a tank goes through before its interface moves on by a millimetre.
const LEVELS: u16 = 1500;

/// Keeps all that the gauges gave away, and lets no gauge give the same away twice: after each reply its tank has
/// another level, which no other tank ever has. So every reading tells which reply it came from.
pub struct Witness {
    plant: Arc<LivePlant>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    served: Vec<Served>,
    tanks: BTreeMap<TankName, Shown>,
}

#[derive(Clone, Copy)]
struct Shown {
    index: u16,
    replies: u16,
}

impl Witness {
    pub fn new(site: &Site, plant: Arc<LivePlant>) -> Self {
        let shown =
            |(index, gauge): (u16, &tankline_domain::site::Gauge)| (gauge.tank.clone(), Shown { index, replies: 0 });
        let tanks: BTreeMap<_, _> = (0..).zip(site.gauges()).map(shown).collect();
        tanks.iter().for_each(|(tank, shown)| show(&plant, tank, *shown));
        Self { plant, kept: Mutex::new(Kept { served: Vec::new(), tanks }) }
    }

    /// Gives all that was given away so far, in its order.
    pub fn served(&self) -> Vec<Served> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).served.clone()
    }
}

impl ServedSink for Witness {
    fn served(&self, reading: Served) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shown) = kept.tanks.get_mut(&reading.tank) {
            shown.replies += 1;
            show(&self.plant, &reading.tank, *shown);
        }
        kept.served.push(reading);
    }
}

fn show(plant: &LivePlant, tank: &TankName, Shown { index, replies }: Shown) {
    let values = GaugeValues {
        level_mm: 3000 + index * LEVELS + replies % LEVELS,
        interface_mm: 300 + replies / LEVELS,
        temperature_tenths: i16::try_from(replies % 400).expect("is small") - 100,
    };
    plant.freeze(plant.find(tank).expect("the plant has the tanks of the site"), values);
}
