//! PDF on A4, with nothing that a reader of PDF does not have, or with a font that is given.

mod font;
mod helvetica;
mod layout;
mod table;

use pdf_writer::{Finish, Name, Pdf, Rect, Ref, TextStr};

use self::font::Fonts;
use self::layout::{HEIGHT, Layout, WIDTH};
use super::RenderError;
use crate::report::Document;

/// A font that is given to be embedded.
#[derive(Debug, Clone, Copy)]
pub struct FontFile<'f> {
    /// What it is called in errors: its path.
    pub name: &'f str,
    /// The file: TrueType or OpenType, or a collection of which the first is taken.
    pub bytes: &'f [u8],
}

/// Writes the report as PDF. Without a font it has the letters of western Europe only.
///
/// # Errors
/// [`RenderError`] when the font cannot be embedded or lacks a letter.
pub fn pdf(document: &Document, font: Option<FontFile<'_>>) -> Result<Vec<u8>, RenderError> {
    let mut layout = Layout::new(Fonts::new(font)?);
    layout.head(document)?;
    for section in &document.sections {
        table::table(&mut layout, section)?;
    }
    layout.end(document)?;
    let (pages, fonts) = layout.finish(&document.foot)?;
    let mut next = 0;
    let mut id = || {
        next += 1;
        Ref::new(next)
    };
    let (catalog, tree, info) = (id(), id(), id());
    let font_ids = [id(), id()];
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.document_info(info).title(TextStr(&document.foot)).author(TextStr(&document.company));
    let ids: Vec<(Ref, Ref)> = pages.iter().map(|_| (id(), id())).collect();
    let count = i32::try_from(ids.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(ids.iter().map(|page| page.0)).count(count);
    for (content, &(page_id, content_id)) in pages.into_iter().zip(&ids) {
        let mut page = pdf.page(page_id);
        page.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).parent(tree).contents(content_id);
        let mut resources = page.resources();
        let mut dictionary = resources.fonts();
        dictionary.pair(Name(font::NAMES[0]), font_ids[0]).pair(Name(font::NAMES[1]), font_ids[1]);
        dictionary.finish();
        resources.finish();
        page.finish();
        pdf.stream(content_id, &content.finish());
    }
    fonts.write(&mut pdf, font_ids, &mut id)?;
    Ok(pdf.finish())
}

#[cfg(test)]
#[path = "pdf_tests.rs"]
mod tests;
