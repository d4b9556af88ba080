//! The file with the tokens: a line each, `name role token`.

use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tankline_runtime::secret::open_to_others;

use super::Role;
use super::role::UnknownRole;

/// Shortest token that is taken: guessing a shorter one is too easy.
pub const SHORTEST_TOKEN: usize = 16;

/// Longest name that is taken, in bytes.
const LONGEST_NAME: usize = 64;

/// What stands before the digest of a token that is not itself in the file.
const DIGEST_PREFIX: &str = "sha256:";

/// Somebody who has a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The name: it is recorded with all that the bearer does.
    pub name: String,
    /// What the token allows.
    pub role: Role,
}

/// All tokens of a file. Only their digests are kept.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Tokens {
    bearers: Vec<(Bearer, [u8; 32])>,
}

/// Why a file gives no tokens. None of them shows a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokensError {
    /// The file cannot be read.
    #[error("cannot read the tokens file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Everybody can read it.
    #[error("others may read or write the tokens file {} (mode {mode:03o}); chmod o= it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A line has not three parts.
    #[error("line {line} of the tokens file {}: must read `name role token`", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// A name cannot stand for a person.
    #[error("line {line} of the tokens file {}: the name must be 1 to 64 printable characters", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// There is no such role.
    #[error("line {line} of the tokens file {}", path.display())]
    Role {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What was wrong.
        source: UnknownRole,
    },
    /// The token is no token.
    #[error(
        "line {line} of the tokens file {}: the token must have {SHORTEST_TOKEN} or more printable ASCII characters, or be \
         sha256: and the 64 hexadecimal digits of its digest", path.display()
    )]
    Token {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// A token or a name is there twice.
    #[error("line {line} of the tokens file {}: line {other} has the same {what}", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// The other one.
        other: usize,
        /// What is the same.
        what: &'static str,
    },
    /// There is no token in it.
    #[error("the tokens file {} has no token; write lines of `name role token`", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.bearers.iter().map(|(bearer, _)| bearer)).finish()
    }
}

impl Tokens {
    /// Reads a file. Empty lines and lines that begin with `#` say nothing.
    ///
    /// # Errors
    /// [`TokensError`].
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        let unreadable = |source| TokensError::Unreadable { path: path.to_owned(), source };
        if let Some(mode) = open_to_others(&std::fs::metadata(path).map_err(unreadable)?) {
            return Err(TokensError::Open { path: path.to_owned(), mode });
        }
        Self::parse(&std::fs::read_to_string(path).map_err(unreadable)?, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, TokensError> {
        let path = || path.to_owned();
        let (mut tokens, mut lines) = (Self::default(), Vec::new());
        for (index, text) in text.lines().enumerate() {
            let line = index + 1;
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let parts: Vec<&str> = text.split_whitespace().collect();
            let [name, role, token] = parts[..] else { return Err(TokensError::Form { path: path(), line }) };
            if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
                return Err(TokensError::Name { path: path(), line });
            }
            let role = role.parse().map_err(|source| TokensError::Role { path: path(), line, source })?;
            let digest = digest(token).ok_or_else(|| TokensError::Token { path: path(), line })?;
            let twice = |what, place: usize| TokensError::Twice { path: path(), line, other: lines[place], what };
            if let Some(place) = tokens.bearers.iter().position(|(other, _)| other.name == name) {
                return Err(twice("name", place));
            }
            if let Some(place) = tokens.bearers.iter().position(|(_, other)| *other == digest) {
                return Err(twice("token", place));
            }
            tokens.bearers.push((Bearer { name: name.to_owned(), role }, digest));
            lines.push(line);
        }
        if tokens.bearers.is_empty() { Err(TokensError::Empty { path: path() }) } else { Ok(tokens) }
    }

    /// Finds who has a token. How long that takes tells nothing of the tokens that are known.
    #[must_use]
    pub fn find(&self, token: &str) -> Option<&Bearer> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut found = None;
        for (bearer, known) in &self.bearers {
            let differs = known.iter().zip(&digest).fold(0, |differs, (one, other)| differs | (one ^ other));
            if std::hint::black_box(differs) == 0 {
                found = Some(bearer);
            }
        }
        found
    }
}

/// Gives the digest of a token as it stands in the file.
fn digest(token: &str) -> Option<[u8; 32]> {
    let Some(digits) = token.strip_prefix(DIGEST_PREFIX) else {
        let sound = token.len() >= SHORTEST_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic());
        return sound.then(|| Sha256::digest(token.as_bytes()).into());
    };
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0; 32];
    for (place, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn parse(text: &str) -> Result<Tokens, TokensError> {
        Tokens::parse(text, Path::new("tokens"))
    }

    #[test]
    fn token_is_found_by_itself_whether_the_file_has_it_or_its_digest() {
        let hex: String = Sha256::digest(b"correct-horse-battery").iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!("# people\n\nmeier operator 0123456789abcdef\nwang engineer sha256:{hex}\n");
        let tokens = parse(&text).unwrap();
        assert_eq!(tokens.find("0123456789abcdef").unwrap().name, "meier");
        let wang = tokens.find("correct-horse-battery").unwrap();
        assert_eq!((wang.name.as_str(), wang.role), ("wang", Role::Engineer));
        for wrong in ["", "0123456789abcde", "0123456789abcdeg", &hex, &format!("sha256:{hex}")] {
            assert_eq!(tokens.find(wrong), None, "{wrong}");
        }
        assert!(!format!("{tokens:?}").contains("0123456789abcdef"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_without_the_token() {
        let token = "0123456789abcdef";
        for (text, said) in [
            (String::new(), "has no token"),
            ("# only a remark\n".to_owned(), "has no token"),
            ("a viewer\n".to_owned(), "line 1 of the tokens file tokens: must read `name role token`"),
            (format!("a b viewer {token}\n"), "must read `name role token`"),
            (format!("\na chief {token}\n"), "line 2 of the tokens file tokens"),
            ("a viewer 0123456789abcde\n".to_owned(), "16 or more"),
            (format!("a viewer sha256:{token}\n"), "64 hexadecimal digits"),
            (format!("a viewer {token}\nb viewer {token}\n"), "line 1 has the same token"),
            (format!("a viewer {token}\na viewer {token}x\n"), "line 1 has the same name"),
        ] {
            let error = parse(&text).unwrap_err();
            let words = format!("{error} {:?}", std::error::Error::source(&error).map(ToString::to_string));
            assert!(words.contains(said), "{words}");
            assert!(!words.contains(token), "{words}");
        }
    }

    #[test]
    fn file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        std::fs::write(&path, "a viewer 0123456789abcdef\n").unwrap();
        for (mode, fits) in [(0o600, true), (0o640, true), (0o644, false), (0o602, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Tokens::read(&path).is_ok(), fits, "{mode:o}");
        }
    }
}
