//! How wide the letters of Helvetica are, which every reader of PDF has.
//!
//! Source: Adobe Font Metrics of the base 14 fonts, thousandths of the size, from space to tilde.

use super::font::Weight;

const REGULAR: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];
const BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
    556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389,
    280, 389, 584,
];

/// Gives the code of a letter in WinAnsiEncoding with its width; none for a letter that is not in it.
pub(super) fn letter(c: char, weight: Weight) -> Option<(u8, u16)> {
    let widths = match weight {
        Weight::Regular => &REGULAR,
        Weight::Bold => &BOLD,
    };
    let code = u8::try_from(u32::from(c)).ok()?;
    let width = match code {
        0x20..=0x7e => widths[usize::from(code - 0x20)],
        0xb0 => 400,
        0xb2 | 0xb3 | 0xb9 => 333,
        0xb7 => 278,
        0xc0..=0xdd => 722,
        0xa1..=0xff => 556,
        _ => return None,
    };
    Some((code, width))
}
