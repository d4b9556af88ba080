//! Reports of what came of scenarios: JUnit XML for build servers, one HTML file for people.

mod html;
mod junit;
mod text;

pub use html::html;
pub use junit::junit;
