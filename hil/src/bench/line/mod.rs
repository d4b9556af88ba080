//! How well a line of 28 gauges is used: the time of a sweep against what the wire itself needs, and what dead gauges cost.

mod polling;
mod rivals;

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Serialize;
use tankline_domain::site::Framing;
use tokio_util::sync::CancellationToken;

use super::arguments::LineArgs;
use crate::line::{Turnaround, Wire};

/// As many gauges as the demo station has, all on one line.
const GAUGES: u8 = 28;

/// As many of them do not answer in the second part.
const DEAD: u8 = 14;

/// A published exchange: bytes of the request and of its reply.
const REQUEST_BYTES: u64 = 8;
const REPLY_BYTES: u64 = 11;

/// What was measured on a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LineFigures {
    /// What the wire needs for a sweep over all gauges, in ms.
    pub least_sweep_ms: f64,
    /// A sweep of each master over all gauges.
    pub sweeps: Vec<SweepFigures>,
    /// From one reading of a living gauge to its next with half of the gauges dead, beside a line without those.
    pub dead: Vec<DeadFigures>,
}

/// The sweeps of one master.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepFigures {
    /// The master.
    pub master: String,
    /// Sweeps that were measured.
    pub sweeps: u64,
    /// Mean time of a sweep in ms.
    pub sweep_ms: f64,
    /// This time against what the wire needs.
    pub times_the_least: f64,
    /// Requests that went out before the line had been silent for 3.5 characters, in hundred requests.
    pub early_percent: f64,
}

/// What dead gauges cost with one master.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeadFigures {
    /// The master.
    pub master: String,
    /// Mean time between two readings of a living gauge without dead ones, in ms.
    pub alone_ms: f64,
    /// The same with dead ones.
    pub with_dead_ms: f64,
    /// By how much it is longer, in hundred parts.
    pub loss_percent: f64,
}

/// Polls an emulated line flat out, by the edge and by others.
///
/// # Errors
/// A line cannot be emulated, or a master does not get its answers.
pub async fn line(
    args: &LineArgs,
    out: &mut (dyn Write + Send),
    stop: &CancellationToken,
) -> anyhow::Result<LineFigures> {
    let least_sweep_ms = least_sweep().as_secs_f64() * 1e3;
    let time = Duration::from_secs(args.seconds);
    let said = |name: &str, out: &mut (dyn Write + Send)| writeln!(out, "{name} ...").context("cannot write");
    let mut sweeps = Vec::new();
    said("edge, all gauges", out)?;
    let edge = polling::sweep(GAUGES, 0, time, stop).await?;
    sweeps.push(figures("tankline-edge", least_sweep_ms, &edge));
    said("naive tokio-modbus, all gauges", out)?;
    sweeps.push(figures("tokio-modbus", least_sweep_ms, &rivals::tokio_modbus(0, time, stop).await?));
    said("pymodbus, all gauges", out)?;
    match rivals::pymodbus(time, stop).await? {
        Some(sweep) => sweeps.push(figures("pymodbus", least_sweep_ms, &sweep)),
        None => writeln!(out, "left out: `python3 -m pip install pymodbus pyserial` gives it to python3")
            .context("cannot write")?,
    }
    let mut dead = Vec::new();
    said("edge, 14 gauges alone", out)?;
    let alone = polling::sweep(GAUGES - DEAD, 0, time, stop).await?;
    said("edge, 14 gauges and 14 dead ones", out)?;
    // Dead gauges are probed seldom: a longer look averages it.
    let with_dead = polling::sweep(GAUGES, DEAD, time * 2, stop).await?;
    dead.push(cost("tankline-edge", &alone, &with_dead));
    said("naive tokio-modbus, 14 gauges and 14 dead ones", out)?;
    let naive_alone = &sweeps[1];
    let naive_dead = rivals::tokio_modbus(DEAD, time, stop).await?;
    let half = Measured { sweep: Duration::from_secs_f64(naive_alone.sweep_ms / 2e3), ..Measured::default() };
    dead.push(cost("tokio-modbus, 1 s time-out", &half, &naive_dead));
    if stop.is_cancelled() {
        bail!("stopped");
    }
    Ok(LineFigures { least_sweep_ms, sweeps, dead })
}

/// The sweeps of one run.
#[derive(Debug, Clone, Copy, Default)]
struct Measured {
    sweeps: u64,
    sweep: Duration,
    requests: u64,
    early: u64,
}

/// What the wire needs: request, silence, the gauge's turn-around, reply, silence, for each gauge.
fn least_sweep() -> Duration {
    let (wire, turnaround) = (Wire::from(Framing::default()), Turnaround::default());
    let thinks = turnaround.least + turnaround.jitter / 2;
    (wire.time(REQUEST_BYTES + REPLY_BYTES) + wire.silence() * 2 + thinks) * u32::from(GAUGES)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few minutes")]
fn figures(master: &str, least_sweep_ms: f64, measured: &Measured) -> SweepFigures {
    let sweep_ms = measured.sweep.as_secs_f64() * 1e3;
    SweepFigures {
        master: master.to_owned(),
        sweeps: measured.sweeps,
        sweep_ms,
        times_the_least: sweep_ms / least_sweep_ms,
        early_percent: measured.early as f64 * 100.0 / measured.requests.max(1) as f64,
    }
}

fn cost(master: &str, alone: &Measured, with_dead: &Measured) -> DeadFigures {
    let (alone_ms, with_dead_ms) = (alone.sweep.as_secs_f64() * 1e3, with_dead.sweep.as_secs_f64() * 1e3);
    let loss_percent = (with_dead_ms / alone_ms - 1.0) * 100.0;
    DeadFigures { master: master.to_owned(), alone_ms, with_dead_ms, loss_percent }
}

/// Writes the figures as tables.
///
/// # Errors
/// What the writer says.
pub fn show(figures: &LineFigures, build: &str, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let LineFigures { least_sweep_ms, sweeps, dead } = figures;
    writeln!(out, "\n{GAUGES} gauges on one line at 9600 bit/s, polled flat out, {build} build")?;
    writeln!(out, "The wire needs {least_sweep_ms:.1} ms a sweep: request, silence, turn-around, reply, silence.\n")?;
    writeln!(out, "{:<28} {:>7} {:>10} {:>12} {:>16}", "", "sweeps", "ms/sweep", "x the least", "without silence")?;
    for SweepFigures { master, sweeps, sweep_ms, times_the_least, early_percent } in sweeps {
        let early = format!("{early_percent:.0} %");
        writeln!(out, "{master:<28} {sweeps:>7} {sweep_ms:>10.1} {times_the_least:>12.3} {early:>16}")?;
    }
    writeln!(out, "\nA living gauge is read every so many ms, when {DEAD} of {GAUGES} gauges are dead\n")?;
    writeln!(out, "{:<28} {:>12} {:>12} {:>8}", "", "without", "with dead", "loss")?;
    for DeadFigures { master, alone_ms, with_dead_ms, loss_percent } in dead {
        let loss = format!("{loss_percent:.1} %");
        writeln!(out, "{master:<28} {alone_ms:>12.1} {with_dead_ms:>12.1} {loss:>8}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_sweep_follows_from_the_wire() {
        // 8.33 + 11.46 + 2 x 3.65 + 4 ms, 28 times.
        assert!((least_sweep().as_secs_f64() * 1e3 - 28.0 * 31.08).abs() < 0.5, "{:?}", least_sweep());
    }

    #[test]
    fn figures_are_shown() {
        let measured = Measured { sweeps: 10, sweep: Duration::from_millis(900), requests: 280, early: 28 };
        let sweeps = vec![figures("one", 870.0, &measured)];
        let dead = vec![cost("one", &measured, &Measured { sweep: Duration::from_millis(945), ..measured })];
        let mut out = Vec::new();
        show(&LineFigures { least_sweep_ms: 870.0, sweeps, dead }, "debug", &mut out).unwrap();
        let shown = String::from_utf8(out).unwrap();
        for text in ["900.0        1.034             10 %", "945.0    5.0 %"] {
            assert!(shown.contains(text), "{shown}");
        }
    }
}
