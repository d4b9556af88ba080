//! Strapping tables: the volume at measured heights, from the tank's calibration.

use std::fmt;

use thiserror::Error;

use super::digest::digest;
use super::reach::{Holdings, OutsideCapacity, OutsideTank, Reach};
use crate::units::{CubicMetres, KilogramsPerCubicMetre, Millimetres};

const COLUMNS: [&str; 3] = ["level_mm", "volume_m3", "hydrostatic_m3"];

/// A tank's volume at given heights, with straight lines between them (ISO 7507, GB/T 13235, JJG 168).
///
/// The bottom section, where the floor is not level, is its own rows. The table begins at its first row and ends at
/// its last one; it says nothing about heights below or above.
///
/// A third column may say by how much the shell widens under water of 1000 kg/m3 up to that level (the hydrostatic
/// correction of GB/T 13235 and JJG 168), where the volumes are those of the unloaded shell.
#[derive(Clone, Debug, PartialEq)]
pub struct StrappingTable {
    /// At least two; level increases from row to row, volume does not decrease.
    rows: Vec<Row>,
    /// Whether the rows have a third column.
    hydrostatic: bool,
    digest: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    level_mm: f64,
    volume_m3: f64,
    /// What is added under water of 1000 kg/m3; 0 in a table of two columns.
    hydrostatic_m3: f64,
}

/// One thing that is wrong with the text of a strapping table.
///
/// `row` counts the rows of the text from 1, the heading, comments and empty rows among them, as an editor does.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum TableError {
    /// A row has not the columns of a table, or not those of the rows before.
    #[error("row {row}: {text:?} has {columns} column(s), but must have {}, with a comma between", wanted.words())]
    Columns {
        /// Where it stands.
        row: usize,
        /// The whole row.
        text: String,
        /// How many columns it has.
        columns: usize,
        /// How many it must have.
        wanted: Columns,
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

/// A row whose volume looks like a slip of the pen, though the table is right by its rules.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Slip {
    /// The level of the row.
    pub level: Millimetres,
    /// The volume that does not fit its neighbours.
    pub volume: CubicMetres,
}

impl fmt::Display for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}, which does not fit the rows around", self.volume, self.level)
    }
}

/// How many columns a table has. The heading says it, or else the first row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// `level_mm,volume_m3`.
    Two,
    /// `level_mm,volume_m3,hydrostatic_m3`.
    Three,
}

impl Columns {
    const fn count(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Three => 3,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Two => "two, level_mm,volume_m3",
            Self::Three => "three, level_mm,volume_m3,hydrostatic_m3",
        }
    }
}

impl StrappingTable {
    /// Reads a table of rows `level_mm,volume_m3` or `level_mm,volume_m3,hydrostatic_m3`.
    ///
    /// A heading with these names may stand above the rows. Empty rows, and what follows a `#`, do not count.
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
        let columns = columns_of(contents.peek().map_or("", |(_, line)| line));
        let heading = |line: &str| line.split(',').map(str::trim).eq(COLUMNS.into_iter().take(columns.count()));
        contents.next_if(|(_, line)| heading(line));
        let mut given = 0_usize;
        for (row, line) in contents {
            given += 1;
            let Some(next) = parse_row(row, line, columns, &mut errors) else {
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
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self { digest: digest(&canonical(&rows, columns)), rows, hydrostatic: columns == Columns::Three })
    }

    /// Gives the volume below `level`, on the straight line between the two rows around it.
    ///
    /// # Errors
    /// [`OutsideTank`] when `level` is below the first row or above the last one, or is no number.
    pub fn volume_at(&self, level: Millimetres) -> Result<CubicMetres, OutsideTank> {
        self.interpolate(level, |row| row.volume_m3)
    }

    /// Gives what the shell holds more at `level` under a liquid of `density`; 0 when the table does not say.
    ///
    /// # Errors
    /// [`OutsideTank`] when `level` is below the first row or above the last one, or is no number.
    pub fn hydrostatic_at(
        &self,
        level: Millimetres,
        density: KilogramsPerCubicMetre,
    ) -> Result<CubicMetres, OutsideTank> {
        let under_water = self.interpolate(level, |row| row.hydrostatic_m3)?;
        Ok(CubicMetres::new(under_water.get() * density.get() / 1000.0))
    }

    /// Tells whether the table has the hydrostatic correction.
    #[must_use]
    pub const fn has_hydrostatic(&self) -> bool {
        self.hydrostatic
    }

    /// Gives the level below which there is `volume`: the lowest, where several have the same.
    ///
    /// # Errors
    /// [`OutsideCapacity`] when `volume` is below that of the first row or above that of the last, or is no number.
    pub fn level_at(&self, volume: CubicMetres) -> Result<Millimetres, OutsideCapacity> {
        let least = CubicMetres::new(self.rows[0].volume_m3);
        let volume_m3 = Holdings { least, capacity: self.capacity() }.admit(volume)?.get();
        let above = self.rows.partition_point(|row| row.volume_m3 < volume_m3);
        let upper = self.rows[above];
        if upper.volume_m3 == volume_m3 {
            return Ok(Millimetres::new(upper.level_mm));
        }
        let lower = self.rows[above - 1];
        let part = (volume_m3 - lower.volume_m3) / (upper.volume_m3 - lower.volume_m3);
        let level = lower.level_mm + part * (upper.level_mm - lower.level_mm);
        Ok(Millimetres::new(level.min(upper.level_mm)))
    }

    /// Gives the rows below and above a level, or the one at it twice: level and volume.
    ///
    /// # Errors
    /// [`OutsideTank`] when `level` is below the first row or above the last one, or is no number.
    pub fn rows_around(&self, level: Millimetres) -> Result<[(Millimetres, CubicMetres); 2], OutsideTank> {
        let level_mm = self.reach().admit(level)?.get();
        let above = self.rows.partition_point(|row| row.level_mm < level_mm);
        let upper = self.rows[above];
        let lower = if upper.level_mm == level_mm { upper } else { self.rows[above - 1] };
        Ok([lower, upper].map(|row| (Millimetres::new(row.level_mm), CubicMetres::new(row.volume_m3))))
    }

    /// Gives the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
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

    /// Tells the rows whose volume looks like a slip of the pen: too much gained before it and too little after, or the
    /// other way round, by more than a tenth of what the rows around gain.
    #[must_use]
    pub fn slips(&self) -> Vec<Slip> {
        const AROUND: usize = 3;
        const PART: f64 = 0.1;
        let gain = |pair: &[Row]| (pair[1].volume_m3 - pair[0].volume_m3) / (pair[1].level_mm - pair[0].level_mm);
        let gains: Vec<f64> = self.rows.windows(2).map(gain).collect();
        let odd = |index: usize| {
            let around = [
                gains[index.saturating_sub(AROUND)..index].as_ref(),
                &gains[index + 2..(index + 2 + AROUND).min(gains.len())],
            ];
            let mut around = around.concat();
            around.sort_by(f64::total_cmp);
            let usual = *around.get(around.len() / 2)?;
            let (before, after) = (gains[index] / usual - 1.0, gains[index + 1] / usual - 1.0);
            let slip = before.abs().min(after.abs()) > PART && before * after < 0.0;
            let Row { level_mm, volume_m3, .. } = self.rows[index + 1];
            slip.then_some(Slip { level: Millimetres::new(level_mm), volume: CubicMetres::new(volume_m3) })
        };
        (0..gains.len().saturating_sub(1)).filter_map(odd).collect()
    }

    fn interpolate(&self, level: Millimetres, column: fn(&Row) -> f64) -> Result<CubicMetres, OutsideTank> {
        let level_mm = self.reach().admit(level)?.get();
        let above = self.rows.partition_point(|row| row.level_mm < level_mm);
        let upper = self.rows[above];
        if upper.level_mm == level_mm {
            return Ok(CubicMetres::new(column(&upper)));
        }
        // Above the first row, or `admit` had refused it; so there is a row below.
        let lower = self.rows[above - 1];
        let part = (level_mm - lower.level_mm) / (upper.level_mm - lower.level_mm);
        let (from, to) = (column(&lower), column(&upper));
        Ok(CubicMetres::new((from + part * (to - from)).clamp(from.min(to), from.max(to))))
    }

    fn last(&self) -> Row {
        self.rows[self.rows.len() - 1]
    }
}

fn columns_of(line: &str) -> Columns {
    if line.split(',').count() == Columns::Three.count() { Columns::Three } else { Columns::Two }
}

fn parse_row(row: usize, line: &str, wanted: Columns, errors: &mut Vec<TableError>) -> Option<Row> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    if cells.len() != wanted.count() {
        errors.push(TableError::Columns { row, text: line.to_owned(), columns: cells.len(), wanted });
        return None;
    }
    // All before any `?`, so that all are told of.
    let mut numbers = cells.iter().zip(COLUMNS).map(|(cell, column)| parse_number(row, column, cell, errors));
    let (level, volume, hydrostatic) = (numbers.next()?, numbers.next()?, numbers.next().unwrap_or(Some(0.0)));
    Some(Row { level_mm: level?, volume_m3: volume?, hydrostatic_m3: hydrostatic? })
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
fn canonical(rows: &[Row], columns: Columns) -> String {
    let row = |row: &Row| match columns {
        Columns::Two => format!("{},{}\n", row.level_mm, row.volume_m3),
        Columns::Three => format!("{},{},{}\n", row.level_mm, row.volume_m3, row.hydrostatic_m3),
    };
    std::iter::once("strapping-table\n".to_owned()).chain(rows.iter().map(row)).collect()
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
