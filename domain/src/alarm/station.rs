//! All alarms of a site.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::centre::CentreAlarms;
use super::edge::EdgeAlarms;
use super::guard::{Force, Guard, Outbox};
use super::tank::{Over, TankAlarms};
use super::{Alarm, AlarmKey, By, ClockShown, Moment, Reach, Refusal, Rule, Sample, Scope, State, Transition};
use crate::message::Presence;
use crate::names::{EdgeName, SiteName, TankName};
use crate::site::Site;
use crate::units::UnixMillis;

/// A tank of a site, by its place in the description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TankPlace(usize);

/// What somebody does to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Takes notice of it.
    Acknowledge,
    /// Resets what is latched.
    Reset,
    /// Puts it aside until then; the reason must be said.
    Shelve(UnixMillis),
    /// Takes it back from the shelf.
    Unshelve,
    /// Takes it out of service; the work order must be said.
    TakeOut,
    /// Puts it back into service.
    PutBack,
}

/// A kept alarm cannot be taken up again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// What was kept is damaged.
    #[error("a kept alarm cannot be read")]
    Damaged(#[from] serde_json::Error),
    /// Its tank or edge is not described any more.
    #[error("{key} is kept, but site {site} describes no tank or edge of that name")]
    UnknownSource {
        /// The alarm.
        key: AlarmKey,
        /// The site.
        site: SiteName,
    },
}

/// An alarm with what is laid down for it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// How it stands.
    pub alarm: &'a Alarm,
    /// What is laid down for it.
    pub rule: &'a Rule,
}

/// All alarms of a site: takes what comes in, says what happened.
///
/// Made, given what was kept ([`Self::restore`]), then begun. Each call costs no allocation while nothing changes. What
/// happened waits in [`Self::take_transitions`], what is to be kept anew in [`Self::take_changed`]; both belong into the
/// transaction that keeps the readings.
///
/// A restart changes no state and says nothing again: conditions go on from where they were kept, and only delays that were
/// under way begin anew.
#[derive(Debug, Clone)]
pub struct SiteAlarms {
    site: SiteName,
    tanks: Vec<TankAlarms>,
    edges: Vec<EdgeAlarms>,
    centre: CentreAlarms,
    tank_places: HashMap<TankName, usize>,
    edge_places: HashMap<EdgeName, usize>,
    out: Outbox,
    queue: BinaryHeap<Reverse<(Instant, Source)>>,
    /// The earliest entry in the queue for each source; later ones are void.
    queued: HashMap<Source, Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Source {
    Tank(usize),
    Edge(usize),
    Centre,
}

impl SiteAlarms {
    /// Makes the alarms that a site describes, all normal.
    #[must_use]
    pub fn new(site: &Site, now: Moment) -> Self {
        let name = site.name().clone();
        let guards = |source: &TankName, rules: Vec<Rule>| -> Vec<Guard> {
            let guard = |rule: Rule| {
                let key = AlarmKey { site: name.clone(), source: source.clone(), kind: rule.kind };
                Guard::new(Arc::new(rule), Force::InForce, Alarm::new(key))
            };
            rules.into_iter().map(guard).collect()
        };
        let edge_names: Vec<EdgeName> = site.edges().into_iter().cloned().collect();
        let edge_places: HashMap<_, _> = edge_names.iter().cloned().enumerate().map(|(at, name)| (name, at)).collect();
        let mut edges: Vec<EdgeAlarms> = edge_names
            .iter()
            .map(|edge| EdgeAlarms::new(guards(&source_of(edge.as_str()), site.edge_rules())))
            .collect();
        let centre = CentreAlarms { guards: guards(&source_of(name.as_str()), site.site_rules()) };
        let mut tanks = Vec::new();
        let mut tank_places = HashMap::new();
        for (place, tank) in site.tanks().iter().enumerate() {
            let edge = site.edge_of(&tank.name).and_then(|edge| edge_places.get(edge).copied());
            if let Some(edge) = edge {
                edges[edge].tanks.push(place);
            }
            let gauge = site.gauges().iter().find(|gauge| gauge.tank == tank.name);
            let silence = gauge.map_or(Duration::ZERO, crate::site::Gauge::longest_silence);
            tanks.push(TankAlarms::new(guards(&tank.name, site.tank_rules(tank)), edge, silence, now));
            tank_places.insert(tank.name.clone(), place);
        }
        let (out, queue, queued) = (Outbox::default(), BinaryHeap::new(), HashMap::new());
        Self { site: name, tanks, edges, centre, tank_places, edge_places, out, queue, queued }
    }

    /// Takes up an alarm as it was kept: the JSON of an [`Alarm`].
    ///
    /// One whose rule is described no longer is kept until nobody needs to know of it.
    ///
    /// # Errors
    /// [`RestoreError`]; then nothing has changed.
    pub fn restore(&mut self, body: &str) -> Result<AlarmKey, RestoreError> {
        let alarm: Alarm = serde_json::from_str(body)?;
        let key = alarm.key().clone();
        let unknown = || RestoreError::UnknownSource { key: key.clone(), site: self.site.clone() };
        let source = self.source(&key).filter(|_| key.site == self.site).ok_or_else(unknown)?;
        match self.guards_mut(source).iter_mut().find(|guard| guard.rule.kind == key.kind) {
            Some(guard) => guard.alarm = alarm,
            None => match source {
                Source::Tank(place) => self.tanks[place].add_retired(alarm),
                Source::Edge(place) => self.edges[place].add_retired(alarm),
                Source::Centre => self.centre.add_retired(alarm),
            },
        }
        Ok(key)
    }

    /// Begins, after everything kept was taken up: what no rule describes any more is over, what nothing silences any more
    /// comes back in time.
    pub fn begin(&mut self, now: Moment) {
        retire(&mut self.centre.guards, now, &mut self.out);
        self.requeue(now, Source::Centre);
        for place in 0..self.edges.len() {
            let Self { edges, centre, out, .. } = self;
            let edge = &mut edges[place];
            retire(&mut edge.guards, now, out);
            edge.settle(now, centre.over(), out);
            edge.end_gap(now, out);
            self.requeue(now, Source::Edge(place));
        }
        for place in 0..self.tanks.len() {
            let Self { tanks, edges, centre, out, .. } = self;
            let tank = &mut tanks[place];
            retire(&mut tank.guards, now, out);
            tank.settle(now, over(centre, edges, tank.edge), out);
            self.requeue(now, Source::Tank(place));
        }
    }

    /// Gives of which site they are.
    #[must_use]
    pub const fn site(&self) -> &SiteName {
        &self.site
    }

    /// Finds a tank.
    #[must_use]
    pub fn place_of(&self, tank: &TankName) -> Option<TankPlace> {
        self.tank_places.get(tank).copied().map(TankPlace)
    }

    /// Takes a reading that is as fresh as readings are when nothing delays them.
    pub fn handle_live(&mut self, now: Moment, tank: TankPlace, sample: &Sample<'_>) {
        let Self { tanks, edges, centre, out, .. } = self;
        let alarms = &mut tanks[tank.0];
        alarms.handle_live(now, sample, over(centre, edges, alarms.edge), out);
        self.requeue(now, Source::Tank(tank.0));
    }

    /// Takes a reading that comes late: it raises nothing and clears nothing, but what it shows is recorded once.
    pub fn handle_backlog(&mut self, tank: TankPlace, sample: &Sample<'_>) {
        self.tanks[tank.0].handle_backlog(sample, &mut self.out);
    }

    /// Takes whether the centre can hear of its edges at all. While it cannot, that is one alarm, and no edge has one.
    pub fn handle_reach(&mut self, now: Moment, reach: Reach) {
        self.centre.handle_reach(now, reach, &mut self.out);
        self.centre_changed(now);
    }

    /// Takes that an edge is there or gone. When the centre is cut off, it counts as gone: once it is not, it is there again
    /// or has an alarm of its own.
    pub fn handle_presence(&mut self, now: Moment, edge: &EdgeName, presence: Presence) {
        if let Some(place) = self.edge_places.get(edge).copied() {
            let Self { edges, centre, out, .. } = self;
            edges[place].handle_presence(now, presence, centre.over(), out);
            self.edge_changed(now, place);
        }
    }

    /// Takes what an edge shows of its clock.
    pub fn handle_clock(&mut self, now: Moment, edge: &EdgeName, clock: ClockShown) {
        if let Some(place) = self.edge_places.get(edge).copied() {
            self.edges[place].handle_clock(now, clock, &mut self.out);
            self.edge_changed(now, place);
        }
    }

    /// Takes that readings of an edge are missing which will not come: so many more than were known of.
    pub fn handle_gap(&mut self, now: Moment, edge: &EdgeName, readings: u64) {
        if let Some(place) = self.edge_places.get(edge).copied().filter(|_| readings > 0) {
            #[expect(clippy::cast_precision_loss, reason = "a count of more than 2^53 readings is no less alarming")]
            self.edges[place].handle_gap(now, readings as f64, &mut self.out);
            self.requeue(now, Source::Edge(place));
        }
    }

    /// Ends what is over by now: delays, shelves, the time in which a gauge should have been heard of.
    pub fn handle_time(&mut self, now: Moment) {
        while let Some(Reverse((due, source))) = self.queue.peek().copied()
            && due <= now.monotonic
        {
            self.queue.pop();
            if self.queued.get(&source) != Some(&due) {
                continue;
            }
            self.queued.remove(&source);
            match source {
                Source::Tank(place) => self.tank_time(now, place),
                Source::Edge(place) => self.edge_time(now, place),
                Source::Centre => {
                    self.centre.handle_time(now, &mut self.out);
                    self.centre_changed(now);
                }
            }
        }
    }

    /// Gives when [`Self::handle_time`] is next needed; it may be called earlier without harm.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse((due, _))| *due)
    }

    /// Does what somebody does to an alarm; gives its state then.
    ///
    /// # Errors
    /// [`Refusal`] when that cannot be; then nothing has changed.
    pub fn act(&mut self, now: Moment, key: &AlarmKey, action: Action, by: By<'_>) -> Result<State, Refusal> {
        let source = self.source(key).filter(|_| key.site == self.site);
        let guard = source.and_then(|source| self.guards_mut(source).iter_mut().find(|one| one.alarm.key() == key));
        let guard = guard.ok_or_else(|| Refusal::Unknown { key: key.clone() })?;
        let (terms, at, alarm) = (guard.rule.terms(), now.unix, &mut guard.alarm);
        let done = match action {
            Action::Acknowledge => alarm.acknowledge(terms, at, by),
            Action::Reset => alarm.reset(terms, at, by),
            Action::Shelve(until) => alarm.shelve(terms, now, by, until),
            Action::Unshelve => alarm.unshelve(terms, at, by),
            Action::TakeOut => alarm.take_out(terms, at, by),
            Action::PutBack => alarm.put_back(terms, at, by),
        }?;
        let state = done.to;
        self.out.push(done);
        if let Some(source) = source {
            self.requeue(now, source);
        }
        Ok(state)
    }

    /// Takes what happened since the last call, in order.
    #[must_use]
    pub fn take_transitions(&mut self) -> Vec<Transition> {
        std::mem::take(&mut self.out.transitions)
    }

    /// Takes which alarms must be kept anew since the last call, each once: the JSON of [`Entry::alarm`], or nothing any more
    /// where [`Alarm::is_blank`].
    #[must_use]
    pub fn take_changed(&mut self) -> Vec<AlarmKey> {
        std::mem::take(&mut self.out.changed)
    }

    /// Finds an alarm.
    #[must_use]
    pub fn find(&self, key: &AlarmKey) -> Option<Entry<'_>> {
        let source = self.source(key).filter(|_| key.site == self.site)?;
        let guards = match source {
            Source::Tank(place) => &self.tanks[place].guards,
            Source::Edge(place) => &self.edges[place].guards,
            Source::Centre => &self.centre.guards,
        };
        let guard = guards.iter().find(|guard| guard.rule.kind == key.kind)?;
        Some(Entry { alarm: &guard.alarm, rule: &guard.rule })
    }

    /// Gives all alarms that can be, the normal ones too: those of tanks in the order of the description, then those of edges,
    /// then those of the site.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let tanks = self.tanks.iter().flat_map(|tank| &tank.guards);
        let edges = self.edges.iter().flat_map(|edge| &edge.guards);
        tanks.chain(edges).chain(&self.centre.guards).map(|guard| Entry { alarm: &guard.alarm, rule: &guard.rule })
    }

    fn tank_time(&mut self, now: Moment, place: usize) {
        let Self { tanks, edges, centre, out, .. } = self;
        let tank = &mut tanks[place];
        tank.handle_time(now, over(centre, edges, tank.edge), out);
        self.requeue(now, Source::Tank(place));
    }

    fn edge_time(&mut self, now: Moment, place: usize) {
        let Self { edges, centre, out, .. } = self;
        edges[place].handle_time(now, centre.over(), out);
        self.edge_changed(now, place);
    }

    /// Tells the edges that the centre may mean something else to them now.
    fn centre_changed(&mut self, now: Moment) {
        (0..self.edges.len()).for_each(|place| self.edge_time(now, place));
        self.requeue(now, Source::Centre);
    }

    /// Tells the tanks of an edge that it may mean something else to them now.
    fn edge_changed(&mut self, now: Moment, place: usize) {
        for index in 0..self.edges[place].tanks.len() {
            self.tank_time(now, self.edges[place].tanks[index]);
        }
        self.requeue(now, Source::Edge(place));
    }

    fn requeue(&mut self, now: Moment, source: Source) {
        let next = match source {
            Source::Tank(place) => self.tanks[place].next_deadline(now),
            Source::Edge(place) => self.edges[place].next_deadline(now),
            Source::Centre => self.centre.next_deadline(now),
        };
        let Some(next) = next else { return };
        if self.queued.get(&source).is_none_or(|queued| next < *queued) {
            self.queued.insert(source, next);
            self.queue.push(Reverse((next, source)));
        }
    }

    fn source(&self, key: &AlarmKey) -> Option<Source> {
        match key.kind.scope() {
            Scope::Tank => self.tank_places.get(&key.source).copied().map(Source::Tank),
            Scope::Edge => {
                let edge = key.source.as_str().parse::<EdgeName>().ok()?;
                self.edge_places.get(&edge).copied().map(Source::Edge)
            }
            Scope::Site => (key.source.as_str() == self.site.as_str()).then_some(Source::Centre),
        }
    }

    fn guards_mut(&mut self, source: Source) -> &mut Vec<Guard> {
        match source {
            Source::Tank(place) => &mut self.tanks[place].guards,
            Source::Edge(place) => &mut self.edges[place].guards,
            Source::Centre => &mut self.centre.guards,
        }
    }
}

fn retire(guards: &mut [Guard], now: Moment, out: &mut Outbox) {
    guards.iter_mut().filter(|guard| guard.force == Force::Retired).for_each(|guard| guard.retire(now, out));
}

/// Gives what a tank has to heed: the centre that is cut off before the edge that is gone.
fn over<'a>(centre: &'a CentreAlarms, edges: &'a [EdgeAlarms], edge: Option<usize>) -> Over<'a> {
    centre.over().or(edge.map_or(Over::Nothing, |edge| edges[edge].over()))
}

/// Gives the name of an edge or a site as the source of an alarm.
fn source_of(name: &str) -> TankName {
    name.parse().expect("the names of sites, edges and tanks have one form")
}
