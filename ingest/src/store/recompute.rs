//! Deriving stored readings again.

use rusqlite::{Connection, Row, Transaction, params};
use tankline_domain::reading::Reading;
use tankline_domain::units::{Celsius, Millimetres, UnixMillis};

use super::feed::send_again;
use super::layers::read_layer;
use crate::derive::{Derived, Deriver};
use crate::stations::DescribedTank;

/// Readings that one transaction changes at most, so that a worker never waits long.
const AT_ONCE: usize = 1000;

/// Time before the first reading from which on readings are looked at, so that the first flows are as good as the others.
const LEAD_MS: i64 = 2 * 60 * 60 * 1000;

/// What was computed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recomputed {
    /// Readings in the stretch of time.
    pub readings: u64,
    /// Readings of which something is different now.
    pub changed: u64,
    /// Lowest id of these.
    pub lowest_id: Option<i64>,
}

/// Whether historians get what is computed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Historians {
    /// They keep what they have.
    Keep,
    /// They get every reading again from the first that changed.
    GetAgain,
}

/// A stored reading.
struct Stored {
    id: i64,
    reading: Reading,
    basis: Option<String>,
    derived: Derived,
}

/// Derives the readings of a tank from one moment up to another again, by what is described of it now.
///
/// What was derived before goes into the table `superseded`, with the digest of what it came of.
///
/// # Errors
/// What SQLite said. What was done until then stays done.
pub fn recompute(
    connection: &mut Connection,
    tank: &DescribedTank,
    (from, to): (UnixMillis, UnixMillis),
    historians: Historians,
    now: UnixMillis,
) -> rusqlite::Result<Recomputed> {
    let mut deriver = Deriver::default();
    let mut done = Recomputed::default();
    let mut after = (from.get().saturating_sub(LEAD_MS), i64::MIN);
    loop {
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let stored = stretch(&transaction, tank, after, to)?;
        for old in &stored {
            after = (old.reading.at.get(), old.id);
            let derived = deriver.derive(&tank.basis, &old.reading);
            if old.reading.at < from {
                continue;
            }
            done.readings += 1;
            let basis = derived.tov_m3.map(|_| tank.basis.digest());
            // A flow remembers the readings before, so of the same basis it differs by where one begins, and stays.
            let stands = Derived {
                flow_m3h: old.derived.flow_m3h,
                tov_flow_m3h: old.derived.tov_flow_m3h,
                tov_flow_uncertainty_m3h: old.derived.tov_flow_uncertainty_m3h,
                tov_flow: old.derived.tov_flow,
                seen: old.derived.seen,
                ..derived
            };
            let same = stands == old.derived;
            if !same || basis != old.basis.as_deref() {
                replace(&transaction, old.id, &derived, basis, now)?;
                done.changed += 1;
                done.lowest_id = Some(done.lowest_id.map_or(old.id, |lowest| lowest.min(old.id)));
            }
        }
        // With what changed, or what a kill cuts off would never be sent: it is not found as changed a second time.
        if let Some(lowest) = done.lowest_id.filter(|_| historians == Historians::GetAgain) {
            send_again(&transaction, lowest)?;
        }
        transaction.commit()?;
        if stored.len() < AT_ONCE {
            return Ok(done);
        }
    }
}

fn stretch(
    transaction: &Transaction<'_>,
    tank: &DescribedTank,
    after: (i64, i64),
    to: UnixMillis,
) -> rusqlite::Result<Vec<Stored>> {
    let mut statement = transaction.prepare_cached(
        "SELECT id, at_ms, level_mm, interface_mm, temperature_c, quality, basis, tov_m3, fw_m3, oil_m3, gov_m3, gsv_m3,
                nsv_m3, mass_t, ullage_m3, flow_m3h, layer, emulsion_m3, emulsion_water_m3
         FROM reading WHERE site = ?1 AND tank = ?2 AND at_ms >= ?3 AND (at_ms > ?3 OR id > ?4) AND at_ms < ?5
         ORDER BY at_ms, id LIMIT ?6",
    )?;
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let place = params![tank.site.as_str(), tank.tank.name.as_str(), after.0, after.1, to.get(), limit];
    statement.query_map(place, |row| read(row, tank))?.collect()
}

fn read(row: &Row<'_>, tank: &DescribedTank) -> rusqlite::Result<Stored> {
    let quality: String = row.get(5)?;
    let quality = quality
        .parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Text, Box::new(error)))?;
    let reading = Reading {
        tank: tank.tank.name.clone(),
        at: UnixMillis::new(row.get(1)?),
        level: row.get::<_, Option<f64>>(2)?.map(Millimetres::new),
        interface: row.get::<_, Option<f64>>(3)?.map(Millimetres::new),
        temperature: row.get::<_, Option<f64>>(4)?.map(Celsius::new),
        layer: read_layer(row, 16)?,
        quality,
    };
    let derived = Derived {
        tov_m3: row.get(7)?,
        fw_m3: row.get(8)?,
        oil_m3: row.get(9)?,
        gov_m3: row.get(10)?,
        gsv_m3: row.get(11)?,
        nsv_m3: row.get(12)?,
        mass_t: row.get(13)?,
        ullage_m3: row.get(14)?,
        flow_m3h: row.get(15)?,
        emulsion_m3: row.get(17)?,
        emulsion_water_m3: row.get(18)?,
        ..Derived::default()
    };
    Ok(Stored { id: row.get(0)?, reading, basis: row.get(6)?, derived })
}

fn replace(
    transaction: &Transaction<'_>,
    id: i64,
    derived: &Derived,
    basis: Option<&str>,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO superseded (reading_id, replaced_ms, basis, geometry_digest, tov_m3, fw_m3, oil_m3, gov_m3, gsv_m3,
                                     nsv_m3, mass_t, ullage_m3, flow_m3h, emulsion_m3, emulsion_water_m3)
             SELECT id, ?2, basis, geometry_digest, tov_m3, fw_m3, oil_m3, gov_m3, gsv_m3, nsv_m3, mass_t, ullage_m3,
                    flow_m3h, emulsion_m3, emulsion_water_m3
             FROM reading WHERE id = ?1",
        )?
        .execute(params![id, now.get()])?;
    transaction
        .prepare_cached(
            "UPDATE reading SET basis = ?2, geometry_digest = NULL, tov_m3 = ?3, fw_m3 = ?4, oil_m3 = ?5, gov_m3 = ?6,
                                gsv_m3 = ?7, nsv_m3 = ?8, mass_t = ?9, ullage_m3 = ?10, flow_m3h = ?11,
                                emulsion_m3 = ?12, emulsion_water_m3 = ?13
             WHERE id = ?1",
        )?
        .execute(params![
            id,
            basis,
            derived.tov_m3,
            derived.fw_m3,
            derived.oil_m3,
            derived.gov_m3,
            derived.gsv_m3,
            derived.nsv_m3,
            derived.mass_t,
            derived.ullage_m3,
            derived.flow_m3h,
            derived.emulsion_m3,
            derived.emulsion_water_m3,
        ])?;
    Ok(())
}
