//! A broker process, and clients for it.
#![allow(dead_code, reason = "each test file takes what it needs")]

pub mod authority;
pub mod raw;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Packet, Publish};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use tankline_runtime::clock;
use tempfile::TempDir;

/// Long enough for any loaded machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Gives the command, with a configuration of this text in a folder of its own.
pub fn command(subcommand: &str, config: &str) -> (Command, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("broker.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tankline-broker"));
    command.arg(subcommand).arg("--config").arg(file).env_remove("RUST_LOG");
    (command, dir)
}

/// A broker process, killed when dropped.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
    http: Option<SocketAddr>,
    /// What it said before it took clients.
    early: Vec<String>,
    lines: Receiver<String>,
    dir: TempDir,
}

impl Process {
    /// Starts a broker on a free port with these lines in its configuration and users file.
    pub fn start(config: &str, users: &str) -> Self {
        let (mut command, dir) = command("run", &format!("listen = \"127.0.0.1:0\"\n{config}"));
        std::fs::write(dir.path().join("users"), users).unwrap();
        Self::run(&mut command, dir)
    }

    /// Starts a broker on a free port with this configuration and these other files.
    pub fn start_with(config: &str, files: &[(&str, &str)]) -> Self {
        let (mut command, dir) = command("run", &format!("listen = \"127.0.0.1:0\"\n{config}"));
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        Self::run(&mut command, dir)
    }

    fn run(command: &mut Command, dir: TempDir) -> Self {
        let mut child = command.args(["--log-format", "json"]).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines(child.stderr.take().unwrap());
        let (address, http, early) = bound_addresses(&lines);
        Self { child, address, http, early, lines, dir }
    }

    /// Writes one of its files anew.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
    }

    /// Waits for a line of its log that holds this, and gives it.
    pub fn line_with(&self, part: &str) -> String {
        if let Some(line) = self.early.iter().find(|line| line.contains(part)) {
            return line.clone();
        }
        let until = clock::now() + DEADLINE;
        loop {
            let line = self.lines.recv_timeout(until.saturating_duration_since(clock::now()));
            let line = line.unwrap_or_else(|_| panic!("the broker never said {part:?}"));
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Waits for a line of its log that holds this, and gives it with those before it that were not looked at.
    pub fn lines_until(&self, part: &str) -> Vec<String> {
        let until = clock::now() + DEADLINE;
        let mut lines = Vec::new();
        while !lines.last().is_some_and(|line: &String| line.contains(part)) {
            let line = self.lines.recv_timeout(until.saturating_duration_since(clock::now()));
            lines.push(line.unwrap_or_else(|_| panic!("the broker never said {part:?} after {lines:#?}")));
        }
        lines
    }

    /// Gives its metrics.
    pub fn metrics(&self) -> String {
        self.get("/metrics")
    }

    /// Gives what it says of its health.
    pub fn health(&self) -> String {
        self.get("/healthz")
    }

    /// Gives the memory that the process has, in MiB.
    pub fn resident_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().split(' ').next().unwrap().parse::<u64>().unwrap() / 1024
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.http.unwrap()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: broker\r\nconnection: close\r\n\r\n").unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    }

    /// Opens a connection to ask by, and asks once.
    pub fn dial_http(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.http.unwrap()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        self.ask(&mut stream, "/healthz");
        stream
    }

    /// Asks by a connection that stays open; gives the answer.
    pub fn ask(&self, stream: &mut TcpStream, path: &str) -> String {
        write!(stream, "GET {path} HTTP/1.1\r\nhost: broker\r\n\r\n").unwrap();
        let mut said = Vec::new();
        while !said.ends_with(b"}") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            said.push(byte[0]);
        }
        String::from_utf8(said).unwrap()
    }

    /// Takes from it the right to open more files than it has.
    pub fn limit_open_files(&self) {
        let none = Rlimit { current: Some(0), ..getrlimit(Resource::Nofile) };
        prlimit(Some(Pid::from_child(&self.child)), Resource::Nofile, none).unwrap();
    }

    /// Gives the lines of its log that have not been looked at.
    pub fn other_lines(&self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    /// Sends SIGTERM and waits for the end; tells how it ended.
    pub fn terminate(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Hands over what a process logs; the thread reads on when nobody listens, so that the process is never held up.
fn lines(stderr: ChildStderr) -> Receiver<String> {
    let (tell, lines) = sync_channel(1000);
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = tell.try_send(line);
        }
    });
    lines
}

/// Waits until clients are taken; gives where, where metrics are served, and what was said before.
fn bound_addresses(lines: &Receiver<String>) -> (SocketAddr, Option<SocketAddr>, Vec<String>) {
    let (mut said, mut http) = (Vec::new(), None);
    let address = |line: &str| {
        let (_, after) = line.split_once("\"address\":\"").unwrap();
        after.split_once('"').unwrap().0.parse().unwrap()
    };
    loop {
        match lines.recv_timeout(DEADLINE) {
            Ok(line) if line.contains("broker takes clients") => return (address(&line), http, said),
            Ok(line) if line.contains("broker serves metrics") => http = Some(address(&line)),
            Ok(line) => said.push(line),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => panic!("no address in {said:#?}"),
        }
    }
}

/// Gives the options of a client.
pub fn options(address: SocketAddr, client_id: &str) -> MqttOptions {
    let mut options = MqttOptions::new(client_id, address.ip().to_string(), address.port());
    options.set_max_packet_size(1024 * 1024, 1024 * 1024);
    options
}

/// Connects a client; its event loop has seen the CONNACK.
pub async fn connect(options: MqttOptions) -> (AsyncClient, EventLoop) {
    let (client, mut eventloop) = AsyncClient::new(options, 100);
    until(&mut eventloop, |packet| matches!(packet, Packet::ConnAck(_)).then_some(())).await;
    (client, eventloop)
}

/// Connects a client and subscribes it.
pub async fn subscribe(options: MqttOptions, filter: &str) -> (AsyncClient, EventLoop) {
    let (client, mut eventloop) = connect(options).await;
    client.subscribe(filter, rumqttc::QoS::AtLeastOnce).await.unwrap();
    until(&mut eventloop, |packet| matches!(packet, Packet::SubAck(_)).then_some(())).await;
    (client, eventloop)
}

/// Publishes one message and waits for its acknowledgement.
pub async fn publish(eventloop: &mut EventLoop, client: &AsyncClient, topic: &str, retain: bool, payload: &[u8]) {
    client.publish(topic, rumqttc::QoS::AtLeastOnce, retain, payload).await.unwrap();
    until(eventloop, |packet| matches!(packet, Packet::PubAck(_)).then_some(())).await;
}

/// Waits for the next message.
pub async fn next_message(eventloop: &mut EventLoop) -> Publish {
    until(eventloop, |packet| if let Packet::Publish(publish) = packet { Some(publish) } else { None }).await
}

/// Polls until a packet comes that is the one.
pub async fn until<T>(eventloop: &mut EventLoop, mut is_it: impl FnMut(Packet) -> Option<T>) -> T {
    let found = async {
        loop {
            if let Event::Incoming(packet) = eventloop.poll().await.unwrap()
                && let Some(found) = is_it(packet)
            {
                return found;
            }
        }
    };
    tokio::time::timeout(DEADLINE, found).await.expect("the packet did not come")
}

/// Tries to connect a client that is not to be let in; gives the reason it gets.
pub async fn refusal(options: MqttOptions) -> ConnectionError {
    let (_client, mut eventloop) = AsyncClient::new(options, 10);
    let answer = tokio::time::timeout(DEADLINE, eventloop.poll()).await.expect("no answer");
    answer.expect_err("the client was let in")
}
