//! How a load stands while it runs.

use std::time::{Duration, Instant};

use super::arguments::Outage;
use super::plan::Plan;
use super::summary::OutageSummary;
use super::tally::Tally;

/// Notes moments of a load as they come.
#[derive(Debug)]
pub struct Progress {
    started: Instant,
    readings_per_s: f64,
    /// When every edge had been connected once.
    pub ramp: Option<Duration>,
    outages: Vec<(Outage, Option<u64>, Option<Duration>)>,
}

impl Progress {
    /// Begins with a load.
    pub fn new(plan: &Plan) -> Self {
        let gauges: usize = plan.edges.iter().map(|edge| edge.tanks.len()).sum();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let readings_per_s = gauges as f64 * plan.rate;
        let outages = plan.outages.iter().map(|outage| (*outage, None, None)).collect();
        Self { started: plan.started, readings_per_s, ramp: None, outages }
    }

    /// Looks how it stands.
    pub fn note(&mut self, now: Instant, edges: u64, tally: &Tally) {
        let elapsed = now.saturating_duration_since(self.started);
        if tally.arrived.get() == edges {
            self.ramp.get_or_insert(elapsed);
        }
        let waiting = tally.offered.get().saturating_sub(tally.committed.get());
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let is_drained = waiting as f64 <= self.readings_per_s.max(1.0);
        for (outage, backlog, drained) in &mut self.outages {
            let Some(since) = elapsed.checked_sub(outage.ends()) else { continue };
            backlog.get_or_insert(waiting);
            if is_drained {
                drained.get_or_insert(since);
            }
        }
    }

    /// Gives what came of the outages.
    pub fn outages(&self) -> Vec<OutageSummary> {
        let summary = |(outage, backlog, drained): &(Outage, Option<u64>, Option<Duration>)| OutageSummary {
            at_s: outage.at.as_secs_f64(),
            for_s: outage.lasts.as_secs_f64(),
            backlog: backlog.unwrap_or_default(),
            drained_s: drained.map(|drained| drained.as_secs_f64()),
        };
        self.outages.iter().map(summary).collect()
    }
}

/// Writes how a load stands, in a line.
pub fn line(elapsed: Duration, edges: u64, tally: &Tally) -> String {
    let (offered, committed) = (tally.offered.get(), tally.committed.get());
    let ms = |share| tally.latency_ms(share).map_or_else(|| "-".to_owned(), |ms| ms.to_string());
    format!(
        "{:>4} s  {:>5} of {edges} connected  {offered:>9} offered  {committed:>9} committed  {:>7} waiting  p50 {} ms  p99 {} ms  \
         {} reconnects",
        elapsed.as_secs(),
        tally.connected.get(),
        offered.saturating_sub(committed),
        ms(0.5),
        ms(0.99),
        tally.connections.get() - tally.arrived.get().min(tally.connections.get()),
    )
}
