//! What a technician asks at the tank: does this gauge answer, and who else is on the line.
//!
//! `read` and `scan` own the line while they run; an agent that polls the same port must be stopped first. `status` asks
//! that agent.

mod advice;
pub mod arguments;
mod attempt;
pub mod read;
mod report;
pub mod scan;
pub mod status;
mod sweep;
mod target;
mod watch;

pub use advice::Unanswered;
