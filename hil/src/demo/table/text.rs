//! Pieces of text with a tone, as wide as a terminal shows them.

/// How a piece of text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Like any other.
    Plain,
    /// Of less weight, or not to be taken for a live value.
    Dim,
    /// A heading.
    Strong,
    /// As it should be.
    Good,
    /// To be looked at.
    Warning,
    /// Wrong.
    Alarm,
    /// Oil, in a bar.
    Oil,
    /// Water, in a bar.
    Water,
}

/// Whether tones become colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// They do.
    Shown,
    /// They do not; the words must do.
    None,
}

/// A piece of text in one tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The text, without control characters.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
}

/// A line on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line(pub Vec<Span>);

impl Line {
    /// Adds a piece of text.
    pub fn push(&mut self, text: impl Into<String>, tone: Tone) {
        self.0.push(Span { text: text.into(), tone });
    }

    /// Gives the columns that the line takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.iter().map(|span| width(&span.text)).sum()
    }

    /// Gives the text without its tones.
    #[cfg(test)]
    pub fn plain(&self) -> String {
        self.0.iter().map(|span| span.text.as_str()).collect()
    }

    /// Writes the line for a terminal, cut to its columns.
    #[must_use]
    pub fn painted(&self, columns: usize, colours: Colours) -> String {
        let (mut painted, mut room) = (String::new(), columns);
        for Span { text, tone } in &self.0 {
            let text = cut(text, room);
            room -= width(&text);
            match sequence(*tone).filter(|_| colours == Colours::Shown && !text.is_empty()) {
                Some(sequence) => painted.extend(["\x1b[", sequence, "m", &text, "\x1b[0m"]),
                None => painted.push_str(&text),
            }
        }
        painted
    }
}

/// Fills up with blanks on the right, or cuts.
#[must_use]
pub fn left(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let blanks = columns - width(&text);
    text + &" ".repeat(blanks)
}

/// Fills up with blanks on the left, or cuts.
#[must_use]
pub fn right(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    " ".repeat(columns - width(&text)) + &text
}

/// Gives the columns that a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Puts pieces into as few lines as hold them.
#[must_use]
pub fn wrapped(pieces: impl IntoIterator<Item = Line>, between: &str, columns: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if line.width() + width(between) + piece.width() <= columns => {
                line.push(between, Tone::Dim);
                line.0.extend(piece.0);
            }
            _ => lines.push(piece),
        }
    }
    lines
}

/// Cuts a text to some columns; what is cut off is marked.
fn cut(text: &str, columns: usize) -> String {
    let clean = || text.chars().map(|c| if c.is_control() { ' ' } else { c });
    if width(text) <= columns {
        return clean().collect();
    }
    let (mut kept, mut room) = (String::new(), columns.saturating_sub(1));
    for c in clean() {
        if columns_of(c) > room {
            break;
        }
        room -= columns_of(c);
        kept.push(c);
    }
    if columns > 0 {
        kept.push('~');
    }
    kept
}

/// Gives the columns of a character: two for what Chinese, Japanese and Korean are written with, one for all else.
///
/// Source: Unicode Standard Annex 11, the ranges of wide characters, without emoji.
const fn columns_of(c: char) -> usize {
    match c as u32 {
        0x1100..=0x115F
        | 0x2E80..=0x303E
        | 0x3041..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x2_0000..=0x3_FFFD => 2,
        _ => 1,
    }
}

/// Gives the parameter of the escape sequence for a tone (ECMA-48, SGR).
const fn sequence(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::Dim => Some("2"),
        Tone::Strong => Some("1"),
        Tone::Good => Some("32"),
        Tone::Warning => Some("33"),
        Tone::Alarm => Some("1;31"),
        Tone::Oil => Some("33"),
        Tone::Water => Some("36"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_wide_as_they_look() {
        for (text, columns) in [("T-01", 4), ("原油储罐 1", 10), ("°C m3", 5), ("", 0)] {
            assert_eq!(width(text), columns, "{text}");
        }
        assert_eq!((left("原油", 6), right("9641", 6)), ("原油  ".to_owned(), "  9641".to_owned()));
        assert_eq!(
            (left("crude tank", 6), left("原油储罐", 6), right("12345", 0)),
            ("crude~".into(), "原油~ ".into(), String::new())
        );
        assert_eq!(left("a\x1b[2Jb", 6), "a [2Jb");
    }

    #[test]
    fn line_is_cut_to_the_terminal_and_painted_only_where_colours_are_shown() {
        let mut line = Line::default();
        line.push("T-01 ", Tone::Plain);
        line.push("STALE", Tone::Alarm);
        assert_eq!(line.painted(80, Colours::None), "T-01 STALE");
        assert_eq!(line.painted(7, Colours::None), "T-01 S~");
        assert_eq!(line.painted(80, Colours::Shown), "T-01 \x1b[1;31mSTALE\x1b[0m");
        assert_eq!(line.painted(0, Colours::Shown), "");
    }

    #[test]
    fn pieces_go_on_in_the_next_line_when_one_is_full() {
        let piece = |text: &str| {
            let mut line = Line::default();
            line.push(text, Tone::Plain);
            line
        };
        let lines = wrapped(["28 gauges", "p50 5 ms", "p99 9 ms"].map(piece), " | ", 20);
        assert_eq!(lines.iter().map(Line::plain).collect::<Vec<_>>(), ["28 gauges | p50 5 ms", "p99 9 ms"]);
    }
}
