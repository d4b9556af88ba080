//! One HTML file for people: it needs nothing beside itself, on a screen, on a phone or on paper.

mod decimate;
mod lanes;
mod panel;
mod scale;
mod story;
mod summary;
mod tank;
mod tank_panels;

use std::fmt;
use std::io::{self, Write};

use super::super::outcome::Outcome;
use super::text::printable;

/// Bytes that the plots of all tanks may take together, about.
const PLOT_BYTES: usize = 850_000;
/// Bytes that a column of pixels takes in the plots of one tank, about.
const COLUMN_BYTES: usize = 105;
/// Columns of pixels across a plot: at most as many as a screen shows, and not so few that a story is not seen any more.
const COLUMNS: (usize, usize) = (160, 720);

/// Writes a page: what passed and what failed, and of each scenario its verdicts, what happened, and for each tank the
/// plant's truth against what arrived.
///
/// The page is well-formed XML too. Plots are decimated to the columns of pixels that they are drawn with; a column shows
/// all that falls into it, so that no outlier is lost.
///
/// # Errors
/// What `out` gives.
pub fn html(outcomes: &[Outcome], out: &mut impl Write) -> io::Result<()> {
    let out: &mut dyn Write = out;
    let tanks: usize = outcomes.iter().map(|outcome| outcome.tanks.len()).sum();
    let columns = (PLOT_BYTES / COLUMN_BYTES / tanks.max(1)).clamp(COLUMNS.0, COLUMNS.1);
    // What needs a person comes first; among equals the order stays.
    let mut order: Vec<(usize, &Outcome)> = outcomes.iter().enumerate().collect();
    order.sort_by_key(|(_, outcome)| outcome.is_passed());
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<title>{}</title>\n\
         <style>\n{}</style></head>\n<body><main>\n",
        Text(&summary::headline(outcomes)),
        include_str!("style.css"),
    )?;
    summary::write(outcomes, &order, out)?;
    let few = outcomes.len() <= 2;
    for (number, outcome) in order {
        story::write(number, outcome, few || !outcome.is_passed(), columns, out)?;
    }
    write!(out, "</main>\n<script>\n{}</script>\n</body></html>\n", include_str!("script.js"))
}

/// A text as HTML shows it, in an element or in an attribute.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quick_xml::escape::escape(printable(self.0)))
    }
}
