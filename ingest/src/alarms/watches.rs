use std::collections::HashMap;

use tankline_domain::alarm::watch::{Findings, Seen, Verdict, Watch, WatchSettings};
use tankline_domain::site::Site;
use tankline_domain::units::UnixMillis;

use super::WatchedTank;
use crate::derive::Derived;
use crate::stations::{DescribedTank, Stations, TankId};
use crate::store::WatchRow;

/// How often what a detector knows is kept; at once when its verdict is another.
const KEPT_EVERY_MS: i64 = 15 * 60_000;
/// By how much later each tank is first kept than the one before, so that they do not come all at once.
const APART_MS: i64 = 7919;

/// What the detectors know of each tank: of movement, leak and reverse flow.
#[derive(Debug, Default)]
pub struct Watches {
    tanks: HashMap<TankId, Watched>,
    /// Those that are to be kept with the next transaction.
    due: Vec<TankId>,
}

#[derive(Debug)]
struct Watched {
    settings: WatchSettings,
    watch: Watch,
    /// Earliest time of the next keeping; set when the first reading comes.
    keep_at: Option<UnixMillis>,
    is_due: bool,
    place: i64,
}

impl Watches {
    /// Watches the tanks of these sites, going on from what was kept.
    ///
    /// What was found by another basis is of no use: the same level is another volume.
    #[must_use]
    pub fn new(sites: &[Site], stations: &Stations, kept: Vec<WatchRow>) -> Self {
        let mut watches = Self::default();
        for (place, (id, tank)) in (0..).zip(stations.tanks()) {
            if let Some(site) = sites.iter().find(|site| *site.name() == tank.site) {
                let settings = site.watch_settings(&tank.tank);
                let watched = Watched { settings, watch: Watch::default(), keep_at: None, is_due: false, place };
                watches.tanks.insert(id, watched);
            }
        }
        for row in kept {
            let Some(id) = stations.find_tank(&row.site, &row.tank) else { continue };
            let is_same = stations.tank(id).basis.digest() == row.basis;
            if let Some(watched) = watches.tanks.get_mut(&id).filter(|_| is_same) {
                match serde_json::from_str(&row.body) {
                    Ok(watch) => watched.watch = watch,
                    Err(error) => {
                        tracing::warn!(site = %row.site, tank = %row.tank, %error, "what was known of a tank at rest is lost");
                    }
                }
            }
        }
        watches
    }

    /// Takes a live reading; gives what is known with it, nothing when it is not good.
    pub fn handle_live(&mut self, id: TankId, at: UnixMillis, derived: &Derived) -> Option<Findings> {
        let seen = derived.seen?;
        let watched = self.tanks.get_mut(&id)?;
        let before = *watched.watch.findings();
        let findings = watched.watch.push(&watched.settings, &Seen { at, ..seen }, derived.tov_flow.as_ref());
        let every = UnixMillis::new(at.get() + KEPT_EVERY_MS);
        let keep_at = *watched
            .keep_at
            .get_or_insert(UnixMillis::new(at.get() + (watched.place * APART_MS).rem_euclid(KEPT_EVERY_MS)));
        // A clock that was set back does not put it off.
        let is_time = at >= keep_at || keep_at > every;
        if (is_time || kinds(&before) != kinds(&findings)) && !watched.is_due {
            watched.is_due = true;
            watched.keep_at = Some(every);
            self.due.push(id);
        }
        Some(findings)
    }

    /// Takes what is to be kept, for a transaction, and how it is shown.
    pub fn take_due(&mut self, stations: &Stations) -> Vec<(WatchRow, WatchedTank)> {
        let mut rows = Vec::new();
        for id in std::mem::take(&mut self.due) {
            let Some(watched) = self.tanks.get_mut(&id) else { continue };
            watched.is_due = false;
            let tank = stations.tank(id);
            let row = WatchRow {
                site: tank.site.clone(),
                tank: tank.tank.name.clone(),
                basis: tank.basis.digest().to_owned(),
                body: serde_json::to_string(&watched.watch).expect("what is known of a tank is a JSON object"),
            };
            rows.push((row, watched.shown(tank)));
        }
        rows
    }

    /// Gives what is known of the tanks of which there were readings.
    pub fn watched(&self, stations: &Stations) -> Vec<WatchedTank> {
        let known = self.tanks.iter().filter(|(_, watched)| watched.watch.newest().is_some());
        known.map(|(id, watched)| watched.shown(stations.tank(*id))).collect()
    }
}

impl Watched {
    fn shown(&self, tank: &DescribedTank) -> WatchedTank {
        let (site, name) = (tank.site.clone(), tank.tank.name.clone());
        WatchedTank { site, tank: name, as_of: self.watch.newest(), findings: *self.watch.findings() }
    }
}

/// Gives what people and alarms go by: of a verdict its kind, and why it cannot be told.
fn kinds(findings: &Findings) -> [Option<Verdict>; 3] {
    let kind = |verdict| match verdict {
        Verdict::Found(_) => None,
        other => Some(other),
    };
    [findings.movement, findings.leak, findings.reverse_flow].map(kind)
}

#[cfg(test)]
#[path = "watches_tests.rs"]
mod tests;
