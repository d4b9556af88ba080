//! A broker that does what the test says, packet by packet, and a session that connects to it.

pub mod authority;
pub mod log;

use std::sync::Arc;
use std::time::Duration;

use tankline_runtime::mqtt::{
    BrokerSettings, BrokerUrl, Outgoing, Publisher, Qos, SessionEvent, SessionOptions, session,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;

/// Long enough for any loaded machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub const CONNECT: u8 = 1;
pub const PINGREQ: u8 = 12;
pub const PUBLISH: u8 = 3;
pub const SUBSCRIBE: u8 = 8;
pub const DISCONNECT: u8 = 14;

/// A packet as it came: its kind, and what follows the fixed header.
pub type Packet = (u8, Vec<u8>);

/// The broker's end of one connection.
pub struct Peer(Box<dyn Stream>);

/// What a connection goes over.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Peer {
    /// Takes the next connection.
    pub async fn accept(listener: &TcpListener) -> Self {
        Self(Box::new(knock(listener).await))
    }

    /// Takes the next connection and encrypts it; `None` when the client does not like that.
    pub async fn accept_encrypted(listener: &TcpListener, config: &Arc<ServerConfig>) -> Option<Self> {
        let stream = knock(listener).await;
        let acceptor = TlsAcceptor::from(Arc::clone(config));
        let stream = timeout(DEADLINE, acceptor.accept(stream)).await.expect("the handshake hangs").ok()?;
        Some(Self(Box::new(stream)))
    }

    /// Takes the next connection and lets it log in and subscribe to one filter.
    pub async fn welcome(listener: &TcpListener) -> Self {
        let mut peer = Self::accept(listener).await;
        peer.log_in().await;
        peer
    }

    /// Lets the client log in and subscribe to one filter.
    pub async fn log_in(&mut self) {
        assert_eq!(self.packet().await.0, CONNECT);
        self.send(&[0x20, 2, 0, 0]).await;
        let (kind, body) = self.packet().await;
        assert_eq!(kind, SUBSCRIBE);
        self.send(&[0x90, 3, body[0], body[1], 1]).await;
    }

    /// Reads one packet.
    pub async fn packet(&mut self) -> Packet {
        timeout(DEADLINE, self.read()).await.expect("no packet came").expect("the client hung up")
    }

    /// Waits until the client hangs up.
    pub async fn hang_up(&mut self) {
        self.until_hung_up().await;
    }

    /// Reads all packets until the client hangs up.
    pub async fn until_hung_up(&mut self) -> Vec<Packet> {
        let mut packets = Vec::new();
        let reading = async {
            while let Ok(packet) = self.read().await {
                packets.push(packet);
            }
        };
        timeout(DEADLINE, reading).await.expect("the client stayed");
        packets
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    async fn read(&mut self) -> std::io::Result<Packet> {
        let kind = self.0.read_u8().await? >> 4;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.0.read_u8().await?;
            length |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        Ok((kind, body))
    }
}

/// Takes the next connection as it is.
pub async fn knock(listener: &TcpListener) -> TcpStream {
    timeout(DEADLINE, listener.accept()).await.expect("nobody came").unwrap().0
}

/// A session with one subscription, driven.
pub struct Session {
    pub publisher: Publisher,
    pub events: Receiver<SessionEvent>,
    stop: CancellationToken,
    driving: JoinSet<anyhow::Result<()>>,
}

impl Session {
    /// Listens, and begins a session with that.
    pub async fn with_listener() -> (Self, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = BrokerUrl::from(listener.local_addr().unwrap());
        (Self::with(url), listener)
    }

    /// Begins a session.
    pub fn with(url: BrokerUrl) -> Self {
        let credentials = Some(("edge".to_owned(), tankline_runtime::secret::Secret::new("secret")));
        Self::with_settings(BrokerSettings { credentials, ..BrokerSettings::new(url) })
    }

    /// Begins a session.
    pub fn with_settings(broker: BrokerSettings) -> Self {
        log::begin();
        let options = SessionOptions {
            broker,
            client_id: "lindong.rtu-01".to_owned(),
            subscriptions: vec!["tankline/v1/lindong/rtu-01/committed".to_owned()],
            will: None,
            max_packet_bytes: 64 * 1024,
        };
        let (publisher, events, driver) = session(options, 2);
        let stop = CancellationToken::new();
        let mut driving = JoinSet::new();
        driving.spawn(driver.run(stop.clone()));
        Self { publisher, events, stop, driving }
    }

    /// Waits for the next event.
    pub async fn next(&mut self) -> SessionEvent {
        timeout(DEADLINE, self.events.recv()).await.expect("no event came").expect("the driver ended")
    }

    /// Waits for the next event, which is to be the end of a connection; gives the reason.
    pub async fn next_disconnection(&mut self) -> String {
        match self.next().await {
            SessionEvent::Disconnected { reason } => reason,
            other => panic!("not the end of a connection: {other:?}"),
        }
    }

    /// Asks the driver to stop.
    pub fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the driver has stopped.
    pub async fn stopped(mut self) {
        timeout(DEADLINE, self.driving.join_next()).await.expect("it does not stop").unwrap().unwrap().unwrap();
    }
}

/// A message at QoS 1.
pub fn message(payload: &str) -> Outgoing {
    let topic = "tankline/v1/lindong/rtu-01/readings".to_owned();
    Outgoing { topic, payload: payload.as_bytes().to_vec(), retain: false, qos: Qos::AtLeastOnce }
}
