//! Whether the worker does what it is there for.

use std::sync::Arc;

use serde::Serialize;

use crate::notify::Tally;
use crate::shared::Shared;

/// Whether the worker does what it is there for: it commits, and the broker is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Whether it does.
    pub healthy: bool,
    /// Why it does not.
    pub reasons: Vec<String>,
    /// The broker, as each site sees it.
    pub sites: Vec<SiteHealth>,
    /// Why the historian takes no readings; nothing else waits for it, so that this does no harm to health.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub historian_trouble: Option<String>,
    /// Who cannot be told of alarms, and why; what is to be told waits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notification_troubles: Vec<String>,
}

/// The broker, as one site sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SiteHealth {
    /// The site.
    pub site: String,
    /// Whether it is connected.
    pub connected: bool,
}

/// Judges the worker.
#[must_use]
pub fn health(shared: &Shared) -> Health {
    let store = shared.store_trouble().map(|reason| format!("the database takes no readings: {reason}"));
    let mut reasons: Vec<String> = store.into_iter().collect();
    let mut sites = Vec::new();
    for desk in shared.desks() {
        let trouble = desk.trouble();
        sites.push(SiteHealth { site: desk.site.to_string(), connected: trouble.is_none() });
        reasons.extend(trouble.map(|reason| format!("site {} has no connection to the broker: {reason}", desk.site)));
    }
    let untold = |tally: &Arc<Tally>| tally.trouble().map(|trouble| format!("{}: {trouble}", tally.target));
    Health {
        healthy: reasons.is_empty(),
        reasons,
        sites,
        historian_trouble: shared.historian_trouble(),
        notification_troubles: shared.notifier.tallies().iter().filter_map(untold).collect(),
    }
}
