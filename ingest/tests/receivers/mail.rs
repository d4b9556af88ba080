use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// An e-mail that was taken.
#[derive(Debug, Clone, Default)]
pub struct Received {
    pub to: Vec<String>,
    pub data: String,
    pub encrypted: bool,
    /// What was said to log in, base64.
    pub login: Option<String>,
}

impl Received {
    /// Gives a header line with its continuations joined.
    pub fn header(&self, name: &str) -> String {
        let head = self.data.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let wanted = format!("{name}: ");
        let line = head.lines().find_map(|line| line.strip_prefix(&wanted).map(str::to_owned));
        line.unwrap_or_else(|| panic!("no {name} in {head}"))
    }
}

/// A server for e-mail.
pub struct MailServer {
    pub port: u16,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct State {
    /// What the next mails get after their text; 250 when there is nothing more.
    answers: Mutex<VecDeque<&'static str>>,
    /// Whom it does not know.
    unknown: BTreeSet<&'static str>,
    acceptor: Option<TlsAcceptor>,
    mails: Mutex<Vec<Received>>,
    /// Whatever was said in plain text.
    plain: Mutex<String>,
}

impl MailServer {
    pub async fn start(answers: &[&'static str], unknown: &[&'static str], acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            answers: Mutex::new(answers.iter().copied().collect()),
            unknown: unknown.iter().copied().collect(),
            acceptor,
            ..State::default()
        });
        let (mut tasks, shared) = (JoinSet::new(), Arc::clone(&state));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let _ = stream.write_all(b"220 test ESMTP\r\n").await;
                    if !converse(&mut stream, &shared, false).await {
                        return;
                    }
                    let acceptor = shared.acceptor.clone().unwrap();
                    if let Ok(stream) = acceptor.accept(stream.into_inner()).await {
                        converse(&mut BufReader::new(stream), &shared, true).await;
                    }
                });
            }
        });
        Self { port, state, _tasks: tasks }
    }

    pub fn mails(&self) -> Vec<Received> {
        self.state.mails.lock().unwrap().clone()
    }

    pub fn plain(&self) -> String {
        self.state.plain.lock().unwrap().clone()
    }
}

/// Speaks SMTP (RFC 5321) until the end; gives whether encryption comes next.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    state: &State,
    encrypted: bool,
) -> bool {
    let mut mail = Received { encrypted, ..Received::default() };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return false;
        }
        if !encrypted {
            state.plain.lock().unwrap().push_str(&line);
        }
        let line = line.trim_end();
        let verb = line.split([' ', ':']).next().unwrap().to_uppercase();
        let answer = match verb.as_str() {
            "EHLO" if state.acceptor.is_some() && !encrypted => "250-test\r\n250 STARTTLS".to_owned(),
            "EHLO" => "250-test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN".to_owned(),
            "STARTTLS" => "220 go on".to_owned(),
            "AUTH" => {
                mail.login = line.rsplit(' ').next().map(str::to_owned);
                "235 welcome".to_owned()
            }
            "RCPT" => {
                let name = line.split(['<', '>']).nth(1).unwrap().to_owned();
                if state.unknown.contains(name.as_str()) {
                    "550 5.1.1 no such user".to_owned()
                } else {
                    mail.to.push(name);
                    "250 ok".to_owned()
                }
            }
            "DATA" => "354 go on".to_owned(),
            "RSET" | "MAIL" => {
                mail.to.clear();
                "250 ok".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
        let _ = stream.write_all(format!("{answer}\r\n").as_bytes()).await;
        match verb.as_str() {
            "STARTTLS" => return true,
            "QUIT" => return false,
            "DATA" => {
                mail.data.clear();
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                        return false;
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    mail.data.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                let answer = state.answers.lock().unwrap().pop_front().unwrap_or("250 taken");
                if answer.starts_with('2') {
                    state.mails.lock().unwrap().push(mail.clone());
                }
                let _ = stream.write_all(format!("{answer}\r\n").as_bytes()).await;
            }
            _ => {}
        }
    }
}
