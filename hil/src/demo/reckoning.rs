//! Adding up a run when all has stopped: counters, and the audit.

use std::collections::BTreeMap;
use std::time::Duration;

use tankline_domain::names::TankName;
use tankline_domain::site::{Gauge, Line, Site};
use tankline_ingest::Observer;

use super::snapshot::Snapshot;
use super::station::{Edge, Tally};
use super::stored::KeptReadings;
use super::summary::{AuditSummary, BusUse, Latency, Summary, rounded};
use crate::audit::TankAnswers;
use crate::audit::{Discrepancy, Findings, audit};
use crate::line::LineCounters;

/// Registers that nobody asked for across which the edges join two reads.
const JOIN_HOLE: u16 = 8;

/// Things that are wrong which are told one by one.
const EXAMPLES: usize = 20;

/// All that a run left behind.
#[derive(Debug)]
pub struct Reckoning<'d> {
    /// The site.
    pub site: &'d Site,
    /// How things stood when the stop came.
    pub last: &'d Snapshot,
    /// How long the gauges were polled.
    pub polled_for: Duration,
    /// What the lines counted.
    pub lines: &'d [(String, LineCounters)],
    /// The edges.
    pub edges: &'d [Edge],
    /// What they counted.
    pub tally: &'d Tally,
    /// The centre.
    pub centre: &'d Observer,
    /// What the gauges answered.
    pub answers: BTreeMap<TankName, TankAnswers>,
    /// What is kept.
    pub kept: KeptReadings,
    /// Readings that the historian has not got; absent when there is none.
    pub historian_lag: Option<u64>,
}

/// Adds up a run.
#[must_use]
pub fn reckon(run: Reckoning<'_>) -> Summary {
    let counted = run.tally.total();
    let journalled: u64 = run.edges.iter().map(|edge| edge.observer.journalled()).sum();
    let audit = audit_all(run.site, &run.answers, run.tally, &run.kept, journalled);
    let lines = run.lines.iter().map(|(name, counters)| (name.as_str(), *counters));
    let latency = |share| run.centre.latency_ms(share);
    Summary {
        version: env!("CARGO_PKG_VERSION"),
        site: run.site.name().to_string(),
        seconds: rounded(run.polled_for.as_secs_f64()),
        gauges: run.site.gauges().len(),
        gauges_live: run.last.live(),
        polls: counted.polls,
        replies: counted.replies,
        timeouts: counted.timeouts,
        crc_errors: counted.crc_errors,
        late: counted.late,
        foreign: counted.foreign,
        exceptions: counted.exceptions,
        readings_journalled: journalled,
        readings_committed: run.centre.committed(),
        duplicates_refused: run.centre.duplicates(),
        dead_letters: run.centre.dead_letters(),
        latency_ms: Latency { p50: latency(0.5), p99: latency(0.99), max: latency(1.0) },
        bus_use: BusUse::of(lines, run.polled_for),
        journal_depth_at_end: run.kept.in_journals,
        historian_lag: run.historian_lag,
        audit,
    }
}

fn audit_all(
    site: &Site,
    answers: &BTreeMap<TankName, TankAnswers>,
    tally: &Tally,
    kept: &KeptReadings,
    journalled: u64,
) -> AuditSummary {
    let (mut all, mut tanks, mut examples) = (Findings::default(), BTreeMap::new(), Vec::new());
    // What is read in pieces never leaves a gauge as one answer, and what is reported by exception is not kept each time.
    let is_audited = |gauge: &&Gauge| gauge.registers.reads(JOIN_HOLE).len() == 1 && gauge.report.is_none();
    let nothing = TankAnswers::default();
    let uncounted = asked_last(site, answers);
    for gauge in site.gauges().iter().filter(is_audited) {
        let tank = &gauge.tank;
        let kept_of_tank = kept.tanks.get(tank).map_or(&[][..], Vec::as_slice);
        let mut told = Vec::new();
        let tell = &mut |discrepancy: Discrepancy| told.push(discrepancy);
        let answers = answers.get(tank).unwrap_or(&nothing);
        let failed = tally.failed(tank) + u64::from(uncounted.contains(&tank));
        let mut found = audit(gauge, answers, failed, kept_of_tank, tell);
        found.duplicates = kept.duplicates.get(tank).copied().unwrap_or_default();
        if !found.is_clean() {
            tanks.insert(tank.to_string(), found);
            let room = EXAMPLES.saturating_sub(examples.len());
            examples.extend(told.iter().take(room).map(|discrepancy| format!("{tank}: {discrepancy}")));
        }
        all.add(&found);
    }
    let unaccounted = journalled.saturating_sub(kept.in_database + kept.in_journals);
    AuditSummary {
        clean: all.is_clean() && unaccounted == 0,
        findings: all,
        unaccounted,
        gauges_not_audited: site.gauges().iter().filter(|gauge| !is_audited(gauge)).count() as u64,
        tanks,
        examples,
    }
}

/// Finds the gauge of each line that answered last: when its edge stopped, it may have been in the middle of asking it, and
/// an edge that has stopped does not tell any more whether that failed.
fn asked_last<'s>(site: &'s Site, answers: &BTreeMap<TankName, TankAnswers>) -> Vec<&'s TankName> {
    let last = |tank: &TankName| answers.get(tank).and_then(|answers| answers.kept.back()).map(|answer| answer.at);
    let of_line = |line: &'s Line| site.gauges_of(&line.name).map(|gauge| &gauge.tank).max_by_key(|tank| last(tank));
    site.lines().iter().filter_map(of_line).collect()
}
