//! Reports of what came of scenarios: JUnit XML for build servers, one HTML file for people.

mod junit;
mod text;

pub use junit::junit;
