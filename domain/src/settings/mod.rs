//! Reading a configuration so that everything wrong with it is said at once.
//!
//! A [`Document`] is a tree of values with the place it came from. A [`Reader`] walks it by [`Section`]s; each key is
//! asked for by name and type, every problem is collected with file, key and value, and keys that nobody asked for are
//! problems too.

mod problem;
mod section;
mod setting;

pub use problem::{Problem, Problems};
pub use section::{Document, Reader, Section};
pub use setting::Setting;
