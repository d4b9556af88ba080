//! Masters that share no code with the gauges read all 28 of a line as fast as they can, without one error.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tankline_domain::register::RegisterMap;
use tankline_domain::site::Framing;
use tankline_hil::gauge::{GaugeValues, ReadValues};
use tankline_hil::line::{EmulatedLine, LineCounters, LineSpec, Place, Turnaround, UnitSpec};
use tankline_runtime::clock;
use tokio_modbus::client::{Context, Reader, rtu, tcp};
use tokio_modbus::slave::{Slave, SlaveContext};
use tokio_serial::SerialStream;

const GAUGES: u8 = 28;

/// How long a master polls; a sweep over a wire takes less than a second.
const SECONDS: u64 = 3;

/// A line with 28 gauges, each of which shows its unit in all of its values.
fn line(place: &Place) -> EmulatedLine {
    let unit = |unit: u8| {
        let tank = format!("T-{unit:02}").parse().unwrap();
        let spec = UnitSpec { unit, tank, registers: RegisterMap::published(), profile: None };
        let [level_mm, interface_mm, tenths] = values(unit);
        let values = GaugeValues { level_mm, interface_mm, temperature_tenths: tenths.cast_signed() };
        (spec, Box::new(move |_| values) as ReadValues)
    };
    let spec = LineSpec {
        name: "line-01".parse().unwrap(),
        framing: Framing::default(),
        turnaround: Turnaround::default(),
        seed: 1,
    };
    EmulatedLine::start_showing_at(place, spec, (1..=GAUGES).map(unit).collect(), Arc::new(|_| ())).unwrap()
}

fn values(unit: u8) -> [u16; 3] {
    [9000 + u16::from(unit), 100 + u16::from(unit), u16::from(unit)]
}

fn places() -> [Place; 3] {
    let anywhere = ([127, 0, 0, 1], 0).into();
    [Place::Pty, Place::RtuOverTcp(anywhere), Place::ModbusTcp(anywhere)]
}

/// Every request was for a gauge, sound, and answered.
fn assert_all_well(what: &str, counters: LineCounters) {
    println!("{what}: {} requests, {} replies", counters.requests, counters.replies);
    assert!(counters.requests >= u64::from(GAUGES) * 2, "{what}: {counters:?}");
    assert_eq!(counters.requests, counters.replies, "{what}: {counters:?}");
    let LineCounters { exceptions, crc_errors, noise, foreign, collisions, lost_bytes, .. } = counters;
    assert_eq!([exceptions, crc_errors, noise, foreign, collisions, lost_bytes], [0; 6], "{what}: {counters:?}");
}

async fn connect(line: &EmulatedLine) -> Context {
    match line.handle().place() {
        Place::Pty => {
            let port = SerialStream::open(&tokio_serial::new(line.path().to_str().unwrap(), 9600)).unwrap();
            rtu::attach_slave(port, Slave(1))
        }
        Place::RtuOverTcp(address) => {
            rtu::attach_slave(tokio::net::TcpStream::connect(address).await.unwrap(), Slave(1))
        }
        Place::ModbusTcp(address) => tcp::connect(*address).await.unwrap(),
        Place::Port(path) => panic!("{}", path.display()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokio_modbus_reads_every_gauge() {
    for place in places() {
        let line = line(&place);
        let mut client = connect(&line).await;
        let sweeps = if matches!(place, Place::ModbusTcp(_)) { 10 } else { 3 };
        for _ in 0..sweeps {
            for unit in 1..=GAUGES {
                client.set_slave(Slave(unit));
                let read = tokio::time::timeout(Duration::from_secs(10), client.read_holding_registers(49, 3)).await;
                assert_eq!(read.unwrap().unwrap().unwrap(), values(unit), "{place}");
            }
        }
        drop(client);
        assert_all_well(&format!("tokio-modbus, {place}"), line.stop());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_clients_read_every_gauge_at_the_same_time_over_modbus_tcp() {
    let line = line(&places()[2]);
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut client = connect(&line).await;
        clients.spawn(async move {
            for unit in (1..=GAUGES).cycle().take(5 * usize::from(GAUGES)) {
                client.set_slave(Slave(unit));
                assert_eq!(client.read_holding_registers(49, 3).await.unwrap().unwrap(), values(unit));
            }
        });
    }
    clients.join_all().await;
    assert_all_well("4 clients", line.stop());
}

/// Reads unit after unit for some seconds; says how many readings, and what was wrong.
const PYMODBUS: &str = r#"
import sys, time
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
place, where, units, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
host, _, port = where.rpartition(":")
if place == "pty":
    client = ModbusSerialClient(where, framer=FramerType.RTU, baudrate=9600, timeout=5, retries=0)
elif place == "rtu-tcp":
    client = ModbusTcpClient(host, port=int(port), framer=FramerType.RTU, timeout=5, retries=0)
else:
    client = ModbusTcpClient(host, port=int(port), timeout=5, retries=0)
assert client.connect()
readings, end = 0, time.monotonic() + seconds
while time.monotonic() < end:
    for unit in range(1, units + 1):
        answer = client.read_holding_registers(49, count=3, device_id=unit)
        assert not answer.isError(), answer
        assert answer.registers == [9000 + unit, 100 + unit, unit], (unit, answer.registers)
        readings += 1
print(readings)
"#;

#[test]
#[ignore = "needs python3 with pymodbus and pyserial"]
fn pymodbus_reads_every_gauge() {
    for place in places() {
        let line = line(&place);
        let (kind, address) = match line.handle().place() {
            Place::RtuOverTcp(address) => ("rtu-tcp", address.to_string()),
            Place::ModbusTcp(address) => ("tcp", address.to_string()),
            _ => ("pty", line.path().display().to_string()),
        };
        let mut python = Command::new("python3");
        let python = python.args(["-c", PYMODBUS, kind, &address, &GAUGES.to_string(), &SECONDS.to_string()]);
        let output = python.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{place}: {said}{}", String::from_utf8_lossy(&output.stderr));
        let counters = line.stop();
        assert_eq!(said.trim().parse(), Ok(counters.replies), "{place}");
        assert_all_well(&format!("pymodbus, {place}"), counters);
    }
}

#[test]
#[ignore = "needs mbpoll"]
fn mbpoll_reads_every_gauge() {
    for place in [Place::Pty, Place::ModbusTcp(([127, 0, 0, 1], 0).into())] {
        let line = line(&place);
        let mut mbpoll = Command::new("mbpoll");
        match line.handle().place() {
            Place::ModbusTcp(address) => {
                mbpoll.args(["-m", "tcp", "-p", &address.port().to_string(), &address.ip().to_string()])
            }
            _ => mbpoll.args(["-m", "rtu", "-b", "9600", "-P", "none"]).arg(line.path()),
        };
        // 10 ms is the shortest pause that it takes between sweeps.
        mbpoll.args(["-a", &format!("1:{GAUGES}"), "-r", "50", "-c", "3", "-l", "10", "-o", "5"]);
        let mbpoll = mbpoll.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (start, enough) = (clock::now(), u64::from(GAUGES) * 3);
        while line.counters().replies < enough || clock::now() < start + Duration::from_secs(SECONDS) {
            assert!(clock::now() < start + Duration::from_secs(60), "{place}: {:?}", line.counters());
            std::thread::sleep(Duration::from_millis(50));
        }
        let process = rustix::process::Pid::from_child(&mbpoll);
        rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
        let output = mbpoll.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        for unit in 1..=GAUGES {
            let [level, interface, tenths] = values(unit);
            let shown = format!("[50]: \t{level}\n[51]: \t{interface}\n[52]: \t{tenths}");
            assert!(said.matches(&shown).count() >= 2, "{place}, unit {unit}:\n{said}");
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("failed") && !errors.contains("failed"), "{place}: {said}{errors}");
        // It may be ended between a request and its answer.
        let mut counters = line.stop();
        counters.requests = counters.requests.min(counters.replies);
        assert_all_well(&format!("mbpoll, {place}"), counters);
    }
}
