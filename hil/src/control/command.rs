//! The command line: one order, or a shell.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use tankline_runtime::exit::Failure;

use super::{Client, ClientError, ControlArgs};
use crate::line::catalogue_table;

/// What is told to a running bench from another terminal.
#[derive(Debug, Clone, Subcommand)]
pub enum ControlCommand {
    /// Sets what is in a tank: tankline-hil set T-01 level_mm=11800.
    Set(OrderArgs),
    /// Gives a gauge or a line faults in place of those that it has: tankline-hil fault T-02 late=120ms, or none.
    Fault(OrderArgs),
    /// Does anything that `help` in the shell lists: tankline-hil do inflow T-01 400m3/h.
    Do(DoArgs),
    /// Shows truth, what gauges show, faults and counters, of everything or of one tank or line.
    Show(ShowArgs),
    /// Takes order after order; `help` lists them.
    Shell(ControlArgs),
    /// Ends a running bench.
    Stop(ControlArgs),
    /// Lists the faults that gauges and lines can have.
    Faults,
}

/// The words of an order.
#[derive(Debug, Clone, Args)]
pub struct OrderArgs {
    /// Who is meant, and what is to be.
    #[arg(required = true, value_name = "WORD")]
    pub words: Vec<String>,
    /// The bench.
    #[command(flatten)]
    pub control: ControlArgs,
}

/// A whole order.
#[derive(Debug, Clone, Args)]
pub struct DoArgs {
    /// The bench.
    #[command(flatten)]
    pub control: ControlArgs,
    /// The order.
    #[arg(required = true, value_name = "WORD", trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

/// What to show.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// A tank or a line; everything without it.
    #[arg(value_name = "TANK|LINE")]
    pub target: Option<String>,
    /// The bench.
    #[command(flatten)]
    pub control: ControlArgs,
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(_) | ClientError::Several { .. } => Self::Misused(error.into()),
            _ => Self::Failed(error.into()),
        }
    }
}

/// Tells a running bench, and writes its answer to `out`.
///
/// # Errors
/// [`Failure`] when there is no bench, or it does not carry out the order.
pub fn run(command: &ControlCommand, out: &mut dyn Write) -> Result<(), Failure> {
    let once = |control: &ControlArgs, order: String| Ok(Client::connect(control)?.order(&order)?);
    let lines: Result<_, Failure> = match command {
        ControlCommand::Set(args) => once(&args.control, format!("set {}", args.words.join(" "))),
        ControlCommand::Fault(args) => once(&args.control, format!("fault {}", args.words.join(" "))),
        ControlCommand::Do(args) => once(&args.control, args.words.join(" ")),
        ControlCommand::Show(args) => once(&args.control, format!("show {}", args.target.as_deref().unwrap_or(""))),
        ControlCommand::Stop(control) => once(control, "stop".to_owned()),
        ControlCommand::Shell(control) => return shell(control, out),
        ControlCommand::Faults => Ok(catalogue_table()),
    };
    write_lines(out, &lines?)
}

fn write_lines(out: &mut dyn Write, lines: &[String]) -> Result<(), Failure> {
    let written = lines.iter().try_for_each(|line| writeln!(out, "{line}"));
    Ok(written.and_then(|()| out.flush()).context("cannot write to standard output")?)
}

/// Takes orders from standard input until its end. A person is prompted and told of errors; a script ends at the first.
fn shell(control: &ControlArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let mut client = Client::connect(control)?;
    let input = io::stdin();
    let is_person = input.is_terminal();
    if is_person {
        let about = client.order("about")?.join(" ");
        write_lines(out, &[about, "`help` lists what can be said, `exit` leaves.".to_owned()])?;
    }
    let mut number = 0;
    loop {
        if is_person {
            write!(out, "hil> ").and_then(|()| out.flush()).context("cannot write to standard output")?;
        }
        let mut order = String::new();
        if input.lock().read_line(&mut order).context("cannot read from standard input")? == 0 {
            return Ok(());
        }
        number += 1;
        let order = order.trim();
        match order {
            "" => continue,
            "exit" | "quit" => return Ok(()),
            _ if order.starts_with('#') => continue,
            _ => {}
        }
        match client.order(order) {
            Ok(lines) => write_lines(out, &lines)?,
            Err(ClientError::Refused(error)) if is_person => write_lines(out, &[format!("error: {error}")])?,
            Err(ClientError::Refused(error)) => return Err(Failure::Misused(anyhow!("line {number}: {error}"))),
            Err(error) => return Err(error.into()),
        }
        if order == "stop" {
            return Ok(());
        }
    }
}
