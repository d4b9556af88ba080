//! CSV by RFC 4180: each table under its heading, a blank line between.

use std::borrow::Cow;
use std::fmt::Write;

use crate::report::document::rounded;
use crate::report::{Cell, Document};

/// Decimals of a number beyond those that are shown, so that sums can be checked.
const MORE_DECIMALS: u8 = 4;

/// Writes the report as CSV in UTF-8, with a mark in front by which a spreadsheet knows that.
///
/// A number that is not of the time that it stands for has a `*` in its cell, so that it is no number to a program.
#[must_use]
pub fn csv(document: &Document) -> String {
    let mut text = "\u{feff}".to_owned();
    line(&mut text, [document.title.as_str(), &document.company]);
    for (name, value) in &document.facts {
        line(&mut text, [name.as_str(), value]);
    }
    for warning in &document.warnings {
        line(&mut text, [warning.as_str()]);
    }
    for section in &document.sections {
        text += "\r\n";
        line(&mut text, [section.title.as_str()]);
        line(
            &mut text,
            section.columns.iter().map(|column| {
                if column.group.is_empty() {
                    Cow::from(&column.title)
                } else {
                    format!("{} {}", column.group, column.title).into()
                }
            }),
        );
        for row in &section.rows {
            line(&mut text, row.cells.iter().map(cell));
        }
    }
    text += "\r\n";
    for note in &document.notes {
        line(&mut text, [note.as_str()]);
    }
    text
}

fn cell(cell: &Cell) -> String {
    match *cell {
        Cell::Number { value, decimals, stale, .. } => {
            let decimals = if decimals == 0 { 0 } else { MORE_DECIMALS.max(decimals) };
            rounded(value, decimals) + if stale { "*" } else { "" }
        }
        Cell::Unknown => String::new(),
        ref other => other.written(),
    }
}

fn line<T: AsRef<str>>(text: &mut String, fields: impl IntoIterator<Item = T>) {
    for (place, field) in fields.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        let field = field.as_ref();
        if field.contains([',', '"', '\r', '\n']) {
            let _ = write!(text, "\"{}\"", field.replace('"', "\"\""));
        } else {
            *text += field;
        }
    }
    *text += "\r\n";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_as_the_rfc_says() {
        let mut text = String::new();
        line(&mut text, ["a", "b,c", "d \"e\"", "", "f\ng"]);
        assert_eq!(text, "a,\"b,c\",\"d \"\"e\"\"\",,\"f\ng\"\r\n");
    }

    #[test]
    fn numbers_keep_digits_for_sums() {
        assert_eq!(cell(&Cell::number(Some(4_225.176_05), 2)), "4225.1761");
        assert_eq!(cell(&Cell::number(Some(9641.0), 0)), "9641");
        assert_eq!(cell(&Cell::number(Some(1.5), 1).stale_if(true)), "1.5000*");
        assert_eq!(cell(&Cell::Unknown), "");
    }
}
