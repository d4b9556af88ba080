//! How one alarm stands, as it is shown to people and other programs.

use serde::{Deserialize, Serialize};
use tankline_domain::alarm::{AlarmKey, AlarmKind, Condition, Edition, Entry, Priority, State};
use tankline_domain::names::{SiteName, TankName};
use tankline_domain::units::UnixMillis;

/// How one alarm stands. The body of its retained MQTT topic is this as JSON, with times in Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The site.
    pub site: SiteName,
    /// The tank; for an alarm of an edge or a site its name.
    pub source: TankName,
    /// What is wrong.
    pub alarm: AlarmKind,
    /// Its state.
    pub state: State,
    /// How urgent it is.
    pub priority: Priority,
    /// What people call it.
    #[serde(default)]
    pub title: String,
    /// What is to be done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub guidance: String,
    /// The value that brought it about, in `unit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The limit that it was held against, in `unit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// Unit of both.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// When it was raised; for one that was put aside before it was ever raised, when that was done.
    pub since: UnixMillis,
    /// When it entered its state.
    pub changed: UnixMillis,
    /// Who acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
    /// Who shelved it or took it out of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put_aside_by: Option<String>,
    /// Why it was shelved, suppressed or taken out of service: a reason, the alarm that speaks for it, a work order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When the shelf ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shelved_until: Option<UnixMillis>,
}

impl Standing {
    /// Shows an alarm; levels are called by the names of an edition of API 2350.
    #[must_use]
    pub fn of(entry: Entry<'_>, names: Edition) -> Self {
        let Entry { alarm, rule } = entry;
        let AlarmKey { site, source, kind } = alarm.key().clone();
        let state = alarm.state();
        // What is put aside without a condition has been so since then; all else since the condition came to be.
        let is_quiet = !state.is_annunciated() && alarm.condition() == Condition::Absent;
        let since = alarm.raised().filter(|_| !is_quiet).unwrap_or(alarm.since());
        let (put_aside_by, note) = match (state, alarm.shelf(), alarm.outage()) {
            (State::OutOfService, _, Some(outage)) => (Some(outage.who.clone()), Some(outage.work_order.clone())),
            (State::Shelved, Some(shelf), _) => (Some(shelf.who.clone()), Some(shelf.why.clone())),
            (State::SuppressedByDesign, ..) => (None, alarm.suppressed_by().map(str::to_owned)),
            _ => (None, None),
        };
        Self {
            site,
            source,
            alarm: kind,
            state,
            priority: rule.priority,
            title: kind.title(names).to_owned(),
            guidance: rule.guidance.to_string(),
            value: alarm.value(),
            limit: alarm.limit(),
            unit: rule.terms().unit.to_owned(),
            since,
            changed: alarm.since(),
            acknowledged_by: alarm.acknowledged_by().map(str::to_owned),
            put_aside_by,
            note,
            shelved_until: alarm.shelf().filter(|_| state == State::Shelved).map(|shelf| shelf.until),
        }
    }

    /// Names the alarm.
    #[must_use]
    pub fn key(&self) -> AlarmKey {
        AlarmKey { site: self.site.clone(), source: self.source.clone(), kind: self.alarm }
    }

    /// Gives the place in a list with the most urgent first: what waits for somebody, then what stands, then what was put
    /// aside; within these by priority, then the newest first.
    #[must_use]
    pub fn urgency(&self) -> impl Ord + use<> {
        let group = match self.state {
            State::Unacknowledged => 0,
            State::ReturnedUnacknowledged | State::LatchedUnacknowledged => 1,
            State::Acknowledged | State::LatchedAcknowledged => 2,
            State::Shelved | State::OutOfService => 3,
            _ => 4,
        };
        (group, self.priority, std::cmp::Reverse(self.since.get()), self.key())
    }
}
