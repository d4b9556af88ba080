//! Modbus RTU as a slave sees it: request frames in, reply frames out.
//!
//! Pure functions over bytes. The gauges have framing of their own, so that a frame can be late, cut or corrupted on demand,
//! and so that the edge is tested against code that it shares nothing with.

mod crc;
mod exception;
mod reply;
mod request;

pub use crc::{crc16, seal};
pub use exception::ExceptionCode;
pub use reply::{exception, registers};
pub use request::{Ask, FrameError, MAX_FRAME_BYTES, MAX_READ_COUNT, Request, Table};
