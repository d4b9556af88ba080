//! A client's stay, from the door to its leaving.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, copy_buf, sink};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::Rules;
use super::connect::{Admitted, Refusal, admit};

/// How long a client may take for its CONNECT.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the inner broker may take to answer, and to take leave.
const INNER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the inner broker needs, after it has closed a connection, to publish the will and forget the client. It gives no
/// sign of that; it takes one or two milliseconds.
const FORGETTING_TIME: Duration = Duration::from_millis(100);
const BUFFER_BYTES: usize = 16 * 1024;

/// Admits a client and relays its bytes until one side ends.
pub(super) async fn attend(mut client: TcpStream, peer: SocketAddr, rules: &Rules) {
    // Small packets go at once; where the system cannot do that, they go a little later.
    let _ = client.set_nodelay(true);
    let asked = timeout(CONNECT_TIMEOUT, admit(&mut client, rules.users.as_ref())).await;
    let admitted = match asked.unwrap_or(Err(Refusal::NoConnect)) {
        Ok(admitted) => admitted,
        Err(refusal) => return refuse(client, peer, refusal).await,
    };
    if admitted.client_id.is_empty() {
        // The inner broker gives it an id that nobody else has.
        return stay(client, peer, &admitted, rules, pending()).await;
    }
    // A client that was outdone while it waited has no need of an answer: it is itself who came anew.
    if let Some(seat) = rules.seats.take(&admitted.client_id).await {
        stay(client, peer, &admitted, rules, seat.evicted()).await;
        sleep(FORGETTING_TIME).await;
    }
}

/// Introduces a client to the inner broker, and relays until one side ends or the client is outdone by another.
async fn stay(
    mut client: TcpStream,
    peer: SocketAddr,
    admitted: &Admitted,
    rules: &Rules,
    outdone: impl Future<Output = ()>,
) {
    let Some((inner, answer)) = introduce(admitted, rules).await else {
        tracing::error!(%peer, client_id = admitted.client_id, "the inner broker does not answer");
        rules.note_silence();
        return refuse(client, peer, Refusal::Unavailable).await;
    };
    rules.note_answer();
    tracing::info!(%peer, client_id = admitted.client_id, user = admitted.user, "client connected");
    // A client that is gone already is found to be so by the relay.
    let _ = client.write_all(&answer).await;
    let left = relay(client, inner, outdone).await;
    tracing::info!(%peer, client_id = admitted.client_id, left, "client gone");
}

async fn refuse(mut client: TcpStream, peer: SocketAddr, refusal: Refusal) {
    tracing::warn!(%peer, reason = %refusal, "client refused");
    if refusal.is_worth_an_answer() {
        // A client that does not hear it finds the connection closed.
        let _ = client.write_all(&refusal.connack()).await;
        let _ = client.shutdown().await;
        // Closing on what it may still have sent would take the answer away from it.
        let _ = timeout(Duration::from_secs(1), tokio::io::copy(&mut client, &mut sink())).await;
    }
}

/// Hands the CONNECT to the inner broker and waits for its first bytes; `None` when there are none.
///
/// Whatever the client does meanwhile, the inner broker gets to send its CONNACK: it breaks when it cannot.
async fn introduce(admitted: &Admitted, rules: &Rules) -> Option<(TcpStream, Vec<u8>)> {
    let introduced = timeout(INNER_TIMEOUT, async {
        let mut inner = TcpStream::connect(rules.inner).await?;
        inner.set_nodelay(true)?;
        inner.write_all(&admitted.bytes).await?;
        let mut answer = Vec::with_capacity(64);
        inner.read_buf(&mut answer).await?;
        Ok::<_, std::io::Error>((inner, answer))
    });
    introduced.await.ok()?.ok().filter(|(_, answer)| !answer.is_empty())
}

/// Relays until one side ends or the client is outdone; tells which.
async fn relay(mut client: TcpStream, mut inner: TcpStream, outdone: impl Future<Output = ()>) -> &'static str {
    let (from_client, mut to_client) = client.split();
    let (from_inner, mut to_inner) = inner.split();
    let mut from_client = BufReader::with_capacity(BUFFER_BYTES, from_client);
    let mut from_inner = BufReader::with_capacity(BUFFER_BYTES, from_inner);
    let left = tokio::select! {
        // Whether the client left or was torn off, it is gone.
        _ = copy_buf(&mut from_client, &mut to_inner) => "by itself",
        _ = copy_buf(&mut from_inner, &mut to_client) => "let go by the broker",
        () = outdone => "for another with its client id",
    };
    let _ = to_client.shutdown().await;
    // The inner broker reads all that the client had sent, and takes its leave.
    let _ = to_inner.shutdown().await;
    let _ = timeout(INNER_TIMEOUT, copy_buf(&mut from_inner, &mut sink())).await;
    left
}
