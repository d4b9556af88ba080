//! What a tank held at a boundary of the day.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use tankline_domain::units::UnixMillis;

use super::Amounts;
use crate::stations::DescribedTank;
use crate::store::read_layer;

/// How far from a boundary a reading may be and still stand for it.
const FURTHEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A good reading that stands for a boundary of the day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// When it was read.
    pub at: UnixMillis,
    /// How far from the boundary that is, ms.
    pub away_ms: i64,
    /// Whether that is further than the gauge is ever silent: then it is only the nearest that there is.
    pub stale: bool,
    /// Liquid level above the tank bottom, mm.
    pub level_mm: Option<f64>,
    /// Interface above the tank bottom, mm.
    pub interface_mm: Option<f64>,
    /// Temperature of the liquid, degC.
    pub temperature_c: Option<f64>,
    /// What the tank held.
    pub amounts: Amounts,
    /// The transition layer by which water and oil are divided; absent where it is taken for a step.
    pub emulsion: Option<Emulsion>,
}

/// A transition layer, and what is in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Emulsion {
    /// Where it begins above the tank bottom, mm.
    pub bottom_mm: f64,
    /// Where it ends, mm.
    pub top_mm: f64,
    /// All that is in it, m3.
    pub all_m3: f64,
    /// The water of it, m3. It is neither free water nor oil.
    pub water_m3: f64,
}

/// Finds the good reading nearest to a boundary.
pub(super) fn standing(
    connection: &Connection,
    tank: &DescribedTank,
    boundary: UnixMillis,
    may_be_silent: Duration,
) -> rusqlite::Result<Option<Standing>> {
    let furthest = i64::try_from(FURTHEST.as_millis()).unwrap_or(i64::MAX);
    let (site, name) = (tank.site.as_str(), tank.tank.name.as_str());
    let find = |sql: &str| -> rusqlite::Result<Option<(i64, i64)>> {
        let place = params![site, name, boundary.get(), furthest];
        connection.prepare_cached(sql)?.query_row(place, |row| Ok((row.get(0)?, row.get(1)?))).optional()
    };
    let before = find(
        "SELECT id, at_ms FROM reading WHERE site = ?1 AND tank = ?2 AND at_ms <= ?3 AND at_ms >= ?3 - ?4
               AND quality_code = 192 ORDER BY at_ms DESC LIMIT 1",
    )?;
    let after = find(
        "SELECT id, at_ms FROM reading WHERE site = ?1 AND tank = ?2 AND at_ms > ?3 AND at_ms <= ?3 + ?4
               AND quality_code = 192 ORDER BY at_ms LIMIT 1",
    )?;
    let away = |at_ms: i64| (at_ms - boundary.get()).abs();
    let Some((id, at_ms)) = before.into_iter().chain(after).min_by_key(|found| away(found.1)) else {
        return Ok(None);
    };
    let found = connection
        .prepare_cached(
            "SELECT level_mm, interface_mm, temperature_c, tov_m3, fw_m3, gsv_m3, nsv_m3, mass_t, layer, emulsion_m3,
                    emulsion_water_m3 FROM reading
             WHERE id = ?1",
        )?
        .query_row([id], |row| {
            Ok(Standing {
                at: UnixMillis::new(at_ms),
                away_ms: away(at_ms),
                stale: u128::try_from(away(at_ms)).is_ok_and(|away| away > may_be_silent.as_millis()),
                level_mm: row.get(0)?,
                interface_mm: row.get(1)?,
                temperature_c: row.get(2)?,
                emulsion: emulsion(row)?,
                amounts: Amounts::new([row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?]),
            })
        })?;
    Ok(Some(found))
}

fn emulsion(row: &Row<'_>) -> rusqlite::Result<Option<Emulsion>> {
    let Some((layer, all_m3)) = read_layer(row, 8)?.zip(row.get::<_, Option<f64>>(9)?) else { return Ok(None) };
    let water_m3 = row.get::<_, Option<f64>>(10)?.unwrap_or_default();
    Ok(Some(Emulsion { bottom_mm: layer.bottom().get(), top_mm: layer.top().get(), all_m3, water_m3 }))
}
