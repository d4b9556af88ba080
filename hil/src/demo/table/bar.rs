//! A tank lying on its side: water, oil, nothing, and the limits.

use super::text::{Span, Tone};

/// What a bar is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// Water.
    pub water: char,
    /// Oil.
    pub oil: char,
    /// Nothing.
    pub nothing: char,
    /// A limit.
    pub limit: char,
}

impl Glyphs {
    /// For terminals that show Unicode.
    pub const UNICODE: Self = Self { water: '▒', oil: '█', nothing: '·', limit: '│' };
    /// For all others.
    pub const ASCII: Self = Self { water: '~', oil: '#', nothing: '.', limit: '|' };
}

/// What is in the tank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Content {
    /// Liquid level, mm.
    pub level_mm: f64,
    /// Interface, mm; without one all is shown as oil.
    pub interface_mm: Option<f64>,
}

/// Draws a bar over some columns, the bottom of the tank on the left. Without a content, that is where none is known to be
/// there now, only the limits are drawn.
#[must_use]
pub fn bar(columns: usize, height_mm: f64, content: Option<Content>, limits_mm: &[f64], glyphs: Glyphs) -> Vec<Span> {
    let marks: Vec<usize> = limits_mm.iter().map(|&limit| cell(columns, height_mm, limit)).collect();
    let mut spans: Vec<Span> = Vec::new();
    for column in 0..columns {
        let (glyph, tone) = match content {
            _ if marks.contains(&column) => (glyphs.limit, Tone::Dim),
            None => (' ', Tone::Dim),
            Some(content) => {
                let reaches = |level_mm: f64| height_mm * middle(column, columns) <= level_mm;
                if content.interface_mm.is_some_and(reaches) {
                    (glyphs.water, Tone::Water)
                } else if reaches(content.level_mm) {
                    (glyphs.oil, Tone::Oil)
                } else {
                    (glyphs.nothing, Tone::Dim)
                }
            }
        };
        match spans.last_mut() {
            Some(span) if span.tone == tone => span.text.push(glyph),
            _ => spans.push(Span { text: glyph.to_string(), tone }),
        }
    }
    spans
}

/// Gives where the middle of a column lies in the tank, from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "a terminal has few columns")]
fn middle(column: usize, columns: usize) -> f64 {
    (column as f64 + 0.5) / columns as f64
}

/// Finds the column in which a level lies.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few columns")]
fn cell(columns: usize, height_mm: f64, level_mm: f64) -> usize {
    let share = (level_mm / height_mm).clamp(0.0, 1.0);
    ((share * columns as f64) as usize).min(columns.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(content: Option<Content>, limits_mm: &[f64]) -> String {
        bar(10, 10_000.0, content, limits_mm, Glyphs::ASCII).into_iter().map(|span| span.text).collect()
    }

    #[test]
    fn oil_lies_on_water_and_limits_stand_out() {
        let content = |level_mm, interface_mm| Some(Content { level_mm, interface_mm });
        for (content, limits, bar) in [
            (content(6000.0, Some(2000.0)), &[][..], "~~####...."),
            (content(6000.0, None), &[], "######...."),
            (content(6000.0, Some(6000.0)), &[1000.0, 9000.0], "~|~~~~...|"),
            (content(0.0, Some(0.0)), &[], ".........."),
            (content(20_000.0, Some(-5.0)), &[10_000.0], "#########|"),
            (None, &[1000.0, 9000.0], " |       |"),
        ] {
            assert_eq!(drawn(content, limits).trim_end(), bar.trim_end(), "{content:?} {limits:?}");
        }
    }
}
