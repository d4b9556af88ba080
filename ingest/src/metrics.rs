//! What is counted, and how Prometheus is told of it.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tankline_domain::alarm::{Priority, State};
use tankline_domain::message::Presence;
use tankline_domain::units::UnixMillis;
use tankline_runtime::cost::Spent;

use crate::live::EdgeNow;
use crate::notify::Tally;
use crate::shared::Shared;
use crate::stages::Stage;
use crate::store::{Committed, Group, Happened};

/// Counters since the start of the process.
#[derive(Debug, Default)]
pub struct Counters {
    /// MQTT messages taken in.
    pub messages: AtomicU64,
    /// Readings committed.
    pub readings_committed: AtomicU64,
    /// Readings that were committed before.
    pub duplicates_refused: AtomicU64,
    /// Dead letters kept.
    pub dead_letters: AtomicU64,
    /// Dead letters that went because there were too many.
    pub dead_letters_dropped: AtomicU64,
    /// Transactions committed.
    pub commits: AtomicU64,
    /// Transactions that failed.
    pub commit_failures: AtomicU64,
    /// Transitions of alarms committed.
    pub alarm_transitions: AtomicU64,
    /// Those of them that called for somebody.
    pub alarm_annunciations: AtomicU64,
    /// Readings deleted because of their age.
    pub readings_expired: AtomicU64,
    /// Those of them that the historian had not got.
    pub readings_abandoned: AtomicU64,
    /// Lines that the historian took.
    pub historian_lines: AtomicU64,
    /// Lines that the historian refused for good.
    pub historian_poison: AtomicU64,
    /// Writes to the historian that failed.
    pub historian_failures: AtomicU64,
    /// Times that the figures of now were written to the historian.
    pub figures_written: AtomicU64,
    /// Times that it did not take them.
    pub figures_dropped: AtomicU64,
    /// Id through which the historian has all readings.
    pub historian_through: AtomicU64,
}

impl Counters {
    /// Counts a transaction.
    pub(crate) fn note(&self, group: &Group, done: &Committed) {
        let add = |counter: &AtomicU64, number| counter.fetch_add(number, Ordering::Relaxed);
        add(&self.readings_committed, done.readings);
        add(&self.duplicates_refused, group.sorted.duplicates + done.duplicates);
        add(&self.dead_letters, done.letters);
        add(&self.dead_letters_dropped, done.letters_dropped);
        let annunciates = |happened: &&Happened| happened.transition.annunciates();
        add(&self.alarm_transitions, group.alarms.happened.len() as u64);
        add(&self.alarm_annunciations, group.alarms.happened.iter().filter(annunciates).count() as u64);
        add(&self.commits, u64::from(*done != Committed::default()));
    }
}

/// Writes all metrics as Prometheus reads them (text format 0.0.4).
#[must_use]
pub fn render(shared: &Shared, now: UnixMillis, has_historian: bool, certificate_ends: Option<UnixMillis>) -> String {
    let mut page = Page::default();
    let counters = &shared.counters;
    for (name, help, counter) in [
        ("messages_received_total", "MQTT messages taken in.", &counters.messages),
        ("readings_committed_total", "Readings committed to the database.", &counters.readings_committed),
        ("duplicates_refused_total", "Readings that were committed before.", &counters.duplicates_refused),
        ("dead_letters_total", "Messages and readings that could not be taken.", &counters.dead_letters),
        ("dead_letters_dropped_total", "Dead letters deleted for want of room.", &counters.dead_letters_dropped),
        ("commits_total", "Transactions committed.", &counters.commits),
        ("commit_failures_total", "Transactions that failed.", &counters.commit_failures),
        ("readings_expired_total", "Readings deleted because of their age.", &counters.readings_expired),
    ] {
        page.counter(name, help, counter.load(Ordering::Relaxed));
    }
    latency(&mut page, shared);
    stages(&mut page, shared);
    page.family("store_up", "Whether the database takes commits.", "gauge");
    page.sample("store_up", &[], u8::from(shared.store_trouble().is_none()));
    page.family("broker_connected", "Whether the broker is connected.", "gauge");
    for desk in shared.desks() {
        page.sample("broker_connected", &[("site", desk.site.as_str())], u8::from(desk.trouble().is_none()));
    }
    if let Some(end) = certificate_ends {
        let name = "certificate_not_after_timestamp_seconds";
        page.family(name, "When the first certificate for the broker ends, in seconds since 1970.", "gauge");
        page.sample(name, &[], end.get() / 1000);
    }
    if has_historian {
        historian(&mut page, shared);
    }
    notifications(&mut page, shared);
    edges(&mut page, shared);
    tanks(&mut page, shared, now);
    alarms(&mut page, shared);
    page.text
}

fn latency(page: &mut Page, shared: &Shared) {
    let name = "gauge_to_commit_seconds";
    let latencies = shared.latencies();
    page.family(name, "From the measurement to the commit, of live readings.", "histogram");
    for (bound, count) in latencies.cumulative() {
        page.sample(&format!("{name}_bucket"), &[("le", &seconds(bound))], count);
    }
    page.sample(&format!("{name}_bucket"), &[("le", "+Inf")], latencies.count());
    page.sample(&format!("{name}_sum"), &[], seconds(latencies.sum_ms()));
    page.sample(&format!("{name}_count"), &[], latencies.count());
    page.family("gauge_to_commit_quantile_seconds", "Quantiles of the same since the start.", "gauge");
    for (label, share) in [("0.5", 0.5), ("0.99", 0.99)] {
        if let Some(millis) = latencies.quantile_ms(share) {
            page.sample("gauge_to_commit_quantile_seconds", &[("quantile", label)], seconds(millis));
        }
    }
}

fn stages(page: &mut Page, shared: &Shared) {
    let mut family = |name: &str, help: &str, time: fn(Spent) -> Duration| {
        page.family(name, help, "counter");
        for stage in Stage::ALL {
            let seconds = time(shared.stage_times.of(stage).spent()).as_secs_f64();
            page.sample(name, &[("stage", stage.name())], format_args!("{seconds:.6}"));
        }
    };
    family("stage_busy_seconds_total", "Processor time that each stage took.", |spent| spent.busy);
    family("stage_waited_seconds_total", "Time that each stage waited for disk, work or a core.", |spent| spent.waited);
}

fn historian(page: &mut Page, shared: &Shared) {
    let counters = &shared.counters;
    for (name, help, counter) in [
        ("historian_lines_total", "Lines that the historian took.", &counters.historian_lines),
        ("historian_poison_lines_total", "Lines that the historian refused for good.", &counters.historian_poison),
        ("historian_failures_total", "Writes to the historian that failed.", &counters.historian_failures),
        ("historian_figures_total", "Times that the historian took the figures of now.", &counters.figures_written),
        (
            "historian_figures_dropped_total",
            "Times that the historian did not take the figures of now.",
            &counters.figures_dropped,
        ),
        (
            "historian_abandoned_readings_total",
            "Readings deleted because of their age before the historian had them.",
            &counters.readings_abandoned,
        ),
    ] {
        page.counter(name, help, counter.load(Ordering::Relaxed));
    }
    let newest = u64::try_from(*shared.newest_id.borrow()).unwrap_or_default();
    let lag = newest.saturating_sub(counters.historian_through.load(Ordering::Relaxed));
    page.family("historian_lag_readings", "Readings that the historian has not got.", "gauge");
    page.sample("historian_lag_readings", &[], lag);
    page.family("historian_up", "Whether the historian takes readings.", "gauge");
    page.sample("historian_up", &[], u8::from(shared.historian_trouble().is_none()));
}

fn notifications(page: &mut Page, shared: &Shared) {
    let tallies = shared.notifier.tallies();
    if tallies.is_empty() {
        return;
    }
    let mut counts = |name: &str, help: &str, kind: &str, count: &dyn Fn(&Tally) -> u64| {
        page.family(name, help, kind);
        for tally in tallies {
            page.sample(name, &[("target", &tally.target)], count(tally));
        }
    };
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    counts("notifications_waiting", "Notifications that wait to be told.", "gauge", &|one| count(&one.waiting));
    counts("notifications_told_total", "Notifications told.", "counter", &|one| count(&one.told));
    counts("notification_failures_total", "Attempts to tell that failed.", "counter", &|one| count(&one.failures));
    counts("notifications_given_up_total", "Notifications given up.", "counter", &|one| count(&one.given_up));
    counts("notification_up", "Whether the last attempt to tell worked.", "gauge", &|one| {
        u64::from(one.trouble().is_none())
    });
}

fn edges(page: &mut Page, shared: &Shared) {
    let live = shared.edges();
    page.family("edge_online", "Whether the edge says that it is there; 0 also while it cannot be heard.", "gauge");
    for (id, edge) in shared.stations.edges() {
        let online = live.get(id).and_then(EdgeNow::presence) == Some(Presence::Online);
        page.sample("edge_online", &[("site", edge.site.as_str()), ("edge", edge.edge.as_str())], u8::from(online));
    }
    page.family("edge_gap_readings", "Readings that the edge lost because its journal was full.", "gauge");
    for (id, edge) in shared.stations.edges() {
        if let Some((health, _)) = live.get(id).and_then(|edge| edge.health.as_ref()) {
            let labels = [("site", edge.site.as_str()), ("edge", edge.edge.as_str())];
            page.sample("edge_gap_readings", &labels, health.gap_readings);
        }
    }
    let name = "edge_certificate_not_after_timestamp_seconds";
    page.family(name, "When the first certificate of the edge ends, in seconds since 1970.", "gauge");
    for (id, edge) in shared.stations.edges() {
        let health = live.get(id).and_then(|edge| edge.health.as_ref());
        if let Some(end) = health.and_then(|(health, _)| health.certificate_ends) {
            let labels = [("site", edge.site.as_str()), ("edge", edge.edge.as_str())];
            page.sample(name, &labels, end.get() / 1000);
        }
    }
}

fn tanks(page: &mut Page, shared: &Shared, now: UnixMillis) {
    let views = shared.tank_views(now);
    page.family("tank_stale", "Whether what is known of the tank is too old.", "gauge");
    for view in &views {
        page.sample("tank_stale", &[("site", &view.site), ("tank", &view.tank)], u8::from(view.stale));
    }
    page.family("tank_age_seconds", "Age of the newest reading of the tank.", "gauge");
    for view in &views {
        if let Some(age) = view.age_s {
            page.sample("tank_age_seconds", &[("site", &view.site), ("tank", &view.tank)], age);
        }
    }
}

fn alarms(page: &mut Page, shared: &Shared) {
    page.family("alarms", "Alarms that are not normal.", "gauge");
    let board = shared.alarms().clone();
    for state in State::ALL.into_iter().filter(|state| *state != State::Normal) {
        for priority in Priority::ALL {
            let labels = [("state", state.name()), ("priority", priority.name())];
            page.sample("alarms", &labels, board.count(state, priority));
        }
    }
    for (name, help, counter) in [
        ("alarm_transitions_total", "Transitions of alarms committed.", &shared.counters.alarm_transitions),
        ("alarm_annunciations_total", "Times that an alarm called for somebody.", &shared.counters.alarm_annunciations),
    ] {
        page.counter(name, help, counter.load(Ordering::Relaxed));
    }
}

fn seconds(millis: u64) -> String {
    let text = format!("{}.{:03}", millis / 1000, millis % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The page that Prometheus reads.
#[derive(Debug, Default)]
struct Page {
    text: String,
}

impl Page {
    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, help, "counter");
        self.sample(name, &[], value);
    }

    fn family(&mut self, name: &str, help: &str, kind: &str) {
        let name = format!("tankline_ingest_{name}");
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// Writes one value. Label values are names of ours, which need no escaping.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl fmt::Display) {
        let labels: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.write(format_args!("tankline_ingest_{name}{labels} {value}\n"));
    }

    fn write(&mut self, text: fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("writing to a text does not fail");
    }
}
