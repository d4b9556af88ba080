//! What stands around an agent.

mod agent;
mod centre;
mod gauges;
mod station;

use std::time::Duration;

pub use agent::Agent;
pub use centre::{Centre, Kept, Number};
pub use gauges::Gauges;
pub use station::Station;

/// Long enough for any loaded machine.
pub const DEADLINE: Duration = Duration::from_secs(60);
