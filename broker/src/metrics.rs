//! What the gate counts.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use tankline_domain::units::UnixMillis;

use crate::ends::Ends;
use crate::gate::Refusal;
use crate::inner::Access;
use crate::policy::Policy;

/// Counters since the start of the broker.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Clients that are inside now.
    pub(crate) connected: AtomicU64,
    /// Clients that came in.
    pub(crate) admitted: AtomicU64,
    /// Clients that were not let in, by reason.
    refused: [AtomicU64; REASONS.len()],
    /// Connections that were turned away because the broker or their address had no place left.
    pub(crate) turned_away: AtomicU64,
    /// Passwords that were held against a hash.
    pub(crate) password_checks: AtomicU64,
    /// Packets from clients, without acknowledgements.
    pub(crate) packets: AtomicU64,
    /// Messages from clients.
    pub(crate) messages: AtomicU64,
    /// Messages that were refused for their topic.
    pub(crate) refused_messages: AtomicU64,
    /// Filters that were refused.
    pub(crate) refused_filters: AtomicU64,
    /// Clients cut off because of malformed packets.
    pub(crate) malformed: AtomicU64,
    /// Clients cut off because they were silent for too long.
    pub(crate) silent: AtomicU64,
    /// Clients cut off because they did not take what they were sent.
    pub(crate) slow: AtomicU64,
    /// Clients cut off because they lost their rights.
    pub(crate) revoked: AtomicU64,
    /// When the certificates of those inside end.
    pub(crate) ends: Ends,
    /// Times that a client was read later because it sent too fast.
    pub(crate) throttled: AtomicU64,
}

/// The words for why a client was not let in.
pub(crate) const REASONS: [&str; 12] = [
    "protocol",
    "client_id",
    "will",
    "unavailable",
    "credentials",
    "no_connect",
    "late",
    "denied",
    "tls",
    "probe",
    "nobody",
    "certificate",
];

impl Counters {
    /// Adds to a counter.
    pub(crate) fn add(counter: &AtomicU64, number: impl Into<u64>) {
        counter.fetch_add(number.into(), Ordering::Relaxed);
    }

    /// Counts a client that was not let in.
    pub(crate) fn note_refusal(&self, refusal: Refusal) {
        let place = REASONS.iter().position(|reason| *reason == refusal.word());
        if let Some(counter) = place.and_then(|place| self.refused.get(place)) {
            Self::add(counter, 1_u64);
        }
    }
}

/// Writes all metrics as Prometheus reads them (text format 0.0.4).
pub(crate) fn render(counters: &Counters, policy: &Policy, inner: &Access, now: UnixMillis) -> String {
    let mut page = Page::default();
    page.family("connections", "Clients that are connected.", "gauge");
    page.sample("connections", &[], counters.connected.load(Ordering::Relaxed));
    page.family("kept_message_bytes", "Messages on their way and retained ones.", "gauge");
    page.sample("kept_message_bytes", &[], inner.kept_bytes());
    page.family("unretained_messages_total", "Messages that found no room to be retained.", "counter");
    page.sample("unretained_messages_total", &[], inner.left_out());
    page.family("refused_clients_total", "Clients that were not let in.", "counter");
    for (reason, counter) in REASONS.iter().zip(&counters.refused) {
        page.sample("refused_clients_total", &[("reason", reason)], counter.load(Ordering::Relaxed));
    }
    page.family("cut_off_clients_total", "Clients whose connection was ended.", "counter");
    for (reason, counter) in [
        ("malformed", &counters.malformed),
        ("silent", &counters.silent),
        ("slow", &counters.slow),
        ("revoked", &counters.revoked),
    ] {
        page.sample("cut_off_clients_total", &[("reason", reason)], counter.load(Ordering::Relaxed));
    }
    for (name, help, counter) in [
        ("connections_total", "Clients that came in.", &counters.admitted),
        ("turned_away_connections_total", "Connections for which there was no place.", &counters.turned_away),
        ("password_checks_total", "Passwords that were held against a hash.", &counters.password_checks),
        ("packets_received_total", "Packets from clients, without acknowledgements.", &counters.packets),
        ("messages_received_total", "Messages from clients.", &counters.messages),
        ("refused_messages_total", "Messages to topics that are not their sender's.", &counters.refused_messages),
        (
            "refused_subscriptions_total",
            "Filters that a client had no right to, or no room for.",
            &counters.refused_filters,
        ),
        ("throttled_total", "Times that a client was read later because it sent too fast.", &counters.throttled),
    ] {
        page.family(name, help, "counter");
        page.sample(name, &[], counter.load(Ordering::Relaxed));
    }
    if let Some(tls) = &policy.tls {
        let name = "certificate_not_after_timestamp_seconds";
        page.family(name, "When the first certificate in a file ends, in seconds since 1970.", "gauge");
        let mut first = BTreeMap::new();
        for (file, certificate) in &tls.own {
            let end = first.entry(file).or_insert(certificate.not_after);
            *end = certificate.not_after.min(*end);
        }
        for (file, end) in first {
            page.sample(name, &[("file", file)], end.get() / 1000);
        }
        let name = "client_certificate_not_after_timestamp_seconds";
        page.family(name, "When the first certificate of a connected client ends, in seconds since 1970.", "gauge");
        if let Some(end) = counters.ends.first() {
            page.sample(name, &[], end.get() / 1000);
        }
        let name = "client_certificates_ending_soon";
        page.family(name, "Connected clients whose certificate ends within 30 days.", "gauge");
        page.sample(name, &[], counters.ends.soon(now).len());
    }
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, help: &str, kind: &str) {
        let name = format!("tankline_broker_{name}");
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// Writes one value. Label values are words of ours, which need no escaping.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl fmt::Display) {
        let labels: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.write(format_args!("tankline_broker_{name}{labels} {value}\n"));
    }

    fn write(&mut self, text: fmt::Arguments<'_>) {
        self.0.write_fmt(text).expect("writing to a text does not fail");
    }
}
