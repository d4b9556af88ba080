//! The centre's side of the conversation with the edges: it says that it is there, and what it has committed.

mod announcer;
mod core;
mod session;

pub use announcer::announce;
pub use core::{Centre, Say};
pub use session::{Site, receive, session_options};
