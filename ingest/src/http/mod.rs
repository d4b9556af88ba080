//! What operators and monitoring are served.

mod health;
mod server;

pub use health::{Health, SiteHealth, health};
pub use server::serve;
