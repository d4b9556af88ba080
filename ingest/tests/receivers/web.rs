use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What a server does with a request.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    Status(u16),
    /// Reads it and never answers.
    Hang,
    /// Reads it and closes.
    Cut,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Request {
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    pub answered: u16,
}

/// A server for webhooks.
pub struct Web {
    pub address: SocketAddr,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct State {
    /// What the next requests get; 204 when there is nothing more.
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Request>>,
}

impl Web {
    pub async fn start(answers: &[Answer]) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").await.unwrap(), answers, None)
    }

    pub async fn encrypted(acceptor: TlsAcceptor) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").await.unwrap(), &[], Some(acceptor))
    }

    pub fn listen(listener: TcpListener, answers: &[Answer], acceptor: Option<TlsAcceptor>) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { answers: Mutex::new(answers.iter().copied().collect()), ..State::default() });
        let (mut tasks, shared) = (JoinSet::new(), Arc::clone(&state));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (shared, acceptor) = (Arc::clone(&shared), acceptor.clone());
                connections.spawn(async move {
                    match acceptor {
                        None => serve(stream, &shared).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, &shared).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, state, _tasks: tasks }
    }

    /// Gives all requests.
    pub fn seen(&self) -> Vec<Request> {
        self.state.seen.lock().unwrap().clone()
    }

    /// Gives the ids of the messages that were taken, in order.
    pub fn taken(&self) -> Vec<String> {
        let seen = self.state.seen.lock().unwrap();
        let taken = seen.iter().filter(|request| (200..300).contains(&request.answered));
        taken.map(|request| request.headers["x-tankline-id"].clone()).collect()
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, state: &State) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
        return;
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        if stream.read_line(&mut header).await.unwrap_or(0) == 0 {
            return;
        }
        let Some((name, value)) = header.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    let answer = state.answers.lock().unwrap().pop_front().unwrap_or(Answer::Status(204));
    let answered = if let Answer::Status(status) = answer { status } else { 0 };
    let request = Request { line, headers, body: String::from_utf8(body).unwrap(), answered };
    state.seen.lock().unwrap().push(request);
    match answer {
        Answer::Status(status) => {
            let text = format!("HTTP/1.1 {status} x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
            let text = if status == 204 { "HTTP/1.1 204 x\r\nConnection: close\r\n\r\n".to_owned() } else { text };
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Answer::Hang => std::future::pending().await,
        Answer::Cut => {}
    }
}
