//! The edge's line task reads the profile of a gauge whose rod a deposit covers.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tankline_domain::reading::{Quality, Reading};
use tankline_domain::site::{Line, Port, Site};
use tankline_edge::line::board::HealthBoard;
use tankline_edge::line::poller::{self, LineConfig};
use tankline_hil::line::{EmulatedLine, LineSpec, Place, ServedLog, UnitSpec};
use tankline_hil::plant::{LivePlant, Plant};
use tankline_runtime::{clock, site_file};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Nothing takes this long, however busy the machine is.
const DEADLINE: Duration = Duration::from_secs(60);
/// Interface in the tank, and by how much 2 mm of deposit lift what the gauge's register shows.
const INTERFACE_MM: f64 = 3000.0;
const LIFT_MM: f64 = 12.0;

const SITE: &str = include_str!("data/rod.toml");

struct Rig {
    _line: EmulatedLine,
    readings: mpsc::Receiver<Reading>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Rig {
    /// Starts the line; the gauge has its profile block, or it has not although the site says so.
    fn start(has_profile: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("site.toml");
        std::fs::write(&file, SITE).unwrap();
        let site: Site = site_file::load(&file).unwrap();
        let plant = LivePlant::new(Plant::new(&site, 5), clock::now(), 1.0);
        for command in ["set T-01 level_mm=9000 interface_mm=3000 emulsion_mm=200", "build-up T-01 2mm"] {
            plant.command(clock::now(), &command.parse().unwrap()).unwrap();
        }
        let described = &site.lines()[0];
        let mut units = UnitSpec::all_of(&site, &described.name);
        units.iter_mut().filter(|_| !has_profile).for_each(|unit| unit.profile = None);
        let served = Arc::new(ServedLog::new(100));
        let line =
            EmulatedLine::start_at(&Place::Pty, LineSpec::of(described, 5), units, &Arc::new(plant), served).unwrap();
        let config = LineConfig {
            line: Line { port: Port::Serial(line.path().to_owned()), ..described.clone() },
            gauges: site.gauges().to_vec(),
            limits: BTreeMap::new(),
            reply_timeout: Duration::from_secs(1),
            longest_probe_interval: Duration::from_secs(1),
            join_hole: 8,
        };
        let (sender, readings) = mpsc::channel(1000);
        let stop = CancellationToken::new();
        let task = poller::run(config, sender, HealthBoard::default(), stop.clone());
        #[expect(clippy::disallowed_methods, reason = "a test owns its task, and joins it")]
        let task = tokio::spawn(task);
        Self { _line: line, readings, stop, task }
    }

    /// Gives the next reading that has a value: a busy machine may cost one.
    async fn next(&mut self) -> Reading {
        loop {
            let reading = timeout(DEADLINE, self.readings.recv()).await.unwrap().unwrap();
            if !reading.quality.is_bad() {
                return reading;
            }
        }
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(DEADLINE, self.task).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn interface_of_a_rod_with_deposit_is_true_once_the_rod_was_scanned() {
    let mut rig = Rig::start(true);
    let first = rig.next().await;
    assert_eq!(first.quality.to_string(), "uncertain:interface-unconfirmed");
    assert!((first.interface.unwrap().get() - INTERFACE_MM - LIFT_MM).abs() < 5.0, "{first:?}");
    let mut good = 0;
    while good < 12 {
        let reading = rig.next().await;
        if reading.quality == Quality::Good {
            good += 1;
            assert!((reading.interface.unwrap().get() - INTERFACE_MM).abs() < 6.0, "{reading:?}");
            assert!((reading.level.unwrap().get() - 9000.0).abs() < 5.0, "{reading:?}");
        }
    }
    rig.end().await;
}

#[tokio::test]
async fn profile_that_is_not_there_costs_no_level() {
    let mut rig = Rig::start(false);
    for _ in 0..12 {
        let reading = rig.next().await;
        assert_eq!(reading.quality.to_string(), "uncertain:interface-unconfirmed");
        assert!(
            reading.quality.vouches_for_level() && (reading.level.unwrap().get() - 9000.0).abs() < 5.0,
            "{reading:?}"
        );
    }
    rig.end().await;
}
