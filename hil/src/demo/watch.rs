//! Watching the demo while it runs: the live table, or a line every few seconds.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use tankline_domain::site::Site;
use tankline_ingest::Observer;
use tankline_runtime::clock;
use tankline_runtime::mqtt::BrokerUrl;
use tankline_runtime::supervisor::{Supervisor, SupervisorError};
use tokio::time::{MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;

use super::rate::Rate;
use super::screen::Screen;
use super::snapshot::{Snapshot, TankRow};
use super::station::{Edge, Moment, Tally};
use super::table::lay_out;

const TABLE_INTERVAL: Duration = Duration::from_millis(500);
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// How often the counters of edges that stop are looked at.
const TALLY_INTERVAL: Duration = Duration::from_millis(5);

/// Looks at the parts of the demo.
#[derive(Debug)]
pub struct Probe<'d> {
    /// The site.
    pub site: &'d Site,
    /// The centre.
    pub centre: &'d Observer,
    /// The edges.
    pub edges: &'d [Edge],
    /// When the edges were started.
    pub started: Moment,
    /// Readings that were in the journals then, and not in the database.
    pub depth_at_start: u64,
    /// The broker.
    pub broker: BrokerUrl,
    /// The data folder.
    pub data: &'d Path,
}

impl Probe<'_> {
    /// Takes how things stand.
    #[must_use]
    pub fn look(&self, rate: &mut Rate) -> Snapshot {
        let (now, at) = (clock::now(), clock::unix_ms());
        let committed = self.centre.committed();
        let journalled: u64 = self.edges.iter().map(|edge| edge.observer.journalled()).sum();
        let settled = committed + self.centre.dead_letters();
        Snapshot {
            site: self.site.name().to_string(),
            at,
            up: now.saturating_duration_since(self.started.instant),
            gauges: self.site.gauges().len(),
            committed,
            rate_per_s: rate.note(now, committed),
            p50_ms: self.centre.latency_ms(0.5),
            p99_ms: self.centre.latency_ms(0.99),
            journal_depth: (self.depth_at_start + journalled).saturating_sub(settled),
            broker: self.broker.to_string(),
            http: self.centre.http(),
            data: self.data.display().to_string(),
            tanks: self.centre.tanks(at).into_iter().filter_map(|view| self.row(view)).collect(),
            alarms: self.centre.alarms().into_iter().filter(|alarm| alarm.state.is_annunciated()).collect(),
        }
    }

    /// Makes the row of a tank; none for a tank without a gauge.
    fn row(&self, view: tankline_ingest::live::TankView) -> Option<TankRow> {
        let tank = self.site.tank(&view.tank.parse().ok()?)?;
        self.site.gauges().iter().find(|gauge| gauge.tank == tank.name)?;
        let limits = tank.limits;
        let limits = [limits.low.or(limits.low_low), limits.high.or(limits.high_high)];
        let limits_mm = limits.into_iter().flatten().map(|limit| limit.get()).collect();
        Some(TankRow { view, height_mm: tank.height.get(), limits_mm })
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Watched {
    /// Whether all parts did as they should.
    pub outcome: Result<(), SupervisorError>,
    /// How things stood when the stop came.
    pub last: Snapshot,
    /// What the edges counted.
    pub tally: Tally,
}

/// Runs the supervisor until `stop`, or for a time, and shows how things stand.
pub async fn watch(
    supervisor: Supervisor,
    stop: CancellationToken,
    run_for: Option<Duration>,
    probe: &Probe<'_>,
    shows_table: bool,
) -> Watched {
    let mut rate = Rate::default();
    let mut view = View::begin(shows_table, &probe.look(&mut rate));
    let mut ticks = tokio::time::interval(view.interval());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let end = async {
        match run_for {
            Some(time) => tokio::time::sleep_until((probe.started.instant + time).into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(end);
    // The edges are told to stop only when their counters were looked at: one that has stopped tells nothing more.
    let halt = CancellationToken::new();
    let running = supervisor.run(halt.clone());
    tokio::pin!(running);
    let outcome = loop {
        tokio::select! {
            biased;
            outcome = &mut running => break Some(outcome),
            () = stop.cancelled() => break None,
            () = &mut end => stop.cancel(),
            _ = ticks.tick() => if view.show(&probe.look(&mut rate)).is_err() {
                // Nobody looks any more.
                stop.cancel();
            },
        }
    };
    let last = probe.look(&mut rate);
    // Also the terminal is given back before anything that takes its time, so that a second signal finds it in order.
    view.end();
    let mut tally = Tally::default();
    tally.note(probe.edges);
    halt.cancel();
    let mut outcome = outcome;
    let outcome = loop {
        match outcome.take() {
            Some(outcome) => break outcome,
            None => outcome = timeout(TALLY_INTERVAL, &mut running).await.ok(),
        }
        tally.note(probe.edges);
    };
    Watched { outcome, last, tally }
}

enum View {
    Table(Screen),
    Lines,
}

impl View {
    /// Begins with the table where it is wanted and can be had, else with a few lines about what runs where.
    fn begin(shows_table: bool, snapshot: &Snapshot) -> Self {
        if let Some(screen) = shows_table.then(Screen::enter).and_then(Result::ok) {
            let view = Self::Table(screen);
            let mut view = view;
            let _ = view.show(snapshot);
            return view;
        }
        let http = snapshot.http.map_or_else(String::new, |address| {
            format!("\n  http     http://{address} with /healthz, /metrics, /api/v1/tanks, /api/v1/alarms")
        });
        let Snapshot { site, gauges, broker, data, .. } = snapshot;
        let words = format!(
            "tankline demo: site {site}, {gauges} gauges\n  broker   {broker}{http}\n  data     {data}\nCtrl-C ends it.\n"
        );
        let _ = io::stdout().write_all(words.as_bytes());
        Self::Lines
    }

    const fn interval(&self) -> Duration {
        match self {
            Self::Table(_) => TABLE_INTERVAL,
            Self::Lines => LINE_INTERVAL,
        }
    }

    fn show(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        match self {
            Self::Table(screen) => {
                let look = screen.look();
                screen.draw(&lay_out(snapshot, &look), look.columns)
            }
            Self::Lines => writeln!(io::stdout(), "{}", snapshot.in_one_line()),
        }
    }

    /// Gives the terminal back.
    fn end(self) {
        let had_table = matches!(self, Self::Table(_));
        drop(self);
        if had_table {
            let _ = writeln!(io::stdout(), "Stopping: the edges hand over what they have.");
        }
    }
}
