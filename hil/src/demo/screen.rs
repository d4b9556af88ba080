//! The terminal while it shows the table, and standard error while it must not be written to the terminal.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::table::{Colours, Glyphs, Line, Look};

/// Alternate screen on, cursor off.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
/// Cursor on, alternate screen off.
const LEAVE: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";

/// The terminal, on a screen of its own; as it was before when this is dropped.
#[derive(Debug)]
pub struct Screen {
    colours: Colours,
    glyphs: Glyphs,
}

impl Screen {
    /// Tells whether standard output is a terminal that can show the table.
    #[must_use]
    pub fn is_possible() -> bool {
        let can_place_text = env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb");
        io::stdout().is_terminal() && can_place_text
    }

    /// Takes the terminal.
    ///
    /// # Errors
    /// The terminal cannot be written to.
    pub fn enter() -> io::Result<Self> {
        let wants_none = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = if wants_none { Colours::None } else { Colours::Shown };
        let glyphs = if is_unicode(|name| env::var(name).ok()) { Glyphs::UNICODE } else { Glyphs::ASCII };
        put(ENTER)?;
        Ok(Self { colours, glyphs })
    }

    /// Gives what the table has room for now.
    #[must_use]
    pub fn look(&self) -> Look {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        let size = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        let (columns, lines) = size.map_or((80, 24), |size| (size.ws_col.into(), size.ws_row.into()));
        // A full last column makes some terminals begin a new line.
        Look { columns: columns - 1, lines, glyphs: self.glyphs }
    }

    /// Shows these lines and nothing else.
    ///
    /// # Errors
    /// The terminal cannot be written to.
    pub fn draw(&self, lines: &[Line], columns: usize) -> io::Result<()> {
        let mut text = String::new();
        for (index, line) in lines.iter().enumerate() {
            text.push_str(&format!("\x1b[{};1H{}\x1b[K", index + 1, line.painted(columns, self.colours)));
        }
        text.push_str("\x1b[J");
        put(&text)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing restored.
        let _ = put(LEAVE);
    }
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Tells whether the terminal shows Unicode, by what the environment says of the language (POSIX, 8.2).
fn is_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    said.is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}

/// Standard error, led into a file; where it was before when this is dropped.
#[derive(Debug)]
pub struct Diverted {
    before: OwnedFd,
    file: PathBuf,
}

impl Diverted {
    /// Leads standard error into a file, at its end.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn into_file(file: &Path) -> io::Result<Self> {
        let opened = OpenOptions::new().append(true).create(true).open(file)?;
        let before = rustix::io::fcntl_dupfd_cloexec(io::stderr(), 3)?;
        rustix::stdio::dup2_stderr(opened)?;
        Ok(Self { before, file: file.to_owned() })
    }
}

impl Drop for Diverted {
    fn drop(&mut self) {
        let restored = rustix::stdio::dup2_stderr(&self.before);
        if restored.is_ok() && std::thread::panicking() {
            eprintln!("tankline-hil: panicked; {} says where and why", self.file.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_variable_that_is_set_tells_the_language() {
        for (variables, unicode) in [
            (&[("LANG", "C.UTF-8")][..], true),
            (&[("LANG", "en_GB.utf8"), ("LC_ALL", "")], true),
            (&[("LANG", "en_GB.UTF-8"), ("LC_ALL", "C")], false),
            (&[("LC_CTYPE", "zh_CN.UTF-8"), ("LANG", "C")], true),
            (&[("LANG", "C")], false),
            (&[], false),
        ] {
            let variable =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(is_unicode(variable), unicode, "{variables:?}");
        }
    }
}
