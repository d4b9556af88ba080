//! `station`: how many tanks, edges and alarms of a site are in which state.

use tankline_domain::alarm::{Priority, State};
use tankline_domain::message::Presence;

use super::super::Point;
use super::Now;
use super::compose::end;
use crate::live::{EdgeNow, TankState};

/// Writes all sites.
pub(super) fn write(page: &mut String, now: &Now) {
    let mut sites: Vec<&str> = now.views.iter().map(|view| view.site.as_str()).collect();
    sites.dedup();
    for site in sites {
        write_site(page, now, site);
    }
}

fn write_site(page: &mut String, now: &Now, site: &str) {
    let tanks = |state| count(now.views.iter().filter(|view| view.site == site && view.state == state));
    let edges = || now.stations.edges().filter(|(_, edge)| edge.site.as_str() == site);
    let is_online = |id| now.edges.get(id).and_then(EdgeNow::presence) == Some(Presence::Online);
    let alarms = || now.standing.iter().filter(|one| one.site.as_str() == site);
    let waiting = |state: State| {
        matches!(state, State::Unacknowledged | State::ReturnedUnacknowledged | State::LatchedUnacknowledged)
    };
    let standing =
        |priority: Priority| count(alarms().filter(|one| one.state.is_annunciated() && one.priority == priority));
    let point = Point::new(page, "station")
        .tag("site", site)
        .integer("live", tanks(TankState::Live))
        .integer("uncertain", tanks(TankState::Uncertain))
        .integer("bad", tanks(TankState::Bad))
        .integer("stale", tanks(TankState::Stale))
        .integer("never", tanks(TankState::Never))
        .integer("edges_online", count(edges().filter(|(id, _)| is_online(*id))))
        .integer("edges_away", count(edges().filter(|(id, _)| !is_online(*id))))
        .integer("alarms_unacknowledged", count(alarms().filter(|one| waiting(one.state))))
        .integer("alarms_critical", standing(Priority::Critical))
        .integer("alarms_high", standing(Priority::High))
        .integer("alarms_medium", standing(Priority::Medium))
        .integer("alarms_low", standing(Priority::Low))
        .integer("alarms_put_aside", count(alarms().filter(|one| !one.state.is_annunciated())));
    end(point, now.at);
}

fn count(found: impl Iterator) -> i64 {
    i64::try_from(found.count()).unwrap_or(i64::MAX)
}
