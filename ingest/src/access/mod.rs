//! Who may do what over HTTP: bearer tokens with a name and a role, from a file.

mod keeper;
mod role;
mod tokens;

pub use keeper::{Denied, Keeper};
pub use role::Role;
pub use tokens::{Bearer, Tokens, TokensError};
