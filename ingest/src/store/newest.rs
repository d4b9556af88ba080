//! The newest readings of a tank, as found at start.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tankline_domain::units::UnixMillis;

use super::layers::read_layer;
use crate::derive::Derived;
use crate::live::Seen;
use crate::stations::DescribedTank;

/// Code of the quality "good" in the column `quality_code`.
const GOOD: u8 = 192;

/// What is known of a tank.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewestOfTank {
    /// The newest reading.
    pub newest: Option<Seen>,
    /// The newest good reading.
    pub last_good: Option<Seen>,
}

/// Finds the newest readings of a tank.
///
/// # Errors
/// What SQLite said.
pub fn newest_of(connection: &Connection, tank: &DescribedTank) -> rusqlite::Result<NewestOfTank> {
    let find = |least_code: u8| {
        connection
            .prepare_cached(
                "SELECT at_ms, committed_ms, level_mm, interface_mm, temperature_c, quality, tov_m3, fw_m3, oil_m3,
                        gov_m3, gsv_m3, nsv_m3, mass_t, ullage_m3, flow_m3h, layer, emulsion_m3, emulsion_water_m3
                 FROM reading WHERE site = ?1 AND tank = ?2 AND quality_code >= ?3 ORDER BY at_ms DESC LIMIT 1",
            )?
            .query_row(params![tank.site.as_str(), tank.tank.name.as_str(), least_code], seen)
            .optional()
    };
    Ok(NewestOfTank { newest: find(0)?, last_good: find(GOOD)? })
}

fn seen(row: &Row<'_>) -> rusqlite::Result<Seen> {
    let quality: String = row.get(5)?;
    let quality = quality
        .parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Text, Box::new(error)))?;
    Ok(Seen {
        at: UnixMillis::new(row.get(0)?),
        received: UnixMillis::new(row.get(1)?),
        level_mm: row.get(2)?,
        interface_mm: row.get(3)?,
        temperature_c: row.get(4)?,
        layer: read_layer(row, 15)?,
        quality,
        derived: Derived {
            tov_m3: row.get(6)?,
            fw_m3: row.get(7)?,
            oil_m3: row.get(8)?,
            gov_m3: row.get(9)?,
            gsv_m3: row.get(10)?,
            nsv_m3: row.get(11)?,
            mass_t: row.get(12)?,
            ullage_m3: row.get(13)?,
            flow_m3h: row.get(14)?,
            emulsion_m3: row.get(16)?,
            emulsion_water_m3: row.get(17)?,
            ..Derived::default()
        },
    })
}
