//! Where everything stands on the pages, in points from the lower left.

use pdf_writer::Content;

use super::RenderError;
use super::font::{Fonts, Weight};
use crate::report::Document;

/// A4, lying.
pub(super) const WIDTH: f32 = 841.89;
pub(super) const HEIGHT: f32 = 595.276;
/// White around everything.
pub(super) const MARGIN: f32 = 28.35;
const TOP: f32 = HEIGHT - 30.0;
pub(super) const BOTTOM: f32 = 40.0;
pub(super) const INNER: f32 = WIDTH - 2.0 * MARGIN;

pub(super) const INK: [f32; 3] = [0.07, 0.07, 0.07];
pub(super) const GREY: [f32; 3] = [0.33, 0.33, 0.33];
pub(super) const BLUE: [f32; 3] = [0.071, 0.247, 0.361];
pub(super) const AMBER: [f32; 3] = [0.604, 0.294, 0.0];
const PALE_AMBER: [f32; 3] = [1.0, 0.945, 0.812];

/// The pages as they fill, from the top.
pub(super) struct Layout<'f> {
    pub(super) fonts: Fonts<'f>,
    pages: Vec<Content>,
    /// Below here the page is empty.
    pub(super) y: f32,
}

impl<'f> Layout<'f> {
    pub(super) fn new(fonts: Fonts<'f>) -> Self {
        let mut layout = Self { fonts, pages: Vec::new(), y: TOP };
        layout.turn();
        layout
    }

    /// Begins a page.
    pub(super) fn turn(&mut self) {
        self.pages.push(Content::new());
        self.y = TOP;
    }

    /// Tells whether so much room is left on the page.
    pub(super) fn has_room(&self, height: f32) -> bool {
        self.y - height >= BOTTOM
    }

    fn page(&mut self) -> &mut Content {
        self.pages.last_mut().expect("there is a page from the beginning")
    }

    pub(super) fn text(&mut self, text: &str, how: (Weight, f32, [f32; 3]), at: (f32, f32)) -> Result<(), RenderError> {
        let page = self.pages.last_mut().expect("there is a page from the beginning");
        self.fonts.show(page, text, how, at)
    }

    pub(super) fn rule(&mut self, (x, y): (f32, f32), (to_x, to_y): (f32, f32), width: f32, colour: [f32; 3]) {
        let [red, green, blue] = colour;
        let page = self.page();
        page.set_stroke_rgb(red, green, blue).set_line_width(width).move_to(x, y).line_to(to_x, to_y).stroke();
    }

    pub(super) fn shade(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), colour: [f32; 3]) {
        let [red, green, blue] = colour;
        self.page().set_fill_rgb(red, green, blue).rect(x, y, width, height).fill_nonzero();
    }

    /// Divides a text into lines that are no wider than that.
    pub(super) fn lines(&self, text: &str, weight: Weight, size: f32, width: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in words(text) {
            let line = lines.last_mut().expect("there is a line from the beginning");
            let longer = format!("{line}{word}");
            if line.is_empty() || self.fonts.width(longer.trim_end(), weight, size) <= width {
                *line = longer;
            } else {
                lines.push(word.to_owned());
            }
        }
        lines.iter_mut().for_each(|line| line.truncate(line.trim_end().len()));
        lines
    }

    /// Writes a text over as many lines as it needs.
    fn paragraph(&mut self, text: &str, how: (Weight, f32, [f32; 3]), indent: f32) -> Result<(), RenderError> {
        for line in self.lines(text, how.0, how.1, INNER - 2.0 * indent) {
            let height = how.1 * 1.35;
            if !self.has_room(height) {
                self.turn();
            }
            self.y -= height;
            self.text(&line, how, (MARGIN + indent, self.y + how.1 * 0.3))?;
        }
        Ok(())
    }

    /// Writes what stands above everything.
    pub(super) fn head(&mut self, document: &Document) -> Result<(), RenderError> {
        if !document.company.is_empty() {
            self.paragraph(&document.company, (Weight::Regular, 9.0, GREY), 0.0)?;
        }
        self.y -= 4.0;
        self.paragraph(&document.title, (Weight::Bold, 16.0, BLUE), 0.0)?;
        self.y -= 12.0;
        let mut x = MARGIN;
        for (name, value) in &document.facts {
            self.text(name, (Weight::Regular, 8.0, GREY), (x, self.y))?;
            x += self.fonts.width(name, Weight::Regular, 8.0) + 4.0;
            self.text(value, (Weight::Bold, 8.0, INK), (x, self.y))?;
            x += self.fonts.width(value, Weight::Bold, 8.0) + 18.0;
        }
        self.y -= 6.0;
        self.rule((MARGIN, self.y), (WIDTH - MARGIN, self.y), 1.5, BLUE);
        for warning in &document.warnings {
            let lines = self.lines(warning, Weight::Bold, 8.0, INNER - 12.0).len();
            let height = (0..lines).fold(5.0, |height, _| height + 10.8);
            self.y -= 5.0;
            self.shade((MARGIN, self.y - height), (INNER, height), PALE_AMBER);
            self.y -= 2.0;
            self.paragraph(warning, (Weight::Bold, 8.0, INK), 6.0)?;
            self.y -= 3.0;
        }
        Ok(())
    }

    /// Writes notes and lines for signatures.
    pub(super) fn end(&mut self, document: &Document) -> Result<(), RenderError> {
        let lines: usize = document.notes.iter().map(|note| self.lines(note, Weight::Regular, 7.2, INNER).len()).sum();
        let height = (0..lines).fold(90.0, |height, _| height + 9.8);
        if !self.has_room(height) {
            self.turn();
        }
        self.y -= 12.0;
        for note in &document.notes {
            self.paragraph(note, (Weight::Regular, 7.2, GREY), 0.0)?;
        }
        self.y -= 48.0;
        let count = document.signatures.iter().fold(0.0, |count, _| count + 1.0);
        let (mut x, wide) = (MARGIN, (INNER - 36.0 * (count - 1.0)) / count);
        for who in &document.signatures {
            self.rule((x, self.y), (x + wide, self.y), 0.6, INK);
            self.text(who, (Weight::Regular, 8.0, GREY), (x, self.y - 10.0))?;
            x += wide + 36.0;
        }
        Ok(())
    }

    /// Writes the foot of each page; gives the pages and the fonts.
    pub(super) fn finish(mut self, foot: &str) -> Result<(Vec<Content>, Fonts<'f>), RenderError> {
        let how = (Weight::Regular, 7.0, GREY);
        let count = self.pages.len();
        for (place, page) in self.pages.iter_mut().enumerate() {
            self.fonts.show(page, foot, how, (MARGIN, 22.0))?;
            let number = format!("{} / {count}", place + 1);
            let x = WIDTH - MARGIN - self.fonts.width(&number, how.0, how.1);
            self.fonts.show(page, &number, how, (x, 22.0))?;
        }
        Ok((self.pages, self.fonts))
    }
}

/// Divides a text where a line may end: after a space, and on both sides of a letter that is not of an alphabet.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut ends = Vec::new();
    let mut before = None;
    for (place, c) in text.char_indices() {
        let is_sign = |c: char| c >= '\u{2e80}';
        // A full stop or a comma stays with what it ends.
        let closes = matches!(c, '。' | '，' | '：' | '；' | '”' | '）' | '、');
        if before.is_some_and(|before| before == ' ' || is_sign(before) || is_sign(c)) && !closes {
            ends.push(place);
        }
        before = Some(c);
    }
    ends.push(text.len());
    let mut from = 0;
    ends.into_iter().map(move |end| {
        let word = &text[from..end];
        from = end;
        word
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_may_end_after_spaces_and_between_chinese_letters() {
        let found: Vec<&str> = words("the tank T-01 各罐，平衡 ok").collect();
        assert_eq!(found, ["the ", "tank ", "T-01 ", "各", "罐，", "平", "衡", " ", "ok"]);
    }
}
