//! An RS-485 line in software: several gauges behind one port, at the pace of the wire; or the same behind Modbus TCP.
//!
//! `units.rs` has the gauges and their faults. `bus.rs` decides what is on a wire and when, and `packets.rs` what a Modbus TCP
//! client gets, both without I/O and without a clock. `worker.rs` moves the bytes between them and an `endpoint`.

mod bus;
mod counters;
mod emulated;
mod endpoint;
mod fault;
mod handle;
mod link;
mod packets;
mod place;
mod served;
mod spec;
mod transmission;
mod units;
mod wire;
mod worker;

pub use bus::{Bus, Pace, Turnaround, WireByte};
pub use counters::{LineCounters, UnitCounters};
pub use emulated::{EmulatedLine, LineError};
pub use endpoint::{PtyError, SerialError};
pub use fault::{
    CATALOGUE, CatalogueEntry, Chance, Fault, FaultTarget, LineFault, Noise, ParseFaultError, Twin, catalogue_table,
};
pub use handle::{LineHandle, SetFaultsError};
pub use link::{LinkError, PortLink};
pub use place::{Place, Reach};
pub use served::{Served, ServedLog, ServedSink};
pub use spec::{LineSpec, UnitSpec};
pub use wire::Wire;
