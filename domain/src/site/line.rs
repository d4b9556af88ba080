//! RS-485 lines.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::names::{EdgeName, LineName};

/// An RS-485 line with its gauges, owned by one edge.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Name of the line.
    pub name: LineName,
    /// The edge that owns it.
    pub edge: EdgeName,
    /// How the edge reaches it.
    pub port: Port,
    /// How a byte stands on the wire.
    pub framing: Framing,
}

/// How an edge reaches a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Port {
    /// A serial port or pty, by its path.
    Serial(PathBuf),
    /// Modbus RTU frames through a TCP gateway: `rtu+tcp://host:port`.
    RtuOverTcp(String),
    /// Modbus TCP: `tcp://host:port`.
    ModbusTcp(String),
}

/// A text does not name a port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a port: write /dev/ttyUSB0, rtu+tcp://host:port or tcp://host:port")]
pub struct PortError {
    text: String,
}

impl FromStr for Port {
    type Err = PortError;

    fn from_str(text: &str) -> Result<Self, PortError> {
        let wrong = || PortError { text: text.to_owned() };
        let address = |rest: &str| {
            let (host, port) = rest.rsplit_once(':').ok_or_else(wrong)?;
            let port: u16 = port.parse().map_err(|_| wrong())?;
            if host.is_empty() || port == 0 || host.contains('/') { Err(wrong()) } else { Ok(rest.to_owned()) }
        };
        if let Some(rest) = text.strip_prefix("rtu+tcp://") {
            return address(rest).map(Self::RtuOverTcp);
        }
        if let Some(rest) = text.strip_prefix("tcp://") {
            return address(rest).map(Self::ModbusTcp);
        }
        if text.is_empty() || text.contains("://") { Err(wrong()) } else { Ok(Self::Serial(text.into())) }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(path) => path.display().fmt(f),
            Self::RtuOverTcp(address) => write!(f, "rtu+tcp://{address}"),
            Self::ModbusTcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// Parity bit of a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parity {
    /// No parity bit.
    None,
    /// Even.
    Even,
    /// Odd.
    Odd,
}

/// How a byte stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    /// Bits a second.
    pub baud: u32,
    /// Data bits, 7 or 8.
    pub data_bits: u8,
    /// Parity.
    pub parity: Parity,
    /// Stop bits, 1 or 2.
    pub stop_bits: u8,
    /// How the kernel turns the driver from listening to sending, where the port cannot by itself.
    pub direction: Option<Direction>,
}

/// Direction control of an RS-485 driver by the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Direction {
    /// Whether RTS is on while sending; it is the other way round while listening.
    pub rts_on_send: bool,
    /// From turning RTS to the first bit, in ms.
    pub delay_before_send_ms: u8,
    /// From the last bit to turning RTS back, in ms.
    pub delay_after_send_ms: u8,
}

impl Default for Framing {
    /// 9600 bit/s, 8 data bits, no parity, 1 stop bit: the published gauge.
    fn default() -> Self {
        Self { baud: 9600, data_bits: 8, parity: Parity::None, stop_bits: 1, direction: None }
    }
}

impl Framing {
    /// Gives the time that `count` bytes take on the wire, start and stop bits included.
    #[must_use]
    pub fn bytes(&self, count: usize) -> Duration {
        let bits = 1 + u64::from(self.data_bits) + u64::from(self.parity != Parity::None) + u64::from(self.stop_bits);
        Duration::from_nanos(bits * 1_000_000_000 * count as u64 / u64::from(self.baud.max(1)))
    }

    /// Gives the silence that ends a frame: 3.5 characters, and 1.75 ms above 19 200 bit/s.
    ///
    /// Source: Modbus over serial line V1.02, section 2.5.1.1.
    #[must_use]
    pub fn silence(&self) -> Duration {
        if self.baud > 19_200 { Duration::from_micros(1750) } else { self.bytes(7) / 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_come_back_from_their_text() {
        for text in ["/dev/ttyUSB0", "rtu+tcp://10.0.0.7:4001", "tcp://gateway:502", "tcp://[::1]:502"] {
            assert_eq!(text.parse::<Port>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "tcp://",
            "tcp://host",
            "tcp://:502",
            "tcp://host:0",
            "tcp://host:99999",
            "udp://host:5",
            "tcp://a/b:5",
        ] {
            assert!(text.parse::<Port>().is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_take_their_time_on_the_wire() {
        let framing = Framing::default();
        assert_eq!(framing.bytes(8), Duration::from_nanos(8_333_333));
        assert_eq!(framing.bytes(11), Duration::from_nanos(11_458_333));
        assert_eq!(framing.silence().as_micros(), 3645);
        assert_eq!(Framing { baud: 115_200, ..framing }.silence(), Duration::from_micros(1750));
        assert_eq!(Framing { parity: Parity::Even, ..framing }.bytes(1), Duration::from_nanos(1_145_833));
    }
}
