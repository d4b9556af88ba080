//! The files of the authority.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::AuthorityError;

/// Writes a key that nobody but its owner may read; a file that is there stays.
pub(super) fn write_secret(path: &Path, text: &str) -> Result<(), AuthorityError> {
    create(path, text, 0o600)
}

/// Writes a file that everybody may read; a file that is there stays.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), AuthorityError> {
    create(path, text, 0o644)
}

/// Writes a file that everybody may read whole or not at all; one that is there keeps its owner, group and mode.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), AuthorityError> {
    crate::files::replace(path, text, 0o644).map_err(|source| wrong(path, "cannot be written", source))
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<String, AuthorityError> {
    std::fs::read_to_string(path).map_err(|source| wrong(path, "cannot be read; `ca init` founds an authority", source))
}

fn create(path: &Path, text: &str, mode: u32) -> Result<(), AuthorityError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|source| {
        let is_there = source.kind() == io::ErrorKind::AlreadyExists;
        wrong(path, if is_there { "is there already, and is not written over" } else { "cannot be written" }, source)
    })
}

fn wrong(path: &Path, advice: &'static str, source: io::Error) -> AuthorityError {
    AuthorityError::File { path: path.to_owned(), advice, source }
}
