//! Who may connect.

use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tankline_domain::settings::{Problem, Problems};
use tankline_runtime::secret::Secret;

/// What a hash begins with, and no password.
const HASH: &str = "$argon2";

/// Users and their passwords, or the hashes of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users(HashMap<String, Secret>);

impl Users {
    /// Reads a users file: one `user:password` or `user:$argon2…` a line; lines that are empty or begin with `#` are passed over.
    ///
    /// A password may hold colons and spaces; a user may not hold a colon.
    ///
    /// # Errors
    /// [`Problems`] with file and line of all that is wrong. No password is shown.
    pub fn read_file(path: &Path) -> Result<Self, Problems> {
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Problems::of_file(&origin, format!("the users file cannot be read: {error}")))?;
        Self::parse(&text, &origin)
    }

    fn parse(text: &str, origin: &str) -> Result<Self, Problems> {
        let mut users = HashMap::new();
        let mut problems = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            let wrong = match line.split_once(':').map(|(user, password)| (user.trim(), password)) {
                None => Some("must read user:password".to_owned()),
                Some(("", _)) => Some("names no user before the colon".to_owned()),
                Some((user, "")) => Some(format!("gives user {user:?} no password")),
                Some((user, hash)) if hash.starts_with(HASH) && PasswordHash::new(hash).is_err() => {
                    Some(format!("gives user {user:?} a hash that cannot be read"))
                }
                Some((user, password)) => users
                    .insert(user.to_owned(), Secret::new(password))
                    .map(|_| format!("names user {user:?} a second time")),
            };
            let place = format!("line {}", index + 1);
            problems.extend(wrong.map(|message| Problem { origin: origin.to_owned(), place, message }));
        }
        if users.is_empty() && problems.is_empty() {
            return Err(Problems::of_file(origin, "holds no user; write lines that read user:password"));
        }
        Problems::found(problems).map_or(Ok(Self(users)), Err)
    }

    /// Tells whether this is the password of this user, in a time that tells neither how much of it is right nor whether there
    /// is such a user.
    ///
    /// Where the file holds a hash, that takes some tens of milliseconds of a processor, for whichever user.
    #[must_use]
    pub fn admit(&self, user: &str, password: &[u8]) -> bool {
        let known = self.0.get(user).map(Secret::expose);
        let hash = known.filter(|known| known.starts_with(HASH)).or_else(|| self.hashes().next());
        let fits_hash = black_box(hash.is_some_and(|hash| fits(hash, password)));
        match known {
            Some(known) if known.starts_with(HASH) => fits_hash,
            Some(known) => is_same(known.as_bytes(), password),
            None => false,
        }
    }

    /// Tells whether any password is known by its hash alone.
    pub(crate) fn has_hashes(&self) -> bool {
        self.hashes().next().is_some()
    }

    fn hashes(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(Secret::expose).filter(|known| known.starts_with(HASH))
    }

    /// Gives the users whose password stands in the file as it is.
    pub fn in_clear(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, known)| !known.expose().starts_with(HASH)).map(|(user, _)| user.as_str())
    }

    /// Gives what proves a user, to see later whether it has been changed.
    pub(crate) fn proof(&self, user: &str) -> Option<&Secret> {
        self.0.get(user)
    }

    /// Gives the number of users.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is no user.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Makes the hash of a password that may stand in a users file: argon2id, with a salt of its own.
///
/// # Errors
/// [`HashError`] when there are no random numbers, or the password is longer than 4 GiB.
pub fn hash(password: &[u8]) -> Result<String, HashError> {
    let hashed: Result<PasswordHash, _> = Argon2::default().hash_password(password);
    hashed.map(|hash| hash.to_string()).map_err(|error| HashError { reason: error.to_string() })
}

/// A password cannot be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password cannot be hashed: {reason}")]
pub struct HashError {
    reason: String,
}

fn is_same(known: &[u8], password: &[u8]) -> bool {
    let differences = known.iter().zip(password).fold(0, |all, (a, b)| black_box(all | (a ^ b)));
    known.len() == password.len() && differences == 0
}

fn fits(hash: &str, password: &[u8]) -> bool {
    #[cfg(test)]
    HASHED.with(|hashed| hashed.set(hashed.get() + 1));
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}

impl<U: Into<String>, P: Into<String>> FromIterator<(U, P)> for Users {
    fn from_iter<I: IntoIterator<Item = (U, P)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(user, password)| (user.into(), Secret::new(password))).collect())
    }
}

#[cfg(test)]
thread_local! {
    /// How often this thread has held a password against a hash.
    pub(crate) static HASHED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_is_admitted_by_the_whole_password_alone() {
        let users = Users::parse("# station\n\nedge:pa:ss word\ningest:x\n", "users").unwrap();
        assert!(users.admit("edge", b"pa:ss word"));
        for (user, password) in
            [("edge", "pa:ss"), ("edge", "pa:ss word2"), ("edge", ""), ("ingest", "pa:ss word"), ("nobody", "x")]
        {
            assert!(!users.admit(user, password.as_bytes()), "{user} {password}");
        }
    }

    #[test]
    fn hashed_password_admits_as_the_password_itself() {
        let hash = hash(b"secret").unwrap();
        let users = Users::parse(&format!("edge:{hash}\nclear:secret\n"), "users").unwrap();
        assert!(users.admit("edge", b"secret"));
        assert!(
            !users.admit("edge", b"Secret") && !users.admit("edge", hash.as_bytes()) && !users.admit("x", b"secret")
        );
        assert_eq!(users.in_clear().collect::<Vec<_>>(), ["clear"]);
        let problems = Users::parse("edge:$argon2id$v=19$nonsense\n", "users").unwrap_err().to_string();
        assert!(problems.contains("a hash that cannot be read"), "{problems}");
    }

    #[test]
    fn everything_wrong_is_said_by_line_without_a_password() {
        let problems = Users::parse("edge secret\n:secret\nedge:\na:secret\na:secret2\n", "users").unwrap_err();
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "users: line 1: must read user:password",
                "users: line 2: names no user before the colon",
                "users: line 3: gives user \"edge\" no password",
                "users: line 5: names user \"a\" a second time",
            ]
        );
        assert!(Users::parse("# nobody\n", "users").unwrap_err().to_string().contains("holds no user"));
    }
}
