//! A technician asks gauges at the tank: one gauge, again and again, and all of a line.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod bench_line;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bench_line::{Bench, PUBLISHED, REPLY, SITE, start};
use clap::Parser;
use tankline_edge::agent::{self, Observer};
use tankline_edge::command::{Unanswered, read, scan, status};
use tankline_edge::config::EdgeConfig;
use tankline_hil::gauge::GaugeValues;
use tankline_hil::line::LineFault;
use tankline_runtime::exit::Failure;
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
enum Cli {
    Read(read::ReadArgs),
    Scan(scan::ScanArgs),
    Status(status::StatusArgs),
}

/// Does what the command line says; gives what it showed and how it ended.
async fn edge(line: &str) -> (String, Result<(), Failure>) {
    let mut shown = Vec::new();
    let outcome = edge_until(line, &mut shown, CancellationToken::new()).await;
    (String::from_utf8(shown).unwrap(), outcome)
}

async fn edge_until(line: &str, out: &mut impl Write, stop: CancellationToken) -> Result<(), Failure> {
    match Cli::try_parse_from(["tankline-edge"].into_iter().chain(line.split_whitespace())).unwrap() {
        Cli::Read(args) => read::run(&args, out, stop).await,
        Cli::Scan(args) => scan::run(&args, out, stop).await,
        Cli::Status(args) => status::run(&args, out).await,
    }
}

fn port(bench: &Bench) -> String {
    bench.line.path().display().to_string()
}

/// Gives the failure in the words that a person gets.
fn words(outcome: Result<(), Failure>) -> String {
    let failure = outcome.unwrap_err();
    assert_eq!(failure.code(), 1);
    let Failure::Failed(error) = &failure else { unreachable!() };
    assert!(!error.downcast_ref::<Unanswered>().unwrap().checks().is_empty());
    failure.in_words("tankline-edge")
}

fn assert_shows(shown: &str, wanted: &[&str]) {
    for text in wanted {
        assert!(shown.contains(text), "{text:?} is not in\n{shown}");
    }
}

fn site_with_port(folder: &Path, bench: &Bench) -> PathBuf {
    let file = folder.join("site.toml");
    std::fs::write(&file, SITE.replace("/dev/tankline/line-01", &port(bench))).unwrap();
    file
}

/// Ends a watch when it has written so many lines.
struct StopAfter {
    text: Vec<u8>,
    lines: usize,
    stop: CancellationToken,
}

impl Write for StopAfter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend(bytes);
        if self.text.iter().filter(|byte| **byte == b'\n').count() >= self.lines {
            self.stop.cancel();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn published_values_registers_and_frames_are_shown() {
    let bench = start();
    let (shown, outcome) = edge(&format!("read --port {} --unit 1 --timeout 10s", port(&bench))).await;
    outcome.unwrap();
    assert_shows(&shown, &["level           9641 mm", "interface       6367 mm", "temperature     32.5 degC"]);
    assert_shows(&shown, &["50  0x25A9     9641  level", "51  0x18DF     6367", "52  0x0145      325"]);
    assert_shows(&shown, &["01 03 00 31 00 03 54 04", "01 03 06 25 A9 18 DF 01 45 8D 61", "reply time"]);
    assert_eq!(bench.served.total(), 1);
}

#[tokio::test]
async fn tank_of_the_site_says_port_unit_and_offset() {
    let bench = start();
    let folder = tempfile::tempdir().unwrap();
    let site = site_with_port(folder.path(), &bench);
    let (shown, outcome) = edge(&format!("read --config {} --tank T-02 --timeout 10s", site.display())).await;
    outcome.unwrap();
    assert_shows(&shown, &["tank T-02, unit 2", "1250 mm   offset of 50 mm added", "-4.2 degC", "signed -42", "good"]);

    let failure = edge(&format!("read --config {} --tank T-09", site.display())).await.1.unwrap_err();
    assert_eq!(failure.code(), 2);
    assert_shows(&failure.in_words("tankline-edge"), &["site.toml", "no gauge on tank T-09", "T-01, T-02"]);
}

#[tokio::test]
async fn configuration_of_the_edge_serves_too_and_its_port_counts() {
    let bench = start();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("site.toml"), SITE).unwrap();
    let config = folder.path().join("edge.toml");
    let rest = "[broker]\nurl = \"mqtt://127.0.0.1\"\n[journal]\ndir = \"journal\"\n";
    let port = port(&bench);
    let text = format!("edge = \"rtu-01\"\nsite = \"site.toml\"\n{rest}[line.line-01]\nport = \"{port}\"\n");
    std::fs::write(&config, text).unwrap();
    let (shown, outcome) = edge(&format!("read --config {} --tank T-01 --timeout 10s", config.display())).await;
    outcome.unwrap();
    assert_shows(&shown, &[&format!("tank T-01, unit 1 on {port} (9600 8N1)"), "9641 mm"]);
    assert!(!folder.path().join("journal").exists());
}

#[tokio::test]
async fn values_that_the_tank_cannot_have_are_shown_and_fail() {
    let bench = start();
    let tank = bench.plant.find(&"T-01".parse().unwrap()).unwrap();
    bench.plant.freeze(tank, GaugeValues { level_mm: 65_535, ..PUBLISHED });
    let folder = tempfile::tempdir().unwrap();
    let site = site_with_port(folder.path(), &bench);
    let (shown, outcome) = edge(&format!("read --config {} --tank T-01 --timeout 10s", site.display())).await;
    assert_shows(&shown, &["65535 mm", "bad:out-of-range", "0xFFFF"]);
    assert_shows(&words(outcome), &["its values cannot be true", "tank T-01 is 14000 mm high", "the register map"]);
}

#[tokio::test]
async fn silent_gauge_fails_with_what_to_check() {
    let bench = start();
    assert!(bench.line.set_fault(1, Some(LineFault::Silent)));
    let (shown, outcome) = edge(&format!("read --port {} --unit 1 --timeout 200ms", port(&bench))).await;
    assert_eq!(shown, "");
    let words = words(outcome);
    assert_shows(&words, &["unit 1 on /dev/", "(9600 8N1) gave no reading: no answer within 200 ms"]);
    assert_shows(&words, &["01 03 00 31 00 03 54 04", "nothing at all was heard"]);
    assert_shows(&words, &["24 V", "swap A and B", "asked at 9600 8N1", "120 ohm", "another master", "scan --port"]);
}

#[tokio::test]
async fn registers_are_read_whatever_they_mean_and_missing_ones_are_refused() {
    let bench = start();
    let ask = async |rest: &str| edge(&format!("read --port {} --unit 2 --timeout 10s {rest}", port(&bench))).await;
    let (shown, outcome) = ask("--register 51 --count 2").await;
    outcome.unwrap();
    assert_shows(&shown, &["51  0x012C      300", "52  0xFFD6    65494  signed -42", "holding registers 51 to 52"]);
    assert!(!shown.contains("level"), "{shown}");

    let words = words(ask("--register 900").await.1);
    assert_shows(&words, &["answers with exception 2 (it has no such register)", "reply    02 83 02 30 F1"]);
    assert_shows(&words, &["Registers count from 1", "is wired, powered"]);

    let failure = ask("--register 65535 --count 2").await.1.unwrap_err();
    assert_eq!(failure.code(), 2);
}

/// A gateway that answers each request of a client as it is told; gives its address.
fn gateway(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut request = [0; 300];
            while let Ok(count @ 1..) = client.read(&mut request) {
                if client.write_all(&answer(&request[..count])).is_err() {
                    break;
                }
            }
        }
    });
    address
}

#[tokio::test]
async fn garbled_answers_are_told_as_such() {
    let mut damaged = REPLY;
    damaged[4] ^= 0x11;
    let address = gateway(move |_| damaged.to_vec());

    let (_, outcome) = edge(&format!("read --port rtu+tcp://{address} --unit 1 --timeout 2s")).await;
    assert_shows(&words(outcome), &["reply    damaged (1 x damaged frames)", "two gauges with this address"]);
    let (shown, outcome) = edge(&format!("scan --port rtu+tcp://{address} --units 1 --timeout 1s")).await;
    assert_shows(&shown, &["   1  something answers, but garbled: two gauges with this address?"]);
    assert_shows(&words(outcome), &["no gauge found", "1 unclear", "take one off"]);
}

#[tokio::test]
async fn gauge_behind_a_modbus_tcp_gateway_is_read() {
    let address = gateway(|request| {
        let mut packet = [&request[..4], &[0, 9]].concat();
        packet.extend(&REPLY[..9]);
        packet
    });
    let (shown, outcome) = edge(&format!("read --port tcp://{address} --unit 1 --timeout 10s")).await;
    outcome.unwrap();
    assert_shows(&shown, &[&format!("unit 1 on tcp://{address}\n"), "9641 mm", "6367 mm", "32.5 degC"]);
}

#[tokio::test]
async fn gateway_in_the_wrong_mode_is_told_with_advice() {
    let address = gateway(|_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
    let words = words(edge(&format!("read --port tcp://{address} --unit 1 --timeout 10s")).await.1);
    assert_shows(&words, &["what the server sends is not Modbus TCP", "write rtu+tcp://"]);
}

#[tokio::test]
async fn watch_shows_a_line_an_answer_and_counts_at_the_end() {
    let bench = start();
    let stop = CancellationToken::new();
    let mut out = StopAfter { text: Vec::new(), lines: 3 + 4, stop: stop.clone() };
    let line = format!("read --port {} --unit 1 --timeout 10s --watch --interval 10ms", port(&bench));
    edge_until(&line, &mut out, stop).await.unwrap();
    let shown = String::from_utf8(out.text).unwrap();
    let readings: Vec<_> = shown.lines().filter(|line| line.contains("9641")).collect();
    assert_eq!(readings.len(), 4, "{shown}");
    assert!(readings.iter().all(|line| line.contains("6367") && line.contains("32.5")), "{shown}");
    assert_shows(
        &shown,
        &["time (UTC)", "asked 4, answered 4, failed 0", "reply time min ", "median", "max", "an agent would wait"],
    );
}

#[tokio::test]
async fn watch_that_ends_on_a_silent_gauge_fails() {
    let bench = start();
    assert!(bench.line.set_fault(1, Some(LineFault::Silent)));
    let stop = CancellationToken::new();
    let mut out = StopAfter { text: Vec::new(), lines: 3 + 2, stop: stop.clone() };
    let line = format!("read --port {} --unit 1 --timeout 100ms --watch --interval 10ms", port(&bench));
    let words = words(edge_until(&line, &mut out, stop).await);
    assert_shows(&words, &["no answer within 100 ms", "24 V"]);
    assert_shows(
        &String::from_utf8(out.text).unwrap(),
        &["  no answer within 100 ms", "asked 2, answered 0, failed 2\n"],
    );
}

#[tokio::test]
async fn scan_finds_the_units_that_there_are() {
    let bench = start();
    let (shown, outcome) = edge(&format!("scan --port {} --units 1..5 --timeout 500ms", port(&bench))).await;
    outcome.unwrap();
    let rows: Vec<_> = shown.lines().skip_while(|line| !line.contains("level mm")).skip(1).take(3).collect();
    assert!(rows[0].starts_with("     1      9641          6367              32.5"), "{shown}");
    assert!(rows[1].starts_with("     2      1200           300              -4.2"), "{shown}");
    assert_eq!(rows[2], "", "{shown}");
    assert_shows(&shown, &["units 1 to 5, holding registers 50 to 52", "\n2 found\n"]);
}

#[tokio::test]
async fn scan_finds_a_gauge_that_answers_late() {
    let bench = start();
    assert!(bench.line.set_fault(2, Some(LineFault::Late(Duration::from_millis(300)))));
    let (shown, outcome) = edge(&format!("scan --port {} --units 2..7 --timeout 200ms", port(&bench))).await;
    outcome.unwrap();
    assert_shows(&shown, &["     2      1200           300", "\n1 found\n"]);
}

#[tokio::test]
async fn scan_names_who_speaks_modbus_without_that_register() {
    let bench = start();
    let (shown, outcome) = edge(&format!("scan --port {} --units 1 --register 900 --timeout 5s", port(&bench))).await;
    outcome.unwrap();
    assert_shows(&shown, &["answers with exception 2: speaks Modbus, but has no register 900", "1 found"]);
}

#[tokio::test]
async fn scan_that_finds_nobody_says_what_to_check() {
    let bench = start();
    let (shown, outcome) = edge(&format!("scan --port {} --units 7,9 --baud 9600,19200", port(&bench))).await;
    assert_shows(&shown, &["(9600 8N1), units 7, 9", "(19200 8N1), units 7, 9", "nobody answers"]);
    let words = words(outcome);
    assert_shows(&words, &["no gauge found on /dev/", "4 units asked", "24 V", "--units 1..247", "--parity even"]);
}

#[tokio::test]
async fn port_that_is_not_there_is_told_with_advice() {
    for command in ["read --unit 1", "scan"] {
        let failure = edge(&format!("{command} --port /dev/tankline-none")).await.1.unwrap_err();
        assert_eq!(failure.code(), 1);
        assert_shows(&failure.in_words("tankline-edge"), &["/dev/tankline-none", "is the adapter plugged in?"]);
    }
}

#[test]
fn misuse_is_refused_before_anything_is_sent() {
    for line in [
        "read",
        "read --port /dev/x",
        "read --port /dev/x --unit 0",
        "read --port /dev/x --unit 248",
        "read --port udp://x:1 --unit 1",
        "read --port /dev/x --unit 1 --baud 1",
        "read --port /dev/x --unit 1 --parity some",
        "read --port /dev/x --unit 1 --timeout 5",
        "read --port /dev/x --unit 1 --register 0",
        "read --port /dev/x --unit 1 --register 1 --count 126",
        "read --port /dev/x --unit 1 --count 3",
        "read --config site.toml",
        "read --tank T-01",
        "scan",
        "scan --port /dev/x --units 0..5",
        "scan --port /dev/x --baud 9600,fast",
    ] {
        let parsed = Cli::try_parse_from(["tankline-edge"].into_iter().chain(line.split(' ')));
        assert_eq!(parsed.err().map(|error| error.exit_code()), Some(2), "{line}");
    }
}

#[tokio::test]
async fn agent_that_runs_is_asked_how_it_gets_on_with_its_gauges() {
    let bench = start();
    bench.line.set_fault(2, Some(LineFault::Exception(6)));
    let folder = tempfile::tempdir().unwrap();
    site_with_port(folder.path(), &bench);
    let config = folder.path().join("edge.toml");
    let text = "edge = \"rtu-01\"\nsite = \"site.toml\"\n[broker]\nurl = \"mqtt://127.0.0.1:1\"\n[journal]\ndir = \"journal\"\n";
    std::fs::write(&config, text).unwrap();
    let (_, outcome) = edge(&format!("status --config {}", config.display())).await;
    let failure = outcome.unwrap_err();
    assert!(failure.in_words("tankline-edge").contains("no agent of this configuration runs here"), "{failure:?}");

    let (stop, observer) = (CancellationToken::new(), Observer::default());
    let running = agent::run(EdgeConfig::load(&config).unwrap(), stop.clone(), observer.clone());
    let asking = async {
        while observer.gauges().iter().filter(|gauge| gauge.counters.polls > 1).count() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let told = edge(&format!("status --config {}", config.display())).await;
        let json = edge(&format!("status --json --config {}", config.display())).await;
        stop.cancel();
        (told, json)
    };
    let (ran, ((shown, outcome), (json, _))) = tokio::join!(running, asking);
    ran.unwrap();
    outcome.unwrap();
    assert_shows(&shown, &["edge rtu-01 of site bench", "2 gauges on 1 line", "T-01  good", "bad:exception-6"]);
    assert_shows(&shown, &[" ms: 1.5 x its slowest reply + 80 ms", " ms: as usual on this line"]);
    assert_shows(&shown, &["journal: ", "not yet at the centre"]);
    assert_shows(
        &json,
        &["\"held\": 0", "\"reply_ms_p99\"", "\"timeout_basis\": \"replies\"", "\"timeout_basis\": \"line\""],
    );
}
