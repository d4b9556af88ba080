//! The edge's task of one line, and what it tells.

use std::collections::BTreeMap;
use std::time::Duration;

use tankline_domain::names::TankName;
use tankline_domain::reading::{Mounting, Reading};
use tankline_domain::register::RegisterMap;
use tankline_domain::site::{Framing, Gauge, Line};
use tankline_domain::units::Millimetres;
use tankline_edge::line::board::HealthBoard;
use tankline_edge::line::poller::{self, LineConfig};
use tankline_runtime::clock;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Nothing takes this long, however busy the machine is.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// From one poll of a gauge to its next.
pub const INTERVAL: Duration = Duration::from_millis(100);

pub fn tank(unit: u8) -> TankName {
    format!("T-{unit:02}").parse().unwrap()
}

/// Describes a line with gauges of these units.
pub fn config(port: &str, units: &[u8]) -> LineConfig {
    let mounting = Mounting {
        tank_height: Millimetres::new(14_000.0),
        offset: Millimetres::new(0.0),
        bottom_blind_zone: Millimetres::new(100.0),
        top_blind_zone: Millimetres::new(150.0),
        sensor_range: None,
    };
    let gauge = |unit: &u8| Gauge {
        tank: tank(*unit),
        line: "line-01".parse().unwrap(),
        unit: *unit,
        poll_interval: INTERVAL,
        alarm_poll_interval: None,
        mounting,
        registers: RegisterMap::published(),
        max_rate_mm_s: None,
        stuck_after: None,
        level_stuck_after: None,
        report: None,
    };
    let line = Line {
        name: "line-01".parse().unwrap(),
        edge: "rtu-01".parse().unwrap(),
        port: port.parse().unwrap(),
        framing: Framing::default(),
    };
    LineConfig {
        line,
        gauges: units.iter().map(gauge).collect(),
        limits: BTreeMap::new(),
        reply_timeout: Duration::from_secs(1),
        longest_probe_interval: Duration::from_secs(1),
        join_hole: 8,
    }
}

/// A line that is polled by a task on the test's own thread.
pub struct Watched {
    pub board: HealthBoard,
    readings: mpsc::Receiver<Reading>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Watched {
    pub fn start(config: LineConfig) -> Self {
        let (sender, readings) = mpsc::channel(1000);
        let (board, stop) = (HealthBoard::default(), CancellationToken::new());
        let task = poller::run(config, sender, board.clone(), stop.clone());
        #[expect(clippy::disallowed_methods, reason = "a test owns its task, and joins it")]
        let task = tokio::spawn(task);
        Self { board, readings, stop, task }
    }

    pub async fn next(&mut self) -> Reading {
        timeout(DEADLINE, self.readings.recv()).await.expect("a reading in time").expect("the line's task goes on")
    }

    /// Gives what is read until a moment that the caller knows to have come.
    pub async fn until(&mut self, mut is_over: impl FnMut() -> bool) -> Vec<Reading> {
        let (began, mut seen) = (clock::now(), Vec::new());
        while !is_over() {
            assert!(began.elapsed() < DEADLINE, "waited in vain; {seen:?}");
            seen.push(self.next().await);
        }
        seen
    }

    /// Holds that each gauge goes on telling while its line is not there, as far as a busy machine lets it.
    pub fn assert_each_goes_on_telling(&self, seen: &[Reading], units: &[u8]) {
        for unit in units {
            let told = seen.iter().filter(|reading| reading.tank == tank(*unit)).count();
            assert!(told >= 10, "unit {unit} is told of {told} times: {seen:?}");
        }
        assert_eq!(self.skipped(), 0);
    }

    /// Gives how many polls were counted as left out; none is while a line is not there.
    pub fn skipped(&self) -> u64 {
        self.board.snapshot().iter().map(|health| health.counters.skipped).sum()
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}
