//! A report as tables of words and numbers: what every format is written from, so that all say the same.

use crate::config::Language;

/// A whole report.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Language of its words.
    pub language: Language,
    /// What it is.
    pub title: String,
    /// Whose it is; empty where that is not said.
    pub company: String,
    /// Names and values that stand above everything.
    pub facts: Vec<(String, String)>,
    /// What a reader has to know first, such as that the day is not over.
    pub warnings: Vec<String>,
    /// The tables.
    pub sections: Vec<Section>,
    /// What the words and marks mean.
    pub notes: Vec<String>,
    /// Who signs.
    pub signatures: Vec<String>,
    /// What stands at the foot of each page.
    pub foot: String,
}

/// A table with a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Heading.
    pub title: String,
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows, each with a cell for every column.
    pub rows: Vec<Row>,
    /// What is said when there are no rows.
    pub empty: String,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Heading over this and its neighbours with the same; empty where there is none.
    pub group: String,
    /// Heading.
    pub title: String,
    /// Width beside that of the other columns, in characters or so.
    pub width: u16,
    /// Whether it holds numbers, which stand at the right.
    pub numbers: bool,
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its cells.
    pub cells: Vec<Cell>,
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing: it does not apply.
    Blank,
    /// It applies and is not known.
    Unknown,
    /// A text.
    Text(String),
    /// A number.
    Number {
        /// The number, unrounded.
        value: f64,
        /// Decimals that are shown.
        decimals: u8,
        /// Whether a sign is shown also when it is positive.
        signed: bool,
        /// Whether it is marked as not of the time that it stands for.
        stale: bool,
    },
}

impl Column {
    /// Makes a column of texts.
    #[must_use]
    pub fn text(title: &str, width: u16) -> Self {
        Self { group: String::new(), title: title.to_owned(), width, numbers: false }
    }

    /// Makes a column of numbers.
    #[must_use]
    pub fn number(group: &str, title: &str, width: u16) -> Self {
        Self { group: group.to_owned(), title: title.to_owned(), width, numbers: true }
    }
}

impl Cell {
    /// Makes a cell of a number that may not be known.
    #[must_use]
    pub fn number(value: Option<f64>, decimals: u8) -> Self {
        value.map_or(Self::Unknown, |value| Self::Number { value, decimals, signed: false, stale: false })
    }

    /// Makes a cell of a difference that may not be known.
    #[must_use]
    pub fn difference(value: Option<f64>, decimals: u8) -> Self {
        value.map_or(Self::Unknown, |value| Self::Number { value, decimals, signed: true, stale: false })
    }

    /// Marks a number as not of the time that it stands for.
    #[must_use]
    pub fn stale_if(self, is: bool) -> Self {
        match self {
            Self::Number { value, decimals, signed, stale } => {
                Self::Number { value, decimals, signed, stale: stale || is }
            }
            other => other,
        }
    }

    /// Writes it as a person reads it; a number that is stale has a `*` behind it.
    #[must_use]
    pub fn written(&self) -> String {
        match self {
            Self::Blank => String::new(),
            Self::Unknown => "-".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Number { value, decimals, signed, stale } => {
                let mut text = rounded(*value, *decimals);
                if *signed && *value > 0.0 && text.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
                    text.insert(0, '+');
                }
                if *stale {
                    text.push('*');
                }
                text
            }
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        if text.is_empty() { Self::Blank } else { Self::Text(text.to_owned()) }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        if text.is_empty() { Self::Blank } else { Self::Text(text) }
    }
}

/// Writes a number with so many decimals, and nothing as `0`, not `-0`.
pub(super) fn rounded(value: f64, decimals: u8) -> String {
    let text = format!("{value:.*}", usize::from(decimals));
    match text.strip_prefix('-') {
        Some(plain) if plain.bytes().all(|byte| matches!(byte, b'0' | b'.')) => plain.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_rounded_with_sign_and_mark() {
        let written = |value: f64| Cell::number(Some(value), 2).written();
        assert_eq!([written(4225.176), written(-0.001), written(-0.5)], ["4225.18", "0.00", "-0.50"]);
        let difference = |value: f64| Cell::difference(Some(value), 1).written();
        assert_eq!([difference(2.0), difference(-2.0), difference(0.04)], ["+2.0", "-2.0", "0.0"]);
        assert_eq!(Cell::number(Some(1.0), 0).stale_if(true).written(), "1*");
        assert_eq!((Cell::number(None, 2).written(), Cell::Blank.written()), ("-".to_owned(), String::new()));
    }
}
