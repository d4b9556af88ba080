//! What the tasks of a worker know of each other.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tankline_domain::alarm::AlarmKey;
use tankline_domain::message::{EdgeHealth, EdgeState, Presence};
use tankline_domain::names::{SiteName, TankName};
use tankline_domain::units::UnixMillis;
use tankline_runtime::pulses::Pulses;
use tokio::sync::{Notify, watch};

use crate::alarms::{Board, Standing, WatchedTank, log};
use crate::centre::Centre;
use crate::intake::is_live;
use crate::latency::Latencies;
use crate::live::{LiveEdges, LiveTanks, TankView, view};
use crate::metrics::Counters;
use crate::notify::Notifier;
use crate::stages::StageTimes;
use crate::stations::{EdgeId, Stations};
use crate::store::{AlarmChanges, AlarmRow, Committed, Expired, GapNote, Group, Ledger};

/// What the tasks of a worker know of each other.
#[derive(Debug)]
pub struct Shared {
    /// The sites.
    pub stations: Arc<Stations>,
    /// Counters.
    pub counters: Counters,
    /// What each stage costs.
    pub stage_times: StageTimes,
    /// What is expected of its tasks.
    pub pulses: Pulses,
    /// Id of the newest committed reading.
    pub newest_id: watch::Sender<i64>,
    /// Those who are to be told of alarms.
    pub notifier: Notifier,
    /// Id of the newest committed transition of an alarm.
    pub newest_transition: watch::Sender<i64>,
    ledger: Mutex<Ledger>,
    tanks: Mutex<LiveTanks>,
    edges: Mutex<LiveEdges>,
    alarms: Mutex<Board>,
    watched: Mutex<BTreeMap<(SiteName, TankName), WatchedTank>>,
    latencies: Mutex<Latencies>,
    store_trouble: Mutex<Option<String>>,
    historian_trouble: Mutex<Option<String>>,
    desks: Vec<Desk>,
}

/// What concerns one site's connection to the broker.
#[derive(Debug)]
pub struct Desk {
    /// The site.
    pub site: SiteName,
    /// Told when there may be something to say.
    pub changed: Notify,
    centre: Mutex<Centre>,
    /// Why there is no connection; absent when there is one.
    trouble: Mutex<Option<String>>,
}

/// What a trouble needs to go away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Help {
    /// It may go away by itself.
    Time,
    /// A person has to act.
    Person,
}

/// What a worker begins with.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What is committed.
    pub ledger: Ledger,
    /// The newest readings.
    pub tanks: LiveTanks,
    /// The gaps that edges told of.
    pub edges: LiveEdges,
    /// Id of the newest committed reading.
    pub newest_id: i64,
    /// Those who are to be told of alarms.
    pub notifier: Notifier,
    /// The alarms that are not normal.
    pub alarms: Board,
    /// What the detectors know of tanks.
    pub watched: Vec<WatchedTank>,
    /// Id of the newest committed transition of an alarm.
    pub newest_transition: i64,
}

impl Shared {
    /// Begins with what the database held.
    #[must_use]
    pub fn new(stations: Arc<Stations>, sites: impl IntoIterator<Item = SiteName>, loaded: Loaded) -> Self {
        let desk = |site| Desk {
            site,
            changed: Notify::new(),
            centre: Mutex::default(),
            trouble: Mutex::new(Some("not connected to the broker yet".to_owned())),
        };
        Self {
            stations,
            counters: Counters::default(),
            stage_times: StageTimes::default(),
            pulses: Pulses::default(),
            newest_id: watch::Sender::new(loaded.newest_id),
            notifier: loaded.notifier,
            newest_transition: watch::Sender::new(loaded.newest_transition),
            ledger: Mutex::new(loaded.ledger),
            tanks: Mutex::new(loaded.tanks),
            edges: Mutex::new(loaded.edges),
            alarms: Mutex::new(loaded.alarms),
            watched: Mutex::new(loaded.watched.into_iter().map(|tank| (key_of(&tank), tank)).collect()),
            latencies: Mutex::default(),
            store_trouble: Mutex::default(),
            historian_trouble: Mutex::default(),
            desks: sites.into_iter().map(desk).collect(),
        }
    }

    /// Gives what is committed.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// Gives what the edges said of themselves.
    pub fn edges(&self) -> MutexGuard<'_, LiveEdges> {
        lock(&self.edges)
    }

    /// Gives the alarms that are not normal.
    pub fn alarms(&self) -> MutexGuard<'_, Board> {
        lock(&self.alarms)
    }

    /// Gives the latencies from gauge to database.
    pub fn latencies(&self) -> MutexGuard<'_, Latencies> {
        lock(&self.latencies)
    }

    /// Gives the sites' connections.
    pub fn desks(&self) -> &[Desk] {
        &self.desks
    }

    /// Gives the tanks as operators see them, in the order of the descriptions.
    #[must_use]
    pub fn tank_views(&self, now: UnixMillis) -> Vec<TankView> {
        let (tanks, edges) = (lock(&self.tanks), self.edges());
        let shown = |(id, tank): (_, &crate::stations::DescribedTank)| {
            let presence = tank.edge.and_then(|edge| edges.get(edge)).and_then(crate::live::EdgeNow::presence);
            view(now, tank, tanks.get(id), presence)
        };
        self.stations.tanks().map(shown).collect()
    }

    /// Gives the same with how well the volumes are known; that takes a while, and is done when the tanks are free again.
    #[must_use]
    pub fn tank_views_with_uncertainty(&self, now: UnixMillis) -> Vec<TankView> {
        let views = self.tank_views(now);
        self.stations.tanks().zip(views).map(|((_, tank), view)| view.with_uncertainty(&tank.basis)).collect()
    }

    /// Gives what the detectors know of the tanks, by site and name.
    pub fn watched(&self) -> Vec<WatchedTank> {
        lock(&self.watched).values().cloned().collect()
    }

    /// Notes that a connection of a site stands. What is retained of its alarms may be old or gone: all are told again.
    pub fn note_connected(&self, desk: &Desk) {
        let standing: Vec<_> = self.alarms().iter().map(Standing::key).filter(|key| key.site == desk.site).collect();
        desk.note_connected(standing);
    }

    /// Notes that there is no connection of a site. Whether its edges are there is not known then, nor after the next
    /// connection until each has said so: what they retained may be gone with the broker.
    pub fn note_disconnected(&self, desk: &Desk, reason: String) {
        desk.note_disconnected(reason);
        let mut edges = self.edges();
        for (id, _) in self.stations.edges().filter(|(_, edge)| edge.site == desk.site) {
            edges.cut_off(id);
        }
    }

    /// Notes what a transaction has committed: from here on it is acknowledged and shown.
    pub fn note_committed(&self, now: UnixMillis, group: Group, done: Committed) {
        self.ledger().add(&group.sorted.added);
        self.counters.note(&group, &done);
        self.note_readings(now, &group);
        if let Some(id) = done.newest_id {
            self.newest_id.send_replace(id);
        }
        self.note_alarms(group.alarms, done.newest_transition);
        for &(edge, journal) in group.sorted.added.keys() {
            let site = &self.stations.edge(edge).site;
            if let Some(desk) = self.desks.iter().find(|desk| desk.site == *site) {
                desk.centre().handle_touched(edge, journal);
                desk.changed.notify_one();
            }
        }
    }

    /// Lets everybody know how alarms stand, as it is committed.
    fn note_alarms(&self, changes: AlarmChanges, newest: Option<i64>) {
        for AlarmRow { standing, .. } in changes.rows {
            let key = standing.key();
            self.alarms().note(standing);
            if let Some(desk) = self.desks.iter().find(|desk| desk.site == key.site) {
                desk.centre().handle_alarm(key);
                desk.changed.notify_one();
            }
        }
        lock(&self.watched).extend(changes.watched.into_iter().map(|tank| (key_of(&tank), tank)));
        for happened in changes.happened {
            log(&happened);
        }
        if let Some(id) = newest {
            self.newest_transition.send_replace(id);
            self.notifier.ring();
        }
    }

    fn note_readings(&self, now: UnixMillis, group: &Group) {
        let (mut tanks, mut latencies) = (lock(&self.tanks), self.latencies());
        for batch in &group.sorted.batches {
            for reading in &batch.readings {
                tanks.note(reading, batch.received);
                if batch.received >= reading.at && is_live(batch.received, reading.at) {
                    latencies.record(now.millis_since(reading.at).max(0).unsigned_abs());
                }
            }
        }
    }

    /// Notes the state of an edge.
    pub fn note_edge_state(&self, now: UnixMillis, edge: EdgeId, state: EdgeState) {
        let name = self.stations.edge(edge);
        let version = state.version.clone();
        if let Some(presence) = self.edges().note_state(now, edge, state) {
            match presence {
                Presence::Online => tracing::info!(site = %name.site, edge = %name.edge, version, "edge is online"),
                Presence::Offline => tracing::warn!(site = %name.site, edge = %name.edge, "edge is offline"),
            }
        }
    }

    /// Notes the health of an edge; gives the gaps that are new in it.
    pub fn note_edge_health(&self, now: UnixMillis, edge: EdgeId, health: EdgeHealth) -> Vec<GapNote> {
        let notes = self.edges().note_health(now, edge, health);
        for note in &notes {
            let name = self.stations.edge(edge);
            let (readings, journal) = (note.ranges.count(), note.journal);
            tracing::warn!(
                site = %name.site, edge = %name.edge, %journal, readings,
                "the journal of an edge was full; readings are lost"
            );
        }
        notes
    }

    /// Notes that the database takes commits again.
    pub fn note_store_works(&self) {
        let over = lock(&self.store_trouble).take();
        if let Some(after) = over {
            tracing::info!(after, "the database takes readings again");
            self.tell_trouble();
        }
    }

    /// Notes that a commit failed.
    pub fn note_store_fails(&self, error: &rusqlite::Error) {
        self.counters.commit_failures.fetch_add(1, Ordering::Relaxed);
        let before = lock(&self.store_trouble).replace(error.to_string());
        if before.is_none() {
            tracing::error!(
                %error,
                "the database takes no readings; nothing is acknowledged and no alarm is told until it does"
            );
            self.tell_trouble();
        }
    }

    /// Has the retained state of the centre say what the trouble is, or that there is none: an alarm cannot, because none is
    /// told that is not recorded.
    fn tell_trouble(&self) {
        for desk in &self.desks {
            desk.centre().handle_trouble();
            desk.changed.notify_one();
        }
    }

    /// Gives why the database takes no readings; absent when it does.
    #[must_use]
    pub fn store_trouble(&self) -> Option<String> {
        lock(&self.store_trouble).clone()
    }

    /// Notes that the historian takes readings.
    pub fn note_historian_works(&self) {
        if let Some(after) = lock(&self.historian_trouble).take() {
            tracing::info!(after, "the historian takes readings again");
        }
    }

    /// Notes that the historian takes nothing, and why.
    pub fn note_historian_fails(&self, help: Help, reason: &str) {
        self.counters.historian_failures.fetch_add(1, Ordering::Relaxed);
        let mut trouble = lock(&self.historian_trouble);
        if trouble.is_none() {
            match help {
                Help::Time => tracing::warn!(reason, "the historian takes no readings; they wait for it"),
                Help::Person => tracing::error!(reason, "the historian refuses; readings wait until that is put right"),
            }
        }
        *trouble = Some(reason.to_owned());
    }

    /// Gives why the historian takes nothing; absent when it does, or there is none.
    #[must_use]
    pub fn historian_trouble(&self) -> Option<String> {
        lock(&self.historian_trouble).clone()
    }

    /// Notes that old readings have gone.
    pub fn note_expired(&self, expired: Expired) {
        self.counters.readings_expired.fetch_add(expired.readings, Ordering::Relaxed);
        if expired.unsent > 0 && self.counters.readings_abandoned.fetch_add(expired.unsent, Ordering::Relaxed) == 0 {
            tracing::error!(
                readings = expired.unsent,
                "readings that the historian has not got were deleted because they became too old"
            );
        }
    }
}

impl Desk {
    /// Gives what the centre has yet to say.
    pub fn centre(&self) -> MutexGuard<'_, Centre> {
        lock(&self.centre)
    }

    /// Gives why there is no connection to the broker; absent when there is one.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    /// Notes that a connection stands.
    fn note_connected(&self, standing: Vec<AlarmKey>) {
        *lock(&self.trouble) = None;
        let mut centre = self.centre();
        centre.handle_connected();
        standing.into_iter().for_each(|key| centre.handle_alarm(key));
        drop(centre);
        self.changed.notify_one();
    }

    /// Notes that there is no connection.
    fn note_disconnected(&self, reason: String) {
        *lock(&self.trouble) = Some(reason);
        self.centre().handle_disconnected();
    }
}

/// Locks; after a panic elsewhere the supervisor is stopping everything anyway.
fn key_of(tank: &WatchedTank) -> (SiteName, TankName) {
    (tank.site.clone(), tank.tank.clone())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
