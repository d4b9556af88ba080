//! A network in software: what goes from a client to a server passes through here, or does not.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tankline_runtime::clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::scenario::command::LinkState;

/// Chunks of bytes that are under way; then the sender waits.
const UNDER_WAY: usize = 64;

/// How long is tried to listen again on the port of before.
const REBIND: Duration = Duration::from_secs(10);

/// What the relay does now.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Setting {
    upstream: Option<SocketAddr>,
    state: LinkState,
    /// Connections of an earlier number are closed.
    generation: u64,
}

/// A connection to a server that can be disturbed. It ends when it is dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    setting: watch::Sender<Setting>,
    _tasks: JoinSet<()>,
}

impl Relay {
    /// Begins to listen on loopback; until there is a server, nobody can connect.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (setting, settings) = watch::channel(Setting { upstream: None, state: LinkState::Open, generation: 0 });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(address, Some(listener), settings));
        Ok(Self { address, setting, _tasks: tasks })
    }

    /// Gives the address for the client.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says where the server is, or that it is gone.
    pub fn lead_to(&self, upstream: Option<SocketAddr>) {
        self.setting.send_modify(|setting| setting.upstream = upstream);
    }

    /// Gives the connection another state.
    pub fn set(&self, state: LinkState) {
        self.setting.send_modify(|setting| {
            setting.state = state;
            setting.generation += u64::from(state == LinkState::Cut);
        });
    }

    /// Closes the connections that stand.
    pub fn drop_connections(&self) {
        self.setting.send_modify(|setting| setting.generation += 1);
    }
}

/// Accepts clients for as long as there is a server to bring them to.
async fn accept(address: SocketAddr, mut listener: Option<TcpListener>, mut settings: watch::Receiver<Setting>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let setting = *settings.borrow_and_update();
        let Some(upstream) = setting.upstream.filter(|_| setting.state != LinkState::Cut) else {
            // Whoever connects is refused.
            listener = None;
            if settings.changed().await.is_err() {
                return;
            }
            continue;
        };
        let open = match listener.take() {
            Some(listener) => listener,
            None => match rebind(address).await {
                Some(listener) => listener,
                None => {
                    tracing::error!(%address, "the port is taken; the connection stays cut");
                    return;
                }
            },
        };
        let accepted = tokio::select! {
            accepted = open.accept() => accepted.ok(),
            changed = settings.changed() => match changed {
                Ok(()) => None,
                Err(_) => return,
            },
        };
        listener = Some(open);
        if let Some((client, _)) = accepted {
            connections.spawn(carry(client, upstream, setting.generation, settings.clone()));
        }
    }
}

async fn rebind(address: SocketAddr) -> Option<TcpListener> {
    let until = clock::now() + REBIND;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Some(listener),
            Err(_) if clock::now() < until => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(_) => return None,
        }
    }
}

/// Carries one connection until an end closes it, or it is cut.
async fn carry(client: TcpStream, upstream: SocketAddr, generation: u64, mut settings: watch::Receiver<Setting>) {
    let Ok(server) = TcpStream::connect(upstream).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let is_over = |setting: &Setting| setting.generation != generation || setting.upstream.is_none();
    let (up, down) = (settings.clone(), settings.clone());
    tokio::select! {
        () = pump(from_client, to_server, up) => (),
        () = pump(from_server, to_client, down) => (),
        _ = settings.wait_for(is_over) => (),
    }
}

/// Moves bytes one way, each chunk when its time has come.
async fn pump(mut from: OwnedReadHalf, to: OwnedWriteHalf, settings: watch::Receiver<Setting>) {
    let (chunks_in, chunks) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let read = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count) = from.read(&mut buffer).await {
            if count == 0 || chunks_in.send((clock::now(), buffer[..count].to_vec())).await.is_err() {
                break;
            }
        }
        drop(chunks_in);
    };
    tokio::join!(read, write(to, chunks, settings));
}

async fn write(
    mut to: OwnedWriteHalf,
    mut chunks: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut settings: watch::Receiver<Setting>,
) {
    let mut free_at = clock::now();
    while let Some((read_at, chunk)) = chunks.recv().await {
        // What stalls goes on when it is mended, as packets that are sent again do.
        if settings.wait_for(|setting| setting.state != LinkState::Stalled).await.is_err() {
            return;
        }
        let state = settings.borrow().state;
        if let LinkState::Slow { delay, bytes_per_s } = state {
            let takes = bytes_per_s.map_or(Duration::ZERO, |rate| {
                #[expect(clippy::cast_precision_loss, reason = "a chunk is short")]
                let bytes = chunk.len() as f64;
                Duration::from_secs_f64(bytes / f64::from(rate))
            });
            free_at = free_at.max(read_at) + takes;
            tokio::time::sleep_until((free_at + delay).into()).await;
        }
        if to.write_all(&chunk).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(20);

    /// A server that gives back what it gets.
    async fn echo() -> (SocketAddr, JoinSet<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                clients.spawn(async move {
                    let (mut read, mut write) = client.into_split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        (address, tasks)
    }

    async fn says(client: &mut TcpStream, word: &[u8]) -> io::Result<Vec<u8>> {
        client.write_all(word).await?;
        let mut back = vec![0; word.len()];
        client.read_exact(&mut back).await?;
        Ok(back)
    }

    async fn connected(relay: &Relay) -> TcpStream {
        let until = clock::now() + DEADLINE;
        loop {
            match TcpStream::connect(relay.address()).await {
                Ok(client) => return client,
                Err(error) => assert!(clock::now() < until, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn refused(relay: &Relay) {
        let until = clock::now() + DEADLINE;
        while TcpStream::connect(relay.address()).await.is_ok() {
            assert!(clock::now() < until, "still taken");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn what_is_cut_is_closed_and_refused_until_it_is_mended() {
        let (server, _tasks) = echo().await;
        let relay = Relay::start().await.unwrap();
        refused(&relay).await;
        relay.lead_to(Some(server));
        let mut client = connected(&relay).await;
        assert_eq!(says(&mut client, b"one").await.unwrap(), b"one");
        relay.set(LinkState::Cut);
        assert!(says(&mut client, b"two").await.is_err());
        refused(&relay).await;
        relay.set(LinkState::Open);
        let mut client = connected(&relay).await;
        assert_eq!(says(&mut client, b"three").await.unwrap(), b"three");
        relay.drop_connections();
        assert!(says(&mut client, b"four").await.is_err());
        assert_eq!(says(&mut connected(&relay).await, b"five").await.unwrap(), b"five");
        relay.lead_to(None);
        refused(&relay).await;
    }

    #[tokio::test]
    async fn what_stalls_is_silent_and_goes_on_when_it_is_mended() {
        let (server, _tasks) = echo().await;
        let relay = Relay::start().await.unwrap();
        relay.lead_to(Some(server));
        let mut client = connected(&relay).await;
        assert_eq!(says(&mut client, b"one").await.unwrap(), b"one");
        relay.set(LinkState::Stalled);
        let silent = tokio::time::timeout(Duration::from_millis(200), says(&mut client, b"two")).await;
        assert!(silent.is_err());
        relay.set(LinkState::Open);
        let mut back = [0; 3];
        tokio::time::timeout(DEADLINE, client.read_exact(&mut back)).await.unwrap().unwrap();
        assert_eq!(&back, b"two");
    }

    #[tokio::test]
    async fn what_is_slow_keeps_delay_and_rate() {
        let (server, _tasks) = echo().await;
        let relay = Relay::start().await.unwrap();
        relay.lead_to(Some(server));
        let mut client = connected(&relay).await;
        relay.set(LinkState::Slow { delay: Duration::from_millis(50), bytes_per_s: Some(10_000) });
        let began = clock::now();
        // 1000 bytes at 10 000 bytes a second and 50 ms, there and back.
        says(&mut client, &[7; 1000]).await.unwrap();
        assert!(clock::now() - began >= Duration::from_millis(300), "{:?}", clock::now() - began);
    }
}
