//! What the gate costs: messages a second through the broker and through bare rumqttd, `cargo bench -p tankline-broker`.
//!
//! Four publishers send readings with quality 1 and up to 100 unacknowledged; one subscriber takes and acknowledges them all.
//! Each broker is a process of its own. They are measured in turn, so that a busy machine slows both, and by the time of
//! processors that they used, on which others have little influence.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;

use rumqttd::protocol::v4::V4;
use rumqttd::{ConnectionSettings, LinkType, Router, RouterConfig, Server, ServerSettings};
use tankline_broker::config::Limits;
use tankline_broker::{Broker, BrokerConfig};
use tankline_runtime::clock;

const PUBLISHERS: usize = 4;
/// Messages that a publisher sends before it waits for the acknowledgement of the first half of them.
const WINDOW: usize = 100;
const ROUNDS: usize = 5;
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// The least share of the messages of bare rumqttd that the gate is to let through.
const WANTED: f64 = 0.6;

/// What a process of this program is told to be.
const GATE: &str = "serve-gate";
const BARE: &str = "serve-bare";

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(GATE) => {
            serve_gate();
            ExitCode::SUCCESS
        }
        Some(BARE) => {
            serve(bare_rumqttd());
            ExitCode::SUCCESS
        }
        _ if measure() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Measures and prints; tells whether the gate is fast enough.
fn measure() -> bool {
    let mut is_fast = true;
    let (gate, bare) = (Running::start(GATE), Running::start(BARE));
    println!("{:>8} {:>12} {:>12} {:>8} {:>12} {:>12} {:>8}", "", "gate", "bare", "", "gate", "bare", "");
    println!(
        "{:>8} {:>12} {:>12} {:>8} {:>12} {:>12} {:>8}",
        "bytes", "msg/s", "msg/s", "share", "us/msg", "us/msg", "share"
    );
    for (payload, messages) in [(120, 40_000), (1200, 20_000)] {
        let (mut through_gate, mut through_bare) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            through_gate.push(gate.measure(payload, messages));
            through_bare.push(bare.measure(payload, messages));
        }
        let (gate, bare) = (median(&through_gate, |cost| cost.per_s), median(&through_bare, |cost| cost.per_s));
        let (gate_us, bare_us) = (median(&through_gate, |cost| cost.us), median(&through_bare, |cost| cost.us));
        is_fast &= gate / bare >= WANTED;
        let verdict = if gate / bare >= WANTED { "" } else { "  too slow" };
        let (share, share_us) = (100.0 * gate / bare, 100.0 * bare_us / gate_us);
        println!(
            "{payload:>8} {gate:>12.0} {bare:>12.0} {share:>7.0}% {gate_us:>12.1} {bare_us:>12.1} {share_us:>7.0}%{verdict}"
        );
    }
    is_fast
}

/// A broker in a process of its own.
struct Running {
    process: Child,
    address: SocketAddr,
}

/// What messages cost.
struct Cost {
    /// Messages a second.
    per_s: f64,
    /// Microseconds of a processor that the broker used for each.
    us: f64,
}

impl Running {
    fn start(what: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        let mut process = command.arg(what).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the broker says where it listens");
        Self { process, address: line.trim().parse().expect("an address") }
    }

    fn measure(&self, payload: usize, messages: usize) -> Cost {
        let before = self.processor_s();
        let per_s = rate(self.address, payload, messages);
        let used_s = self.processor_s() - before;
        Cost { per_s, us: used_s * 1e6 / (PUBLISHERS * messages) as f64 }
    }

    /// Gives the time of processors that it has used. proc(5): fields 14 and 15, in hundredths of a second.
    fn processor_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("it runs");
        let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
        fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().expect("a number")).sum::<f64>()
            / 100.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve_gate() {
    let limits = Limits { max_packets_per_s: 0, ..Limits::default() };
    // Nobody waits here for the subscriber, as edges do: all messages of a round may be on their way.
    let queue_mib = 4096;
    let broker = Broker::start(BrokerConfig { listen: LOOPBACK, limits, queue_mib, ..BrokerConfig::default() });
    let broker = broker.expect("the broker starts");
    serve(broker.address());
}

/// Says where the broker of this process listens, and lives until it is killed, or nobody is there to kill it.
fn serve(address: SocketAddr) {
    println!("{address}");
    let _ = std::io::stdin().read(&mut [0]);
}

/// Starts rumqttd with the settings that the broker gives it; it ends with the process.
fn bare_rumqttd() -> SocketAddr {
    let address = TcpListener::bind(LOOPBACK).and_then(|listener| listener.local_addr()).expect("a free port");
    let router = RouterConfig {
        max_connections: 100,
        max_outgoing_packet_count: 200,
        max_segment_size: 64 * 1024 * 1024,
        max_segment_count: 8,
        ..RouterConfig::default()
    };
    let settings = ServerSettings {
        name: "bare".to_owned(),
        listen: address,
        tls: None,
        next_connection_delay_ms: 0,
        connections: ConnectionSettings {
            connection_timeout_ms: 10_000,
            max_payload_size: 1024 * 1024,
            max_inflight_count: 100,
            auth: None,
            external_auth: None,
            dynamic_filters: false,
        },
    };
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let router = Router::new(0, router).spawn();
        let mut server = Server::new(settings, router, V4);
        runtime.expect("a runtime").block_on(server.start(LinkType::Remote)).expect("rumqttd serves");
    });
    while TcpStream::connect(address).is_err() {
        thread::yield_now();
    }
    address
}

/// Sends so many messages from each publisher; gives how many a second arrived.
fn rate(broker: SocketAddr, payload: usize, messages: usize) -> f64 {
    let mut taker = dial(broker, "taker");
    let filter = b"tankline/v1/bench/+/readings";
    let subscribe = [&[0, 1, 0, filter.len() as u8][..], filter, &[1]].concat();
    taker.write_all(&packet(0x82, &subscribe)).expect("the subscription goes out");
    expect(&mut taker, 5);
    let publishers: Vec<_> = (0..PUBLISHERS).map(|number| dial(broker, &format!("bench.e-{number}"))).collect();
    let began = clock::now();
    thread::scope(|scope| {
        for (number, stream) in publishers.into_iter().enumerate() {
            scope.spawn(move || publish(stream, number, payload, messages));
        }
        take(&mut taker, PUBLISHERS * messages);
    });
    (PUBLISHERS * messages) as f64 / began.elapsed().as_secs_f64()
}

fn publish(mut stream: TcpStream, number: usize, payload: usize, messages: usize) {
    let topic = format!("tankline/v1/bench/e-{number}/readings");
    let topic = [&[0, topic.len() as u8][..], topic.as_bytes()].concat();
    let half = |half: usize| -> Vec<u8> {
        let ids = (1..=WINDOW / 2).map(|id| (half * WINDOW / 2 + id) as u16);
        ids.flat_map(|id| packet(0x32, &[&topic[..], &id.to_be_bytes(), &vec![b'x'; payload]].concat())).collect()
    };
    let halves = [half(0), half(1)];
    stream.write_all(&halves[0]).expect("messages go out");
    for sent in 1..messages / (WINDOW / 2) {
        stream.write_all(&halves[sent % 2]).expect("messages go out");
        expect(&mut stream, 4 * WINDOW / 2);
    }
    expect(&mut stream, 4 * WINDOW / 2);
}

/// Takes so many messages, and acknowledges each.
fn take(stream: &mut TcpStream, messages: usize) {
    let (mut buffer, mut read, mut answers) = (vec![0; 1 << 18], 0, Vec::new());
    let mut left = messages;
    while left > 0 {
        let more = stream.read(&mut buffer[read..]).expect("messages come");
        assert!(more > 0, "the broker cut the subscriber off, with {left} messages to come");
        read += more;
        let mut at = 0;
        while let Some((whole, id_at)) = message(&buffer[at..read]) {
            let id = at + id_at;
            answers.extend_from_slice(&[0x40, 2, buffer[id], buffer[id + 1]]);
            at += whole;
            left -= 1;
        }
        buffer.copy_within(at..read, 0);
        read -= at;
        stream.write_all(&answers).expect("acknowledgements go out");
        answers.clear();
    }
}

/// Gives the length of the first message and where its packet id is, when it is whole.
fn message(bytes: &[u8]) -> Option<(usize, usize)> {
    let length_bytes = bytes.iter().skip(1).take_while(|byte| **byte & 0x80 != 0).count() + 1;
    let digits = bytes.get(1..=length_bytes)?;
    let body = digits.iter().rev().fold(0, |all, digit| all * 128 + usize::from(digit & 0x7F));
    let head = 1 + length_bytes;
    let topic = usize::from(*bytes.get(head)?) * 256 + usize::from(*bytes.get(head + 1)?);
    (bytes.len() >= head + body).then_some((head + body, head + 2 + topic))
}

fn dial(broker: SocketAddr, client_id: &str) -> TcpStream {
    let mut stream = TcpStream::connect(broker).expect("the broker listens");
    stream.set_nodelay(true).expect("a TCP stream");
    let head = [0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, client_id.len() as u8];
    stream.write_all(&packet(0x10, &[&head[..], client_id.as_bytes()].concat())).expect("the CONNECT goes out");
    expect(&mut stream, 4);
    stream
}

fn expect(stream: &mut TcpStream, bytes: usize) {
    stream.read_exact(&mut vec![0; bytes]).expect("the broker answers");
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let (mut packet, mut rest) = (vec![first], body.len());
    while rest >= 128 {
        packet.push((rest % 128) as u8 | 0x80);
        rest /= 128;
    }
    packet.push(rest as u8);
    packet.extend_from_slice(body);
    packet
}

fn median(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> f64 {
    let mut all: Vec<f64> = costs.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
