//! `dip`: hand measurements.

use clap::{Args, Subcommand};
use tankline_domain::names::TankName;
use tankline_runtime::clock;

use super::given::GivenTemperature;
use super::station::{StationArgs, StationError};
use crate::dips::{self, Deviation, Dip, GivenDip, Measures, NEAR, RecordError, RevokeError, Statistics, Wanted};
use crate::local_time::{GivenMoment, UtcOffset};
use crate::store::{self, OpenError};

/// What is asked of the book of dips.
#[derive(Debug, Subcommand)]
pub enum DipCommand {
    /// Record a dip beside what the gauge read at that time. A worker may be using the database.
    Add(AddArgs),
    /// List dips, and how well each gauge agrees with them.
    List(ListArgs),
    /// Revoke a dip: it stays in the book and counts no more.
    Revoke(RevokeArgs),
}

/// A dip to be recorded.
#[derive(Debug, Args)]
pub struct AddArgs {
    #[command(flatten)]
    station: StationArgs,
    /// Name of the tank.
    #[arg(long)]
    tank: TankName,
    /// When it was measured, such as 2026-11-23T14:05+08:00; now where that is not said.
    #[arg(long, value_name = "MOMENT")]
    at: Option<GivenMoment>,
    /// Liquid level above the tank bottom, mm.
    #[arg(long, value_name = "MM", allow_hyphen_values = true)]
    level: f64,
    /// Interface above the tank bottom, mm.
    #[arg(long, value_name = "MM", allow_hyphen_values = true)]
    interface: Option<f64>,
    /// Temperature of the liquid, such as 32.5C or 90.5F. A number alone is in degC.
    #[arg(long, allow_hyphen_values = true)]
    temperature: Option<GivenTemperature>,
    /// Who measured.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// What else there is to say.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// Which dips are listed.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    station: StationArgs,
    /// Of this tank only.
    #[arg(long)]
    tank: Option<TankName>,
    /// From this moment on, such as 2026-11-23T00:00+08:00.
    #[arg(long, value_name = "MOMENT")]
    from: Option<GivenMoment>,
    /// Before this moment.
    #[arg(long, value_name = "MOMENT")]
    to: Option<GivenMoment>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Which dip is revoked, and by whom.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    #[command(flatten)]
    station: StationArgs,
    /// Its number.
    #[arg(long, value_name = "NUMBER")]
    id: i64,
    /// Who revokes it.
    #[arg(long, value_name = "NAME")]
    by: String,
}

/// Why the book of dips does not do what is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DipCommandError {
    /// It is not known where it is, or which tank is meant.
    #[error(transparent)]
    Station(#[from] StationError),
    /// The dip is not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The dip is not revoked.
    #[error(transparent)]
    Revoke(#[from] RevokeError),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
}

/// Records, lists or revokes; gives the text to print.
///
/// # Errors
/// [`DipCommandError`].
pub fn dip(command: &DipCommand) -> Result<String, DipCommandError> {
    match command {
        DipCommand::Add(args) => add(args),
        DipCommand::List(args) => list(args),
        DipCommand::Revoke(args) => revoke(args),
    }
}

fn add(args: &AddArgs) -> Result<String, DipCommandError> {
    let station = args.station.load()?;
    let tank = station.the_tank(&args.tank, args.station.site.as_ref())?;
    let now = clock::unix_ms();
    let measures = Measures {
        level_mm: args.level,
        interface_mm: args.interface,
        temperature_c: args.temperature.map(|given| given.temperature.get()),
    };
    let at = args.at.map_or(now, |given| given.0);
    let given = GivenDip { at, measures, by: args.by.clone(), note: args.note.clone() };
    let mut connection = store::open(&station.database)?;
    store::note_bases(&mut connection, &station.stations, now)?;
    let dip = dips::record(&connection, tank, &given, now)?;
    let wanted = Wanted { site: Some(dip.site.clone()), tank: Some(dip.tank.clone()), ..Wanted::default() };
    let statistics = Statistics::of(&dips::list(&connection, &wanted)?);
    Ok(in_full(&dip, station.report.utc_offset) + &agreement(&dip, &statistics))
}

fn list(args: &ListArgs) -> Result<String, DipCommandError> {
    let station = args.station.load()?;
    if let Some(tank) = &args.tank {
        station.the_tank(tank, args.station.site.as_ref())?;
    }
    let connection = store::open_read_only(&station.database)?;
    let wanted = Wanted {
        site: args.station.site.clone(),
        tank: args.tank.clone(),
        from: args.from.map(|given| given.0),
        to: args.to.map(|given| given.0),
    };
    let mut found = dips::list(&connection, &wanted)?;
    for (_, tank) in station.stations.tanks() {
        dips::complete(&connection, tank, &mut found)?;
    }
    found.sort_by(|a, b| (&a.site, &a.tank).cmp(&(&b.site, &b.tank)));
    let groups = found.chunk_by(|a, b| (&a.site, &a.tank) == (&b.site, &b.tank));
    if args.json {
        let tanks: Vec<_> = groups
            .map(|dips| {
                let (site, tank) = (&dips[0].site, &dips[0].tank);
                serde_json::json!({"site": site, "tank": tank, "dips": dips, "statistics": Statistics::of(dips)})
            })
            .collect();
        return Ok(format!("{:#}\n", serde_json::Value::from(tanks)));
    }
    let mut text = String::new();
    for dips in groups {
        if text.is_empty() {
            text += "  dip  when              tank        level mm  gauge mm   difference    volume  by\n";
        }
        for dip in dips {
            text += &in_line(dip, station.report.utc_offset);
        }
        text += &agreement(&dips[0], &Statistics::of(dips));
    }
    Ok(if text.is_empty() { "no dips\n".to_owned() } else { text })
}

fn revoke(args: &RevokeArgs) -> Result<String, DipCommandError> {
    let station = args.station.load()?;
    let connection = store::open(&station.database)?;
    let dip = dips::revoke(&connection, args.id, &args.by, clock::unix_ms())?;
    Ok(format!("dip {} of {} counts no more\n", dip.id, dip.tank))
}

fn in_full(dip: &Dip, offset: UtcOffset) -> String {
    let when = offset.to_second(dip.hand.at_ms);
    let mut text = format!("dip {} of {}, {}, at {when} ({offset}) by {}\n\n", dip.id, dip.tank, dip.site, dip.by);
    text += "                  by hand       gauge  difference\n";
    let (hand, gauge) = (dip.hand, dip.gauge);
    let measured = |it: fn(&Measures) -> Option<f64>| (it(&hand.measures), gauge.and_then(|side| it(&side.measures)));
    let rows = [
        ("level", "mm", 0, measured(|it| Some(it.level_mm)), dip.level()),
        ("interface", "mm", 0, measured(|it| it.interface_mm), dip.interface()),
        ("temperature", "degC", 1, measured(|it| it.temperature_c), dip.temperature()),
        ("TOV", "m3", 3, (hand.tov_m3, gauge.and_then(|side| side.tov_m3)), dip.tov()),
        ("NSV", "m3", 3, (hand.nsv_m3, gauge.and_then(|side| side.nsv_m3)), dip.nsv()),
    ];
    for (name, unit, decimals, (by_hand, of_gauge), deviation) in rows {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"));
        let difference = deviation.map_or_else(|| "-".to_owned(), |it| format!("{:+.decimals$}", it.amount));
        let volume = deviation.filter(|_| unit == "m3").map_or_else(String::new, |it| format!("  {}", in_percent(&it)));
        let row = format!("{name:12}{:>12}{:>12}{difference:>12} {unit}{volume}", number(by_hand), number(of_gauge));
        text += row.trim_end();
        text.push('\n');
    }
    text += &match dip.gauge_later_s() {
        None => format!("\nno good reading of the gauge within {} min of it\n", NEAR.as_secs() / 60),
        Some(later) if later < 0.0 => format!("\nthe gauge was read {:.1} s before it\n", -later),
        Some(later) => format!("\nthe gauge was read {later:.1} s after it\n"),
    };
    text
}

fn in_line(dip: &Dip, offset: UtcOffset) -> String {
    let gauge = dip.gauge.map_or_else(|| "none".to_owned(), |gauge| format!("{:.0}", gauge.measures.level_mm));
    let difference = dip.level().map_or_else(String::new, |it| format!("{:+.0} mm", it.amount));
    let volume = dip.tov().map_or_else(String::new, |it| in_percent(&it));
    let revoked = dip.revoked_by.as_ref().map_or_else(String::new, |by| format!(" (revoked by {by})"));
    format!(
        "{:>5}  {}  {:10}{:>10.0}{gauge:>10}{difference:>13}{volume:>10}  {}{revoked}\n",
        dip.id,
        offset.to_minute(dip.hand.at_ms),
        dip.tank,
        dip.hand.measures.level_mm,
        dip.by,
    )
}

fn in_percent(deviation: &Deviation) -> String {
    deviation.percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:+.3} %"))
}

fn agreement(dip: &Dip, found: &Statistics) -> String {
    let (Some(mean), Some(worst)) = (found.mean_mm, found.worst_mm) else {
        return format!("{}: no dip to compare with yet\n", dip.tank);
    };
    let deviation = found.deviation_mm.map_or_else(String::new, |it| format!(", standard deviation {it:.1} mm"));
    format!(
        "{}: {} {}, mean {mean:+.1} mm{deviation}, worst {worst:+.1} mm, {} of {} within 0.2 % of the volume\n",
        dip.tank,
        found.count,
        if found.count == 1 { "dip" } else { "dips" },
        found.agreeing,
        found.judged,
    )
}
