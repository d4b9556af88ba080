//! A workbook (Office Open XML): a sheet for each table, with numbers that can be computed with.
//!
//! Source: ECMA-376 part 1, SpreadsheetML.

mod sheet;
mod styles;
mod zip;

use std::fmt::Write;

use crate::report::Document;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";

/// Writes the report as a workbook.
#[must_use]
pub fn xlsx(document: &Document) -> Vec<u8> {
    let mut names = vec![sheet_name(&document.title)];
    let mut sheets = vec![sheet::cover(document)];
    let mut titles = vec![0];
    for (place, section) in document.sections.iter().enumerate() {
        names.push(sheet_name(&format!("{} {}", place + 1, section.title)));
        sheets.push(sheet::section(section, &document.foot));
        titles.push(sheet::heading_rows(section));
    }
    let mut files = vec![
        ("[Content_Types].xml".to_owned(), content_types(sheets.len())),
        ("_rels/.rels".to_owned(), relations(&[("officeDocument", "xl/workbook.xml".to_owned())])),
        ("xl/workbook.xml".to_owned(), workbook(&names, &titles)),
        ("xl/_rels/workbook.xml.rels".to_owned(), {
            let mut targets: Vec<_> =
                (1..=sheets.len()).map(|place| ("worksheet", format!("worksheets/sheet{place}.xml"))).collect();
            targets.push(("styles", "styles.xml".to_owned()));
            relations(&targets)
        }),
        ("xl/styles.xml".to_owned(), styles::styles()),
    ];
    let numbered = sheets.into_iter().enumerate();
    files.extend(numbered.map(|(place, text)| (format!("xl/worksheets/sheet{}.xml", place + 1), text)));
    zip::archive(&files)
}

/// Gives a name that a sheet can have: up to 31 characters and some not.
fn sheet_name(title: &str) -> String {
    title.chars().filter(|c| !matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\'')).take(31).collect()
}

fn content_types(sheets: usize) -> String {
    let spreadsheet = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let mut text = format!(
        "{HEAD}<Types xmlns=\"{PACKAGE}/content-types\">\
         <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Override PartName=\"/xl/workbook.xml\" ContentType=\"{spreadsheet}.sheet.main+xml\"/>\
         <Override PartName=\"/xl/styles.xml\" ContentType=\"{spreadsheet}.styles+xml\"/>"
    );
    for place in 1..=sheets {
        let _ = write!(
            text,
            "<Override PartName=\"/xl/worksheets/sheet{place}.xml\" ContentType=\"{spreadsheet}.worksheet+xml\"/>"
        );
    }
    text + "</Types>"
}

fn relations(targets: &[(&str, String)]) -> String {
    let mut text = format!("{HEAD}<Relationships xmlns=\"{PACKAGE}/relationships\">");
    for (place, (kind, target)) in targets.iter().enumerate() {
        let id = place + 1;
        let _ = write!(text, "<Relationship Id=\"rId{id}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>");
    }
    text + "</Relationships>"
}

fn workbook(names: &[String], titles: &[usize]) -> String {
    let mut text = format!("{HEAD}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets>");
    for (place, name) in names.iter().enumerate() {
        let (id, name) = (place + 1, sheet::escaped(name));
        let _ = write!(text, "<sheet name=\"{name}\" sheetId=\"{id}\" r:id=\"rId{id}\"/>");
    }
    text += "</sheets><definedNames>";
    for (place, (name, rows)) in names.iter().zip(titles).enumerate().filter(|sheet| *sheet.1.1 > 0) {
        let name = sheet::escaped(name);
        let _ = write!(
            text,
            "<definedName name=\"_xlnm.Print_Titles\" localSheetId=\"{place}\">'{name}'!$1:${rows}</definedName>"
        );
    }
    text + "</definedNames></workbook>"
}
