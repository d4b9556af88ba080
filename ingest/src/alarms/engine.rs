//! What the writer of the database has evaluated: the alarms of all sites.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tankline_domain::alarm::watch::Findings;
use tankline_domain::alarm::{
    By, ClockShown, Edition, Entry, Moment, Reach, Refusal, Sample, SiteAlarms, State, TankPlace,
};
use tankline_domain::message::Presence;
use tankline_domain::names::SiteName;
use tankline_domain::site::Site;
use tankline_domain::units::UnixMillis;

use super::{Board, Order, Ordered, Standing, WatchedTank, Watches};
use crate::intake::{Accepted, Batch, is_live};
use crate::stations::{EdgeId, Stations, TankId};
use crate::store::{AlarmChanges, AlarmRow, GapNote, Happened, WatchRow};

/// What was kept before, to go on from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kept {
    /// How alarms stand.
    pub alarms: Vec<AlarmRow>,
    /// What the detectors know of tanks.
    pub watches: Vec<WatchRow>,
}

/// The alarms of all sites. What happens waits here until it is taken into a transaction.
#[derive(Debug)]
pub struct Engine {
    stations: Arc<Stations>,
    sites: Vec<SiteAlarms>,
    /// By which names the levels of each site are called.
    names: Vec<Edition>,
    /// Where the alarms of a tank are: which site, which place in it.
    tanks: HashMap<TankId, (usize, TankPlace)>,
    /// Of which site an edge is.
    edges: HashMap<EdgeId, usize>,
    /// Kept alarms of what is described no longer; they go with the next transaction.
    leftover: Vec<AlarmRow>,
    watches: Watches,
}

impl Engine {
    /// Makes the alarms that the sites describe, and takes up what was kept of them.
    #[must_use]
    pub fn new(sites: &[Site], stations: Arc<Stations>, kept: Kept, now: Moment) -> Self {
        let Kept { alarms: kept, watches } = kept;
        let watches = Watches::new(sites, &stations, watches);
        let place = |name: &SiteName| sites.iter().position(|site| site.name() == name);
        let mut alarms: Vec<_> = sites.iter().map(|site| SiteAlarms::new(site, now)).collect();
        let mut leftover = Vec::new();
        for row in kept {
            // Those of a site that is not served now wait until it is, here or where it is moved to.
            let Some(site) = place(&row.standing.site) else { continue };
            let restored = row.kept.as_deref().and_then(|kept| {
                let restored = alarms[site].restore(kept);
                restored.inspect_err(|error| tracing::warn!(%error, "a kept alarm is dropped")).ok()
            });
            if restored.is_none() {
                leftover.push(AlarmRow { standing: Standing { state: State::Normal, ..row.standing }, kept: None });
            }
        }
        alarms.iter_mut().for_each(|site| site.begin(now));
        let tank = |(id, tank): (TankId, &crate::stations::DescribedTank)| {
            let site = place(&tank.site)?;
            Some((id, (site, alarms[site].place_of(&tank.tank.name)?)))
        };
        let tanks = stations.tanks().filter_map(tank).collect();
        let edges = stations.edges().filter_map(|(id, edge)| Some((id, place(&edge.site)?))).collect();
        let names = sites.iter().map(Site::alarm_names).collect();
        Self { stations, sites: alarms, names, tanks, edges, leftover, watches }
    }

    /// Gives the alarms that are not normal.
    #[must_use]
    pub fn board(&self) -> Board {
        let mut board = Board::default();
        for (site, names) in self.sites.iter().zip(&self.names) {
            site.entries().for_each(|entry| board.note(Standing::of(entry, *names)));
        }
        board
    }

    /// Gives what the detectors know of the tanks that they know of.
    #[must_use]
    pub fn watched(&self) -> Vec<WatchedTank> {
        self.watches.watched(&self.stations)
    }

    /// Has the detectors look at readings that are about to be committed; gives what they know with each, in order.
    pub fn watch(&mut self, batches: &[Batch]) -> Vec<Option<Findings>> {
        let readings = batches.iter().flat_map(|batch| batch.readings.iter().map(move |reading| (batch, reading)));
        let watches = &mut self.watches;
        let look = |(batch, reading): (&Batch, &Accepted)| {
            let at = reading.at.min(batch.received);
            is_live(batch.received, at).then(|| watches.handle_live(reading.tank, at, &reading.derived)).flatten()
        };
        readings.map(look).collect()
    }

    /// Takes readings that are about to be committed, with what [`Self::watch`] has found of them.
    ///
    /// Those that came within [`LIVE_MS`](crate::intake::LIVE_MS) of their measurement are live and may raise and clear alarms. All others are
    /// backlog: what they show is recorded, and nobody is called.
    pub fn handle_batch(&mut self, now: Moment, batch: &Batch, found: &mut impl Iterator<Item = Option<Findings>>) {
        for reading in &batch.readings {
            let findings = found.next().flatten();
            let Some(&(site, place)) = self.tanks.get(&reading.tank) else { continue };
            // The clock of an edge that runs ahead does not put an alarm into the future.
            let at = reading.at.min(batch.received);
            let sample = sample(reading, at);
            if is_live(batch.received, at) {
                self.sites[site].handle_live(now, place, &Sample { findings: findings.as_ref(), ..sample });
            } else {
                self.sites[site].handle_backlog(place, &sample);
            }
        }
    }

    /// Takes that an edge came or went.
    pub fn handle_presence(&mut self, now: Moment, edge: EdgeId, presence: Presence) {
        if let Some(&site) = self.edges.get(&edge) {
            self.sites[site].handle_presence(now, &self.stations.edge(edge).edge, presence);
        }
    }

    /// Takes whether the centre can hear of a site.
    pub fn handle_reach(&mut self, now: Moment, site: &SiteName, reach: Reach) {
        if let Some(site) = self.sites.iter_mut().find(|alarms| alarms.site() == site) {
            site.handle_reach(now, reach);
        }
    }

    /// Takes what an edge shows of its clock.
    pub fn handle_clock(&mut self, now: Moment, edge: EdgeId, clock: ClockShown) {
        if let Some(&site) = self.edges.get(&edge) {
            self.sites[site].handle_clock(now, &self.stations.edge(edge).edge, clock);
        }
    }

    /// Takes that readings of an edge are lost for good.
    pub fn handle_gap(&mut self, now: Moment, gap: &GapNote) {
        if let Some(&site) = self.edges.get(&gap.edge) {
            self.sites[site].handle_gap(now, &self.stations.edge(gap.edge).edge, gap.added);
        }
    }

    /// Does what is over by now.
    pub fn handle_time(&mut self, now: Moment) {
        self.sites.iter_mut().for_each(|site| site.handle_time(now));
    }

    /// Gives when [`Self::handle_time`] is needed next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.sites.iter().filter_map(SiteAlarms::poll_timeout).min()
    }

    /// Does what a person wants.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub fn handle_order(&mut self, now: Moment, order: &Order) -> Ordered {
        let by = By { who: &order.who, note: &order.note };
        let unknown = || Refusal::Unknown { key: order.key.clone() };
        let site = self.sites.iter().position(|site| site.find(&order.key).is_some()).ok_or_else(unknown)?;
        let (site, names) = (&mut self.sites[site], self.names[site]);
        site.act(now, &order.key, order.action, by)?;
        let standing = site.find(&order.key).map(|entry| Standing::of(entry, names));
        Ok(standing.filter(|standing| standing.state != State::Normal))
    }

    /// Takes what happened since the last call, for a transaction.
    pub fn take_changes(&mut self) -> AlarmChanges {
        let (watches, watched) = self.watches.take_due(&self.stations).into_iter().unzip();
        let rows = std::mem::take(&mut self.leftover);
        let mut changes = AlarmChanges { happened: Vec::new(), rows, watches, watched };
        for (site, names) in self.sites.iter_mut().zip(&self.names) {
            let (transitions, changed) = (site.take_transitions(), site.take_changed());
            for transition in transitions {
                let (title, guidance) =
                    site.find(&transition.key).map(|entry| words(entry, *names)).unwrap_or_default();
                changes.happened.push(Happened { transition, title, guidance });
            }
            changes.rows.extend(changed.iter().filter_map(|key| site.find(key)).map(|entry| row(entry, *names)));
        }
        changes
    }
}

fn words(entry: Entry<'_>, names: Edition) -> (String, String) {
    (entry.rule.kind.title(names).to_owned(), entry.rule.guidance.to_string())
}

fn row(entry: Entry<'_>, names: Edition) -> AlarmRow {
    let kept =
        (!entry.alarm.is_blank()).then(|| serde_json::to_string(entry.alarm).expect("an alarm is a JSON object"));
    AlarmRow { standing: Standing::of(entry, names), kept }
}

fn sample(reading: &Accepted, at: UnixMillis) -> Sample<'_> {
    Sample {
        at,
        level_mm: reading.level_mm,
        interface_mm: reading.interface_mm,
        temperature_c: reading.temperature_c,
        quality: &reading.quality,
        tov_m3: reading.derived.tov_m3,
        nsv_m3: reading.derived.nsv_m3,
        tov_flow_m3h: reading.derived.tov_flow_m3h,
        tov_flow_uncertainty_m3h: reading.derived.tov_flow_uncertainty_m3h,
        findings: None,
    }
}
