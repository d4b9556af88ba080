//! What is written when.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tankline_domain::message::JournalId;
use tankline_domain::ranges::RangeSet;
use tankline_domain::units::UnixMillis;

use super::super::Point;
use super::{LimitLines, alarms, edges, station, tanks};
use crate::alarms::Standing;
use crate::config::TextFields;
use crate::kpi::Figures as AlarmFigures;
use crate::live::{LiveEdges, TankView};
use crate::stations::{EdgeId, Stations};

/// How often limits and completeness are written: they change seldom.
const SELDOM: Duration = Duration::from_secs(60);

/// What is true now.
#[derive(Debug)]
pub struct Now {
    /// The moment.
    pub at: UnixMillis,
    /// Whether texts are written.
    pub text_fields: TextFields,
    /// The sites.
    pub stations: Arc<Stations>,
    /// The tanks as operators see them, in the order of the stations.
    pub views: Vec<TankView>,
    /// What the edges said of themselves.
    pub edges: LiveEdges,
    /// The alarms that are not normal.
    pub standing: Vec<Standing>,
    /// What is committed of each journal; empty when that is not asked for this time.
    pub committed: Vec<(EdgeId, JournalId, RangeSet)>,
    /// The figures of the last 24 hours of alarms by site; empty when that is not asked for this time.
    pub alarm_figures: Vec<(String, AlarmFigures)>,
}

impl Now {
    /// Gives how old the newest reading of each edge is; absent where there never was one.
    pub(super) fn newest_reading_ages_s(&self) -> HashMap<EdgeId, f64> {
        let mut ages = HashMap::new();
        for ((_, tank), view) in self.stations.tanks().zip(&self.views) {
            if let Some((edge, age_s)) = tank.edge.zip(view.age_s) {
                ages.entry(edge).and_modify(|newest: &mut f64| *newest = newest.min(age_s)).or_insert(age_s);
            }
        }
        ages
    }
}

/// Whether the limits arrived that were written last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Arrival {
    /// Nothing is known to be missing.
    #[default]
    Assumed,
    /// They are in what was composed last.
    Open,
    /// They got lost.
    Lost,
}

/// Puts together what is to be written.
#[derive(Debug, Default)]
pub struct Composer {
    limits: LimitLines,
    limits_written: Arrival,
    seldom: Option<Instant>,
    healths: edges::Written,
    standing: alarms::Written,
}

impl Composer {
    /// Begins with the limits of the tanks.
    #[must_use]
    pub fn new(limits: LimitLines) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Tells whether what is seldom written is due; then it is due again a minute later.
    pub fn is_seldom_due(&mut self, now: Instant) -> bool {
        let due = self.seldom.is_none_or(|last| now.saturating_duration_since(last) >= SELDOM);
        if due {
            self.seldom = Some(now);
        }
        due
    }

    /// Writes what is true now, as lines.
    ///
    /// `with_limits` says whether the limits are among it.
    pub fn compose(&mut self, now: &Now, with_limits: bool) -> String {
        let mut page = String::with_capacity(now.views.len() * 640);
        station::write(&mut page, now);
        for ((_, tank), view) in now.stations.tanks().zip(&now.views) {
            tanks::write(&mut page, now, tank, view);
        }
        let ages_s = now.newest_reading_ages_s();
        for (id, edge) in now.stations.edges() {
            edges::write(&mut page, now, &mut self.healths, (id, edge), ages_s.get(&id).copied());
        }
        edges::write_completeness(&mut page, now);
        alarms::write(&mut page, now, &mut self.standing);
        for (site, figures) in &now.alarm_figures {
            alarms::write_figures(&mut page, now, site, figures);
        }
        if with_limits || self.limits_written == Arrival::Lost {
            self.limits.write(&mut page, now.at);
            self.limits_written = Arrival::Open;
        } else {
            self.limits_written = Arrival::Assumed;
        }
        page
    }

    /// What was composed last did not arrive: news in it is written again. What is counted anew each minute waits for that,
    /// because counting costs more than it is worth while the server is away.
    pub fn handle_lost(&mut self) {
        self.healths = edges::Written::default();
        self.standing.handle_lost();
        if self.limits_written == Arrival::Open {
            self.limits_written = Arrival::Lost;
        }
    }
}

/// Ends a line. One that cannot be written is left out.
pub(super) fn end(point: Point<'_>, at: UnixMillis) {
    if let Err(error) = point.finish(at.get()) {
        tracing::debug!(%error, "a figure makes no line");
    }
}
