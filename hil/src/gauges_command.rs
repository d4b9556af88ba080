//! `tankline-hil gauges`: the gauges of a site alone, for any Modbus master to talk to.

mod places;

pub use places::{At, PlaceArgs, PlaceError};

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tankline_domain::names::{LineName, TankName};
use tankline_domain::profile::ProfileBlock;
use tankline_domain::settings::Problems;
use tankline_domain::site::{Framing, Line, Parity, Site};
use tankline_runtime::clock;
use tankline_runtime::exit::Failure;
use tokio_util::sync::CancellationToken;

use crate::control::{ControlArgs, ControlServer, SteeredBench};
use crate::gauge::GaugeValues;
use crate::line::{EmulatedLine, LineSpec, Place, PortLink, UnitSpec};
use crate::plant::{LivePlant, Plant, parse_speed};
use tankline_runtime::site_file;

/// What `tankline-hil gauges` is asked to do.
#[derive(Debug, Clone, Args)]
pub struct GaugesArgs {
    /// Description of the site, such as deploy/sites/lindong.toml.
    #[arg(long, value_name = "FILE")]
    pub site: PathBuf,
    /// Only this line; may be given several times.
    #[arg(long = "line", value_name = "NAME")]
    pub lines: Vec<LineName>,
    /// Folder in which each line gets a link of its name to its port.
    #[arg(long, value_name = "DIR")]
    pub link_dir: Option<PathBuf>,
    /// Decides how the tanks move and how long the gauges think; the same seed gives the same run.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Freezes what the gauge of a tank shows: mm, mm and degC, such as T-01=9641/6367/32.5; may be given several times.
    #[arg(long = "set", value_name = "TANK=LEVEL/INTERFACE/TEMPERATURE")]
    pub settings: Vec<TankSetting>,
    /// Seconds that pass in the tanks while one passes on the wire: from 0.001 to 10000.
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_speed)]
    pub speed: f64,
    /// The tanks stand still, and the gauges have no noise.
    #[arg(long, conflicts_with = "speed")]
    pub still: bool,
    /// The gauges show the impedance along their rods too, in a block of holding registers of which this is the first.
    #[arg(long, value_name = "REGISTER", num_args = 0..=1, default_missing_value = "200")]
    pub profile: Option<ProfileBlock>,
    /// Where the lines answer.
    #[command(flatten)]
    pub places: PlaceArgs,
    /// Where it is steered from.
    #[command(flatten)]
    pub control: ControlArgs,
}

/// What the gauge of one tank is to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TankSetting {
    /// The tank.
    pub tank: TankName,
    /// What its gauge shows.
    pub values: GaugeValues,
}

impl FromStr for TankSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (tank, values) = text
            .split_once('=')
            .ok_or_else(|| format!("{text:?} is not TANK=LEVEL/INTERFACE/TEMPERATURE, such as T-01=9641/6367/32.5"))?;
        let tank = tank.parse().map_err(|error| format!("{error}"))?;
        Ok(Self { tank, values: values.parse().map_err(|error| format!("{error}"))? })
    }
}

/// Runs the gauges until `stop`; says on `out` where they are, and at the end what was asked of them.
///
/// # Errors
/// [`Failure`] when site, line or tank are not what they should be, or a line cannot be started.
pub async fn run(args: &GaugesArgs, out: &mut (dyn Write + Send), stop: CancellationToken) -> Result<(), Failure> {
    let site = site_file::load(&args.site)?;
    let lines = chosen(args, &site)?;
    let plant = Plant::routine(&site, args.seed, Duration::ZERO);
    let plant = Arc::new(if args.still {
        LivePlant::paused(plant.without_noise(), clock::now())
    } else {
        LivePlant::new(plant, clock::now(), args.speed)
    });
    freeze(args, &site, &plant)?;

    let places = args.places.resolve(&lines.iter().map(|line| &line.name).collect::<Vec<_>>());
    let places = places.map_err(|error| Problems::of_file(args.site.display().to_string(), error.to_string()))?;
    let start = |(line, place)| start(args, &site, line, place, &plant);
    let running: Vec<_> = lines.into_iter().zip(&places).map(start).collect::<Result<_, _>>()?;
    let lines = running.iter().map(|line| line.emulated.handle().clone()).collect();
    let bench = SteeredBench { title: format!("gauges of {}", site.name()), plant, lines, stop: stop.clone() };
    let control = ControlServer::listen_if_possible(&args.control, "gauges", bench).map_err(anyhow::Error::from)?;
    introduce(out, &running, control.as_ref()).context("cannot write to standard output")?;
    match control {
        Some(control) => control.serve(stop).await.context("no more orders can be taken")?,
        None => stop.cancelled().await,
    }
    conclude(out, running).context("cannot write to standard output")?;
    Ok(())
}

struct Running<'s> {
    line: &'s Line,
    emulated: EmulatedLine,
    link: Option<PortLink>,
}

fn chosen<'s>(args: &GaugesArgs, site: &'s Site) -> Result<Vec<&'s Line>, Problems> {
    let known: HashSet<_> = site.lines().iter().map(|line| &line.name).collect();
    if let Some(unknown) = args.lines.iter().find(|name| !known.contains(name)) {
        let names: Vec<_> = site.lines().iter().map(|line| line.name.as_str()).collect();
        let message = format!("there is no line {unknown}; the site has {}", names.join(", "));
        return Err(Problems::of_file(args.site.display().to_string(), message));
    }
    Ok(site.lines().iter().filter(|line| args.lines.is_empty() || args.lines.contains(&line.name)).collect())
}

fn freeze(args: &GaugesArgs, site: &Site, plant: &LivePlant) -> Result<(), Problems> {
    for TankSetting { tank, values } in &args.settings {
        let has_gauge = site.gauges().iter().any(|gauge| gauge.tank == *tank);
        let Some(id) = plant.find(tank).filter(|_| has_gauge) else {
            let message = format!("--set {tank}=…: there is no tank {tank} with a gauge");
            return Err(Problems::of_file(args.site.display().to_string(), message));
        };
        plant.freeze(id, *values);
    }
    Ok(())
}

fn start<'s>(
    args: &GaugesArgs,
    site: &Site,
    line: &'s Line,
    place: &Place,
    plant: &Arc<LivePlant>,
) -> anyhow::Result<Running<'s>> {
    let mut units = UnitSpec::all_of(site, &line.name);
    units.iter_mut().for_each(|unit| unit.profile = args.profile.or(unit.profile));
    let emulated = EmulatedLine::start_at(place, LineSpec::of(line, args.seed), units, plant, Arc::new(|_| ()))?;
    let link_dir = args.link_dir.as_ref().filter(|_| *place == Place::Pty);
    let link = link_dir.map(|folder| PortLink::create(folder, line.name.as_str(), emulated.path()));
    Ok(Running { line, emulated, link: link.transpose()? })
}

fn introduce(out: &mut (dyn Write + Send), running: &[Running<'_>], control: Option<&ControlServer>) -> io::Result<()> {
    writeln!(out, "{:<12} {:<26} gauges (unit tank)", "line", "port")?;
    for Running { line, emulated, .. } in running {
        let gauges: Vec<_> = emulated.units().iter().map(|unit| format!("{} {}", unit.unit, unit.tank)).collect();
        writeln!(out, "{:<12} {:<26} {}", line.name, emulated.path().display(), gauges.join(", "))?;
    }
    for link in running.iter().filter_map(|line| line.link.as_ref().map(|link| (link, line))) {
        writeln!(out, "{} -> {}", link.0.path().display(), link.1.emulated.path().display())?;
    }
    let first = running.iter().find_map(|line| Some((line, line.emulated.units().first()?)));
    if let Some((line, unit)) = first {
        try_it(out, line, unit)?;
    }
    if let (Some(control), Some((_, unit))) = (control, first) {
        let (tank, path) = (&unit.tank, control.path().display());
        writeln!(out, "Steer it from another terminal, at {path}:")?;
        writeln!(out, "  tankline-hil set {tank} level_mm=5000")?;
        writeln!(out, "  tankline-hil fault {tank} late=120ms")?;
        writeln!(out, "  tankline-hil shell\n")?;
    }
    writeln!(out, "Ctrl-C ends it.")?;
    out.flush()
}

fn try_it(out: &mut (dyn Write + Send), running: &Running<'_>, unit: &UnitSpec) -> io::Result<()> {
    let (unit, register) = (unit.unit, unit.registers.level.register);
    let path = running.link.as_ref().map_or(running.emulated.path(), PortLink::path).display();
    writeln!(out, "\nTry it from another terminal:")?;
    match running.emulated.handle().place() {
        Place::Pty => {
            let Framing { baud, parity, .. } = running.line.framing;
            let parity = match parity {
                Parity::None => "none",
                Parity::Even => "even",
                Parity::Odd => "odd",
            };
            writeln!(out, "  mbpoll -m rtu -b {baud} -P {parity} -a {unit} -r {register} -c 3 -1 {path}")?;
            writeln!(out, "  tankline-edge read --port {path} --baud {baud} --unit {unit}")?;
        }
        Place::Port(_) => writeln!(out, "  the master is at the other end of the wire")?,
        Place::RtuOverTcp(_) => writeln!(out, "  tankline-edge read --port {path} --unit {unit}")?,
        Place::ModbusTcp(address) => {
            let (host, port) = (address.ip(), address.port());
            writeln!(out, "  mbpoll -m tcp -p {port} -a {unit} -r {register} -c 3 -1 {host}")?;
            writeln!(out, "  tankline-edge read --port {path} --unit {unit}")?;
        }
    }
    writeln!(out)
}

fn conclude(out: &mut (dyn Write + Send), running: Vec<Running<'_>>) -> io::Result<()> {
    for Running { line, emulated, link } in running {
        drop(link);
        let counters = emulated.stop();
        writeln!(
            out,
            "{}: {} requests, {} replies, {} crc errors, {} for other units, {} collisions, wire taken for {:.1} s",
            line.name,
            counters.requests,
            counters.replies,
            counters.crc_errors,
            counters.foreign,
            counters.collisions,
            counters.busy.as_secs_f64()
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_names_tank_and_values() {
        let setting: TankSetting = "T-01=9641/6367/32.5".parse().unwrap();
        assert_eq!((setting.tank.as_str(), setting.values.to_string().as_str()), ("T-01", "9641/6367/32.5"));
        for bad in ["T-01", "T-01:1/2/3", "T 01=1/2/3", "T-01=1/2", "=1/2/3"] {
            assert!(bad.parse::<TankSetting>().is_err(), "{bad}");
        }
    }
}
