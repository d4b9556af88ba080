//! The book of dips in the operational database.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tankline_domain::layer::TransitionLayer;
use tankline_domain::names::{SiteName, TankName};
use tankline_domain::quantity::Basis;
use tankline_domain::units::{Celsius, Millimetres, UnixMillis};

use super::{Dip, DipError, GivenDip, Measures, NEAR, Side};
use crate::derive::divisions;
use crate::stations::DescribedTank;
use crate::store::read_layer;

/// Why a dip is not recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It cannot be.
    #[error(transparent)]
    Dip(#[from] DipError),
    /// The database failed; nothing is recorded.
    #[error("the database failed; the dip is not recorded")]
    Database(#[from] rusqlite::Error),
}

/// Why a dip is not revoked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// There is none.
    #[error("there is no dip {id}")]
    Unknown {
        /// The number asked for.
        id: i64,
    },
    /// It was revoked before.
    #[error("dip {id} was revoked at {at} by {by}")]
    Before {
        /// Its number.
        id: i64,
        /// When.
        at: UnixMillis,
        /// By whom.
        by: String,
    },
    /// The database failed; nothing is revoked.
    #[error("the database failed; the dip is not revoked")]
    Database(#[from] rusqlite::Error),
}

/// Which dips are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Of this site only.
    pub site: Option<SiteName>,
    /// Of this tank only.
    pub tank: Option<TankName>,
    /// From this moment on.
    pub from: Option<UnixMillis>,
    /// Before this moment.
    pub to: Option<UnixMillis>,
}

/// Records a dip beside the good reading of the gauge that is nearest in time.
///
/// # Errors
/// [`RecordError`].
pub fn record(
    connection: &Connection,
    tank: &DescribedTank,
    given: &GivenDip,
    now: UnixMillis,
) -> Result<Dip, RecordError> {
    given.check(tank.basis.geometry(), now)?;
    settle(connection, tank)?;
    let found = nearest(connection, tank, given.at)?;
    let gauge = found.as_ref().map(|gauge| of_gauge(&tank.basis, gauge));
    let hand = by_hand(&tank.basis, given.at, given.measures, found.as_ref());
    let (by, note) = (given.by.trim(), given.note.as_deref().map(str::trim).filter(|note| !note.is_empty()));
    connection.execute(
        "INSERT INTO dip (site, tank, at_ms, level_mm, interface_mm, temperature_c, taken_by, note, recorded_ms,
                          gauge_at_ms, gauge_level_mm, gauge_interface_mm, gauge_temperature_c, tov_m3, nsv_m3,
                          gauge_tov_m3, gauge_nsv_m3, basis)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        params![
            tank.site.as_str(),
            tank.tank.name.as_str(),
            given.at.get(),
            given.measures.level_mm,
            given.measures.interface_mm,
            given.measures.temperature_c,
            by,
            note,
            now.get(),
            gauge.map(|gauge| gauge.at_ms.get()),
            gauge.map(|gauge| gauge.measures.level_mm),
            gauge.and_then(|gauge| gauge.measures.interface_mm),
            gauge.and_then(|gauge| gauge.measures.temperature_c),
            hand.tov_m3,
            hand.nsv_m3,
            gauge.and_then(|gauge| gauge.tov_m3),
            gauge.and_then(|gauge| gauge.nsv_m3),
            tank.basis.digest(),
        ],
    )?;
    Ok(Dip {
        id: connection.last_insert_rowid(),
        site: tank.site.clone(),
        tank: tank.tank.name.clone(),
        hand,
        gauge,
        by: by.to_owned(),
        note: note.map(str::to_owned),
        recorded_ms: now,
        revoked_ms: None,
        revoked_by: None,
    })
}

/// Sets dips of a tank that no reading stood beside yet beside those that have come since: after an outage of its edge
/// readings come late. What is in the database stays.
///
/// # Errors
/// What SQLite said.
pub fn complete(connection: &Connection, tank: &DescribedTank, dips: &mut [Dip]) -> rusqlite::Result<()> {
    let is_its = |dip: &&mut Dip| dip.site == tank.site && dip.tank == tank.tank.name && dip.gauge.is_none();
    for dip in dips.iter_mut().filter(is_its) {
        if let Some(gauge) = nearest(connection, tank, dip.hand.at_ms)? {
            dip.gauge = Some(of_gauge(&tank.basis, &gauge));
            dip.hand = by_hand(&tank.basis, dip.hand.at_ms, dip.hand.measures, Some(&gauge));
        }
    }
    Ok(())
}

/// The same in the database, so that it stays when old readings go.
fn settle(connection: &Connection, tank: &DescribedTank) -> rusqlite::Result<()> {
    let wanted = Wanted { site: Some(tank.site.clone()), tank: Some(tank.tank.name.clone()), ..Wanted::default() };
    let mut waiting = list(connection, &wanted)?;
    waiting.retain(|dip| dip.gauge.is_none() && dip.revoked_ms.is_none());
    complete(connection, tank, &mut waiting)?;
    for (dip, gauge) in waiting.iter().filter_map(|dip| Some((dip, dip.gauge?))) {
        connection.execute(
            "UPDATE dip SET gauge_at_ms = ?2, gauge_level_mm = ?3, gauge_interface_mm = ?4, gauge_temperature_c = ?5,
                            tov_m3 = ?6, nsv_m3 = ?7, gauge_tov_m3 = ?8, gauge_nsv_m3 = ?9, basis = ?10
             WHERE id = ?1",
            params![
                dip.id,
                gauge.at_ms.get(),
                gauge.measures.level_mm,
                gauge.measures.interface_mm,
                gauge.measures.temperature_c,
                dip.hand.tov_m3,
                dip.hand.nsv_m3,
                gauge.tov_m3,
                gauge.nsv_m3,
                tank.basis.digest(),
            ],
        )?;
    }
    Ok(())
}

/// Gives dips, oldest first; those that were revoked too.
///
/// # Errors
/// What SQLite said.
pub fn list(connection: &Connection, wanted: &Wanted) -> rusqlite::Result<Vec<Dip>> {
    let mut statement = connection.prepare_cached(&format!(
        "{SELECT} WHERE (?1 IS NULL OR site = ?1) AND (?2 IS NULL OR tank = ?2) AND at_ms >= ?3 AND at_ms < ?4
         ORDER BY at_ms, id"
    ))?;
    let from = wanted.from.map_or(i64::MIN, UnixMillis::get);
    let to = wanted.to.map_or(i64::MAX, UnixMillis::get);
    let (site, tank) = (wanted.site.as_ref().map(SiteName::as_str), wanted.tank.as_ref().map(TankName::as_str));
    statement.query_map(params![site, tank, from, to], dip)?.collect()
}

/// Revokes a dip: it stays in the book and counts no more.
///
/// # Errors
/// [`RevokeError`].
pub fn revoke(connection: &Connection, id: i64, by: &str, now: UnixMillis) -> Result<Dip, RevokeError> {
    let changed = connection.execute(
        "UPDATE dip SET revoked_ms = ?2, revoked_by = ?3 WHERE id = ?1 AND revoked_ms IS NULL",
        params![id, now.get(), by.trim()],
    )?;
    let found = connection.query_row(&format!("{SELECT} WHERE id = ?1"), [id], dip).optional()?;
    match found {
        None => Err(RevokeError::Unknown { id }),
        Some(Dip { revoked_ms: Some(at), revoked_by, .. }) if changed == 0 => {
            Err(RevokeError::Before { id, at, by: revoked_by.unwrap_or_default() })
        }
        Some(dip) => Ok(dip),
    }
}

const SELECT: &str = "SELECT id, site, tank, at_ms, level_mm, interface_mm, temperature_c, tov_m3, nsv_m3, gauge_at_ms,
        gauge_level_mm, gauge_interface_mm, gauge_temperature_c, gauge_tov_m3, gauge_nsv_m3, taken_by, note, recorded_ms,
        revoked_ms, revoked_by
     FROM dip";

fn dip(row: &Row<'_>) -> rusqlite::Result<Dip> {
    let name = |place: usize, text: String| {
        text.parse().map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(place, rusqlite::types::Type::Text, Box::new(error))
        })
    };
    let gauge = match row.get::<_, Option<i64>>(9)? {
        None => None,
        Some(at_ms) => Some(Side {
            at_ms: UnixMillis::new(at_ms),
            measures: Measures { level_mm: row.get(10)?, interface_mm: row.get(11)?, temperature_c: row.get(12)? },
            tov_m3: row.get(13)?,
            nsv_m3: row.get(14)?,
        }),
    };
    Ok(Dip {
        id: row.get(0)?,
        site: name(1, row.get(1)?)?,
        tank: row.get::<_, String>(2)?.parse().map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, Box::new(error))
        })?,
        hand: Side {
            at_ms: UnixMillis::new(row.get(3)?),
            measures: Measures { level_mm: row.get(4)?, interface_mm: row.get(5)?, temperature_c: row.get(6)? },
            tov_m3: row.get(7)?,
            nsv_m3: row.get(8)?,
        },
        gauge,
        by: row.get(15)?,
        note: row.get(16)?,
        recorded_ms: UnixMillis::new(row.get(17)?),
        revoked_ms: row.get::<_, Option<i64>>(18)?.map(UnixMillis::new),
        revoked_by: row.get(19)?,
    })
}

/// What the gauge read.
struct Gauged {
    at: UnixMillis,
    measures: Measures,
    layer: Option<TransitionLayer>,
}

/// Finds the good reading nearest in time.
fn nearest(connection: &Connection, tank: &DescribedTank, at: UnixMillis) -> rusqlite::Result<Option<Gauged>> {
    let near = i64::try_from(NEAR.as_millis()).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "SELECT at_ms, level_mm, interface_mm, temperature_c, layer FROM reading
             WHERE site = ?1 AND tank = ?2 AND at_ms BETWEEN ?3 - ?4 AND ?3 + ?4 AND quality_code = 192
                   AND level_mm IS NOT NULL
             ORDER BY abs(at_ms - ?3), id LIMIT 1",
        )?
        .query_row(params![tank.site.as_str(), tank.tank.name.as_str(), at.get(), near], |row| {
            let measures = Measures { level_mm: row.get(1)?, interface_mm: row.get(2)?, temperature_c: row.get(3)? };
            Ok(Gauged { at: UnixMillis::new(row.get(0)?), measures, layer: read_layer(row, 4)? })
        })
        .optional()
}

/// Computes the volumes of the gauge.
fn of_gauge(basis: &Basis, gauge: &Gauged) -> Side {
    let (volumes, layer) = (gauge.measures, gauge.layer.as_ref());
    side(basis, gauge.at, gauge.measures, volumes, layer)
}

/// Computes the volumes of a dip. What was not measured by hand is the gauge's; a transition layer never is, and lies on the
/// interface by hand as it does on that of the gauge.
fn by_hand(basis: &Basis, at: UnixMillis, measures: Measures, gauge: Option<&Gauged>) -> Side {
    let other = gauge.map(|gauge| gauge.measures);
    // An interface of the gauge above a level by hand is no interface of it.
    let of_other = other.and_then(|other| other.interface_mm).filter(|interface| *interface <= measures.level_mm);
    let interface_mm = measures.interface_mm.or(of_other);
    let temperature_c = measures.temperature_c.or_else(|| other?.temperature_c);
    let layer = gauge.and_then(|gauge| {
        let by_mm = interface_mm? - gauge.measures.interface_mm?;
        gauge.layer.as_ref()?.raised(Millimetres::new(by_mm), Millimetres::new(measures.level_mm))
    });
    side(basis, at, measures, Measures { interface_mm, temperature_c, ..measures }, layer.as_ref())
}

/// Computes volumes by what is known, of which `measures` were measured.
fn side(
    basis: &Basis,
    at_ms: UnixMillis,
    measures: Measures,
    known: Measures,
    layer: Option<&TransitionLayer>,
) -> Side {
    let (level, interface) = (Millimetres::new(known.level_mm), known.interface_mm.map(Millimetres::new));
    let temperature = known.temperature_c.map(Celsius::new);
    let found = divisions(basis, level, interface, layer, temperature).find_map(|told| basis.quantities(&told).ok());
    Side {
        at_ms,
        measures,
        tov_m3: found.map(|found| found.tov.get()),
        nsv_m3: found.and_then(|found| found.net.ok()).map(|net| net.nsv.get()),
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
