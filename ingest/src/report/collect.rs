//! Everything that a report says, taken from the database.

use std::time::Duration;

use rusqlite::{Connection, params};
use tankline_domain::quantity::Basis;
use tankline_domain::site::{Product, Site};
use tankline_domain::units::{Millimetres, UnixMillis};

use super::alarms::{Episode, alarms};
use super::completeness::{Completeness, Counter};
use super::minutes::Gatherer;
use super::movement::{Movement, Ruler, movements};
use super::standing::{Standing, standing};
use super::{Amounts, Balance, Day};
use crate::dips::{self, Dip, Statistics, Wanted};
use crate::stations::{DescribedTank, Stations};

/// A reading holds for at least this long, however often its gauge is read.
const LEAST_SILENCE: Duration = Duration::from_secs(5);
/// Readings that may be missing before the last one is stale.
const MISSED: u32 = 3;
/// Quality of a good reading as a number.
const GOOD: u8 = 192;
const HOUR_MS: i64 = 3_600_000;

/// A day of a site.
#[derive(Debug, Clone, PartialEq)]
pub struct DayReport {
    /// The site.
    pub site: String,
    /// The day.
    pub day: Day,
    /// When this was written.
    pub written: UnixMillis,
    /// The tanks in the order of the description.
    pub tanks: Vec<TankDay>,
    /// The products in the same order.
    pub products: Vec<ProductDay>,
    /// Alarms in the order of time.
    pub alarms: Vec<Episode>,
    /// Dips of the day, revoked ones left out.
    pub dips: Vec<Dip>,
}

/// A day of a tank.
#[derive(Debug, Clone, PartialEq)]
pub struct TankDay {
    /// The tank.
    pub tank: String,
    /// What people call it.
    pub title: String,
    /// Its product.
    pub product: String,
    /// Whether that is oil, which volumes at 20 degC and mass are for.
    pub is_oil: bool,
    /// Whether it has a gauge.
    pub has_gauge: bool,
    /// What it held at the beginning of the day.
    pub opening: Option<Standing>,
    /// What it held at the end.
    pub closing: Option<Standing>,
    /// What came and went.
    pub movements: Vec<Movement>,
    /// How it adds up; absent without an opening or closing.
    pub balance: Option<Balance>,
    /// How complete the readings are.
    pub completeness: Completeness,
    /// How well the gauge agrees with all dips so far.
    pub agreement: Statistics,
}

/// A day of all tanks with one product.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductDay {
    /// The product.
    pub product: String,
    /// Whether it is oil.
    pub is_oil: bool,
    /// Its tanks.
    pub tanks: usize,
    /// Those of them whose balance is known and in the sum.
    pub summed: usize,
    /// How these add up.
    pub balance: Balance,
}

/// The database does not give what a report needs.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the day from the database")]
pub struct CollectError(#[from] rusqlite::Error);

/// Collects a day of a site. Each reading of the day is looked at once and not kept.
///
/// # Errors
/// [`CollectError`].
pub fn collect(connection: &mut Connection, site: &Site, day: Day, now: UnixMillis) -> Result<DayReport, CollectError> {
    // One moment of the database, whatever a worker commits meanwhile.
    connection.pragma_update(None, "cache_size", -65_536)?;
    let transaction = connection.transaction()?;
    let stations = Stations::new(std::slice::from_ref(site));
    let mut looked: Vec<Looked<'_>> = stations.tanks().map(|(_, tank)| Looked::new(site, tank, &day)).collect();
    // Readings of all tanks lie mixed on the disk: hour by hour each page is read once, and not once for each tank.
    for hour in 0.. {
        let from = day.from.get() + hour * HOUR_MS;
        if from >= day.to.get() {
            break;
        }
        let to = (from + HOUR_MS).min(day.to.get());
        looked.iter_mut().try_for_each(|tank| tank.look(&transaction, from, to))?;
    }
    let tanks: Vec<TankDay> =
        looked.into_iter().map(|tank| tank.finish(&transaction, &day)).collect::<rusqlite::Result<_>>()?;
    let wanted = Wanted { site: Some(site.name().clone()), tank: None, from: Some(day.from), to: Some(day.to) };
    let mut dips = dips::list(&transaction, &wanted)?;
    dips.retain(|dip| dip.revoked_ms.is_none());
    for (_, tank) in stations.tanks() {
        dips::complete(&transaction, tank, &mut dips)?;
    }
    let alarms = alarms(&transaction, site.name(), &day)?;
    let products = site.products().iter().filter_map(|product| of_product(product, &tanks)).collect();
    Ok(DayReport { site: site.name().to_string(), day, written: now, tanks, products, alarms, dips })
}

/// A tank while its readings are looked at in the order of time.
struct Looked<'s> {
    tank: &'s DescribedTank,
    may_be_silent: Duration,
    counter: Counter,
    gatherer: Gatherer,
    level_mm: f64,
}

impl<'s> Looked<'s> {
    fn new(site: &Site, tank: &'s DescribedTank, day: &Day) -> Self {
        let may_be_silent = tank.longest_silence.map_or(LEAST_SILENCE, |silence| (silence * MISSED).max(LEAST_SILENCE));
        let counter = Counter::new(day.from, expected(site, tank, day), may_be_silent);
        Self { tank, may_be_silent, counter, gatherer: Gatherer::default(), level_mm: 0.0 }
    }

    /// Looks at the readings from one moment up to another, ms since 1970.
    fn look(&mut self, connection: &Connection, from_ms: i64, to_ms: i64) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "SELECT at_ms, quality_code, tov_m3, fw_m3, gsv_m3, nsv_m3, mass_t, level_mm FROM reading
             WHERE site = ?1 AND tank = ?2 AND at_ms >= ?3 AND at_ms < ?4 ORDER BY at_ms",
        )?;
        let mut rows =
            statement.query(params![self.tank.site.as_str(), self.tank.tank.name.as_str(), from_ms, to_ms])?;
        while let Some(row) = rows.next()? {
            let (at_ms, code): (i64, u8) = (row.get(0)?, row.get(1)?);
            self.counter.push(UnixMillis::new(at_ms), code);
            if code == GOOD {
                let amounts = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?];
                self.gatherer.push(at_ms, Amounts::new(amounts));
                self.level_mm = row.get::<_, Option<f64>>(7)?.unwrap_or(self.level_mm);
            }
        }
        Ok(())
    }

    /// Adds up the day.
    fn finish(self, connection: &Connection, day: &Day) -> rusqlite::Result<TankDay> {
        let tank = self.tank;
        let opening = standing(connection, tank, day.from, self.may_be_silent)?;
        let closing = standing(connection, tank, day.to, self.may_be_silent)?;
        let movements = movements(&self.gatherer.finish(), ruler(&tank.basis, self.level_mm), (day.from, day.to));
        let ends = opening.zip(closing);
        let balance = ends.map(|(opening, closing)| Balance::of(opening.amounts, &movements, closing.amounts));
        let (site, name) = (Some(tank.site.clone()), Some(tank.tank.name.clone()));
        let mut its_dips = dips::list(connection, &Wanted { site, tank: name, ..Wanted::default() })?;
        dips::complete(connection, tank, &mut its_dips)?;
        Ok(TankDay {
            tank: tank.tank.name.to_string(),
            title: tank.tank.title.clone(),
            product: tank.tank.product.to_string(),
            is_oil: tank.basis.edition().is_some(),
            has_gauge: tank.longest_silence.is_some(),
            opening,
            closing,
            movements,
            balance,
            completeness: self.counter.finish(day.to),
            agreement: Statistics::of(&its_dips),
        })
    }
}

/// Gives how many readings a tank should have; none for one that reports by exception.
fn expected(site: &Site, tank: &DescribedTank, day: &Day) -> Option<u64> {
    let gauge = site.gauges().iter().find(|gauge| gauge.tank == tank.tank.name && gauge.report.is_none())?;
    let length_ms = u128::try_from(day.length_ms()).ok()?;
    u64::try_from(length_ms.checked_div(gauge.poll_interval.as_millis())?).ok()
}

/// Gives the ruler for a tank, with the volume of a millimetre about a level; in the middle when that is at an end.
fn ruler(basis: &Basis, level_mm: f64) -> Ruler {
    let geometry = basis.geometry();
    let middle = f64::midpoint(geometry.bottom().get(), geometry.height().get());
    let at = |level: f64| basis.volume_per_mm(Millimetres::new(level)).ok().filter(|volume| *volume > 0.0);
    Ruler { m3_mm: at(level_mm).or_else(|| at(middle)).unwrap_or(1.0) }
}

fn of_product(product: &Product, tanks: &[TankDay]) -> Option<ProductDay> {
    let its: Vec<&TankDay> = tanks.iter().filter(|tank| tank.product == product.name.as_str()).collect();
    let first = its.first()?;
    let balances: Vec<Balance> = its.iter().filter_map(|tank| tank.balance).collect();
    Some(ProductDay {
        product: product.name.to_string(),
        is_oil: first.is_oil,
        tanks: its.len(),
        summed: balances.len(),
        balance: Balance::sum(&balances),
    })
}
