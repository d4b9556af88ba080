use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::LineFault;

/// Where the gauges of a line are to answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Place {
    /// A pseudo-terminal of its own, at the pace of the wire.
    #[default]
    Pty,
    /// A serial port that is really there, such as an RS-485 adapter; the wire behind it keeps the time.
    Port(PathBuf),
    /// RTU frames through TCP, as behind a serial device server, at the pace of the wire. Port 0 takes a free one.
    RtuOverTcp(SocketAddr),
    /// Modbus TCP: several clients, transaction numbers, no wire. Port 0 takes a free one.
    ModbusTcp(SocketAddr),
}

/// Where a fault can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// On every line.
    Everywhere,
    /// On a line with RTU frames: pseudo-terminal, serial port, RTU over TCP.
    Rtu,
    /// On a line whose wire is emulated: pseudo-terminal, RTU over TCP. It speaks while the master does.
    EmulatedWire,
    /// With Modbus TCP only.
    ModbusTcp,
}

impl Place {
    /// Whether a fault can be had here.
    #[must_use]
    pub fn has(&self, fault: LineFault) -> bool {
        match fault.reach() {
            Reach::Everywhere => true,
            Reach::Rtu => !matches!(self, Self::ModbusTcp(_)),
            Reach::EmulatedWire => matches!(self, Self::Pty | Self::RtuOverTcp(_)),
            Reach::ModbusTcp => matches!(self, Self::ModbusTcp(_)),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pty => f.write_str("pty"),
            Self::Port(path) => path.display().fmt(f),
            Self::RtuOverTcp(address) => write!(f, "rtu+tcp://{address}"),
            Self::ModbusTcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Everywhere => "everywhere",
            Self::Rtu => "with RTU frames only",
            Self::EmulatedWire => "on a pty and with RTU over TCP only",
            Self::ModbusTcp => "with Modbus TCP only",
        })
    }
}
