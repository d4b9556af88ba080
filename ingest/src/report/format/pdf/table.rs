//! Tables over as many pages as they need, with their headings on each.

use super::RenderError;
use super::font::Weight;
use super::layout::{AMBER, BLUE, GREY, INK, INNER, Layout, MARGIN};
use crate::report::{Cell, Column, Section};

/// Size of the letters.
const SIZE: f32 = 7.0;
/// From line to line.
const LEAD: f32 = 8.6;
/// White beside a cell's text, and above and below it.
const BESIDE: f32 = 3.0;
const ABOVE: f32 = 1.9;
const STRIPE: [f32; 3] = [0.961, 0.973, 0.98];
const HAIR: [f32; 3] = [0.81, 0.84, 0.86];
const BAR: [f32; 3] = [0.54, 0.64, 0.71];

/// A column with its place on the page.
struct Placed<'s> {
    column: &'s Column,
    x: f32,
    width: f32,
    begins_group: bool,
    /// White before a text: more after a number, which stands at its right.
    before: f32,
}

/// Writes a table under its heading.
pub(super) fn table(layout: &mut Layout<'_>, section: &Section) -> Result<(), RenderError> {
    let columns = placed(&section.columns);
    let titles: Vec<Vec<String>> = columns
        .iter()
        .map(|placed| layout.lines(&placed.column.title, Weight::Bold, SIZE, placed.width - placed.before - BESIDE))
        .collect();
    let head = head_height(section, &titles);
    if !layout.has_room(28.0 + head + 3.0 * (LEAD + 2.0 * ABOVE)) {
        layout.turn();
    }
    layout.y -= 26.0;
    layout.text(&section.title, (Weight::Bold, 10.5, BLUE), (MARGIN, layout.y))?;
    layout.y -= 5.0;
    if section.rows.is_empty() {
        layout.y -= 10.0;
        return layout.text(&section.empty, (Weight::Regular, 8.0, GREY), (MARGIN, layout.y));
    }
    write_head(layout, &columns, &titles)?;
    for (place, row) in section.rows.iter().enumerate() {
        let cells: Vec<Vec<String>> =
            columns.iter().zip(&row.cells).map(|(placed, cell)| lines_of(layout, placed, cell)).collect();
        let height = tall(cells.iter().map(Vec::len).max().unwrap_or(1));
        if !layout.has_room(height) {
            layout.turn();
            write_head(layout, &columns, &titles)?;
        }
        if place % 2 == 1 {
            layout.shade((MARGIN, layout.y - height), (INNER, height), STRIPE);
        }
        for ((placed, cell), lines) in columns.iter().zip(&row.cells).zip(&cells) {
            let stale = matches!(cell, Cell::Number { stale: true, .. });
            let (weight, colour) = if stale { (Weight::Bold, AMBER) } else { (Weight::Regular, INK) };
            write_cell(layout, placed, lines, (weight, colour), layout.y - ABOVE)?;
        }
        bars(layout, &columns, height);
        layout.y -= height;
        layout.rule((MARGIN, layout.y), (MARGIN + INNER, layout.y), 0.3, HAIR);
    }
    Ok(())
}

fn placed(columns: &[Column]) -> Vec<Placed<'_>> {
    let whole: f32 = columns.iter().map(|column| f32::from(column.width)).sum();
    let mut x = MARGIN;
    let mut found = Vec::with_capacity(columns.len());
    for (place, column) in columns.iter().enumerate() {
        let width = INNER * f32::from(column.width) / whole;
        let begins_group = !column.group.is_empty() && (place == 0 || columns[place - 1].group != column.group);
        let after_number = place > 0 && columns[place - 1].numbers && !column.numbers;
        let before = if after_number { 3.5 * BESIDE } else { BESIDE };
        found.push(Placed { column, x, width, begins_group, before });
        x += width;
    }
    found
}

fn tall(lines: usize) -> f32 {
    (0..lines).fold(2.0 * ABOVE, |height, _| height + LEAD)
}

fn lines_of(layout: &Layout<'_>, placed: &Placed<'_>, cell: &Cell) -> Vec<String> {
    let text = cell.written();
    if placed.column.numbers {
        return vec![text];
    }
    layout.lines(&text, Weight::Regular, SIZE, placed.width - placed.before - BESIDE)
}

fn head_height(section: &Section, titles: &[Vec<String>]) -> f32 {
    let groups = section.columns.iter().any(|column| !column.group.is_empty());
    tall(titles.iter().map(Vec::len).max().unwrap_or(1)) + if groups { tall(1) } else { 0.0 }
}

fn write_head(layout: &mut Layout<'_>, columns: &[Placed<'_>], titles: &[Vec<String>]) -> Result<(), RenderError> {
    if columns.iter().any(|placed| !placed.column.group.is_empty()) {
        for group in columns.chunk_by(|a, b| a.column.group == b.column.group) {
            let name = &group[0].column.group;
            if name.is_empty() {
                continue;
            }
            let (x, width) = (group[0].x, group.iter().map(|placed| placed.width).sum::<f32>());
            let middle = x + (width - layout.fonts.width(name, Weight::Bold, SIZE)) / 2.0;
            layout.text(name, (Weight::Bold, SIZE, BLUE), (middle, layout.y - ABOVE - SIZE))?;
            layout.rule((x, layout.y - tall(1)), (x + width, layout.y - tall(1)), 0.4, BAR);
        }
        bars(layout, columns, tall(1));
        layout.y -= tall(1);
    }
    let most = titles.iter().map(Vec::len).max().unwrap_or(1);
    for (placed, lines) in columns.iter().zip(titles) {
        // Headings of fewer lines stand at the foot of the row.
        let down = tall(most) - tall(lines.len());
        write_cell(layout, placed, lines, (Weight::Bold, INK), layout.y - ABOVE - down)?;
    }
    bars(layout, columns, tall(most));
    layout.y -= tall(most);
    layout.rule((MARGIN, layout.y), (MARGIN + INNER, layout.y), 0.8, BLUE);
    Ok(())
}

fn bars(layout: &mut Layout<'_>, columns: &[Placed<'_>], height: f32) {
    for placed in columns.iter().filter(|placed| placed.begins_group) {
        layout.rule((placed.x, layout.y), (placed.x, layout.y - height), 0.5, BAR);
    }
}

fn write_cell(
    layout: &mut Layout<'_>,
    placed: &Placed<'_>,
    lines: &[String],
    (weight, colour): (Weight, [f32; 3]),
    top: f32,
) -> Result<(), RenderError> {
    let mut y = top - SIZE;
    for line in lines.iter().filter(|line| !line.is_empty()) {
        let room = placed.width - placed.before - BESIDE;
        let wide = layout.fonts.width(line, weight, SIZE);
        // What is wider than its column becomes smaller rather than run into the next.
        let size = if wide > room { SIZE * room / wide } else { SIZE };
        let x = if placed.column.numbers {
            placed.x + placed.width - BESIDE - layout.fonts.width(line, weight, size)
        } else {
            placed.x + placed.before
        };
        layout.text(line, (weight, size, colour), (x, y))?;
        y -= LEAD;
    }
    Ok(())
}
