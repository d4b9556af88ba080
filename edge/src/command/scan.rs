//! `tankline-edge scan`: who is on this line.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tankline_domain::register::{RegisterKind, RegisterMap, RegisterNumber, RegisterRead, WireAddress};
use tankline_domain::settings::Problems;
use tankline_domain::site::{Framing, Port};
use tankline_runtime::exit::Failure;
use tokio_util::sync::CancellationToken;

use super::advice::{self, Unanswered};
use super::arguments::{BAUD, ByteArgs, Place, Units, duration};
use super::report::{bare_celsius, bare_mm, ms, registers_in_words};
use super::sweep::{Finding, Sign, Sweep, sweep};
use crate::line::master::Master;
use crate::line::port;

/// Where the published gauge keeps its level.
const PUBLISHED_REGISTER: u16 = 50;

/// What `tankline-edge scan` is asked to do.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  tankline-edge scan --port /dev/ttyUSB0
  tankline-edge scan --port /dev/ttyUSB0 --units 1..247 --baud 9600,19200

An agent that polls the same port must be stopped first: a line has one master.")]
pub struct ScanArgs {
    /// Port of the line: /dev/ttyUSB0, rtu+tcp://host:port or tcp://host:port (Modbus TCP).
    #[arg(long)]
    pub port: Port,
    /// Modbus addresses to ask: 1..32, 1-5, 7 or 1,3,9.
    #[arg(long, default_value = "1..32")]
    pub units: Units,
    /// Bit rates to ask at, bit/s, one after the other.
    #[arg(long, value_name = "RATES", value_delimiter = ',', default_value = "9600", value_parser = clap::value_parser!(u32).range(BAUD))]
    pub baud: Vec<u32>,
    /// How a byte stands on the wire.
    #[command(flatten)]
    pub byte: ByteArgs,
    /// How long each unit is waited for.
    #[arg(long, value_name = "TIME", default_value = "150ms", value_parser = duration)]
    pub timeout: Duration,
    /// Register to ask for, counted from 1; 50 and the two after it are those of the published gauge.
    #[arg(long, value_name = "NUMBER", default_value_t = PUBLISHED_REGISTER, value_parser = clap::value_parser!(u16).range(1..))]
    pub register: u16,
}

/// Asks each unit of a line and shows on `out` who is there; what was found until `stop` is shown too.
///
/// # Errors
/// [`Failure::Misconfigured`] when the arguments do not fit together; [`Failure::Failed`] with
/// [`Unanswered`] when nobody was found.
pub async fn run(args: &ScanArgs, out: &mut impl Write, stop: CancellationToken) -> Result<(), Failure> {
    if args.baud.len() > 1 && !matches!(args.port, Port::Serial(_)) {
        let message = "several rates can be asked at on a serial port only; a gateway has its own";
        return Err(Problems::of_file("--baud", message).into());
    }
    let mut sweeps = Vec::new();
    for baud in &args.baud {
        let framing = args.byte.over(Framing { baud: *baud, ..Framing::default() });
        let swept = one_rate(args, &framing, &stop).await.map_err(|unanswered| Failure::Failed(unanswered.into()))?;
        show(args, &framing, &swept, out).context("cannot write to standard output")?;
        sweeps.push(swept);
        if stop.is_cancelled() {
            break;
        }
    }
    conclude(args, &sweeps, out)
}

async fn one_rate(args: &ScanArgs, framing: &Framing, stop: &CancellationToken) -> Result<Sweep, Unanswered> {
    let port = port::open(&args.port, framing).await.map_err(|error| advice::of_open_port(&error))?;
    let mut master = Master::new(port, *framing);
    let progress = Progress::new(args, framing);
    let tell = |asked, signs| progress.tell(asked, signs);
    let swept = sweep(&mut master, &args.units, args.read(), args.timeout, stop, tell).await;
    progress.clear();
    match &swept.ended {
        Some(error) if swept.findings.is_empty() => {
            Err(advice::of_line(&args.port, framing, error, swept.asked, args.units.as_slice().len()))
        }
        _ => Ok(swept),
    }
}

impl ScanArgs {
    /// Gives the request that each unit gets.
    fn read(&self) -> RegisterRead {
        if self.register == PUBLISHED_REGISTER {
            return RegisterMap::published().reads(0)[0];
        }
        let number = RegisterNumber::new(self.register).expect("clap takes no 0");
        RegisterRead { kind: RegisterKind::Holding, start: WireAddress::from(number), count: 1 }
    }
}

fn show(args: &ScanArgs, framing: &Framing, swept: &Sweep, out: &mut impl Write) -> io::Result<()> {
    let read = args.read();
    writeln!(out, "{}, units {}, {}\n", Place(&args.port, framing), args.units, registers_in_words(read))?;
    if swept.findings.is_empty() {
        writeln!(out, "  nobody answers")?;
    } else if args.register == PUBLISHED_REGISTER {
        writeln!(out, "  unit  level mm  interface mm  temperature degC  reply ms")?;
    } else {
        writeln!(out, "  unit  register {:<5}  reply ms", args.register)?;
    }
    for finding in &swept.findings {
        writeln!(out, "  {}", line(args, read, finding))?;
    }
    if swept.foreign > 0 {
        let heard = swept.foreign;
        writeln!(out, "\n  {heard} x frames of others or too late: another master, or slow gauges (--timeout 500ms)?")?;
    }
    if let Some(error) = &swept.ended {
        writeln!(out, "\n  ended after {} of {} units: {error}", swept.asked, args.units.as_slice().len())?;
    } else if swept.asked < args.units.as_slice().len() {
        writeln!(out, "\n  stopped after {} of {} units", swept.asked, args.units.as_slice().len())?;
    }
    writeln!(out)?;
    out.flush()
}

fn line(args: &ScanArgs, read: RegisterRead, Finding { unit, sign }: &Finding) -> String {
    match sign {
        Sign::Registers { words, took } if args.register == PUBLISHED_REGISTER => {
            let measured = RegisterMap::published().decode(&[(read, words.clone())]);
            let length = |length: Option<_>| length.map(bare_mm).unwrap_or_default();
            let temperature = measured.temperature.map(bare_celsius).unwrap_or_default();
            let (level, interface, took) = (length(measured.level), length(measured.interface), ms(*took));
            format!("{unit:>4}  {level:>8}  {interface:>12}  {temperature:>16}  {took:>8}")
        }
        Sign::Registers { words, took } => {
            let words: Vec<_> = words.iter().map(ToString::to_string).collect();
            format!("{unit:>4}  {:>14}  {:>8}", words.join(" "), ms(*took))
        }
        Sign::Exception { code: 2, .. } => {
            format!("{unit:>4}  answers with exception 2: speaks Modbus, but has no register {}", args.register)
        }
        Sign::Exception { code, meaning } => format!("{unit:>4}  answers with exception {code}: {meaning}"),
        Sign::Garbled => format!("{unit:>4}  something answers, but garbled: two gauges with this address?"),
        Sign::Wrong => format!("{unit:>4}  something answers, but to another request: another master on the line?"),
    }
}

/// Says how many were found; nobody is a failure.
fn conclude(args: &ScanArgs, sweeps: &[Sweep], out: &mut impl Write) -> Result<(), Failure> {
    let answered: usize = sweeps.iter().map(Sweep::answered).sum();
    let signs: usize = sweeps.iter().map(|swept| swept.findings.len()).sum();
    let unclear = match signs - answered {
        0 => String::new(),
        unclear => format!(", {unclear} unclear"),
    };
    if answered > 0 {
        let told = writeln!(out, "{answered} found{unclear}").and_then(|()| out.flush());
        return Ok(told.context("cannot write to standard output")?);
    }
    let framing = args.byte.over(Framing { baud: args.baud[0], ..Framing::default() });
    let asked: usize = sweeps.iter().map(|swept| swept.asked).sum();
    let headline = format!("no gauge found on {}, {asked} units asked{unclear}", args.port);
    let mut checks = Vec::new();
    if signs > 0 {
        checks.extend(advice::of_damage(&args.port, &framing));
    } else {
        checks.extend(advice::of_silence(&args.port, &framing));
        if matches!(args.port, Port::Serial(_)) {
            checks.push("another rate: --baud 4800,9600,19200,38400; another parity: --parity even".to_owned());
        }
        checks.push("other addresses: --units 1..247; slow gauges: --timeout 500ms".to_owned());
    }
    Err(Failure::Failed(Unanswered::new(headline, Vec::new(), checks).into()))
}

/// How far it is, on a terminal only.
struct Progress {
    place: String,
    total: usize,
    on_terminal: bool,
}

impl Progress {
    fn new(args: &ScanArgs, framing: &Framing) -> Self {
        let place = Place(&args.port, framing).to_string();
        Self { place, total: args.units.as_slice().len(), on_terminal: io::stderr().is_terminal() }
    }

    /// Writes over the line; that this cannot be written is no reason to end.
    fn tell(&self, asked: usize, found: usize) {
        if self.on_terminal {
            let mut terminal = io::stderr();
            let _ = write!(terminal, "\r\x1b[K{}: {asked} of {} units asked, {found} found", self.place, self.total);
            let _ = terminal.flush();
        }
    }

    fn clear(&self) {
        if self.on_terminal {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
