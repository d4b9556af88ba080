//! Who may connect.

use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;

use tankline_domain::settings::{Problem, Problems};
use tankline_runtime::secret::Secret;

/// Users and their passwords.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users(HashMap<String, Secret>);

impl Users {
    /// Reads a users file: one `user:password` a line; lines that are empty or begin with `#` are passed over.
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

    /// Tells whether this is the password of this user, in a time that does not tell how much of it is right.
    #[must_use]
    pub fn admit(&self, user: &str, password: &[u8]) -> bool {
        self.0.get(user).is_some_and(|known| {
            let (known, given) = (known.expose().as_bytes(), password);
            let differences = known.iter().zip(given).fold(0, |all, (a, b)| black_box(all | (a ^ b)));
            known.len() == given.len() && differences == 0
        })
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

impl<U: Into<String>, P: Into<String>> FromIterator<(U, P)> for Users {
    fn from_iter<I: IntoIterator<Item = (U, P)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(user, password)| (user.into(), Secret::new(password))).collect())
    }
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
