//! A connection of one edge: bytes in and out. Buffers live only while there is something in them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rumqttc::mqttbytes::v4::{ConnectReturnCode, Packet, SubscribeReasonCode};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::wire::{Inbox, NotMqtt, Outbox};

/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 8 * 1024;

/// A connection with what waits on it.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    inbox: Inbox,
    /// What is to be written.
    pub outbox: Outbox,
}

/// Why a connection ended or did not come to be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// The system says so.
    #[error("{}", kind(.0))]
    Io(#[from] io::Error),
    /// The broker closed it.
    #[error("closed by the broker")]
    Closed,
    /// The broker did not let the edge in.
    #[error("login refused: {0:?}")]
    Refused(ConnectReturnCode),
    /// The broker did not let the edge subscribe.
    #[error("subscription refused")]
    NotSubscribed,
    /// What came is no MQTT.
    #[error(transparent)]
    NotMqtt(#[from] NotMqtt),
    /// The broker did not answer in time.
    #[error("no answer of the broker")]
    Silent,
}

impl Connection {
    /// Connects to the broker.
    ///
    /// # Errors
    /// What the system says.
    pub async fn open(broker: SocketAddr) -> Result<Self, Ended> {
        let stream = TcpStream::connect(broker).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, inbox: Inbox::default(), outbox: Outbox::default() })
    }

    /// Waits until there is something to read, or room for what waits to be written; then does both as far as it goes, and
    /// gives what came.
    ///
    /// # Errors
    /// The connection is at its end.
    pub async fn turn(&mut self) -> Result<Vec<Packet>, Ended> {
        self.write()?;
        let interest = if self.is_written() { Interest::READABLE } else { Interest::READABLE | Interest::WRITABLE };
        let ready = self.stream.ready(interest).await?;
        if ready.is_writable() {
            self.write()?;
        }
        if ready.is_readable() || ready.is_read_closed() { self.read() } else { Ok(Vec::new()) }
    }

    /// Writes until nothing waits.
    ///
    /// # Errors
    /// The connection is at its end.
    pub async fn flush(&mut self) -> Result<(), Ended> {
        loop {
            self.write()?;
            if self.is_written() {
                return Ok(());
            }
            self.stream.ready(Interest::WRITABLE).await?;
        }
    }

    /// Tells whether nothing waits to be written.
    pub fn is_written(&self) -> bool {
        self.outbox.waiting().is_empty()
    }

    /// Waits for the answer to a login.
    ///
    /// # Errors
    /// The broker refused, or the connection is at its end.
    pub async fn admitted(&mut self) -> Result<(), Ended> {
        loop {
            for packet in self.turn().await? {
                match packet {
                    Packet::ConnAck(answer) if answer.code == ConnectReturnCode::Success => return Ok(()),
                    Packet::ConnAck(answer) => return Err(Ended::Refused(answer.code)),
                    _ => {}
                }
            }
        }
    }

    /// Waits for the answer to a subscription; gives what came beside it.
    ///
    /// # Errors
    /// The broker refused, or the connection is at its end.
    pub async fn subscribed(&mut self) -> Result<Vec<Packet>, Ended> {
        let mut early = Vec::new();
        loop {
            early.extend(self.turn().await?);
            let answer = early.iter().find_map(|packet| match packet {
                Packet::SubAck(answer) => Some(answer),
                _ => None,
            });
            match answer {
                None => {}
                Some(answer) if answer.return_codes.contains(&SubscribeReasonCode::Failure) => {
                    return Err(Ended::NotSubscribed);
                }
                Some(_) => return Ok(early),
            }
        }
    }

    /// Takes leave, as far as that goes within a time.
    pub async fn leave(mut self, patience: Duration) {
        self.outbox.disconnect();
        // Who does not take it is left without.
        let _ = tokio::time::timeout(patience, self.flush()).await;
    }

    fn write(&mut self) -> Result<(), Ended> {
        while !self.is_written() {
            match self.stream.try_write(self.outbox.waiting()) {
                Ok(count) => self.outbox.written(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn read(&mut self) -> Result<Vec<Packet>, Ended> {
        let mut chunk = [0; CHUNK_BYTES];
        match self.stream.try_read(&mut chunk) {
            Ok(0) => Err(Ended::Closed),
            Ok(count) => Ok(self.inbox.take(&chunk[..count])?),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Says what went wrong without what differs from one edge to the next.
fn kind(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => {
            "no local port is left for a connection to this broker (see net.ipv4.ip_local_port_range)".to_owned()
        }
        kind => kind.to_string(),
    }
}
