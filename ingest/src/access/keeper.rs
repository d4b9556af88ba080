//! The tokens as they are now: the file is read again when it has changed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::{Bearer, Role, Tokens, TokensError};

/// Lets in who has a token for it.
#[derive(Debug)]
pub struct Keeper {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    tokens: Arc<Tokens>,
    stamp: Option<Stamp>,
    /// Why the file as it is now gives no tokens; the old ones hold until it does.
    trouble: Option<String>,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// No token came with the request.
    #[error("no token came with the request")]
    NoToken,
    /// Nobody has that token.
    #[error("that token is not known")]
    Unknown,
    /// The token does not allow that.
    #[error("{name} is {role} and may not do that; it takes the role {needed}")]
    Role {
        /// Who it was.
        name: String,
        /// What the token allows.
        role: Role,
        /// What it would take.
        needed: Role,
    },
}

impl Keeper {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// [`TokensError`].
    pub fn new(path: &Path) -> Result<Self, TokensError> {
        let stamp = stamp(path);
        let tokens = Arc::new(Tokens::read(path)?);
        Ok(Self { path: path.to_owned(), known: Mutex::new(Known { tokens, stamp, trouble: None }) })
    }

    /// Tells who it is, if the token allows what is asked.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn admit(&self, token: Option<&str>, needed: Role) -> Result<Bearer, Denied> {
        let tokens = self.tokens();
        let bearer = tokens.find(token.ok_or(Denied::NoToken)?).ok_or(Denied::Unknown)?;
        if bearer.role < needed {
            return Err(Denied::Role { name: bearer.name.clone(), role: bearer.role, needed });
        }
        Ok(bearer.clone())
    }

    /// Gives the tokens, read again when the file has changed. One that cannot be read changes nothing, and that is said.
    fn tokens(&self) -> Arc<Tokens> {
        let mut known = self.lock();
        let stamp = stamp(&self.path);
        if stamp != known.stamp {
            match Tokens::read(&self.path) {
                Ok(tokens) => {
                    tracing::info!(path = %self.path.display(), "the tokens were read again");
                    (known.tokens, known.stamp, known.trouble) = (Arc::new(tokens), stamp, None);
                }
                Err(error) => {
                    let words = error.to_string();
                    if known.trouble.as_ref() != Some(&words) {
                        tracing::warn!(%error, "the tokens file was changed and cannot be used; the old tokens hold");
                        known.trouble = Some(words);
                    }
                }
            }
        }
        Arc::clone(&known.tokens)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some(Stamp { modified: found.modified().ok()?, bytes: found.len() })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const VIEWER: &str = "0123456789abcdef-v";
    const OPERATOR: &str = "0123456789abcdef-o";

    fn write(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn role_decides_and_a_changed_file_counts_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        write(&path, &format!("v viewer {VIEWER}\no operator {OPERATOR}\n"));
        let keeper = Keeper::new(&path).unwrap();
        assert_eq!(keeper.admit(Some(OPERATOR), Role::Operator).unwrap().name, "o");
        assert_eq!(keeper.admit(Some(OPERATOR), Role::Viewer).unwrap().role, Role::Operator);
        assert_eq!(keeper.admit(None, Role::Viewer), Err(Denied::NoToken));
        assert_eq!(keeper.admit(Some("x"), Role::Viewer), Err(Denied::Unknown));
        let denied = keeper.admit(Some(VIEWER), Role::Operator).unwrap_err().to_string();
        assert_eq!(denied, "v is viewer and may not do that; it takes the role operator");
        write(&path, &format!("second-viewer viewer {VIEWER}\n"));
        assert_eq!(keeper.admit(Some(OPERATOR), Role::Viewer), Err(Denied::Unknown));
        assert_eq!(keeper.admit(Some(VIEWER), Role::Viewer).unwrap().name, "second-viewer");
        // What cannot be used changes nothing.
        write(&path, "nonsense\n");
        assert_eq!(keeper.admit(Some(VIEWER), Role::Viewer).unwrap().name, "second-viewer");
    }
}
