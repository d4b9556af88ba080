//! Enumerations whose text is their name.

/// Makes an enumeration of a list of variants with their names: `ALL`, `name`, its text and back, by which it is
/// serialised, and the error for a text that names none.
macro_rules! named {
    (
        $(#[$doc:meta])*
        $name:ident, $unknown:ident = $what:literal { $($(#[$about:meta])* $variant:ident = $text:literal,)+ }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$about])* $variant,)+
        }

        #[doc = concat!("A text names no ", $what, ".")]
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        #[error("{text:?} is no {}; known are {}", $what, $name::ALL.map($name::name).join(", "))]
        pub struct $unknown {
            text: String,
        }

        impl $name {
            /// All of them.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// Gives its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $unknown;

            fn from_str(text: &str) -> Result<Self, $unknown> {
                let found = Self::ALL.into_iter().find(|one| one.name() == text);
                found.ok_or_else(|| $unknown { text: text.to_owned() })
            }
        }

        impl TryFrom<String> for $name {
            type Error = $unknown;

            fn try_from(text: String) -> Result<Self, $unknown> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(one: $name) -> Self {
                one.name().to_owned()
            }
        }
    };
}

pub(super) use named;
