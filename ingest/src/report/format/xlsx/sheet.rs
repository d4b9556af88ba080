//! The sheets.

use std::fmt::Write;

use super::styles::{self, HEADING, STRONG, TEXT, TITLE};
use super::{HEAD, MAIN};
use crate::report::{Cell, Document, Section};

/// A4.
const PAPER: u8 = 9;

/// Writes the first sheet: title, facts, notes and who signs.
pub(super) fn cover(document: &Document) -> String {
    let mut rows = Rows::default();
    if !document.company.is_empty() {
        rows.row(&[(TEXT, &document.company.as_str().into())]);
    }
    rows.row(&[(TITLE, &document.title.as_str().into())]);
    for (name, value) in &document.facts {
        rows.row(&[(TEXT, &name.as_str().into()), (STRONG, &value.as_str().into())]);
    }
    rows.row(&[]);
    for warning in &document.warnings {
        rows.merged(STRONG, warning);
    }
    for note in &document.notes {
        rows.merged(TEXT, note);
    }
    for who in &document.signatures {
        rows.row(&[]);
        rows.row(&[(TEXT, &who.as_str().into())]);
    }
    sheet(0, &[24, 44, 24, 24], &rows, &document.foot)
}

/// Writes the sheet of a table.
pub(super) fn section(section: &Section, foot: &str) -> String {
    let mut rows = Rows::default();
    let headings = heading_rows(section);
    if headings == 2 {
        let groups: Vec<Cell> = section.columns.iter().map(|column| Cell::from(column.group.as_str())).collect();
        rows.row(&groups.iter().map(|cell| (HEADING, cell)).collect::<Vec<_>>());
        let mut first = 0;
        for group in section.columns.chunk_by(|a, b| a.group == b.group) {
            let last = first + group.len() - 1;
            if last > first && !group[0].group.is_empty() {
                let _ = write!(rows.merged, "<mergeCell ref=\"{}1:{}1\"/>", letters(first), letters(last));
                rows.merges += 1;
            }
            first = last + 1;
        }
    }
    let titles: Vec<Cell> = section.columns.iter().map(|column| Cell::from(column.title.as_str())).collect();
    rows.row(&titles.iter().map(|cell| (HEADING, cell)).collect::<Vec<_>>());
    for row in &section.rows {
        let styled = row.cells.iter().map(|cell| match *cell {
            Cell::Number { decimals, signed, stale, .. } => (styles::number(decimals, signed, stale), cell),
            _ => (TEXT, cell),
        });
        rows.row(&styled.collect::<Vec<_>>());
    }
    if section.rows.is_empty() {
        rows.row(&[(TEXT, &section.empty.as_str().into())]);
    }
    let widths: Vec<u16> = section.columns.iter().map(|column| column.width.max(8) + 2).collect();
    sheet(headings, &widths, &rows, foot)
}

/// Gives how many rows of headings a table has.
pub(super) fn heading_rows(section: &Section) -> usize {
    if section.columns.iter().any(|column| !column.group.is_empty()) { 2 } else { 1 }
}

#[derive(Default)]
struct Rows {
    text: String,
    merged: String,
    merges: usize,
    count: usize,
}

impl Rows {
    fn row(&mut self, cells: &[(usize, &Cell)]) {
        self.count += 1;
        let number = self.count;
        let _ = write!(self.text, "<row r=\"{number}\">");
        for (place, (style, cell)) in cells.iter().enumerate() {
            let at = letters(place);
            let _ = match cell {
                Cell::Blank => write!(self.text, "<c r=\"{at}{number}\" s=\"{style}\"/>"),
                Cell::Number { value, .. } if value.is_finite() => {
                    write!(self.text, "<c r=\"{at}{number}\" s=\"{style}\"><v>{value}</v></c>")
                }
                other => write!(
                    self.text,
                    "<c r=\"{at}{number}\" s=\"{style}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
                    escaped(&other.written()),
                ),
            };
        }
        self.text += "</row>";
    }

    /// Adds a row of one text over four columns, as high as it needs.
    fn merged(&mut self, style: usize, words: &str) {
        self.row(&[(style, &words.into())]);
        let number = self.count;
        let lines = words.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>() / 110 + 1;
        let height = 14 * lines;
        self.text = self.text.replace(
            &format!("<row r=\"{number}\">"),
            &format!("<row r=\"{number}\" ht=\"{height}\" customHeight=\"1\">"),
        );
        let _ = write!(self.merged, "<mergeCell ref=\"A{number}:D{number}\"/>");
        self.merges += 1;
    }
}

fn sheet(frozen: usize, widths: &[u16], rows: &Rows, foot: &str) -> String {
    let mut text = format!(
        "{HEAD}<worksheet xmlns=\"{MAIN}\"><sheetPr><pageSetUpPr fitToPage=\"1\"/></sheetPr><sheetViews>\
         <sheetView workbookViewId=\"0\" showGridLines=\"0\">"
    );
    if frozen > 0 {
        let _ = write!(
            text,
            "<pane ySplit=\"{frozen}\" topLeftCell=\"A{}\" activePane=\"bottomLeft\" state=\"frozen\"/>",
            frozen + 1
        );
    }
    text += "</sheetView></sheetViews><cols>";
    for (place, width) in widths.iter().enumerate() {
        let number = place + 1;
        let _ = write!(text, "<col min=\"{number}\" max=\"{number}\" width=\"{width}\" customWidth=\"1\"/>");
    }
    let _ = write!(text, "</cols><sheetData>{}</sheetData>", rows.text);
    if rows.merges > 0 {
        let _ = write!(text, "<mergeCells count=\"{}\">{}</mergeCells>", rows.merges, rows.merged);
    }
    let _ = write!(
        text,
        "<pageMargins left=\"0.4\" right=\"0.4\" top=\"0.5\" bottom=\"0.6\" header=\"0.3\" footer=\"0.3\"/>\
         <pageSetup paperSize=\"{PAPER}\" orientation=\"landscape\" fitToWidth=\"1\" fitToHeight=\"0\"/>\
         <headerFooter><oddFooter>&amp;L{}&amp;R&amp;P / &amp;N</oddFooter></headerFooter></worksheet>",
        escaped(&foot.replace('&', "&&")),
    );
    text
}

/// Gives the letters of a column, from 0: A to Z, AA and so on.
fn letters(place: usize) -> String {
    let last = char::from(b'A' + u8::try_from(place % 26).unwrap_or(0));
    match place / 26 {
        0 => last.to_string(),
        more => format!("{}{last}", letters(more - 1)),
    }
}

/// Writes a text so that it can stand in XML; what XML cannot have is left out.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\t' | '\n' | ' '.. => safe.push(c),
            _ => {}
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_letters_as_a_spreadsheet_counts() {
        let found = [0, 25, 26, 51, 52, 701, 702].map(letters);
        assert_eq!(found, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
        assert_eq!(escaped("a<b>&\"c\u{1}"), "a&lt;b&gt;&amp;&quot;c");
    }
}
