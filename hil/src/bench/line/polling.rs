//! The edge's own line task, flat out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tankline_domain::names::{LineName, TankName};
use tankline_domain::reading::{Mounting, Reading};
use tankline_domain::register::RegisterMap;
use tankline_domain::site::{Framing, Gauge, Line, Port};
use tankline_domain::units::Millimetres;
use tankline_edge::line::board::HealthBoard;
use tankline_edge::line::poller::{self, LineConfig};
use tankline_runtime::clock;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Measured;
use crate::gauge::GaugeValues;
use crate::line::{EmulatedLine, LineFault, LineSpec, Turnaround, UnitSpec};

/// Far shorter than a sweep takes, so that the line is never idle.
const INTERVAL: Duration = Duration::from_millis(100);

/// Readings that each living gauge gives before it is measured: by then the edge knows who is dead.
const WARM_UP: u64 = 5;

/// A gauge gives a reading within this time, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

fn line_name() -> LineName {
    "line-01".parse().expect("a name")
}

fn tank(unit: u8) -> TankName {
    format!("T-{unit:02}").parse().expect("a name")
}

/// Starts a line with so many gauges, of which the first so many are dead.
pub(super) fn emulate(gauges: u8, dead: u8) -> anyhow::Result<EmulatedLine> {
    let registers = RegisterMap::published();
    let values = GaugeValues { level_mm: 9641, interface_mm: 6367, temperature_tenths: 325 };
    let unit = |unit| {
        let spec = UnitSpec { unit, tank: tank(unit), registers: registers.clone(), profile: None };
        (spec, Box::new(move |_| values) as crate::gauge::ReadValues)
    };
    let framing = Framing::default();
    let spec = LineSpec { name: line_name(), framing, turnaround: Turnaround::default(), seed: 1 };
    let line = EmulatedLine::start_showing(spec, (1..=gauges).map(unit).collect(), Arc::new(|_| ()))?;
    for unit in 1..=dead {
        line.set_fault(unit, Some(LineFault::Silent));
    }
    Ok(line)
}

fn config(line: &EmulatedLine, gauges: u8) -> LineConfig {
    let mounting = Mounting {
        tank_height: Millimetres::new(14_000.0),
        offset: Millimetres::new(0.0),
        bottom_blind_zone: Millimetres::new(100.0),
        top_blind_zone: Millimetres::new(150.0),
        sensor_range: None,
    };
    let gauge = |unit| Gauge {
        tank: tank(unit),
        line: line_name(),
        unit,
        poll_interval: INTERVAL,
        alarm_poll_interval: None,
        mounting,
        registers: RegisterMap::published(),
        max_rate_mm_s: None,
        stuck_after: None,
        level_stuck_after: None,
        report: None,
    };
    LineConfig {
        line: Line {
            name: line_name(),
            edge: "rtu-01".parse().expect("a name"),
            port: Port::Serial(line.path().to_owned()),
            framing: Framing::default(),
        },
        gauges: (1..=gauges).map(gauge).collect(),
        limits: BTreeMap::new(),
        reply_timeout: Duration::from_secs(1),
        longest_probe_interval: Duration::from_secs(10),
        join_hole: 8,
    }
}

/// Polls a line of so many gauges, of which so many are dead; gives the mean time of a sweep over the living.
pub(super) async fn sweep(gauges: u8, dead: u8, time: Duration, stop: &CancellationToken) -> anyhow::Result<Measured> {
    let line = emulate(gauges, dead)?;
    let (sender, mut readings) = mpsc::channel(1000);
    let over = stop.child_token();
    let polling = poller::run(config(&line, gauges), sender, HealthBoard::default(), over.clone());
    let watching = async {
        let measured = watch(&line, &mut readings, dead, time).await;
        over.cancel();
        measured
    };
    let (polled, measured) = tokio::join!(polling, watching);
    polled?;
    measured
}

async fn watch(
    line: &EmulatedLine,
    readings: &mut mpsc::Receiver<Reading>,
    dead: u8,
    time: Duration,
) -> anyhow::Result<Measured> {
    let gauges = u8::try_from(line.units().len()).context("a line has at most 247 gauges")?;
    let mut missing: HashMap<TankName, u64> = (dead + 1..=gauges).map(|unit| (tank(unit), WARM_UP)).collect();
    let living = missing.len() as u64;
    while missing.values().any(|left| *left > 0) {
        if let Some(left) = missing.get_mut(&next(readings).await?.tank) {
            *left = left.saturating_sub(1);
        }
    }
    let before = line.counters();
    let (start, mut last, mut good): (Instant, _, u64) = (clock::now(), clock::now(), 0);
    while last < start + time {
        let reading = next(readings).await?;
        if reading.quality.is_good() {
            (last, good) = (clock::now(), good + 1);
        }
    }
    let after = line.counters();
    let taken = last.duration_since(start).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts of a few minutes")]
    let sweep = Duration::from_secs_f64(taken * living as f64 / good as f64);
    Ok(Measured {
        sweeps: good / living,
        sweep,
        requests: after.requests - before.requests,
        early: after.early_requests - before.early_requests,
    })
}

async fn next(readings: &mut mpsc::Receiver<Reading>) -> anyhow::Result<Reading> {
    match timeout(PATIENCE, readings.recv()).await {
        Ok(Some(reading)) => Ok(reading),
        Ok(None) => bail!("stopped"),
        Err(_) => bail!("no gauge was read for {} s", PATIENCE.as_secs()),
    }
}
