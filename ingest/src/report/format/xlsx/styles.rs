//! How cells look. A cell names its style by its place in the list.

use std::fmt::Write;

use super::{HEAD, MAIN};

/// A text that runs over several lines.
pub(super) const TEXT: usize = 0;
/// The title of the report.
pub(super) const TITLE: usize = 1;
/// A heading of a column.
pub(super) const HEADING: usize = 2;
/// A text that stands out.
pub(super) const STRONG: usize = 3;
/// The first of the numbers.
const NUMBERS: usize = 4;
/// Numbers have up to so many decimals, and 0.
const MOST_DECIMALS: usize = 3;

/// Gives the style of a number.
pub(super) fn number(decimals: u8, signed: bool, stale: bool) -> usize {
    let decimals = usize::from(decimals).min(MOST_DECIMALS);
    NUMBERS + decimals + (MOST_DECIMALS + 1) * (usize::from(signed) + 2 * usize::from(stale))
}

/// Writes the part of all styles.
pub(super) fn styles() -> String {
    let (mut formats, mut cells, mut count) = (String::new(), String::new(), 0);
    for stale in [false, true] {
        for signed in [false, true] {
            for decimals in 0..=MOST_DECIMALS {
                let id = 164 + count;
                let zeros = if decimals == 0 { "0".to_owned() } else { format!("0.{}", "0".repeat(decimals)) };
                let star = if stale { "&quot;*&quot;" } else { "" };
                let code = if signed {
                    format!("+{zeros}{star};-{zeros}{star};{zeros}{star}")
                } else {
                    format!("{zeros}{star}")
                };
                let font = if stale { 3 } else { 0 };
                let _ = write!(formats, "<numFmt numFmtId=\"{id}\" formatCode=\"{code}\"/>");
                let _ = write!(
                    cells,
                    "<xf numFmtId=\"{id}\" fontId=\"{font}\" fillId=\"0\" borderId=\"0\" xfId=\"0\" \
                     applyNumberFormat=\"1\" applyFont=\"1\"/>"
                );
                count += 1;
            }
        }
    }
    let font = |more: &str, size: u8, colour: &str| {
        format!("<font>{more}<sz val=\"{size}\"/><color rgb=\"{colour}\"/><name val=\"Arial\"/></font>")
    };
    let fonts = [
        font("", 10, "FF111111"),
        font("<b/>", 16, "FF123F5C"),
        font("<b/>", 10, "FF123F5C"),
        font("<b/>", 10, "FF9A4B00"),
    ]
    .concat();
    let plain = |font: u8, fill: u8, border: u8, wrap: &str| {
        format!(
            "<xf numFmtId=\"0\" fontId=\"{font}\" fillId=\"{fill}\" borderId=\"{border}\" xfId=\"0\" applyFont=\"1\" \
             applyFill=\"1\" applyBorder=\"1\" applyAlignment=\"1\"><alignment vertical=\"top\"{wrap}/></xf>"
        )
    };
    let wrap = " wrapText=\"1\"";
    let texts = [plain(0, 0, 0, wrap), plain(1, 0, 0, ""), plain(2, 2, 1, wrap), plain(2, 0, 0, "")].concat();
    format!(
        "{HEAD}<styleSheet xmlns=\"{MAIN}\"><numFmts count=\"{count}\">{formats}</numFmts>\
         <fonts count=\"4\">{fonts}</fonts>\
         <fills count=\"3\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/>\
         </fill><fill><patternFill patternType=\"solid\"><fgColor rgb=\"FFE8EFF3\"/></patternFill></fill></fills>\
         <borders count=\"2\"><border/><border><left/><right/><top/><bottom style=\"thin\"><color rgb=\"FF123F5C\"/>\
         </bottom></border></borders>\
         <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
         <cellXfs count=\"{}\">{texts}{cells}</cellXfs>\
         <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>",
        NUMBERS + count,
    )
}
