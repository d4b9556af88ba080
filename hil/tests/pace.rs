//! The emulated line is never faster than the wire, as clients see it that keep their own time. How much slower it is, is
//! told by the benchmark `pace`: a busy machine makes everything slower.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod bench_line;

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bench_line::{PUBLISHED, REPLY, REQUEST};
use rustix::event::{PollFd, PollFlags, poll};
use tankline_domain::register::RegisterMap;
use tankline_domain::site::{Framing, Parity};
use tankline_hil::line::{EmulatedLine, LineSpec, Turnaround, UnitSpec, Wire};
use tankline_runtime::clock;

/// So many exchanges at each speed.
const EXCHANGES: usize = 40;

/// A line with one gauge that answers at once, so that all time is the wire's.
fn line(framing: Framing, turnaround: Turnaround) -> EmulatedLine {
    let name = "line-01".parse().unwrap();
    let unit = UnitSpec { unit: 1, tank: "T-01".parse().unwrap(), registers: RegisterMap::published(), profile: None };
    let spec = LineSpec { name, framing, turnaround, seed: 1 };
    EmulatedLine::start_showing(spec, vec![(unit, Box::new(|_| PUBLISHED))], Arc::new(|_| ())).unwrap()
}

fn open(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

/// Asks once; gives how long each byte of the reply took, from before the request was written.
fn exchange(port: &mut File) -> Vec<Duration> {
    let asked = clock::now();
    port.write_all(&REQUEST).unwrap();
    let (mut seen, mut times) = (Vec::<u8>::new(), Vec::new());
    while seen.len() < REPLY.len() {
        let deadline = rustix::event::Timespec { tv_sec: 10, tv_nsec: 0 };
        assert_ne!(poll(&mut [PollFd::new(port, PollFlags::IN)], Some(&deadline)).unwrap(), 0, "no reply");
        let mut buffer = [0; 64];
        let count = port.read(&mut buffer).unwrap();
        times.extend(std::iter::repeat_n(clock::now() - asked, count));
        seen.extend(&buffer[..count]);
    }
    assert_eq!(seen, REPLY);
    times
}

#[test]
fn no_byte_is_faster_than_the_wire() {
    let framing = |baud, parity| Framing { baud, parity, ..Framing::default() };
    let framings = [
        framing(1200, Parity::None),
        framing(9600, Parity::None),
        framing(9600, Parity::Even),
        framing(19_200, Parity::None),
        framing(38_400, Parity::None),
    ];
    for framing in framings {
        let wire = Wire::from(framing);
        let line = line(framing, Turnaround { least: Duration::ZERO, jitter: Duration::ZERO });
        let mut port = open(line.path());
        // A slow wire is as exact as a fast one, and takes its time.
        for _ in 0..EXCHANGES.min((framing.baud / 120) as usize) {
            for (index, time) in exchange(&mut port).iter().enumerate() {
                let earliest = wire.time(8 + index as u64 + 1) + wire.silence();
                assert!(*time >= earliest, "{framing:?}: byte {index} after {time:?}, not {earliest:?}");
            }
            // The silence that a master owes the line.
            std::thread::sleep(wire.silence());
        }
    }
}

/// Asks so many times at a port; says how long each exchange took, in seconds.
const CLIENT: &str = r#"
import sys, time, serial
port = serial.Serial(sys.argv[1], 9600, timeout=5)
for _ in range(int(sys.argv[2])):
    asked = time.monotonic()
    port.write(bytes.fromhex("0103003100035404"))
    reply = port.read(11)
    took = time.monotonic() - asked
    assert reply == bytes.fromhex("01030625A918DF01458D61"), reply
    print(took)
    time.sleep(0.004)
"#;

#[test]
#[ignore = "needs python3 with pyserial"]
fn no_reply_is_faster_than_the_wire_for_pyserial() {
    let turnaround = Turnaround { least: Duration::from_millis(4), jitter: Duration::ZERO };
    let line = line(Framing::default(), turnaround);
    let least = Wire::PUBLISHED.time(8 + 11) + Wire::PUBLISHED.silence() + turnaround.least;
    let mut python = Command::new("python3");
    let output = python.args(["-c", CLIENT]).arg(line.path()).arg(EXCHANGES.to_string()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let times: Vec<_> = said.lines().map(|line| Duration::from_secs_f64(line.parse().unwrap())).collect();
    assert_eq!(times.len(), EXCHANGES);
    assert!(times.iter().all(|time| *time >= least), "{times:?} and not {least:?}");
}
