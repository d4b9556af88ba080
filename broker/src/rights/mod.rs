//! Who may publish and subscribe what.
//!
//! A peer has one role. The role is told by the rights file, or by the form of the peer's name:
//!
//! - `{site}.{edge}`: an edge. It publishes its readings, state and health, and hears what is committed of them.
//! - `tankline-ingest`, `tankline-ingest.…`, `tankline-ingest-…`: the centre.
//! - any other name of a user: a viewer, who hears everything below `tankline/v1` and publishes nothing.
//!
//! A user was let in by name. An authority may have signed certificates for all kinds of things: of their names, one must
//! have a role.
//!
//! Where nobody is asked who he is, the client id stands for the name of an edge, and everybody else may do everything.

mod file;
mod foreign;
mod granted;
mod names;
mod pattern;
mod role;

pub use foreign::{Foreign, ForeignError};
pub use granted::Granted;
pub use role::{Rights, Stranger};
