//! The same line, asked by a plain loop over the calls of a Modbus library.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tankline_runtime::clock;
use tokio::time::timeout;
use tokio_modbus::client::{Reader, rtu};
use tokio_modbus::slave::{Slave, SlaveContext};
use tokio_serial::SerialStream;
use tokio_util::sync::CancellationToken;

use super::polling::emulate;
use super::{GAUGES, Measured};
use crate::line::EmulatedLine;

/// How long such a loop usually waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Asks unit after unit with tokio-modbus.
pub(super) async fn tokio_modbus(dead: u8, time: Duration, stop: &CancellationToken) -> anyhow::Result<Measured> {
    let line = emulate(GAUGES, dead)?;
    let path = line.path().to_str().context("a path in plain letters")?;
    let port = SerialStream::open(&tokio_serial::new(path, 9600)).context("cannot open the emulated line")?;
    let mut client = rtu::attach_slave(port, Slave(1));
    let (start, mut sweeps, mut answers) = (clock::now(), 0, 0);
    while clock::now() < start + time || sweeps < 2 {
        for unit in 1..=GAUGES {
            if stop.is_cancelled() {
                bail!("stopped");
            }
            client.set_slave(Slave(unit));
            if let Ok(Ok(Ok(_))) = timeout(TIMEOUT, client.read_holding_registers(49, 3)).await {
                answers += 1;
            }
        }
        sweeps += 1;
    }
    let taken = clock::now().duration_since(start);
    if answers < sweeps * u64::from(GAUGES - dead) * 9 / 10 {
        bail!("tokio-modbus got {answers} answers in {sweeps} sweeps");
    }
    Ok(measured(line, sweeps, taken))
}

fn measured(line: EmulatedLine, sweeps: u64, taken: Duration) -> Measured {
    let counters = line.stop();
    let sweep = taken.div_f64(sweeps.max(1) as f64);
    Measured { sweeps, sweep, requests: counters.requests, early: counters.early_requests }
}

/// Asks unit after unit with pymodbus; says how many sweeps and how long on one line.
const SCRIPT: &str = r"
import sys, time
from pymodbus.client import ModbusSerialClient
port, units, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
client = ModbusSerialClient(port, baudrate=9600, timeout=1, retries=0)
if not client.connect():
    sys.exit('cannot open the port')
start, sweeps, answers = time.monotonic(), 0, 0
while time.monotonic() < start + seconds:
    for unit in range(1, units + 1):
        answers += not client.read_holding_registers(49, count=3, device_id=unit).isError()
    sweeps += 1
print(sweeps, answers, time.monotonic() - start)
";

/// Asks with pymodbus, if there is one that serves serial ports.
pub(super) async fn pymodbus(time: Duration, stop: &CancellationToken) -> anyhow::Result<Option<Measured>> {
    let python = |code: &str| {
        let mut command = std::process::Command::new("python3");
        command.args(["-c", code]).stdin(Stdio::null()).stderr(Stdio::null());
        command
    };
    let is_there = python("import pymodbus.client, serial").stdout(Stdio::null()).status();
    if !is_there.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let line = emulate(GAUGES, 0)?;
    let mut command = python(SCRIPT);
    command.arg(line.path()).arg(GAUGES.to_string()).arg(time.as_secs().to_string());
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = tokio::select! {
        () = stop.cancelled() => bail!("stopped"),
        output = output => output?.context("cannot run python3")?,
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = said.split_whitespace();
    let parsed = (|| {
        let (sweeps, answers): (u64, u64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some((sweeps, answers, words.next()?.parse::<f64>().ok()?))
    })();
    let Some((sweeps, answers, seconds)) = parsed else { bail!("pymodbus said {said:?}") };
    if answers < sweeps * u64::from(GAUGES) * 9 / 10 {
        bail!("pymodbus got {answers} answers in {sweeps} sweeps");
    }
    Ok(Some(measured(line, sweeps, Duration::from_secs_f64(seconds))))
}
