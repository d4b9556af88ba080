//! Asking a running worker over HTTP.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tankline_domain::settings::Problems;
use tankline_runtime::secret::{SecretError, read_secret_file};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Position, Url};

use crate::config;
use crate::local_time::UtcOffset;

/// How long a worker may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Longest answer that is read.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// How a running worker is reached.
#[derive(Debug, Clone, Args)]
pub struct WorkerArgs {
    /// Address of the worker, such as http://127.0.0.1:8080, which is also where it is looked for when nothing is said.
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    url: Option<Url>,
    /// Configuration file (TOML) of the worker: it names the address.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// File with your token in its first line.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Why a worker did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The configuration cannot be used.
    #[error("the configuration cannot be used")]
    Config(Problems),
    /// The worker serves no HTTP.
    #[error("this configuration has http.enabled = false, so that the worker cannot be asked; read with --db")]
    NoHttp,
    /// The address is none that is asked.
    #[error("{url} cannot be asked: write http://host:port; where the worker is behind TLS, run this on its machine")]
    Address {
        /// The address.
        url: Url,
    },
    /// The token cannot be read.
    #[error(transparent)]
    Token(#[from] SecretError),
    /// There is no worker there.
    #[error("no worker answers at {url}; is it running, and is that its http.listen?")]
    NoWorker {
        /// The address.
        url: Url,
        /// What the system said.
        source: std::io::Error,
    },
    /// It broke off.
    #[error("the worker at {url} broke off")]
    Broken {
        /// The address.
        url: Url,
        /// What was wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It took too long.
    #[error("the worker at {url} did not answer within {} s", PATIENCE.as_secs())]
    TooLate {
        /// The address.
        url: Url,
    },
    /// It says no.
    #[error("{what}: {why}; {right}")]
    Refused {
        /// What is not done.
        what: String,
        /// Why not.
        why: String,
        /// What would be right.
        right: String,
    },
    /// It says what nobody understands.
    #[error(
        "the worker at {url} answered {status} and nothing that this program understands; is it of another version?"
    )]
    Strange {
        /// The address.
        url: Url,
        /// The status.
        status: StatusCode,
    },
    /// The system has no room to ask in.
    #[error("cannot ask the worker")]
    System(#[from] std::io::Error),
}

/// A worker that can be asked.
#[derive(Debug)]
pub(super) struct Worker {
    url: Url,
    authorization: Option<String>,
    /// How far local time is ahead of UTC, where a configuration says it.
    pub(super) offset: UtcOffset,
}

impl WorkerArgs {
    /// Finds out where the worker is and who asks.
    pub(super) fn worker(&self) -> Result<Worker, AskError> {
        let local = |address: SocketAddr| {
            let mut reachable = address;
            if address.ip().is_unspecified() {
                reachable.set_ip(if address.is_ipv4() {
                    [127, 0, 0, 1].into()
                } else {
                    std::net::Ipv6Addr::LOCALHOST.into()
                });
            }
            Url::parse(&format!("http://{reachable}")).expect("an address makes a URL")
        };
        let mut offset = UtcOffset::default();
        let url = match (&self.url, &self.config) {
            (Some(url), _) => url.clone(),
            (None, Some(path)) => {
                let config = config::load(path).map_err(AskError::Config)?;
                offset = config.report.utc_offset;
                local(config.http.ok_or(AskError::NoHttp)?)
            }
            (None, None) => local(config::DEFAULT_HTTP),
        };
        if url.scheme() != "http" || !url.has_host() {
            return Err(AskError::Address { url });
        }
        let token = self.token_file.as_deref().map(read_secret_file).transpose()?;
        Ok(Worker { url, authorization: token.map(|token| format!("Bearer {}", token.expose())), offset })
    }
}

impl Worker {
    /// Asks for something.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AskError> {
        self.ask(Method::GET, path, Bytes::new())
    }

    /// Has something done.
    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &impl serde::Serialize) -> Result<T, AskError> {
        let body = serde_json::to_vec(body).expect("an order is a JSON object");
        self.ask(Method::POST, path, body.into())
    }

    fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Bytes) -> Result<T, AskError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let url = || self.url.clone();
        let asked = runtime.block_on(async { timeout(PATIENCE, self.exchange(method, path, body)).await });
        let (status, answer) = asked.map_err(|_| AskError::TooLate { url: url() })??;
        let strange = |_| AskError::Strange { url: url(), status };
        if status.is_success() {
            return serde_json::from_slice(&answer).map_err(strange);
        }
        let fault: Value = serde_json::from_slice(&answer).map_err(strange)?;
        let said = |key: &str| fault[key].as_str().unwrap_or_default().to_owned();
        Err(AskError::Refused { what: said("what"), why: said("why"), right: said("right") })
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> Result<(StatusCode, Bytes), AskError> {
        let url = || self.url.clone();
        let broken = |source: Box<dyn std::error::Error + Send + Sync>| AskError::Broken { url: url(), source };
        let address = &self.url[Position::BeforeHost..Position::AfterPort];
        let connected = match self.url.port() {
            Some(_) => TcpStream::connect(address).await,
            None => TcpStream::connect(format!("{address}:80")).await,
        };
        let stream = connected.map_err(|source| AskError::NoWorker { url: url(), source })?;
        let mut request = Request::builder().method(method).uri(path).header(HOST, address);
        request = request.header(CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(body)).map_err(|error| broken(error.into()))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(error.into()))?;
        let asking = async {
            let answer = sender.send_request(request).await.map_err(|error| broken(error.into()))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await.map_err(broken)?;
            Ok((status, body.to_bytes()))
        };
        let (mut asking, connection) = (pin!(asking), pin!(connection));
        tokio::select! {
            answered = &mut asking => answered,
            // What the connection has brought until then is still to be read.
            _ = connection => asking.await,
        }
    }
}
