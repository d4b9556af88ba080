//! What the program does beside running.

pub mod ca;
pub mod rights;
pub mod user;
