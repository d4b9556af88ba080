//! Strapping tables: the volume at measured heights, from the tank's calibration.

use thiserror::Error;

use super::digest::digest;
use super::reach::{OutsideTank, Reach};
use crate::units::{CubicMetres, Millimetres};

const COLUMNS: [&str; 2] = ["level_mm", "volume_m3"];

/// A tank's volume at given heights, with straight lines between them (ISO 7507, GB/T 13235, JJG 168).
///
/// The bottom section, where the floor is not level, is its own rows. The table begins at its first row and ends at
/// its last one; it says nothing about heights below or above.
#[derive(Clone, Debug, PartialEq)]
pub struct StrappingTable {
    /// At least two; level increases from row to row, volume does not decrease.
    rows: Vec<Row>,
    digest: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    level_mm: f64,
    volume_m3: f64,
}

/// One thing that is wrong with the text of a strapping table.
///
/// `row` counts the rows of the text from 1, the heading, comments and empty rows among them, as an editor does.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum TableError {
    /// A row has not two columns.
    #[error("row {row}: {text:?} has {columns} column(s), but must have two, level_mm,volume_m3, with a comma between")]
    Columns {
        /// Where it stands.
        row: usize,
        /// The whole row.
        text: String,
        /// How many columns it has.
        columns: usize,
    },
    /// A level or volume is no number, or not a finite one.
    #[error("row {row}: {column} is {text:?}, but must be a number, such as 1250 or 37.5")]
    NotANumber {
        /// Where it stands.
        row: usize,
        /// Which of the two columns.
        column: &'static str,
        /// What stands there.
        text: String,
    },
    /// A level or volume is below 0.
    #[error("row {row}: {column} is {value}, but must be 0 or more")]
    Negative {
        /// Where it stands.
        row: usize,
        /// Which of the two columns.
        column: &'static str,
        /// What stands there.
        value: f64,
    },
    /// A level is not above the one before it.
    #[error("row {row}: level_mm is {level}, but must be more than the {before} of the row before")]
    LevelNotIncreasing {
        /// Where it stands.
        row: usize,
        /// The level of that row, mm.
        level: f64,
        /// The level of the row before, mm.
        before: f64,
    },
    /// A volume is less than the one before it.
    #[error("row {row}: volume_m3 is {volume}, but must not be less than the {before} of the row before")]
    VolumeDecreasing {
        /// Where it stands.
        row: usize,
        /// The volume of that row, m3.
        volume: f64,
        /// The volume of the row before, m3.
        before: f64,
    },
    /// There are too few rows to draw a line between.
    #[error("the table has {rows} row(s) of numbers, but must have at least 2")]
    TooFewRows {
        /// How many rows of numbers there are.
        rows: usize,
    },
}

impl StrappingTable {
    /// Reads a table of rows `level_mm,volume_m3`.
    ///
    /// A heading with these two names may stand above the rows. Empty rows, and what follows a `#`, do not count.
    ///
    /// # Errors
    /// All that is wrong with the table, each [`TableError`] with its row.
    pub fn from_csv(text: &str) -> Result<Self, Vec<TableError>> {
        let mut errors = Vec::new();
        let mut rows: Vec<Row> = Vec::new();
        let mut contents = text
            .trim_start_matches('\u{feff}')
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim())
            .enumerate()
            .filter(|(_, line)| !line.is_empty())
            .map(|(index, line)| (index + 1, line))
            .peekable();
        contents.next_if(|(_, line)| line.split(',').map(str::trim).eq(COLUMNS));
        let mut given = 0_usize;
        for (row, line) in contents {
            given += 1;
            let Some(next) = parse_row(row, line, &mut errors) else {
                continue;
            };
            if let Some(before) = rows.last() {
                compare(row, *before, next, &mut errors);
            }
            rows.push(next);
        }
        if given < 2 {
            errors.push(TableError::TooFewRows { rows: given });
        }
        if errors.is_empty() { Ok(Self { digest: digest(&canonical(&rows)), rows }) } else { Err(errors) }
    }

    /// Gives the volume below `level`, on the straight line between the two rows around it.
    ///
    /// # Errors
    /// [`OutsideTank`] when `level` is below the first row or above the last one, or is no number.
    pub fn volume_at(&self, level: Millimetres) -> Result<CubicMetres, OutsideTank> {
        let level_mm = self.reach().admit(level)?.get();
        let above = self.rows.partition_point(|row| row.level_mm < level_mm);
        let upper = self.rows[above];
        if upper.level_mm == level_mm {
            return Ok(CubicMetres::new(upper.volume_m3));
        }
        // Above the first row, or `admit` had refused it; so there is a row below.
        let lower = self.rows[above - 1];
        let part = (level_mm - lower.level_mm) / (upper.level_mm - lower.level_mm);
        let volume = lower.volume_m3 + part * (upper.volume_m3 - lower.volume_m3);
        Ok(CubicMetres::new(volume.min(upper.volume_m3)))
    }

    /// Gives the volume at the last row.
    #[must_use]
    pub fn capacity(&self) -> CubicMetres {
        CubicMetres::new(self.last().volume_m3)
    }

    /// Gives the level of the last row.
    #[must_use]
    pub fn height(&self) -> Millimetres {
        Millimetres::new(self.last().level_mm)
    }

    /// Gives the first 16 hexadecimal digits of the SHA-256 of the rows.
    ///
    /// Comments and the way in which the numbers are written do not change it.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub(super) fn reach(&self) -> Reach {
        Reach { bottom: Millimetres::new(self.rows[0].level_mm), height: self.height() }
    }

    fn last(&self) -> Row {
        self.rows[self.rows.len() - 1]
    }
}

fn parse_row(row: usize, line: &str, errors: &mut Vec<TableError>) -> Option<Row> {
    let columns: Vec<&str> = line.split(',').map(str::trim).collect();
    let [level, volume] = columns[..] else {
        errors.push(TableError::Columns { row, text: line.to_owned(), columns: columns.len() });
        return None;
    };
    // Both before either `?`, so that both are told of.
    let level = parse_number(row, COLUMNS[0], level, errors);
    let volume = parse_number(row, COLUMNS[1], volume, errors);
    Some(Row { level_mm: level?, volume_m3: volume? })
}

fn parse_number(row: usize, column: &'static str, text: &str, errors: &mut Vec<TableError>) -> Option<f64> {
    match text.parse::<f64>() {
        // Adding 0 turns -0 into 0, which has another canonical text.
        Ok(value) if value.is_finite() && value >= 0.0 => Some(value + 0.0),
        Ok(value) if value.is_finite() => {
            errors.push(TableError::Negative { row, column, value });
            None
        }
        _ => {
            errors.push(TableError::NotANumber { row, column, text: text.to_owned() });
            None
        }
    }
}

fn compare(row: usize, before: Row, next: Row, errors: &mut Vec<TableError>) {
    if next.level_mm <= before.level_mm {
        errors.push(TableError::LevelNotIncreasing { row, level: next.level_mm, before: before.level_mm });
    }
    if next.volume_m3 < before.volume_m3 {
        errors.push(TableError::VolumeDecreasing { row, volume: next.volume_m3, before: before.volume_m3 });
    }
}

/// The text that the digest covers; a change here changes every digest.
fn canonical(rows: &[Row]) -> String {
    let rows = rows.iter().map(|row| format!("{},{}\n", row.level_mm, row.volume_m3));
    std::iter::once("strapping-table\n".to_owned()).chain(rows).collect()
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
