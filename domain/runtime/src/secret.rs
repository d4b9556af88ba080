//! Passwords and tokens, which come from files of their own and are never shown.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Permission bits of a file that give it to everybody.
const OTHERS: u32 = 0o007;

/// A text that no log and no error message shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Gives the text, to be handed to the party that it is meant for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Why a secret file gives no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the secret file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Everybody can read it.
    #[error("others may read or write the secret file {} (mode {mode:03o}); chmod o= it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The first line is empty.
    #[error("the first line of the secret file {} is empty; the secret must stand there", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// Gives the mode of a file that others than owner and group may read, write or run; nothing where they may not.
#[must_use]
pub fn open_to_others(metadata: &Metadata) -> Option<u32> {
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & OTHERS != 0).then_some(mode)
}

/// Reads a secret: the first line of the file, without its line end. Warns when everybody on this machine may read it.
///
/// # Errors
/// [`SecretError`] when the file cannot be read, is not UTF-8, or its first line is empty.
pub fn read_secret_file(path: &Path) -> Result<Secret, SecretError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| SecretError::Unreadable { path: path.to_owned(), source })?;
    if std::fs::metadata(path).is_ok_and(|metadata| open_to_others(&metadata).is_some()) {
        tracing::warn!(file = %path.display(), "everybody on this machine may read a secret: chmod 600 its file");
    }
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(SecretError::Empty { path: path.to_owned() }),
    }
}

/// Reads a secret as [`read_secret_file`] does, but from no file that others than owner and group may read or write.
///
/// # Errors
/// [`SecretError`] for that, and as there.
pub fn read_guarded_secret_file(path: &Path) -> Result<Secret, SecretError> {
    let unreadable = |source| SecretError::Unreadable { path: path.to_owned(), source };
    match open_to_others(&std::fs::metadata(path).map_err(unreadable)?) {
        Some(mode) => Err(SecretError::Open { path: path.to_owned(), mode }),
        None => read_secret_file(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_with(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn first_line_is_the_secret_whatever_ends_it() {
        for text in ["pa ss", "pa ss\n", "pa ss\r\n", "pa ss\nsecond line\n"] {
            let (_dir, path) = file_with(text);
            assert_eq!(read_secret_file(&path).unwrap().expose(), "pa ss", "{text:?}");
        }
    }

    #[test]
    fn empty_and_missing_files_are_refused_by_name() {
        for text in ["", "\n", "\nsecret on the second line"] {
            let (_dir, path) = file_with(text);
            let error = read_secret_file(&path).unwrap_err();
            assert!(matches!(error, SecretError::Empty { .. }));
            assert!(error.to_string().contains("token"));
        }
        let error = read_secret_file(Path::new("/nonexistent/token")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/token"));
    }

    #[test]
    fn guarded_secret_is_not_taken_from_a_file_that_others_may_read_or_write() {
        let (_dir, path) = file_with("pa ss");
        for (mode, is_taken) in [(0o600, true), (0o640, true), (0o644, false), (0o602, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            match read_guarded_secret_file(&path) {
                Ok(secret) => assert!(is_taken && secret.expose() == "pa ss", "{mode:o}"),
                Err(error) => assert!(!is_taken && error.to_string().contains("chmod o="), "{mode:o}: {error}"),
            }
        }
        let missing = read_guarded_secret_file(Path::new("/nonexistent/token")).unwrap_err();
        assert!(matches!(missing, SecretError::Unreadable { .. }));
    }

    #[test]
    fn secret_is_not_shown() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?} {secret}").contains("hunter2"));
    }
}
