//! Names of sites, edges, lines, tanks, products and register maps.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest name that is accepted, in characters.
pub const MAX_NAME_LENGTH: usize = 64;

/// A text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a name: 1 to {MAX_NAME_LENGTH} of the characters A-Z a-z 0-9 _ - are allowed")]
pub struct NameError {
    text: String,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 1 to 64 characters of `[A-Za-z0-9_-]`, so that it can stand in an MQTT topic, a file name and a tag.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Gives the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text).map(|()| Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// Name of a site: one station.
    SiteName
);
name!(
    /// Name of an edge: one RTU with its agent.
    EdgeName
);
name!(
    /// Name of an RS-485 line.
    LineName
);
name!(
    /// Name of a tank or vessel.
    TankName
);
name!(
    /// Name of a product: what a tank holds.
    ProductName
);
name!(
    /// Name of a register map.
    RegisterMapName
);

fn check(text: &str) -> Result<(), NameError> {
    let fits = (1..=MAX_NAME_LENGTH).contains(&text.len());
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if fits && plain { Ok(()) } else { Err(NameError { text: text.chars().take(80).collect() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fits_a_topic_is_a_name() {
        for good in ["T-01", "a", "rtu_1", &"x".repeat(64)] {
            assert_eq!(good.parse::<TankName>().unwrap().as_str(), good);
        }
        for bad in ["", "a/b", "a b", "a.b", "+", "#", "tänk", &"x".repeat(65)] {
            assert!(bad.parse::<TankName>().is_err(), "{bad}");
        }
    }
}
