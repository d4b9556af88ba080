//! Gauges, RS-485 lines and tanks in software.
//!
//! A `plant` of tanks that move, `gauge`s that measure them, and `line`s on which the gauges answer Modbus RTU at the pace
//! of the wire, so that an edge, or any other Modbus master, can be run without hardware. A `demo` of the whole system in one
//! process, which audits itself, and a `bench` that measures what its parts can take. A `load` of
//! many edges sizes a broker and a centre.

pub mod audit;
pub mod bench;
pub mod control;
pub mod demo;
pub mod gauge;
pub mod gauges_command;
pub mod line;
pub mod load;
pub mod modbus;
pub mod plant;
pub mod role;
pub mod scenario;
pub mod stall;
