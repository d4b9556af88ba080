//! `tankline-hil load`: many edges at MQTT level, to size a broker and a centre.
//!
//! Each edge makes readings at its pace, keeps them until the centre says that they are committed, and sends again what is
//! not. What an edge does is a core without I/O ([`Journalist`]); a small task for each moves its bytes.

mod arguments;
mod connection;
mod description;
mod edges;
mod journalist;
mod limits;
mod message;
mod own;
mod plan;
mod progress;
mod run;
mod summary;
mod tally;
mod wire;

pub use arguments::{LoadArgs, Outage};
pub use description::describe;
pub use journalist::{Batch, Heard, Item, Journalist};
pub use run::run;
pub use summary::{OwnSummary, Summary};
