//! `table check`: what a strapping table holds, or everything that is wrong with it.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use tankline_domain::geometry::{Geometry, StrappingTable, TableError};

/// Commands about strapping tables.
#[derive(Debug, Subcommand)]
pub enum TableCommand {
    /// Say everything that is wrong with a strapping table, each with its row, or what it holds.
    ///
    /// A table is a text of rows level_mm,volume_m3, and hydrostatic_m3 where the certificate has it (what the shell widens
    /// under water), from the lowest level up. A heading, empty rows and comments behind a # may stand in it.
    Check {
        /// The table (CSV).
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableCommandError {
    /// The file cannot be read.
    #[error("{} cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The table breaks the rules.
    #[error("{} cannot be used as a strapping table:{}", file.display(), lines(errors))]
    Wrong {
        /// The file.
        file: PathBuf,
        /// All that is wrong with it.
        errors: Vec<TableError>,
    },
}

/// Writes each error on a line, as far as a person reads them.
fn lines(errors: &[TableError]) -> String {
    const READ: usize = 100;
    let more = errors.len().saturating_sub(READ);
    let rest = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    errors.iter().take(READ).map(|error| format!("\n  {error}")).collect::<String>() + &rest
}

/// Does what the command says; gives the text to print.
///
/// # Errors
/// [`TableCommandError`] with everything that is wrong with the table.
pub fn table(command: &TableCommand) -> Result<String, TableCommandError> {
    let TableCommand::Check { file } = command;
    check(file)
}

fn check(file: &Path) -> Result<String, TableCommandError> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| TableCommandError::Unreadable { file: file.to_owned(), source })?;
    let table =
        StrappingTable::from_csv(&text).map_err(|errors| TableCommandError::Wrong { file: file.to_owned(), errors })?;
    Ok(summary(&file.display().to_string(), table))
}

fn summary(origin: &str, table: StrappingTable) -> String {
    let rows = table.rows();
    let hydrostatic = if table.has_hydrostatic() { "yes" } else { "no" };
    let slips: String = table.slips().iter().map(|slip| format!("  look at  {slip}\n")).collect();
    let digest = table.digest().to_owned();
    let geometry = Geometry::Table(table);
    let (bottom, top) = (geometry.bottom(), geometry.height());
    let least = geometry.volume_at(bottom).map_or_else(|error| error.to_string(), |volume| volume.to_string());
    let capacity = geometry.capacity();
    format!(
        "{origin}: nothing is wrong\n  rows     {rows}\n  levels   {bottom} to {top}\n  volumes  {least} to {capacity}\n  \
         load     {hydrostatic} hydrostatic correction\n  digest   {digest}\n{slips}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<String, TableCommandError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.csv");
        std::fs::write(&file, text).unwrap();
        table(&TableCommand::Check { file })
    }

    #[test]
    fn sound_table_is_summed_up() {
        let said = checked("0,0\n1000,10\n2000,30.5\n").unwrap();
        for line in ["rows     3", "levels   0 mm to 2000 mm", "volumes  0 m3 to 30.5 m3", "digest   "] {
            assert!(said.contains(line), "{line} not in {said}");
        }
    }

    #[test]
    fn everything_wrong_is_told_with_its_row() {
        let said = checked("0,0\n1000,ten\n900,5\n900,4\n").unwrap_err().to_string();
        assert_eq!(said.lines().count(), 4, "{said}");
        for part in ["row 2: volume_m3 is \"ten\"", "row 4: level_mm is 900", "row 4: volume_m3 is 4"] {
            assert!(said.contains(part), "{part} not in {said}");
        }
    }

    #[test]
    fn file_that_is_not_there_is_named() {
        let file = PathBuf::from("/nowhere/t.csv");
        let said = table(&TableCommand::Check { file }).unwrap_err().to_string();
        assert_eq!(said, "/nowhere/t.csv cannot be read");
    }
}
