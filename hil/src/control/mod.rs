//! A running bench is steered from another terminal: levels and flows, faults, what is shown and counted.
//!
//! `order.rs` says what can be told to a bench and how it is written, `steered.rs` does it, without I/O; `server.rs` and
//! `client.rs` carry it over a unix socket, `socket.rs` says where that is. `command.rs` is the command line.
//!
//! The protocol is lines of text, so that `socat` will do too: one order a line; then lines of an answer, and at the end a
//! line that is `ok` or begins with `error: `.

mod client;
mod command;
mod order;
mod server;
mod show;
mod socket;
mod steered;

pub use client::{Client, ClientError};
pub use command::{ControlCommand, run};
pub use order::{Order, ParseOrderError, Target};
pub use server::{ControlServer, ServerError};
pub use socket::{ControlArgs, SocketError};
pub use steered::{OrderError, SteeredBench};

#[cfg(test)]
#[path = "steered_tests.rs"]
mod tests;
