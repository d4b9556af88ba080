//! One HTML file that needs nothing else, made to be printed on A4.

use std::fmt::Write;

use crate::config::Language;
use crate::report::{Cell, Column, Document, Section};

/// Everything about its looks.
const STYLE: &str = include_str!("report.css");

/// Writes the report as HTML.
#[must_use]
pub fn html(document: &Document) -> String {
    let language = match document.language {
        Language::En => "en",
        Language::Zh => "zh-CN",
    };
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n\
         <style>\n{STYLE}@page {{ @bottom-left {{ content: \"{}\"; }} }}\n</style>\n</head>\n<body>\n<header>\n",
        escaped(&document.title),
        in_style(&document.foot),
    );
    if !document.company.is_empty() {
        let _ = writeln!(text, "<p class=\"company\">{}</p>", escaped(&document.company));
    }
    let _ = writeln!(text, "<h1>{}</h1>\n<dl>", escaped(&document.title));
    for (name, value) in &document.facts {
        let _ = writeln!(text, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(name), escaped(value));
    }
    text += "</dl>\n";
    for warning in &document.warnings {
        let _ = writeln!(text, "<p class=\"warning\">{}</p>", escaped(warning));
    }
    text += "</header>\n";
    for section in &document.sections {
        table(&mut text, section);
    }
    text += "<section class=\"end\">\n<ul class=\"notes\">\n";
    for note in &document.notes {
        let _ = writeln!(text, "<li>{}</li>", escaped(note));
    }
    text += "</ul>\n<div class=\"signatures\">\n";
    for who in &document.signatures {
        let _ = writeln!(text, "<p><span></span>{}</p>", escaped(who));
    }
    text += "</div>\n</section>\n</body>\n</html>\n";
    text
}

fn table(text: &mut String, section: &Section) {
    let _ = writeln!(text, "<section>\n<h2>{}</h2>", escaped(&section.title));
    if section.rows.is_empty() {
        let _ = writeln!(text, "<p class=\"none\">{}</p>\n</section>", escaped(&section.empty));
        return;
    }
    let whole: u32 = section.columns.iter().map(|column| u32::from(column.width)).sum();
    *text += "<table>\n<colgroup>";
    for column in &section.columns {
        let percent = f64::from(column.width) * 100.0 / f64::from(whole);
        let _ = write!(text, "<col style=\"width:{percent:.2}%\">");
    }
    *text += "</colgroup>\n<thead>\n";
    let groups = groups(&section.columns);
    if groups.iter().any(|group| !group.0.is_empty()) {
        *text += "<tr>";
        for (name, columns) in groups {
            let class = if name.is_empty() { "" } else { " class=\"group\"" };
            let _ = write!(text, "<th colspan=\"{columns}\"{class}>{}</th>", escaped(name));
        }
        *text += "</tr>\n";
    }
    *text += "<tr>";
    for (place, column) in section.columns.iter().enumerate() {
        let _ = write!(text, "<th{}>{}</th>", class(&section.columns, place), escaped(&column.title));
    }
    *text += "</tr>\n</thead>\n<tbody>\n";
    for row in &section.rows {
        *text += "<tr>";
        for (place, cell) in row.cells.iter().enumerate() {
            let stale = matches!(cell, Cell::Number { stale: true, .. });
            let tag = if stale { "<td data-stale" } else { "<td" };
            let _ = write!(text, "{tag}{}>{}</td>", class(&section.columns, place), escaped(&cell.written()));
        }
        *text += "</tr>\n";
    }
    *text += "</tbody>\n</table>\n</section>\n";
}

/// Gives the groups of columns, each with how many it has.
fn groups(columns: &[Column]) -> Vec<(&str, usize)> {
    columns.chunk_by(|a, b| a.group == b.group).map(|group| (group[0].group.as_str(), group.len())).collect()
}

fn class(columns: &[Column], place: usize) -> &'static str {
    let column = &columns[place];
    let begins = !column.group.is_empty() && (place == 0 || columns[place - 1].group != column.group);
    match (column.numbers, begins) {
        (true, true) => " class=\"n first\"",
        (true, false) => " class=\"n\"",
        (false, true) => " class=\"first\"",
        (false, false) => "",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Writes a text so that it can stand in quotes in a style.
fn in_style(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '"' | '\\' | '<' | '\n' | '\r')).collect()
}
