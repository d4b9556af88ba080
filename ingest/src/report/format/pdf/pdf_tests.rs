//! Tests of the PDF, as far as they need no reader of PDF.

use super::*;
use crate::config::Language;
use crate::report::{Cell, Column, Row, Section};

fn document(title: &str) -> Document {
    let columns = vec![Column::text("Tank", 10), Column::number("TOV", "Opening", 10)];
    let row = |number: u32| Row { cells: vec!["T-01".into(), Cell::number(Some(f64::from(number)), 2)] };
    let section =
        Section { title: "Stocks".to_owned(), columns, rows: (0..100).map(row).collect(), empty: String::new() };
    Document {
        language: Language::En,
        title: title.to_owned(),
        company: String::new(),
        facts: Vec::new(),
        warnings: Vec::new(),
        sections: vec![section],
        notes: vec!["a note".to_owned()],
        signatures: vec!["Prepared by".to_owned()],
        foot: "foot".to_owned(),
    }
}

fn count(bytes: &[u8], what: &str) -> usize {
    bytes.windows(what.len()).filter(|window| *window == what.as_bytes()).count()
}

#[test]
fn long_table_goes_over_pages_with_its_headings_on_each() {
    let bytes = pdf(&document("Daily tank report"), None).unwrap();
    assert!(bytes.starts_with(b"%PDF-1.7"));
    let pages = count(&bytes, "/Type /Page\n");
    assert!((3..=4).contains(&pages), "{pages}");
    assert_eq!(count(&bytes, "(Opening) Tj"), pages);
    assert_eq!(count(&bytes, "(99.00) Tj"), 1);
    assert_eq!(count(&bytes, &format!("(1 / {pages}) Tj")), 1);
}

#[test]
fn letter_that_no_font_has_is_named_with_what_to_do() {
    let said = pdf(&document("日报"), None).unwrap_err().to_string();
    assert!(said.contains("'日'") && said.contains("--font FILE"), "{said}");
    let font = FontFile { name: "notes.txt", bytes: b"no font" };
    let said = pdf(&document("Daily"), Some(font)).unwrap_err().to_string();
    assert!(said.starts_with("notes.txt cannot be embedded: "), "{said}");
}
