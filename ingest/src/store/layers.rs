//! Transition layers in the table of readings.

use rusqlite::Row;
use rusqlite::types::{Type, ValueRef};
use tankline_domain::layer::TransitionLayer;

/// Writes a layer as it stands in the column `layer`: as on the wire.
pub(super) fn stored_layer(layer: &TransitionLayer) -> String {
    serde_json::to_string(layer).expect("points are plain numbers")
}

/// Reads a layer from a column.
pub(crate) fn read_layer(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<TransitionLayer>> {
    let text = match row.get_ref(column)? {
        ValueRef::Null => return Ok(None),
        value => value.as_bytes()?,
    };
    let wrong = |error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error));
    serde_json::from_slice(text).map(Some).map_err(wrong)
}
