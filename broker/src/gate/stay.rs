//! A client's stay, from the door to its leaving.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tankline_runtime::clock;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, sink};
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};

use super::Rules;
use super::claim::Claim;
use super::connect::receive;
use super::handshake::{Failure, shake_hands};
use super::packet::Connect;
use super::refusal::Refusal;
use super::relay::{self, Left};
use crate::certificate::Certificate;
use crate::inner::INNER_TIMEOUT;
use crate::metrics::Counters;
use crate::policy::Identity;
use crate::rights::Granted;

/// Kind of the first record of TLS. RFC 8446, 5.1.
const TLS_BEGINS: u8 = 22;
/// CONNACK: come in; there is no session of before.
const ADMITTED: [u8; 4] = [0x20, 2, 0, 0];

/// A client that may come in.
pub(super) struct Admitted {
    pub(super) connect: Connect,
    pub(super) identity: Identity,
    pub(super) granted: Arc<Granted>,
    /// What it has sent after its CONNECT.
    pub(super) sent: Vec<u8>,
    pub(super) peer: SocketAddr,
    /// What it says that it is.
    claim: Claim,
}

impl Admitted {
    /// Gives what it is called in logs: the name it has proved, or else its client id.
    pub(super) fn name(&self) -> &str {
        self.identity.name().unwrap_or(&self.connect.client_id)
    }
}

/// Admits a client and relays its packets until one side ends.
pub(super) async fn attend(stream: TcpStream, peer: SocketAddr, rules: &Rules) {
    // Small packets go at once; where the system cannot do that, they go a little later.
    let _ = stream.set_nodelay(true);
    let until = clock::now() + rules.limits.connect_timeout;
    let nobody = Claim::default();
    let tls = rules.policy().tls.clone();
    match timeout_at(until.into(), first_byte(&stream)).await {
        Err(_) => return rules.note_refusal(peer, &nobody, Refusal::Late),
        Ok(None) => return rules.note_refusal(peer, &nobody, Refusal::Probe),
        Ok(Some(TLS_BEGINS)) if tls.is_none() => return rules.note_refusal(peer, &nobody, Refusal::Encrypted),
        Ok(Some(_)) => (),
    }
    let Some(tls) = tls else { return receive_client(stream, None, peer, until, rules).await };
    match timeout_at(until.into(), shake_hands(tls.config, stream)).await {
        Ok(Ok(stream)) => {
            let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
            // The encryption has read it already, so it can be read.
            let certificate = if chain.is_empty() { None } else { Certificate::read(chain).ok() };
            receive_client(stream, certificate, peer, until, rules).await;
        }
        Ok(Err(Failure { fault, certificate })) => {
            let claim = Claim { certificate, ..nobody };
            rules.note_refusal(peer, &claim, Refusal::Tls(fault));
        }
        Err(_) => rules.note_refusal(peer, &nobody, Refusal::Late),
    }
}

/// Gives the first byte that a client sends, which stays to be read; `None` when it ends the connection before.
async fn first_byte(stream: &TcpStream) -> Option<u8> {
    let mut first = [0];
    let count = stream.peek(&mut first).await.unwrap_or(0);
    (count > 0).then_some(first[0])
}

async fn receive_client(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    certificate: Option<Certificate>,
    peer: SocketAddr,
    until: Instant,
    rules: &Rules,
) {
    let mut claim = Claim::of(certificate.as_ref());
    let asked = timeout_at(until.into(), admit(&mut client, certificate, peer, &mut claim, rules)).await;
    let admitted = match asked.unwrap_or(Err(Refusal::Late)) {
        Ok(admitted) => admitted,
        Err(refusal) => return refuse(client, peer, &claim, refusal, rules).await,
    };
    if admitted.connect.client_id.is_empty() {
        return stay(client, admitted, rules, pending()).await;
    }
    // Two peers may use the same client id and do not know of each other.
    let seat = format!("{}\0{}", admitted.identity.name().unwrap_or(""), admitted.connect.client_id);
    // A client that was outdone while it waited has no need of an answer: it is itself who came anew.
    if let Some(seat) = rules.seats.take(&seat).await {
        stay(client, admitted, rules, seat.evicted()).await;
    }
}

async fn admit(
    client: &mut (impl AsyncRead + Unpin),
    certificate: Option<Certificate>,
    peer: SocketAddr,
    claim: &mut Claim,
    rules: &Rules,
) -> Result<Admitted, Refusal> {
    let (mut connect, sent) = receive(client, rules.max_packet_bytes, claim).await?;
    let policy = rules.policy();
    let identity = match certificate {
        None => rules.passwords.identify(&policy, &connect, peer.ip()).await?,
        certificate => policy.identify(&connect, certificate)?,
    };
    let granted = policy.grant(&identity, &connect, clock::unix_ms())?;
    if let Identity::Certified { certificate, .. } = &identity {
        rules.journal.note_end(certificate);
    }
    // The password has done its work.
    connect.login = None;
    Ok(Admitted { connect, identity, granted, sent, peer, claim: claim.clone() })
}

/// Introduces a client to the inner broker, and relays until one side ends or the client is outdone by another.
async fn stay(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    admitted: Admitted,
    rules: &Rules,
    outdone: impl Future<Output = ()>,
) {
    let (peer, client_id) = (admitted.peer, admitted.connect.client_id.clone());
    let slot = Slot { rules, number: rules.slots.take(clock::now()) };
    let Some(inner) = rules.inner.introduce(slot.number.to_string()).await else {
        tracing::error!(%peer, client_id, "the inner broker does not answer");
        rules.note_silence();
        return refuse(client, peer, &admitted.claim, Refusal::Unavailable, rules).await;
    };
    rules.note_answer();
    let user = admitted.identity.name();
    tracing::info!(%peer, client_id, user, "client connected");
    let inside = Inside::new(&rules.counters);
    let counted = match &admitted.identity {
        Identity::Certified { name, certificate } => Some(rules.counters.ends.count(name, certificate)),
        Identity::Unasked | Identity::User { .. } => None,
    };
    // A client that is gone already is found to be so by the relay.
    let _ = timeout(rules.limits.send_timeout, client.write_all(&ADMITTED)).await;
    let (left, is_forgotten) = relay::relay(client, inner, &admitted, rules, outdone).await;
    drop((inside, counted));
    if !is_forgotten {
        tracing::error!(%peer, client_id, "the inner broker does not forget a client");
        // Nobody else may have its name.
        std::mem::forget(slot);
        rules.note_silence();
    }
    match left {
        Left::ByItself | Left::LetGo | Left::Outdone => tracing::info!(%peer, client_id, %left, "client gone"),
        _ => tracing::warn!(%peer, client_id, user, %left, "client cut off"),
    }
}

impl Rules {
    /// Counts and tells a refusal; `shown` is what is known besides: names in a certificate, or an error of encryption.
    fn note_refusal(&self, peer: SocketAddr, claim: &Claim, refusal: Refusal) {
        self.counters.note_refusal(refusal);
        self.journal.note_refusal(peer, claim, refusal);
    }
}

/// The name of a client with the inner broker; given back when the client is gone.
struct Slot<'r> {
    rules: &'r Rules,
    number: u32,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.rules.slots.give_back(self.number, clock::now());
    }
}

/// Counts a client as long as it is inside.
struct Inside<'r>(&'r Counters);

impl<'r> Inside<'r> {
    fn new(counters: &'r Counters) -> Self {
        Counters::add(&counters.admitted, 1_u64);
        Counters::add(&counters.connected, 1_u64);
        Self(counters)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.connected.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}

async fn refuse(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    claim: &Claim,
    refusal: Refusal,
    rules: &Rules,
) {
    rules.note_refusal(peer, claim, refusal);
    if refusal.is_worth_an_answer() {
        // A client that does not hear it finds the connection closed.
        let told = async {
            client.write_all(&refusal.connack()).await?;
            client.shutdown().await?;
            // Closing on what it may still have sent would take the answer away from it.
            tokio::io::copy(&mut (&mut client).take(1 << 20), &mut sink()).await
        };
        let _ = timeout(INNER_TIMEOUT.min(Duration::from_secs(1)), told).await;
    }
}
