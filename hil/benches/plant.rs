//! What the plant costs: `cargo bench -p tankline-hil --bench plant`.
//!
//! An hour of a station of 28 tanks, at rest and in its routine, and what its gauges then show.

use std::path::Path;
use std::time::Duration;

use tankline_hil::plant::Plant;
use tankline_runtime::{clock, site_file};

fn main() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sites/lindong.toml");
    let site = site_file::load(&file).expect("the demo site can be read");
    for (name, mut plant) in [("at rest", Plant::new(&site, 1)), ("routine", Plant::routine(&site, 1, Duration::ZERO))]
    {
        let began = clock::now();
        plant.advance_to(Duration::from_secs(3600));
        let took = clock::now() - began;
        let share = took.as_secs_f64() * 100.0;
        println!("{name}: an hour of 28 tanks in {took:.1?}, which is {share:.1} % of a core at speed 3600");
        let (began, tanks) = (clock::now(), site.tanks());
        for tank in tanks {
            let id = plant.find(&tank.name).expect("it is a tank of the site");
            std::hint::black_box(plant.shown(id));
        }
        println!("{name}: what a gauge shows in {:.1?}", (clock::now() - began) / tanks.len() as u32);
    }
}
