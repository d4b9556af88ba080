//! Writes the figures at an interval.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::Connection;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::super::Sink;
use super::{Composer, LimitLines, Now};
use crate::config::TextFields;
use crate::kpi::{self, Figures as AlarmFigures, Span};
use crate::local_time::UtcOffset;
use crate::shared::Shared;
use crate::store;

/// What the figures of alarms are counted over.
const ALARM_SPAN_MS: i64 = 86_400_000;

/// Everything that writing figures works with.
#[derive(Debug)]
pub struct Figures<S> {
    /// The server.
    pub sink: Arc<S>,
    /// How often they are written.
    pub interval: Duration,
    /// Whether texts are.
    pub text_fields: TextFields,
    /// What the tasks share.
    pub shared: Arc<Shared>,
    /// The limits of the tanks.
    pub limits: LimitLines,
    /// The database, in which what happened to alarms is counted.
    pub database: PathBuf,
}

/// Writes figures until stopped. What the server does not take is dropped and counted: it would be old by the time it did.
///
/// # Errors
/// None; the result is what the supervisor expects of a task.
pub async fn write_figures<S: Sink>(figures: Figures<S>, stop: CancellationToken) -> anyhow::Result<()> {
    let writing = figures.run();
    stop.run_until_cancelled(writing).await;
    Ok(())
}

impl<S: Sink> Figures<S> {
    async fn run(&self) {
        let mut composer = Composer::new(self.limits.clone());
        let mut due = clock::now();
        loop {
            sleep_until(Instant::from_std(due)).await;
            let seldom = composer.is_seldom_due(clock::now());
            let alarm_figures = if seldom { self.alarm_figures(clock::unix_ms()).await } else { Vec::new() };
            let now = self.now(seldom, alarm_figures);
            let lines = composer.compose(&now, seldom);
            let counters = &self.shared.counters;
            match self.sink.write(lines).await {
                Ok(()) => counters.figures_written.fetch_add(1, Ordering::Relaxed),
                Err(refusal) => {
                    tracing::debug!(?refusal, "the historian did not take the figures of now");
                    composer.handle_lost();
                    counters.figures_dropped.fetch_add(1, Ordering::Relaxed)
                }
            };
            // A write that took long is not made up for.
            due = (due + self.interval).max(clock::now());
        }
    }

    /// Looks at what is true now. Each lock is held for a copy only.
    fn now(&self, seldom: bool, alarm_figures: Vec<(String, AlarmFigures)>) -> Now {
        let at = clock::unix_ms();
        let shared = &self.shared;
        Now {
            at,
            text_fields: self.text_fields,
            stations: Arc::clone(&shared.stations),
            views: shared.tank_views(at),
            edges: shared.edges().clone(),
            standing: shared.alarms().iter().cloned().collect(),
            committed: if seldom { shared.ledger().journals() } else { Vec::new() },
            alarm_figures,
        }
    }

    /// Counts what happened to the alarms of each site; none where the database cannot be read.
    async fn alarm_figures(&self, at: UnixMillis) -> Vec<(String, AlarmFigures)> {
        let (database, shared) = (self.database.clone(), Arc::clone(&self.shared));
        let counted = tokio::task::spawn_blocking(move || {
            let Ok(connection) = store::open_read_only(&database) else { return Vec::new() };
            let count = |desk: &crate::shared::Desk| count(&connection, desk, at);
            shared.desks().iter().filter_map(count).collect()
        });
        counted.await.unwrap_or_default()
    }
}

fn count(connection: &Connection, desk: &crate::shared::Desk, at: UnixMillis) -> Option<(String, AlarmFigures)> {
    let span = Span { from: UnixMillis::new(at.get() - ALARM_SPAN_MS), to: at };
    let report = kpi::report_of(connection, Some(&desk.site), Some(span.from), span.to, UtcOffset::default());
    match report {
        Ok(report) => Some((desk.site.to_string(), report.all)),
        Err(error) => {
            tracing::debug!(%error, site = %desk.site, "alarms cannot be counted");
            None
        }
    }
}
