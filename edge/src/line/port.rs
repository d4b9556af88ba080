//! How the bytes of a line are reached: a serial port, a gateway for RTU frames, a Modbus TCP server.

use std::fmt;
use std::io;
use std::time::Duration;

use tankline_domain::site::{Framing, Parity, Port};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::frame::{MIN_FRAME, with_crc};
use super::serial;
use super::tty::Tty;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An open port that carries RTU frames.
pub struct OpenPort(Way);

enum Way {
    /// Frames go as they are, on a wire whose arithmetic is known.
    Rtu(Tty),
    /// Frames go as they are, through a gateway that keeps the wire's time itself.
    RtuOverTcp(TcpStream),
    /// Unit and data go behind a Modbus TCP header.
    ModbusTcp { stream: TcpStream, transaction: u16, received: Vec<u8> },
}

impl fmt::Debug for OpenPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenPort").finish_non_exhaustive()
    }
}

/// A port could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The serial port could not be opened.
    #[error("serial port {path} cannot be opened: {advice}")]
    Serial {
        /// The path.
        path: String,
        /// What to check.
        advice: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The gateway or server could not be reached.
    #[error("no connection to {address}")]
    Tcp {
        /// Host and port.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Opens a port.
///
/// # Errors
/// [`OpenError`] with what to check.
pub async fn open(port: &Port, framing: &Framing) -> Result<OpenPort, OpenError> {
    match port {
        Port::Serial(path) => {
            let path = path.display().to_string();
            let stream = open_serial(&path, framing).map_err(|source| OpenError::Serial {
                advice: advice(&path, framing, &source),
                path,
                source,
            })?;
            Ok(OpenPort(Way::Rtu(stream)))
        }
        Port::RtuOverTcp(address) => Ok(OpenPort(Way::RtuOverTcp(connect(address).await?))),
        Port::ModbusTcp(address) => {
            let stream = connect(address).await?;
            Ok(OpenPort(Way::ModbusTcp { stream, transaction: 0, received: Vec::new() }))
        }
    }
}

fn open_serial(path: &str, framing: &Framing) -> io::Result<Tty> {
    use tokio_serial::{DataBits, FlowControl, StopBits};
    let stream = tokio_serial::new(path, framing.baud)
        .data_bits(if framing.data_bits == 7 { DataBits::Seven } else { DataBits::Eight })
        .parity(match framing.parity {
            Parity::None => tokio_serial::Parity::None,
            Parity::Even => tokio_serial::Parity::Even,
            Parity::Odd => tokio_serial::Parity::Odd,
        })
        .stop_bits(if framing.stop_bits == 2 { StopBits::Two } else { StopBits::One })
        .flow_control(FlowControl::None)
        .open_native()
        .map_err(io::Error::from)?;
    if let Some(direction) = framing.direction {
        serial::turn_by_kernel(&stream, direction)?;
    }
    Tty::new(stream)
}

fn advice(path: &str, framing: &Framing, error: &io::Error) -> String {
    let text = error.to_string();
    // serialport calls a port that is busy one that is not there; its words tell them apart.
    if matches!(error.kind(), io::ErrorKind::ResourceBusy | io::ErrorKind::WouldBlock)
        || ["busy", "exclusive"].iter().any(|word| text.contains(word))
    {
        format!("another program holds it, an agent that runs perhaps; `fuser -v {path}` tells which")
    } else if error.kind() == io::ErrorKind::NotFound || text.contains("No such file") {
        format!("it is not there; is the adapter plugged in? `ls -l {path}` and `dmesg | tail` tell")
    } else if error.kind() == io::ErrorKind::PermissionDenied || text.contains("ermission") {
        "this user may not use it; add the user to the group dialout and log in again".to_owned()
    } else if text.contains("Not a typewriter") || text.contains("ioctl") {
        match framing.direction {
            Some(_) => "it is no serial port, or its driver cannot turn RS-485 (rs485 of this line); leave rs485 out"
                .to_owned(),
            None => "it is not a serial port".to_owned(),
        }
    } else {
        format!("check the port and its settings with `stty -F {path}`")
    }
}

async fn connect(address: &str) -> Result<TcpStream, OpenError> {
    let failed = |source| OpenError::Tcp { address: address.to_owned(), source };
    let connecting = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
    let stream = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}

impl OpenPort {
    /// Tells whether the frames are bits on a wire here, so that the wire's arithmetic holds.
    #[must_use]
    pub const fn is_wire(&self) -> bool {
        matches!(self.0, Way::Rtu(_))
    }

    /// Tells whether each answer says which request it answers, so that a late one cannot be mistaken.
    #[must_use]
    pub const fn names_its_answers(&self) -> bool {
        matches!(self.0, Way::ModbusTcp { .. })
    }

    /// Sends a frame. Does not wait until its last bit is on the wire.
    ///
    /// # Errors
    /// What the port said; it is then of no use any more.
    pub async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        match &mut self.0 {
            Way::Rtu(tty) => tty.write_all(frame).await,
            Way::RtuOverTcp(stream) => stream.write_all(frame).await,
            Way::ModbusTcp { stream, transaction, received } => {
                *transaction = transaction.wrapping_add(1);
                received.clear();
                let body = &frame[..frame.len() - 2];
                let mut packet = transaction.to_be_bytes().to_vec();
                packet.extend([0, 0]);
                packet.extend(u16::try_from(body.len()).expect("a frame is short").to_be_bytes());
                packet.extend(body);
                stream.write_all(&packet).await
            }
        }
    }

    /// Receives some bytes of RTU frames; waits until there are some. May be dropped at any time without loss.
    ///
    /// From a Modbus TCP server whole frames come, and only those of the last request: a transaction number says so.
    ///
    /// # Errors
    /// What the port said, or that it ended; it is then of no use any more.
    pub async fn receive(&mut self, frames: &mut Vec<u8>) -> io::Result<()> {
        let mut bytes = [0; 512];
        loop {
            let count = match &mut self.0 {
                Way::Rtu(tty) => tty.read(&mut bytes).await?,
                Way::RtuOverTcp(stream) | Way::ModbusTcp { stream, .. } => stream.read(&mut bytes).await?,
            };
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match &mut self.0 {
                Way::Rtu(_) | Way::RtuOverTcp(_) => frames.extend(&bytes[..count]),
                Way::ModbusTcp { transaction, received, .. } => {
                    received.extend(&bytes[..count]);
                    take_packets(received, *transaction, frames)?;
                }
            }
            if !frames.is_empty() {
                return Ok(());
            }
        }
    }
}

impl OpenPort {
    /// Lets bytes come without waking anybody, until somebody waits for them again.
    pub fn rest(&mut self) {
        if let Way::Rtu(tty) = &mut self.0 {
            tty.rest();
        }
    }
}

/// Takes whole Modbus TCP packets off the bytes; those of the transaction become RTU frames.
///
/// Source: Modbus Messaging on TCP/IP V1.0b, section 3.1.3 (the MBAP header).
fn take_packets(received: &mut Vec<u8>, transaction: u16, frames: &mut Vec<u8>) -> io::Result<()> {
    const HEADER: usize = 6;
    while let Some((header, rest)) = received.split_first_chunk::<HEADER>() {
        let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
        if header[2..4] != [0, 0] || !(MIN_FRAME - 2..=254).contains(&length) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "what the server sends is not Modbus TCP"));
        }
        let Some(body) = rest.get(..length) else { return Ok(()) };
        if header[..2] == transaction.to_be_bytes() {
            frames.extend(with_crc(body.to_vec()));
        }
        received.drain(..HEADER + length);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tankline_domain::site::Direction;

    use super::*;

    #[test]
    fn packets_of_other_transactions_are_dropped_and_split_ones_wait() {
        let packet = |transaction: u16, body: &[u8]| {
            let mut bytes = transaction.to_be_bytes().to_vec();
            bytes.extend([0, 0, 0, u8::try_from(body.len()).unwrap()]);
            bytes.extend(body);
            bytes
        };
        let mut received = [packet(6, &[1, 3, 2, 0, 1]), packet(7, &[1, 3, 2, 0, 2])].concat();
        let held_back = received.split_off(15);
        let mut frames = Vec::new();
        take_packets(&mut received, 7, &mut frames).unwrap();
        assert!(frames.is_empty());
        received.extend(held_back);
        take_packets(&mut received, 7, &mut frames).unwrap();
        assert_eq!(frames, with_crc(vec![1, 3, 2, 0, 2]));
        assert!(received.is_empty());
        received.extend(*b"HTTP/1.1 400");
        assert!(take_packets(&mut received, 7, &mut frames).is_err());
    }

    #[tokio::test]
    async fn a_port_that_is_not_there_is_said_so() {
        let error = open(&Port::Serial("/dev/tty-none".into()), &Framing::default()).await.unwrap_err();
        assert!(error.to_string().contains("is the adapter plugged in?"), "{error}");
    }

    /// Makes a pseudo-terminal; gives what holds it open, and its path.
    fn terminal() -> (rustix::fd::OwnedFd, Port) {
        let master = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let path = rustix::pty::ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        (master, Port::Serial(path.into()))
    }

    #[tokio::test]
    async fn a_port_that_another_master_holds_is_said_so() {
        let (_master, port) = terminal();
        let held = open(&port, &Framing::default()).await.unwrap();
        let error = open(&port, &Framing::default()).await.unwrap_err();
        assert!(error.to_string().contains("another program holds it"), "{error}");
        drop(held);
        open(&port, &Framing::default()).await.unwrap();
    }

    #[tokio::test]
    async fn a_port_that_cannot_turn_its_driver_is_said_so() {
        let (_master, port) = terminal();
        let direction = Direction { rts_on_send: true, delay_before_send_ms: 0, delay_after_send_ms: 1 };
        let framing = Framing { direction: Some(direction), ..Framing::default() };
        let error = open(&port, &framing).await.unwrap_err();
        assert!(error.to_string().contains("cannot turn RS-485"), "{error}");
    }
}
