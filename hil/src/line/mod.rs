//! An RS-485 line in software: several gauges behind one pseudo-terminal, at the pace of the wire.
//!
//! `bus.rs` decides what is on the wire and when, without I/O and without a clock; `pty.rs` and `emulated.rs` move the bytes.

mod bus;
mod counters;
mod emulated;
mod fault;
mod link;
mod pty;
mod served;
mod transmission;
mod wire;

pub use bus::{Bus, Turnaround, WireByte};
pub use counters::LineCounters;
pub use emulated::{EmulatedLine, LineError, LineSpec, UnitSpec};
pub use fault::{CATALOGUE, CatalogueEntry, Chance, Fault, FaultTarget, LineFault, Noise, ParseFaultError, Twin};
pub use link::{LinkError, PortLink};
pub use pty::PtyError;
pub use served::{Served, ServedLog, ServedSink};
pub use wire::Wire;
