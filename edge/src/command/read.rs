//! `tankline-edge read`: does this gauge answer, and what does it say.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tankline_domain::names::TankName;
use tankline_domain::register::RegisterKind;
use tankline_domain::site::Port;
use tankline_runtime::exit::Failure;
use tokio_util::sync::CancellationToken;

use super::arguments::{BAUD, ByteArgs, duration, register_kind};
use super::attempt::Asker;
use super::target::Target;
use super::{report, watch};

/// What `tankline-edge read` is asked to do.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  tankline-edge read --port /dev/ttyUSB0 --unit 1
  tankline-edge read --port /dev/ttyUSB0 --unit 1 --watch --interval 500ms
  tankline-edge read --port tcp://192.168.1.7:502 --unit 3 --register 50 --count 3
  tankline-edge read --config edge.toml --tank T-01

An agent that polls the same port must be stopped first: a line has one master.")]
pub struct ReadArgs {
    /// Port of the line: /dev/ttyUSB0, rtu+tcp://host:port or tcp://host:port (Modbus TCP).
    #[arg(long, required_unless_present = "tank")]
    pub port: Option<Port>,
    /// Bit rate of the line, bit/s [default: 9600].
    #[arg(long, value_name = "RATE", value_parser = clap::value_parser!(u32).range(BAUD))]
    pub baud: Option<u32>,
    /// How a byte stands on the wire.
    #[command(flatten)]
    pub byte: ByteArgs,
    /// Modbus address of the gauge, 1 to 247.
    #[arg(long, required_unless_present = "tank", value_parser = clap::value_parser!(u8).range(1..=247))]
    pub unit: Option<u8>,
    /// Configuration of the edge, or description of the site: they know port, unit and registers of each gauge; what else
    /// is given goes before them.
    #[arg(long, value_name = "FILE", requires = "tank")]
    pub config: Option<PathBuf>,
    /// Tank whose gauge is meant.
    #[arg(long, value_name = "NAME", requires = "config")]
    pub tank: Option<TankName>,
    /// Asks for registers from this number, whatever they mean; counts from 1, as in the gauge's manual.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub register: Option<u16>,
    /// How many registers.
    #[arg(long, value_name = "N", requires = "register", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=125))]
    pub count: u16,
    /// Kind of the registers: holding (function 03) or input (function 04).
    #[arg(long, requires = "register", default_value = "holding", value_parser = register_kind())]
    pub kind: RegisterKind,
    /// How long an answer is waited for.
    #[arg(long, value_name = "TIME", default_value = "1000ms", value_parser = duration)]
    pub timeout: Duration,
    /// Asks again and again, until Ctrl-C.
    #[arg(long)]
    pub watch: bool,
    /// From one question to the next, with --watch.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub interval: Duration,
}

/// Asks one gauge once, or until `stop` with `--watch`, and shows on `out` what it says.
///
/// # Errors
/// [`Failure::Misconfigured`] when the arguments or the site are not right; [`Failure::Failed`] with
/// [`Unanswered`](super::Unanswered) when the gauge, asked last, gave nothing that can be used.
pub async fn run(args: &ReadArgs, out: &mut impl Write, stop: CancellationToken) -> Result<(), Failure> {
    const OUT: &str = "cannot write to standard output";
    let target = Target::of(args)?;
    let mut asker = Asker::new(&target, args.timeout);
    if args.watch {
        let last = watch::run(&target, &mut asker, args.interval, out, &stop).await.context(OUT)?;
        return last.map_err(|unanswered| Failure::Failed(unanswered.into()));
    }
    let outcome = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(Failure::Failed(anyhow::anyhow!("stopped before the gauge answered"))),
        outcome = asker.ask() => outcome,
    };
    let values = outcome.as_ref().ok().and_then(|answer| target.values(answer));
    if let Ok(answer) = &outcome {
        out.write_all(report::answer(&target, answer).as_bytes()).and_then(|()| out.flush()).context(OUT)?;
    }
    watch::judge(&target, &outcome, values.as_ref()).map_err(|unanswered| Failure::Failed(unanswered.into()))
}
