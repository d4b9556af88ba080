//! How much slower than its wire the emulated line is: `cargo bench -p tankline-hil --bench pace`.
//!
//! For each framing the mean time of an exchange by a client of this program, and by pyserial where python3 has it, as a
//! share of what the wire takes: request, silence, reply. 1.000 is the wire itself; below that it is never.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tankline_domain::register::RegisterMap;
use tankline_domain::site::{Framing, Parity};
use tankline_hil::gauge::GaugeValues;
use tankline_hil::line::{EmulatedLine, LineSpec, Turnaround, UnitSpec, Wire};
use tankline_hil::stall::StallWatch;
use tankline_runtime::clock;

/// Source: the published exchange of the gauge.
const REQUEST: [u8; 8] = [0x01, 0x03, 0x00, 0x31, 0x00, 0x03, 0x54, 0x04];
const REPLY_BYTES: usize = 11;
const PUBLISHED: GaugeValues = GaugeValues { level_mm: 9641, interface_mm: 6367, temperature_tenths: 325 };

/// How long each client asks at each framing.
const ASKS_FOR: Duration = Duration::from_secs(5);

/// Asks so many times at a port of this speed; says how long each exchange took, in seconds.
const PYSERIAL: &str = r#"
import sys, time, serial
silence = float(sys.argv[3])
port = serial.Serial(sys.argv[1], int(sys.argv[4]), timeout=5)
for _ in range(int(sys.argv[2])):
    asked = time.monotonic()
    port.write(bytes.fromhex("0103003100035404"))
    reply = port.read(11)
    took = time.monotonic() - asked
    assert len(reply) == 11, reply
    print(took)
    time.sleep(silence)
"#;

fn main() {
    let framing = |baud, parity| Framing { baud, parity, ..Framing::default() };
    let framings = [
        framing(1200, Parity::None),
        framing(9600, Parity::None),
        framing(9600, Parity::Even),
        framing(19_200, Parity::None),
        framing(38_400, Parity::None),
        framing(115_200, Parity::None),
    ];
    let stalls = StallWatch::start();
    println!("{:<12} {:>10} {:>22} {:>22}", "framing", "the wire", "this program", "pyserial");
    for framing in framings {
        let (line, wire) = (line(framing), Wire::from(framing));
        let least = wire.time((REQUEST.len() + REPLY_BYTES) as u64) + wire.silence();
        let count = (ASKS_FOR.as_secs_f64() / least.as_secs_f64()).min(500.0) as usize;
        let own = own(line.path(), wire, count);
        let pyserial = pyserial(line.path(), framing.baud, wire, count);
        let told = |times: Option<Vec<Duration>>| {
            times.map_or_else(|| "is not there".to_owned(), |times| share(&times, least))
        };
        let name = format!("{} {}", framing.baud, if framing.parity == Parity::None { "8N1" } else { "8E1" });
        println!("{name:<12} {:>10} {:>22} {:>22}", millis(least), told(Some(own)), told(pyserial));
    }
    println!("the machine held a thread up for {} at most", millis(stalls.take()));
}

/// A line with one gauge that answers at once, so that all time is the wire's.
fn line(framing: Framing) -> EmulatedLine {
    let tank = "T-01".parse().expect("a name");
    let unit = UnitSpec { unit: 1, tank, registers: RegisterMap::published(), profile: None };
    let turnaround = Turnaround { least: Duration::ZERO, jitter: Duration::ZERO };
    let spec = LineSpec { name: "line-01".parse().expect("a name"), framing, turnaround, seed: 1 };
    EmulatedLine::start_showing(spec, vec![(unit, Box::new(|_| PUBLISHED))], Arc::new(|_| ()))
        .expect("there are terminals")
}

fn own(port: &Path, wire: Wire, count: usize) -> Vec<Duration> {
    let mut port: File = OpenOptions::new().read(true).write(true).open(port).expect("the line is there");
    let mut reply = [0; REPLY_BYTES];
    let exchange = |_| {
        let asked = clock::now();
        port.write_all(&REQUEST).and_then(|()| port.read_exact(&mut reply)).expect("the gauge answers");
        let took = clock::now() - asked;
        // The silence that a master owes the line.
        std::thread::sleep(wire.silence());
        took
    };
    (0..count).map(exchange).collect()
}

fn pyserial(port: &Path, baud: u32, wire: Wire, count: usize) -> Option<Vec<Duration>> {
    let mut python = Command::new("python3");
    python.args(["-c", PYSERIAL]).arg(port);
    let output = python.args([count.to_string(), wire.silence().as_secs_f64().to_string(), baud.to_string()]).output();
    let said = String::from_utf8(output.ok().filter(|output| output.status.success())?.stdout).ok()?;
    said.lines().map(|line| line.parse().ok().map(Duration::from_secs_f64)).collect()
}

fn share(times: &[Duration], least: Duration) -> String {
    let mean = times.iter().sum::<Duration>().as_secs_f64() / times.len() as f64;
    let longest = times.iter().max().copied().unwrap_or_default();
    format!("{:.3}, max {}", mean / least.as_secs_f64(), millis(longest))
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
