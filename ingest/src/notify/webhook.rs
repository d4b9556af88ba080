//! One message as an HTTP request: POST, JSON, signed.

use std::future::poll_fn;
use std::pin::{Pin, pin};

use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use tankline_domain::units::UnixMillis;
use tankline_runtime::secret::Secret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use url::{Host, Position};

use super::Failure;
use super::target::WebhookConfig;

/// Header with the moment of the attempt, in whole seconds since 1970. It is signed too, so that an old request that
/// somebody has kept can be told from a new one.
pub const TIMESTAMP: &str = "x-tankline-timestamp";
/// Header with [`sign`].
pub const SIGNATURE: &str = "x-tankline-signature";
/// Header with the id of the message.
pub const ID: &str = "x-tankline-id";

/// How much of an answer is kept to be shown.
const WORDS: usize = 200;

/// Signs: `sha256=` and the HMAC-SHA-256 (RFC 2104) in hex, keyed with the secret, of the timestamp, a full stop and the
/// body.
#[must_use]
pub fn sign(secret: &Secret, timestamp: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("a key may be of any length");
    for part in [timestamp, ".", body] {
        mac.update(part.as_bytes());
    }
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

impl WebhookConfig {
    /// Posts one message. There is no time-out here.
    ///
    /// # Errors
    /// [`Failure`]; its words show neither the address nor the secret.
    pub async fn post(&self, id: &str, body: &str, now: UnixMillis) -> Result<(), Failure> {
        let host = self.url.host().ok_or_else(|| Failure::Denied("the address has no host".to_owned()))?;
        let port = self.url.port_or_known_default().unwrap_or(80);
        let connected = match &host {
            Host::Domain(name) => TcpStream::connect((*name, port)).await,
            Host::Ipv4(address) => TcpStream::connect((*address, port)).await,
            Host::Ipv6(address) => TcpStream::connect((*address, port)).await,
        };
        let stream = connected.map_err(|error| Failure::Later(format!("cannot connect: {error}")))?;
        // A request is sent whole; nothing is to wait for a fuller packet.
        let _ = stream.set_nodelay(true);
        let request = self.request(id, body, now)?;
        let Some(tls) = &self.tls else { return exchange(stream, request).await };
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(|error| error.to_string()),
            Host::Ipv4(address) => Ok(ServerName::from(std::net::IpAddr::from(address))),
            Host::Ipv6(address) => Ok(ServerName::from(std::net::IpAddr::from(address))),
        };
        let name = name.map_err(Failure::Denied)?;
        let encrypted = TlsConnector::from(tls.config()).connect(name, stream).await;
        exchange(encrypted.map_err(|error| Failure::Later(format!("cannot encrypt: {error}")))?, request).await
    }

    fn request(&self, id: &str, body: &str, now: UnixMillis) -> Result<Request<Full<Bytes>>, Failure> {
        let timestamp = now.get().div_euclid(1000).to_string();
        Request::post(&self.url[Position::BeforePath..Position::AfterQuery])
            .header(HOST, &self.url[Position::BeforeHost..Position::AfterPort])
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("tankline-ingest/", env!("CARGO_PKG_VERSION")))
            .header(ID, id)
            .header(SIGNATURE, sign(&self.secret, &timestamp, body))
            .header(TIMESTAMP, timestamp)
            .body(Full::from(body.to_owned()))
            .map_err(|error| Failure::Denied(format!("the address cannot be asked for: {error}")))
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| Failure::Later(format!("the connection broke: {error}"));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let asking = async {
        let answer = sender.send_request(request).await.map_err(broken)?;
        judge(answer.status(), || words(answer)).await
    };
    let (mut asking, connection) = (pin!(asking), pin!(connection));
    tokio::select! {
        told = &mut asking => told,
        // What the connection has brought until then is still to be read.
        _ = connection => asking.await,
    }
}

async fn judge<F: Future<Output = String>>(status: StatusCode, words: impl FnOnce() -> F) -> Result<(), Failure> {
    if status.is_success() {
        return Ok(());
    }
    let said = format!("answered {status}: {}", words().await);
    Err(match status.as_u16() {
        408 | 425 | 429 | 500..=599 => Failure::Later(said),
        400 | 406 | 409 | 413 | 415 | 422 => Failure::Refused(said),
        300..=399 => Failure::Denied(format!("{said}; redirections are not followed, name the final address")),
        _ => Failure::Denied(said),
    })
}

/// Gives the beginning of what a server said, on one line.
async fn words(mut answer: Response<hyper::body::Incoming>) -> String {
    let mut said = Vec::new();
    while said.len() < WORDS {
        let Some(Ok(frame)) = poll_fn(|cx| Pin::new(answer.body_mut()).poll_frame(cx)).await else { break };
        said.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
    }
    said.truncate(WORDS);
    let text = String::from_utf8_lossy(&said);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_is_the_one_that_openssl_computes() {
        // Computed with: printf '1795400000.{"id":"7-1"}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let secret = Secret::new("0123456789abcdef");
        assert_eq!(
            sign(&secret, "1795400000", "{\"id\":\"7-1\"}"),
            "sha256=b3beef89f68842c821047223ff6f15db50005e25e94d40ab9b7e724ca4796339"
        );
    }
}
