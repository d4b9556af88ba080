//! Fonts: those that every reader of PDF has, or one that is given and embedded with the letters that are used.

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str};
use subsetter::GlyphRemapper;
use ttf_parser::{Face, Permissions, RawFace, Tag};

use super::helvetica;
use super::{FontFile, RenderError};

/// Names of the regular and the bold font within the file.
pub(super) const NAMES: [&[u8]; 2] = [b"F1", b"F2"];

const IDENTITY: SystemInfo<'_> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// How thick letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

pub(super) enum Fonts<'f> {
    /// Helvetica.
    Standard,
    /// The one that is given; its bold letters are the same with an outline.
    Embedded(Box<Embedded<'f>>),
}

pub(super) struct Embedded<'f> {
    file: FontFile<'f>,
    face: Face<'f>,
    glyphs: GlyphRemapper,
    /// New number of each glyph that is used, with its width in thousandths and its letter.
    used: BTreeMap<u16, (f32, char)>,
}

impl<'f> Fonts<'f> {
    pub(super) fn new(font: Option<FontFile<'f>>) -> Result<Self, RenderError> {
        let Some(file) = font else { return Ok(Self::Standard) };
        let wrong = |why: &str| RenderError::Font { font: file.name.to_owned(), why: why.to_owned() };
        let face = Face::parse(file.bytes, 0).map_err(|error| wrong(&error.to_string()))?;
        if face.permissions() == Some(Permissions::Restricted) {
            return Err(wrong("its licence does not allow that"));
        }
        let embedded = Embedded { file, face, glyphs: GlyphRemapper::new(), used: BTreeMap::new() };
        Ok(Self::Embedded(Box::new(embedded)))
    }

    /// Gives how wide a text is at a size, in points. A letter that is not there counts as nothing.
    pub(super) fn width(&self, text: &str, weight: Weight, size: f32) -> f32 {
        let thousandths: f32 = match self {
            Self::Standard => text.chars().filter_map(|c| helvetica::letter(c, weight)).map(|it| f32::from(it.1)).sum(),
            Self::Embedded(font) => text.chars().filter_map(|c| font.glyph(c)).map(|it| it.1).sum(),
        };
        thousandths * size / 1000.0
    }

    /// Writes a text at a place.
    pub(super) fn show(
        &mut self,
        content: &mut Content,
        text: &str,
        (weight, size, colour): (Weight, f32, [f32; 3]),
        (x, y): (f32, f32),
    ) -> Result<(), RenderError> {
        use pdf_writer::types::TextRenderingMode::{Fill, FillStroke};
        let [red, green, blue] = colour;
        let codes = self.codes(text, weight)?;
        content.set_fill_rgb(red, green, blue).begin_text().set_font(Name(NAMES[weight as usize]), size);
        if matches!(self, Self::Embedded(_)) {
            let mode = if weight == Weight::Bold { FillStroke } else { Fill };
            content.set_text_rendering_mode(mode).set_stroke_rgb(red, green, blue).set_line_width(size * 0.018);
        }
        content.set_text_matrix([1.0, 0.0, 0.0, 1.0, x, y]).show(Str(&codes)).end_text();
        Ok(())
    }

    fn codes(&mut self, text: &str, weight: Weight) -> Result<Vec<u8>, RenderError> {
        let mut codes = Vec::with_capacity(text.len() * 2);
        for character in text.chars() {
            match self {
                Self::Standard => {
                    let (code, _) = helvetica::letter(character, weight).ok_or(RenderError::NoFont { character })?;
                    codes.push(code);
                }
                Self::Embedded(font) => {
                    let (glyph, width) = font.glyph(character).ok_or_else(|| {
                        let font = font.file.name.to_owned();
                        RenderError::NoGlyph { font, character }
                    })?;
                    let glyph = font.glyphs.remap(glyph);
                    font.used.entry(glyph).or_insert((width, character));
                    codes.extend(glyph.to_be_bytes());
                }
            }
        }
        Ok(codes)
    }

    /// Writes the fonts themselves.
    pub(super) fn write(self, pdf: &mut Pdf, ids: [Ref; 2], next: &mut impl FnMut() -> Ref) -> Result<(), RenderError> {
        match self {
            Self::Standard => {
                for (id, name) in ids.into_iter().zip([&b"Helvetica"[..], b"Helvetica-Bold"]) {
                    pdf.type1_font(id).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
                }
                Ok(())
            }
            Self::Embedded(font) => font.write(pdf, ids, next),
        }
    }
}

impl Embedded<'_> {
    /// Gives the glyph of a letter with its width in thousandths.
    fn glyph(&self, c: char) -> Option<(u16, f32)> {
        let glyph = self.face.glyph_index(c)?;
        let width = f32::from(self.face.glyph_hor_advance(glyph)?);
        Some((glyph.0, self.thousandths(width)))
    }

    fn thousandths(&self, units: f32) -> f32 {
        units * 1000.0 / f32::from(self.face.units_per_em())
    }

    fn write(&self, pdf: &mut Pdf, ids: [Ref; 2], next: &mut impl FnMut() -> Ref) -> Result<(), RenderError> {
        let wrong = |why: String| RenderError::Font { font: self.file.name.to_owned(), why };
        let subset = subsetter::subset(self.file.bytes, 0, &self.glyphs).map_err(|error| wrong(error.to_string()))?;
        // Outlines of the PostScript kind are embedded without what is around them.
        let outlines = RawFace::parse(&subset, 0).ok().and_then(|raw| raw.table(Tag::from_bytes(b"CFF ")));
        let name = Name(b"TANKLN+Report");
        let (cid, descriptor, file, unicode) = (next(), next(), next(), next());
        for id in ids {
            let mut whole = pdf.type0_font(id);
            whole.base_font(name).encoding_predefined(Name(b"Identity-H")).descendant_font(cid).to_unicode(unicode);
        }
        let mut font = pdf.cid_font(cid);
        font.subtype(if outlines.is_some() { CidFontType::Type0 } else { CidFontType::Type2 });
        font.base_font(name).system_info(IDENTITY).font_descriptor(descriptor).default_width(0.0);
        if outlines.is_none() {
            font.cid_to_gid_map_predefined(Name(b"Identity"));
        }
        let mut widths = font.widths();
        for (glyph, (width, _)) in &self.used {
            widths.consecutive(*glyph, [*width]);
        }
        widths.finish();
        font.finish();
        let mut cmap = UnicodeCmap::new(Name(b"Report"), IDENTITY);
        self.used.iter().for_each(|(glyph, (_, character))| cmap.pair(*glyph, *character));
        pdf.stream(unicode, &cmap.finish());
        let bounds = self.face.global_bounding_box();
        let units = |value: i16| self.thousandths(f32::from(value));
        let bounds = Rect::new(units(bounds.x_min), units(bounds.y_min), units(bounds.x_max), units(bounds.y_max));
        let mut about = pdf.font_descriptor(descriptor);
        about.name(name).flags(FontFlags::SYMBOLIC).bbox(bounds).italic_angle(0.0).stem_v(80.0);
        let ascender = units(self.face.ascender());
        about.ascent(ascender).descent(units(self.face.descender())).cap_height(ascender);
        if outlines.is_some() {
            about.font_file3(file);
        } else {
            about.font_file2(file);
        }
        about.finish();
        match outlines {
            Some(outlines) => {
                pdf.stream(file, outlines).pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
            }
            None => {
                let length = i32::try_from(subset.len()).map_err(|_| wrong("it is too large".to_owned()))?;
                pdf.stream(file, &subset).pair(Name(b"Length1"), length);
            }
        }
        Ok(())
    }
}
