//! A gauge shows the impedance along its rod in a tank with emulsion: what the centre stores is that of an independent
//! calculation, and near to what is in the tank.

use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
use serde_json::Value;
use tankline_domain::site::Site;
use tankline_hil::line::{EmulatedLine, LineSpec, ServedLog, UnitSpec};
use tankline_hil::plant::{LivePlant, Plant};
use tankline_runtime::{clock, site_file};

use crate::support::{DEADLINE, Database, Folder, Process, free_port, program, wait_for, wait_until};

const SITE: &str = include_str!("../data/rod.toml");

/// Of the tank, by hand: pi 10^2 m2 times a millimetre.
const M3_A_MM: f64 = 0.314_159_265_358_979_3;
/// Accuracy that is promised, of the tank of 12.5 m.
const WITHIN_M3: f64 = 0.002 * 12_500.0 * M3_A_MM;

/// A stored reading.
#[derive(Debug)]
struct Stored {
    level_mm: f64,
    temperature_c: f64,
    layer: Vec<(f64, f64)>,
    tov_m3: f64,
    fw_m3: f64,
    oil_m3: f64,
    emulsion_m3: f64,
    emulsion_water_m3: f64,
    gov_m3: f64,
    nsv_m3: f64,
}

/// Volume correction to 20 degC of crude with 862 kg/m3 at 20 degC, step by step as GB/T 1885-1998 has it.
fn vcf20(temperature_c: f64) -> f64 {
    let factor = |rho15: f64, difference: f64| {
        let alpha = 613.9723 / (rho15 * rho15);
        (-alpha * difference * (1.0 + 0.8 * alpha * difference)).exp()
    };
    let mut rho15 = 862.0;
    for _ in 0..50 {
        rho15 = 862.0 / factor(rho15, 5.0);
    }
    factor(rho15, temperature_c - 15.0) / factor(rho15, 5.0)
}

fn newest_layered(database: &Database) -> Option<Stored> {
    // The worker may be at making the tables.
    let columns = "SELECT count(*) FROM pragma_table_info('reading') WHERE name = 'layer'";
    if database.query(columns, |row| row.get::<_, i64>(0)) != [1] {
        return None;
    }
    let sql =
        "SELECT level_mm, temperature_c, layer, tov_m3, fw_m3, oil_m3, emulsion_m3, emulsion_water_m3, gov_m3, nsv_m3
               FROM reading WHERE quality = 'good' AND layer IS NOT NULL ORDER BY id DESC LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Stored {
            level_mm: row.get(0)?,
            temperature_c: row.get(1)?,
            layer: serde_json::from_str(&row.get::<_, String>(2)?).unwrap(),
            tov_m3: row.get(3)?,
            fw_m3: row.get(4)?,
            oil_m3: row.get(5)?,
            emulsion_m3: row.get(6)?,
            emulsion_water_m3: row.get(7)?,
            gov_m3: row.get(8)?,
            nsv_m3: row.get(9)?,
        })
    };
    database.query(sql, read).pop()
}

#[track_caller]
fn near(found: f64, expected: f64, within: f64, what: &str) {
    assert!((found - expected).abs() <= within, "{what} is {found}, but must be {expected} within {within}");
}

#[test]
fn emulsion_that_the_rod_shows_is_divided_by_its_water_cut_in_the_database() {
    let folder = Folder::new();
    let site: Site = site_file::load(&folder.write("site.toml", SITE)).unwrap();
    let plant = Arc::new(LivePlant::paused(Plant::new(&site, 5), clock::now()));
    let content = "set T-01 level_mm=9000 interface_mm=3000 emulsion_mm=240 temperature_c=31.5";
    for command in [content, "build-up T-01 2mm"] {
        plant.command(clock::now(), &command.parse().unwrap()).unwrap();
    }
    let (described, served) = (&site.lines()[0], Arc::new(ServedLog::new(100)));
    let units = UnitSpec::all_of(&site, &described.name);
    let line = EmulatedLine::start(LineSpec::of(described, 5), units, &plant, served).unwrap();
    let port = free_port();
    folder.write("broker.toml", &format!("listen = \"127.0.0.1:{port}\"\nusers_file = \"users\"\n"));
    folder.write("users", "rod.rtu-01:secret\ntankline-ingest:secret\n");
    folder.write("password", "secret\n");
    let broker = |user: &str| {
        format!("[broker]\nurl = \"mqtt://127.0.0.1:{port}\"\nuser = \"{user}\"\npassword_file = \"password\"\n")
    };
    let of_edge = "edge = \"rtu-01\"\nsite = \"site.toml\"\n[journal]\ndir = \"journal\"\n";
    let of_line = format!("[line.line-01]\nport = \"{}\"\n", line.path().display());
    folder.write("edge.toml", &[of_edge, &broker("rod.rtu-01"), &of_line].concat());
    let of_centre = "sites = [\"site.toml\"]\ndatabase = \"ops.db\"\n[http]\nlisten = \"127.0.0.1:0\"\n";
    folder.write("ingest.toml", &[of_centre, &broker("tankline-ingest")].concat());
    let _broker = Process::run(&folder, "broker", "tankline-broker", "broker.toml");
    wait_until("the broker takes clients", DEADLINE, || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
    let _ingest = Process::run(&folder, "ingest", "tankline-ingest", "ingest.toml");
    let edge = Process::run(&folder, "edge", "tankline-edge", "edge.toml");
    let database = Database::new(folder.join("ops.db"));
    let stored = wait_for("a reading with a layer is in the history", DEADLINE, || newest_layered(&database));
    // The first reading came before the rod was scanned: a step, and it says so.
    let first = wait_for("the first reading is in the history", DEADLINE, || {
        let sql = "SELECT quality, emulsion_m3 FROM reading WHERE seq = 1";
        database.query(sql, |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<f64>>(1)?))).pop()
    });
    assert_eq!(first, ("uncertain:interface-unconfirmed".to_owned(), None));
    edge.stop(Signal::TERM);

    // Each volume of the database, by hand from the reading beside it.
    let water: f64 =
        stored.layer.windows(2).map(|two| f64::midpoint(two[0].1, two[1].1) * (two[1].0 - two[0].0) * M3_A_MM).sum();
    let (bottom, top) = (stored.layer[0].0, stored.layer[stored.layer.len() - 1].0);
    let oil = stored.level_mm * M3_A_MM - bottom * M3_A_MM - water;
    let tiny = 1e-6;
    near(stored.tov_m3, stored.level_mm * M3_A_MM, tiny, "TOV");
    near(stored.fw_m3, bottom * M3_A_MM, tiny, "FW");
    near(stored.emulsion_m3, (top - bottom) * M3_A_MM, tiny, "the layer");
    near(stored.emulsion_water_m3, water, tiny, "water in the layer");
    near(stored.oil_m3, oil, tiny, "oil");
    near(stored.gov_m3, oil, tiny, "GOV");
    near(stored.nsv_m3, oil * vcf20(stored.temperature_c) * (1.0 - 0.004), 1e-5, "NSV");

    // And it is what is in the tank, which a step is not.
    let truth = plant.state(plant.find(&"T-01".parse().unwrap()).unwrap(), clock::now());
    let water_there = truth.water_m3 + truth.emulsion_m3 * truth.emulsion_water_cut;
    near(stored.fw_m3 + stored.emulsion_water_m3, water_there, WITHIN_M3, "water");
    near(stored.oil_m3, truth.total_m3() - water_there, WITHIN_M3, "oil in the tank");
    let step_m3 = stored.tov_m3 - stored.fw_m3;
    assert!(
        step_m3 - (truth.total_m3() - water_there) > 2.0 * WITHIN_M3,
        "a step would have done: {stored:?} {truth:?}"
    );

    // An inspector comes to the same by the command.
    let points = serde_json::to_string(&stored.layer).unwrap();
    let (level, temperature) = (stored.level_mm.to_string(), stored.temperature_c.to_string());
    let mut command = Command::new(program("tankline-ingest"));
    command.args(["volume", "--site", "site.toml", "--tank", "T-01", "--level", &level, "--layer", &points]);
    let output = command.args(["--temperature", &temperature, "--json"]).current_dir(folder.path()).output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let nsv = told["steps"].as_array().unwrap().iter().find(|step| step["symbol"] == "NSV").unwrap();
    near(nsv["value"].as_f64().unwrap(), stored.nsv_m3, tiny, "NSV by the command");
}
