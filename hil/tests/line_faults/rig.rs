//! A line with three gauges and the edge that polls it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tankline_domain::names::TankName;
use tankline_domain::reading::{Mounting, Quality, Reading};
use tankline_domain::register::RegisterMap;
use tankline_domain::site::{Framing, Gauge, Line, Port};
use tankline_domain::units::{Millimetres, UnixMillis};
use tankline_edge::line::board::HealthBoard;
use tankline_edge::line::poller::{self, LineConfig};
use tankline_hil::line::{EmulatedLine, Fault, FaultTarget, LineSpec, Turnaround, UnitSpec};
use tankline_hil::stall::{StallWatch, TOLERANCE};
use tankline_runtime::clock;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::ledger::Ledger;

/// The gauge that gets the faults; the others are healthy.
pub const AFFECTED: u8 = 1;

/// Nothing takes this long, however busy the machine is.
const DEADLINE: Duration = Duration::from_secs(60);

/// One line, its emulated gauges and the edge's task.
pub struct Rig {
    pub line: EmulatedLine,
    pub board: HealthBoard,
    pub units: u8,
    stalls: StallWatch,
    ledger: Ledger,
    readings: mpsc::Receiver<Reading>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

/// What became of one poll.
#[derive(Debug, Clone)]
pub struct Seen {
    pub unit: u8,
    pub at: UnixMillis,
    pub quality: Quality,
    pub level: Option<f64>,
    /// What speaks against the values.
    pub objection: Option<String>,
}

pub struct Setup {
    pub units: u8,
    pub interval: Duration,
    pub longest_probe_interval: Duration,
    pub seed: u64,
}

impl Default for Setup {
    fn default() -> Self {
        let interval = Duration::from_millis(250);
        Self { units: 3, interval, longest_probe_interval: Duration::from_secs(1), seed: 1 }
    }
}

fn tank(unit: u8) -> TankName {
    format!("T-{unit:02}").parse().unwrap()
}

impl Rig {
    pub fn start(setup: &Setup) -> Self {
        let ledger = Ledger::default();
        let registers = RegisterMap::published();
        let name: tankline_domain::names::LineName = "line-01".parse().unwrap();
        let unit = |unit| UnitSpec { unit, tank: tank(unit), registers: registers.clone(), profile: None };
        let units = (1..=setup.units).map(|number| (unit(number), ledger.source(number))).collect();
        let framing = Framing::default();
        let spec = LineSpec { name: name.clone(), framing, turnaround: Turnaround::default(), seed: setup.seed };
        let line = EmulatedLine::start_showing(spec, units, Arc::new(|_| ())).unwrap();
        let mounting = Mounting {
            tank_height: Millimetres::new(14_000.0),
            offset: Millimetres::new(0.0),
            bottom_blind_zone: Millimetres::new(100.0),
            top_blind_zone: Millimetres::new(150.0),
            sensor_range: None,
        };
        let gauge = |unit| Gauge {
            tank: tank(unit),
            line: name.clone(),
            unit,
            poll_interval: setup.interval,
            alarm_poll_interval: None,
            mounting,
            registers: registers.clone(),
            max_rate_mm_s: None,
            stuck_after: None,
            level_stuck_after: None,
            report: None,
        };
        let config = LineConfig {
            line: Line {
                name: name.clone(),
                edge: "rtu-01".parse().unwrap(),
                port: Port::Serial(line.path().to_owned()),
                framing,
            },
            gauges: (1..=setup.units).map(gauge).collect(),
            limits: BTreeMap::new(),
            reply_timeout: Duration::from_secs(1),
            longest_probe_interval: setup.longest_probe_interval,
            join_hole: 8,
        };
        let (sender, readings) = mpsc::channel(1000);
        let (board, stop) = (HealthBoard::default(), CancellationToken::new());
        let task = poller::run(config, sender, board.clone(), stop.clone());
        #[expect(clippy::disallowed_methods, reason = "a test owns its task, and joins it")]
        let task = tokio::spawn(task);
        Self { line, board, units: setup.units, stalls: StallWatch::start(), ledger, readings, stop, task }
    }

    /// Gives the unit or the line these faults, written with spaces between them; none when empty.
    pub fn set(&self, target: FaultTarget, faults: &str) {
        let faults: Vec<Fault> = faults.split_whitespace().map(|fault| fault.parse().unwrap()).collect();
        assert!(self.line.set_faults(target, faults));
    }

    async fn next(&mut self, deadline: Instant) -> Option<Seen> {
        let reading = timeout_at(deadline, self.readings.recv()).await.ok()?.expect("the line's task goes on");
        let unit = (1..=self.units).find(|unit| tank(*unit) == reading.tank).unwrap();
        let objection = self.ledger.objection(unit, &reading);
        let level = reading.level.map(Millimetres::get);
        Some(Seen { unit, at: reading.at, quality: reading.quality, level, objection })
    }

    /// Tells whether the machine kept the time of a line since the last look. Where it did not, polls may fail that would
    /// not on a line.
    pub fn has_kept_time(&self) -> bool {
        self.stalls.take() <= TOLERANCE
    }

    /// Takes all that is read for a while.
    pub async fn watch(&mut self, time: Duration) -> Vec<Seen> {
        let end = (clock::now() + time).into();
        let mut seen = Vec::new();
        while let Some(one) = self.next(end).await {
            seen.push(one);
        }
        seen
    }

    /// Takes readings until each of these units gave so many good ones in a row; gives all that came.
    pub async fn until_good(&mut self, units: impl IntoIterator<Item = u8>, wanted: usize) -> Vec<Seen> {
        let mut missing: BTreeMap<u8, usize> = units.into_iter().map(|unit| (unit, wanted)).collect();
        let (deadline, mut seen) = ((clock::now() + DEADLINE).into(), Vec::new());
        while missing.values().any(|left| *left > 0) {
            let Some(one) = self.next(deadline).await else {
                panic!("units are not good again in time: {missing:?}; {:#?}; {seen:#?}", self.board.snapshot());
            };
            if let Some(left) = missing.get_mut(&one.unit) {
                *left = if one.quality.is_good() { left.saturating_sub(1) } else { wanted };
            }
            seen.push(one);
        }
        seen
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// Gives the mean time from one reading of a unit to its next, in ms.
pub fn period_ms(seen: &[Seen], unit: u8) -> f64 {
    let times: Vec<_> = seen.iter().filter(|one| one.unit == unit).map(|one| one.at.get()).collect();
    assert!(times.len() > 2, "unit {unit} is hardly polled at all: {seen:?}");
    (times[times.len() - 1] - times[0]) as f64 / (times.len() - 1) as f64
}

/// Gives what was wrong with the values of any reading.
pub fn objections(seen: &[Seen]) -> Vec<String> {
    seen.iter().filter_map(|one| one.objection.clone()).collect()
}

/// Gives the qualities of a unit, in order, as text.
pub fn qualities(seen: &[Seen], unit: u8) -> Vec<String> {
    seen.iter().filter(|one| one.unit == unit).map(|one| one.quality.to_string()).collect()
}
