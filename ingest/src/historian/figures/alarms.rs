//! `standing` and `alarm_kpi`: the alarms that are not normal now, and how the alarms of a site do.

use std::collections::BTreeSet;

use tankline_domain::alarm::{AlarmKey, Priority, State};

use super::super::Point;
use super::Now;
use super::compose::end;
use crate::alarms::Standing;
use crate::config::TextFields;
use crate::kpi::Figures;

/// Which alarms were written last.
#[derive(Debug, Default)]
pub(super) struct Written {
    standing: BTreeSet<(AlarmKey, Priority)>,
    normal: BTreeSet<(AlarmKey, Priority)>,
}

impl Written {
    /// What was written last did not arrive: that alarms became normal is written again.
    pub(super) fn handle_lost(&mut self) {
        self.standing.append(&mut self.normal);
    }
}

/// Writes the alarms that are not normal, and once more each that has become normal, so that it goes at once.
pub(super) fn write(page: &mut String, now: &Now, written: &mut Written) {
    let standing: BTreeSet<_> = now.standing.iter().map(|one| (one.key(), one.priority)).collect();
    written.normal = written.standing.difference(&standing).cloned().collect();
    for (key, priority) in &written.normal {
        end(series(page, key, *priority).integer("state", State::Normal.code()), now.at);
    }
    for one in &now.standing {
        write_standing(page, now, one);
    }
    written.standing = standing;
}

fn write_standing(page: &mut String, now: &Now, one: &Standing) {
    let age_ms = now.at.millis_since(one.since).max(0);
    #[expect(clippy::cast_precision_loss, reason = "an age is far below 2^53 ms")]
    let point = series(page, &one.key(), one.priority)
        .integer("state", one.state.code())
        .integer("urgency", urgency(one))
        .integer("since_ms", one.since.get())
        .float("age_s", Some(age_ms as f64 / 1000.0))
        .float("value", one.value)
        .float("limit", one.limit);
    let point = match now.text_fields {
        TextFields::Written => point
            .string("title", &one.title)
            .string("unit", &one.unit)
            .string("acknowledged_by", one.acknowledged_by.as_deref().unwrap_or_default()),
        TextFields::LeftOut => point,
    };
    end(point, now.at);
}

fn series<'p>(page: &'p mut String, key: &AlarmKey, priority: Priority) -> Point<'p> {
    Point::new(page, "standing")
        .tag("site", key.site.as_str())
        .tag("tank", key.source.as_str())
        .tag("alarm", key.kind.name())
        .tag("priority", priority.name())
}

/// Gives the place in a list as a number: the tens by how it stands, from what waits for somebody to what another alarm speaks
/// for; the ones by priority, 1 critical to 4 low.
fn urgency(one: &Standing) -> i64 {
    let priority =
        (1..).zip(Priority::ALL).find(|(_, priority)| *priority == one.priority).map_or(0, |(place, _)| place);
    let standing = match one.state {
        State::Unacknowledged => 0,
        State::ReturnedUnacknowledged | State::LatchedUnacknowledged => 1,
        State::Acknowledged | State::LatchedAcknowledged => 2,
        State::Shelved | State::OutOfService => 3,
        _ => 4,
    };
    standing * 10 + priority
}

/// Writes the figures of the last 24 hours of a site.
pub(super) fn write_figures(page: &mut String, now: &Now, site: &str, figures: &Figures) {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let acknowledged = figures.acknowledgement;
    let point = Point::new(page, "alarm_kpi")
        .tag("site", site)
        .integer("annunciations", whole(figures.annunciations))
        .float("per_hour", Some(figures.per_hour))
        .float("per_10_min", Some(figures.per_10_min))
        .integer("most_in_10_min", whole(figures.most_in_10_min))
        .integer("floods", whole(figures.floods))
        .float("flooded_percent", Some(figures.flooded_percent))
        .integer("chattering", count(figures.chattering.len()))
        .integer("fleeting", whole(figures.fleeting))
        .integer("stale", count(figures.stale.len()))
        .integer("different", whole(figures.different))
        .float("top_percent", Some(figures.top_percent))
        .float("critical_percent", Some(figures.priorities.critical_percent))
        .float("high_percent", Some(figures.priorities.high_percent))
        .float("medium_percent", Some(figures.priorities.medium_percent))
        .float("low_percent", Some(figures.priorities.low_percent))
        .float("acknowledged_median_s", acknowledged.map(|took| took.median_s))
        .float("acknowledged_p90_s", acknowledged.map(|took| took.p90_s));
    end(point, now.at);
}
