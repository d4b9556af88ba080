//! The editions of the standards.

use std::fmt;
use std::str::FromStr;

/// Edition of the standard by which volumes are corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standard {
    /// GB/T 1885-1998 (ISO 91-2:1991).
    Gb1885_1998,
    /// API MPMS chapter 11.1-2004 with Addendum 2, whose factors are not rounded.
    Api11_1_2004,
}

impl Standard {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Gb1885_1998, Self::Api11_1_2004];

    /// Gives the word that configurations and commands use: `gb-1885-1998`, `api-11.1-2004`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gb1885_1998 => "gb-1885-1998",
            Self::Api11_1_2004 => "api-11.1-2004",
        }
    }

    /// Gives the name of the edition, as a report prints it.
    #[must_use]
    pub const fn edition(self) -> &'static str {
        match self {
            Self::Gb1885_1998 => "GB/T 1885-1998",
            Self::Api11_1_2004 => "API MPMS 11.1-2004 Addendum 2",
        }
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Standard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|standard| standard.word() == text);
        known.ok_or_else(|| format!("{text:?} is no standard: write gb-1885-1998 or api-11.1-2004"))
    }
}
