//! The formats that a report is written in.

mod csv;
mod html;
mod pdf;
mod xlsx;

pub use csv::csv;
pub use html::html;
pub use pdf::{FontFile, pdf};
pub use xlsx::xlsx;

/// A report cannot be written in a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The standard font of PDF lacks a letter.
    #[error(
        "the standard font of PDF has no {character:?}; give a font that has it with --font FILE, \
         or write HTML and print that from a browser"
    )]
    NoFont {
        /// The letter.
        character: char,
    },
    /// The font that was given lacks a letter.
    #[error("the font {font} has no {character:?}; give one that has it with --font FILE")]
    NoGlyph {
        /// The font.
        font: String,
        /// The letter.
        character: char,
    },
    /// The font that was given cannot be embedded.
    #[error("{font} cannot be embedded: {why}; give a TrueType or OpenType font with --font FILE")]
    Font {
        /// The font.
        font: String,
        /// Why.
        why: String,
    },
}
