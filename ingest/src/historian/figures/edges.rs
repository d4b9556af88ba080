//! `edge`, `line` and `completeness`: the edges, their gauges, and what is missing of their readings.

use std::collections::{BTreeMap, HashMap};

use tankline_domain::message::{EdgeHealth, GaugeHealth, JournalId, Presence};
use tankline_domain::ranges::RangeSet;
use tankline_domain::units::UnixMillis;

use super::super::Point;
use super::Now;
use super::compose::end;
use crate::config::TextFields;
use crate::live::EdgeNow;
use crate::stations::{DescribedEdge, EdgeId};

/// The health of an edge, which comes every 30 s, is not repeated when it is older than this.
const HEALTH_HOLDS_MS: i64 = 95_000;

/// Which health of each edge was written last, by the time of its arrival.
#[derive(Debug, Default)]
pub(super) struct Written(HashMap<EdgeId, UnixMillis>);

/// Writes one edge, with the age of its newest reading, and its gauges when there is news of them.
pub(super) fn write(
    page: &mut String,
    now: &Now,
    written: &mut Written,
    (id, edge): (EdgeId, &DescribedEdge),
    newest_reading_age_s: Option<f64>,
) {
    let known = now.edges.get(id);
    let presence = known.and_then(EdgeNow::presence);
    let health = known.and_then(|known| known.health.as_ref());
    let offline = presence == Some(Presence::Offline);
    let state = match presence {
        Some(Presence::Online) => 0,
        Some(Presence::Offline) => 1,
        None => 2,
    };
    let point = Point::new(page, "edge").tag("site", edge.site.as_str()).tag("edge", edge.edge.as_str());
    let point = point
        .integer("state", state)
        .integer("offline", i64::from(offline))
        .float("heard_age_s", health.map(|(_, came)| seconds(now.at, *came)))
        .float("newest_reading_age_s", newest_reading_age_s);
    let fresh = health.filter(|(_, came)| !offline && now.at.millis_since(*came) <= HEALTH_HOLDS_MS);
    let point = match fresh {
        Some((health, _)) => of_health(point, health, now.text_fields),
        None => point,
    };
    end(point, now.at);
    if let Some((health, came)) = health
        && written.0.insert(id, *came) != Some(*came)
    {
        for gauge in &health.gauges {
            write_gauge(page, edge, gauge, *came);
        }
    }
}

fn of_health<'p>(point: Point<'p>, health: &EdgeHealth, text_fields: TextFields) -> Point<'p> {
    let point = point
        .integer("journal_depth", signed(health.journal_depth))
        // Of an empty journal it is 0; where the age of what is in it cannot be told, nothing is said.
        .float("journal_oldest_s", health.journal_oldest_s.or((health.journal_depth == 0).then_some(0.0)))
        .integer("gap_readings", signed(health.gap_readings))
        .integer("held", signed(health.held.unwrap_or_default()))
        .integer("time_unknown", signed(health.time_unknown.unwrap_or_default()))
        .integer("clock_set", i64::from(health.clock == "set"))
        .integer("disk_trouble", i64::from(health.disk.is_some()));
    match text_fields {
        TextFields::Written => point.string("disk", health.disk.as_deref().unwrap_or("works")),
        TextFields::LeftOut => point,
    }
}

/// Writes the counters of a gauge with the time at which they came, so that they stand once however often they are written.
fn write_gauge(page: &mut String, edge: &DescribedEdge, gauge: &GaugeHealth, came: UnixMillis) {
    let counters = &gauge.counters;
    let point = Point::new(page, "line")
        .tag("site", edge.site.as_str())
        .tag("edge", edge.edge.as_str())
        .tag("line", gauge.line.as_str())
        .tag("gauge", gauge.tank.as_str());
    let point = point
        .integer("polls", signed(counters.polls))
        .integer("replies", signed(counters.replies))
        .integer("timeouts", signed(counters.timeouts))
        .integer("crc_errors", signed(counters.crc_errors))
        .integer("late", signed(counters.late))
        .integer("foreign", signed(counters.foreign))
        .integer("exceptions", signed(counters.exceptions))
        .integer("echoes", signed(counters.echoes))
        .integer("skipped", signed(counters.skipped))
        .integer("unit", i64::from(gauge.unit))
        .float("reply_ms_p50", gauge.reply_ms_p50)
        .float("reply_ms_p99", gauge.reply_ms_p99)
        .float("reply_ms_max", gauge.reply_ms_max)
        .float("timeout_ms", gauge.timeout_ms);
    let point = match &gauge.quality {
        Some(quality) => point.integer("quality_code", i64::from(quality.code())),
        None => point,
    };
    end(point, came);
}

/// Writes how complete the readings of each edge are that has any: of its present journal how far, of all how many are
/// missing.
pub(super) fn write_completeness(page: &mut String, now: &Now) {
    let mut of_edge: BTreeMap<EdgeId, Vec<(JournalId, &RangeSet)>> = BTreeMap::new();
    for (edge, journal, committed) in &now.committed {
        of_edge.entry(*edge).or_default().push((*journal, committed));
    }
    for (id, journals) in of_edge {
        write_journals(page, now, id, &journals);
    }
}

fn write_journals(page: &mut String, now: &Now, id: EdgeId, committed: &[(JournalId, &RangeSet)]) {
    let edge = now.stations.edge(id);
    let known = now.edges.get(id);
    let current = known.and_then(|known| known.state.as_ref()).and_then(|(state, _)| state.journal);
    let (mut through, mut newest, mut missing, mut dropped) = (None, 0, 0, 0);
    for (journal, committed) in committed {
        let lost = known.and_then(|known| known.gaps(*journal));
        let last = committed.last().unwrap_or_default();
        let mut absent = committed.missing(1, last);
        if let Some(lost) = lost {
            absent.subtract(lost);
        }
        missing += absent.count();
        dropped += lost.map_or(0, RangeSet::count);
        if Some(*journal) == current {
            newest = last;
            through = Some(absent.first().map_or(last, |first| first - 1));
        }
    }
    let point = Point::new(page, "completeness").tag("site", edge.site.as_str()).tag("edge", edge.edge.as_str());
    let point = match through {
        Some(through) => point.integer("through_seq", signed(through)).integer("newest_seq", signed(newest)),
        None => point,
    };
    let journals = signed(committed.len() as u64);
    let point =
        point.integer("missing", signed(missing)).integer("dropped", signed(dropped)).integer("journals", journals);
    end(point, now.at);
}

#[expect(clippy::cast_precision_loss, reason = "an age is far below 2^53 ms")]
fn seconds(now: UnixMillis, then: UnixMillis) -> f64 {
    now.millis_since(then).max(0) as f64 / 1000.0
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
